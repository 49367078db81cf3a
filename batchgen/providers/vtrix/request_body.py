"""A request as this gateway takes it. Pure."""

from enum import StrEnum

from batchgen.model import Request


class RequestFormat(StrEnum):
    """The two forms in which the API takes a request."""

    DOCUMENTED = "documented"
    PARAMS = "params"


def document(request: Request, form: RequestFormat) -> dict[str, object]:
    """The JSON document of a request, its references still objects."""
    if form is RequestFormat.DOCUMENTED:
        return {"model": request.model, "input": request.input, "parameters": request.parameters}
    params = {"input": request.input, "parameters": request.parameters}
    return {"model": request.model, "input": [{"params": params}]}

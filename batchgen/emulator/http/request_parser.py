"""Parses a request body into a generation request, or rejects it with a documented error."""

import asyncio
import copy
import hashlib
import json
from typing import Any

from batchgen.emulator.http.body_reader import ParsedBody
from batchgen.emulator.models import Model, Models, RequestForm
from batchgen.emulator.tasks.generation_request import GenerationRequest
from batchgen.emulator.video.references import Reference, UnreadableReferenceError, open_references

_INVALID_REQUEST = "invalid_request"
"""The code of an error for which the API documents none."""


class RejectedRequestError(Exception):
    """The request is invalid. Has the HTTP status and the error of the response."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Keep the fields of the response."""
        super().__init__(message)
        self.code = code or _INVALID_REQUEST
        self.message = message
        self.status = status


def _check_schema(document: object, models: Models) -> tuple[Model, RequestForm]:
    """The model and form of a body that fits its schema. Raises `RejectedRequestError`."""
    if not isinstance(document, dict):
        raise RejectedRequestError("", "the body has to be a JSON object")
    model = models.find(document.get("model"))
    if model is None:
        raise RejectedRequestError("", "model: there is no such model")
    form: RequestForm = "params" if isinstance(document.get("input"), list) else "documented"
    problem = model.schema_violation(document, form)
    if problem:
        raise RejectedRequestError(*problem)
    return model, form


async def parse_request(body: ParsedBody, models: Models) -> GenerationRequest:
    """Parse and check a body; opens media in a thread. Raises `RejectedRequestError`."""
    model, form = _check_schema(body.document, models)
    request = body.document["input"][0]["params"] if form == "params" else body.document
    uris = request["input"].get(model.references_field, ())
    payloads = dict(body.payloads)
    try:
        references = await asyncio.to_thread(open_references, uris, payloads)
    except UnreadableReferenceError:
        raise RejectedRequestError(model.reference_code, model.message(model.reference_code)) from None
    if payloads:
        # Either a key occurs twice, or a field other than the references contains a long data URI.
        raise RejectedRequestError("", "a data URI stands where none is taken")
    counted = [{"kind": reference.kind} if reference.kind else reference.redacted for reference in references]
    problem = model.reference_count_violation(counted) if model.references_field else None
    if problem:
        raise RejectedRequestError(*problem)
    return _generation_request(model, form, request, references)


def _generation_request(
    model: Model, form: RequestForm, request: dict[str, Any], references: list[Reference]
) -> GenerationRequest:
    redacted = {"input": copy.copy(request["input"]), "parameters": request.get("parameters", {})}
    if model.references_field:
        redacted["input"][model.references_field] = [reference.redacted for reference in references]
    text = json.dumps([model.name, redacted], sort_keys=True, separators=(",", ":"))
    return GenerationRequest(
        model=model,
        form=form,
        prompt=str(request["input"].get("prompt", "")),
        parameters=redacted["parameters"],
        references=references,
        redacted=redacted,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )

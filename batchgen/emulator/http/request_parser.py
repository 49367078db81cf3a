"""Parses a request body into a generation request, or rejects it with a documented error."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchgen.emulator.http.body_reader import ParsedBody
from batchgen.emulator.http.responses import error_body, invalid_field_body
from batchgen.emulator.models import SIDE_FIELDS, Model, Models, RequestForm, side_field_violation
from batchgen.emulator.settings import Accept
from batchgen.emulator.tasks.generation_request import GenerationRequest
from batchgen.emulator.video.references import FindUpload, Reference, UnreadableReferenceError, open_references

_INVALID_REQUEST = "invalid_request"
"""The code of an error for which the API documents none."""


class RejectedRequestError(Exception):
    """The request is invalid. Has the HTTP status and the body of the response, and the form if that is known."""

    def __init__(self, code: str, message: str, form: RequestForm | None = None) -> None:
        """Keep the fields of the response."""
        super().__init__(message)
        self.form = form
        self.status = 400
        self.body = error_body(code or _INVALID_REQUEST, message)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A body that fits its schema, laid out as that says; ``fields`` are all of it by name."""

    model: Model
    form: RequestForm
    flat: bool
    request: Mapping[str, Any]
    fields: dict[str, Any]
    side_fields: Mapping[str, Any]


def _check_schema(document: object, models: Models, accept: Accept) -> _Checked:
    """Check a body by the schema of its model and form. Raises `RejectedRequestError`."""
    if not isinstance(document, dict):
        raise RejectedRequestError("", "the body has to be a JSON object")
    model = models.find(document.get("model"))
    if model is None:
        raise RejectedRequestError("", "model: there is no such model")
    form: RequestForm = "params" if isinstance(document.get("input"), list) else "documented"
    if accept not in ("both", form):
        raise _refused_form(model, form)
    side_fields = {name: document[name] for name in SIDE_FIELDS if name in document}
    if problem := side_field_violation(side_fields):
        raise RejectedRequestError("", problem, form)
    body = {name: value for name, value in document.items() if name not in side_fields}
    flat = form == "params" and bool(model.sections) and _is_flat(body["input"])
    if flat:
        body["input"] = [{**body["input"][0], "params": model.nested(body["input"][0]["params"])}]
    violation = model.schema_violation(body, form)
    if violation:
        raise RejectedRequestError(*violation, form)
    return _Checked(model, form, flat, _inside(body, form), model.fields(body, form), side_fields)


def _refused_form(model: Model, form: RequestForm) -> RejectedRequestError:
    """The refusal of a form that this gateway does not take, as the code that reads the other one would say it."""
    if form == "params":
        # Whoever looks for `input.reference_urls` finds an array, and no references in it.
        code = model.reference_code_of_count
        return RejectedRequestError(code, model.message(code) if code else "input must be an object", form)
    error = RejectedRequestError("", "input must be an array", form)
    error.status, error.body = 422, invalid_field_body(("body", "input"), "input must be an array")
    return error


def _is_flat(items: list[Any]) -> bool:
    """Whether ``params`` of the one item hold the fields of input and parameters side by side."""
    params = items[0].get("params") if len(items) == 1 and isinstance(items[0], dict) else None
    return isinstance(params, dict) and not params.keys() & {"input", "parameters"}


async def parse_request(body: ParsedBody, models: Models, accept: Accept, find_upload: FindUpload) -> GenerationRequest:
    """Parse and check a body; opens media in a thread. Raises `RejectedRequestError`."""
    checked = _check_schema(body.document, models, accept)
    model, form = checked.model, checked.form
    named = checked.fields.get(model.references_field, ())
    uris = [named] if isinstance(named, str) else named
    payloads = dict(body.payloads)
    try:
        references = await asyncio.to_thread(open_references, uris, payloads, find_upload)
    except UnreadableReferenceError:
        raise RejectedRequestError(model.reference_code, model.message(model.reference_code), form) from None
    if payloads:
        # Either a key occurs twice, or a field other than the references contains a long data URI.
        raise RejectedRequestError("", "a data URI stands where none is taken", form)
    counted = [{"kind": reference.kind} if reference.kind else reference.redacted for reference in references]
    problem = model.reference_count_violation(counted) if model.references_field else None
    if problem:
        raise RejectedRequestError(*problem, form)
    return _generation_request(checked, references)


def _generation_request(checked: _Checked, references: list[Reference]) -> GenerationRequest:
    model, request = checked.model, checked.request
    redacted = {name: request.get(name, {}) for name in model.sections} or dict(request)
    if model.references_field in checked.fields:
        shown = [reference.redacted for reference in references]
        redacted = _replaced(redacted, model.references_field, shown[0] if model.takes_one_reference else shown)
    text = json.dumps([model.name, redacted], sort_keys=True, separators=(",", ":"))
    return GenerationRequest(
        model=model,
        form=checked.form,
        prompt=str(model.parameter(checked.fields, "prompt") or ""),
        fields=checked.fields,
        references=references,
        redacted=redacted,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        flat=checked.flat,
        side_fields=checked.side_fields,
    )


def _inside(document: dict[str, Any], form: RequestForm) -> dict[str, Any]:
    """The part of an accepted body that differs between requests: without what only lays it out."""
    if form == "documented":
        return document
    item: dict[str, Any] = document["input"][0]
    inside: dict[str, Any] = item.get("params", item)
    return inside


def _replaced(part: dict[str, Any], field: str, value: object) -> dict[str, Any]:
    """A part of a request with another value of a field, in whatever object that stands."""
    inside = {name: _replaced(item, field, value) if isinstance(item, dict) else item for name, item in part.items()}
    return {**inside, **({field: value} if field in part else {})}

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
    fields = model.fields(body.document, form)
    named = fields.get(model.references_field, ())
    uris = [named] if isinstance(named, str) else named
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
    request = _inside(body.document, form)
    return _generation_request(model, form, request, fields, references)


def _generation_request(
    model: Model, form: RequestForm, request: dict[str, Any], fields: dict[str, Any], references: list[Reference]
) -> GenerationRequest:
    redacted = {name: request.get(name, {}) for name in model.sections} or copy.copy(request)
    if model.references_field in fields:
        shown = [reference.redacted for reference in references]
        redacted = _replaced(redacted, model.references_field, shown[0] if model.takes_one_reference else shown)
    text = json.dumps([model.name, redacted], sort_keys=True, separators=(",", ":"))
    return GenerationRequest(
        model=model,
        form=form,
        prompt=str(model.parameter(fields, "prompt") or ""),
        fields=fields,
        references=references,
        redacted=redacted,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
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

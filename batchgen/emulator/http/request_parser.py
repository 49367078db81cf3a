"""Turns a request body into an order, or into the refusal that the API documents."""

import asyncio
import copy
import hashlib
import json
from typing import Any

from batchgen.emulator.http.body_reader import Body
from batchgen.emulator.models import Form, Model, Models
from batchgen.emulator.tasks.generation_request import Order
from batchgen.emulator.video.references import Reference, UnreadableReferenceError, open_references

INVALID = "invalid_request"
"""The code of a refusal for which the API documents none."""


class RefusedError(Exception):
    """The request is answered with an HTTP status and an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Keep what the answer needs."""
        super().__init__(message)
        self.code = code or INVALID
        self.message = message
        self.status = status


def checked(document: object, models: Models) -> tuple[Model, Form]:
    """The model and form of a body that fits its schema. Raises `RefusedError`."""
    if not isinstance(document, dict):
        raise RefusedError("", "the body has to be a JSON object")
    model = models.find(document.get("model"))
    if model is None:
        raise RefusedError("", "model: there is no such model")
    form: Form = "params" if isinstance(document.get("input"), list) else "documented"
    problem = model.violation(document, form)
    if problem:
        raise RefusedError(*problem)
    return model, form


async def order(body: Body, models: Models) -> Order:
    """The order that a body makes. Raises `RefusedError`. Opens media in a thread."""
    model, form = checked(body.document, models)
    request = body.document["input"][0]["params"] if form == "params" else body.document
    texts = request["input"].get(model.references_field, ())
    payloads = dict(body.payloads)
    try:
        references = await asyncio.to_thread(open_references, texts, payloads)
    except UnreadableReferenceError:
        raise RefusedError(model.reference_code, model.message(model.reference_code)) from None
    if payloads:
        # Either a key is there twice, or a long data URI stands in another field than the references.
        raise RefusedError("", "a data URI stands where none is taken")
    known = [{"kind": reference.kind} if reference.kind else reference.redacted for reference in references]
    problem = model.wrong_count(known) if model.references_field else None
    if problem:
        raise RefusedError(*problem)
    return _order(model, form, request, references)


def _order(model: Model, form: Form, request: dict[str, Any], references: list[Reference]) -> Order:
    shown = {"input": copy.copy(request["input"]), "parameters": request.get("parameters", {})}
    if model.references_field:
        shown["input"][model.references_field] = [reference.redacted for reference in references]
    text = json.dumps([model.name, shown], sort_keys=True, separators=(",", ":"))
    return Order(
        model=model,
        form=form,
        prompt=str(request["input"].get("prompt", "")),
        parameters=shown["parameters"],
        references=references,
        shown=shown,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )

"""A request as this gateway takes it, and as earlier versions wrote it down. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from batchgen.model import Asked, RequestDocument


class RequestFormat(StrEnum):
    """The two forms in which the API takes a request."""

    DOCUMENTED = "documented"
    PARAMS = "params"


def as_sent(document: RequestDocument, form: RequestFormat) -> dict[str, object]:
    """The JSON of a request, its references still objects."""
    if form is RequestFormat.DOCUMENTED or has_one_form(document):
        return dict(document)
    params = {name: part for name, part in document.items() if name != "model"}
    return {"model": document["model"], "input": [{"params": params}]}


def has_one_form(document: RequestDocument) -> bool:
    """Whether a request is the same in both forms: a model that is described with a list takes nothing else."""
    return isinstance(document.get("input"), list)


def asked_before(stored: Mapping[str, Any]) -> Asked:
    """What a request asks for that an earlier version wrote down without saying so. Raises ValueError."""
    fields, parameters = stored.get("input"), stored.get("parameters")
    if not isinstance(fields, dict) or not isinstance(parameters, dict):
        raise ValueError("a request lacks its input or its parameters")  # noqa: TRY004 - the content is at fault
    videos = _videos(fields.get("reference_urls", ()))
    return Asked(
        _text(stored.get("model")),
        _text(fields.get("prompt")) or "",
        _text(parameters.get("size")),
        _number(parameters.get("duration")),
        _number(parameters.get("seed")),
        reference_videos=videos,
        # How long they are was not written down.
        reference_seconds=Decimal(0) if videos == 0 else None,
    )


def _videos(references: object) -> int | None:
    """How many of the references are videos; None where the kind of one was not written down."""
    listed = references if isinstance(references, list | tuple) else [None]
    kinds = [_text(each.get("mime")) if isinstance(each, dict) else None for each in listed]
    return None if None in kinds else sum(str(kind).startswith("video/") for kind in kinds)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

"""Which faults there are, as tables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal, TypeAlias, cast

from batchgen.errors import UsageError


class Stage(Enum):
    """Where a fault strikes."""

    SUBMIT = "submission"
    OUTCOME = "outcome"
    WORDING = "wording"
    POLL = "status answer"
    RESULT = "result"


Form: TypeAlias = Literal["usual", "json", "html", "half", "empty", "no-id", "failed"]
"""What the body of an answer becomes. ``usual``: what it would have been."""
Ending: TypeAlias = Literal["whole", "close", "reset", "midway"]
"""How an answer ends. ``close`` and ``reset`` send nothing; ``midway`` stops inside the body."""
Shape: TypeAlias = Literal["object", "string", "int", "none"]
"""How a failed task words its error."""

SHAPES: Mapping[Shape, str] = {
    "object": '{"code": "001…", "message": "…"}',
    "string": "a bare string",
    "int": '{"code": 1…, "error_message": "…"}',
    "none": "no error at all",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong.

    ``created`` tells of a submission whether a task exists (and will be charged) all the same.
    ``code`` and ``shape`` are set for errors that carry a code.
    """

    kind: str
    stage: Stage
    does: str
    created: bool = False
    status: int = 200
    form: Form = "usual"
    ending: Ending = "whole"
    slow: bool = False
    retry_after: bool = False
    code: str = ""
    shape: Shape = "object"


def _answers(stage: Stage, prefix: str) -> tuple[Fault, ...]:
    """The faults of an answer that leave no task behind, or that only a poll can have."""
    return (
        Fault(f"{prefix}401", stage, "401, the key is refused", status=401, form="json"),
        Fault(f"{prefix}403", stage, "403, the balance is too low", status=403, form="json"),
        Fault(f"{prefix}429", stage, "429 with Retry-After", status=429, form="json", retry_after=True),
        Fault(f"{prefix}500-json", stage, "500 with a JSON error", status=500, form="json"),
        Fault(f"{prefix}500-html", stage, "500 with an HTML page", status=500, form="html"),
        Fault(f"{prefix}502-html", stage, "502 with an HTML page, as a proxy sends it", status=502, form="html"),
        Fault(f"{prefix}503", stage, "503 with Retry-After", status=503, form="json", retry_after=True),
        Fault(f"{prefix}504", stage, "504 with an HTML page", status=504, form="html"),
        Fault(f"{prefix}reset", stage, "the connection is reset (RST)", ending="reset"),
    )


_SUBMIT = (
    *_answers(Stage.SUBMIT, ""),
    Fault("lost-response", Stage.SUBMIT, "the connection is closed without an answer", ending="close", created=True),
    Fault("reset-created", Stage.SUBMIT, "the connection is reset (RST)", ending="reset", created=True),
    Fault("502-html-created", Stage.SUBMIT, "502 with an HTML page", status=502, form="html", created=True),
    Fault("504-created", Stage.SUBMIT, "504 with an HTML page", status=504, form="html", created=True),
    Fault("500-html-created", Stage.SUBMIT, "500 with an HTML page", status=500, form="html", created=True),
    Fault("slow", Stage.SUBMIT, "the answer comes after --slow-seconds", slow=True, created=True),
    Fault("truncated-json", Stage.SUBMIT, "200 with the first half of the JSON", form="half", created=True),
    Fault("cut-answer", Stage.SUBMIT, "200, and the connection ends inside the body", ending="midway", created=True),
    Fault("no-id", Stage.SUBMIT, "200 with JSON that has no id", form="no-id", created=True),
    Fault("empty", Stage.SUBMIT, "200 with an empty body", form="empty", created=True),
)

_POLL = (
    *_answers(Stage.POLL, "poll-"),
    Fault("poll-500", Stage.POLL, "500 with a JSON error", status=500, form="json"),
    Fault("poll-404", Stage.POLL, "404, although the task exists", status=404, form="json"),
    Fault("poll-lost", Stage.POLL, "the connection is closed without an answer", ending="close"),
    Fault("poll-slow", Stage.POLL, "the answer comes after --slow-seconds", slow=True),
    Fault("poll-truncated", Stage.POLL, "200 with the first half of the JSON", form="half"),
    Fault("poll-cut", Stage.POLL, "200, and the connection ends inside the body", ending="midway"),
    Fault("poll-empty", Stage.POLL, "200 with an empty body", form="empty"),
)

_OUTCOME = (
    Fault("stuck", Stage.OUTCOME, "the task stays in progress for ever"),
    Fault("vanish", Stage.OUTCOME, "reading the task gives 404 from the start"),
    Fault("fail-none", Stage.OUTCOME, "the task fails and gives no error", shape="none"),
    Fault(
        "status-weird",
        Stage.WORDING,
        "statuses in other words and cases: QUEUED, Pending, PROCESSING, Completed; progress is often missing",
    ),
)

_RESULT = (
    Fault("expired-url", Stage.RESULT, "the first URL given out has expired; the next reading gives a good one"),
    Fault("truncated-result", Stage.RESULT, "the first download ends half-way; later ones are whole"),
    Fault("short-result", Stage.RESULT, "the file itself is cut in half, and its length says so"),
    Fault("wrong-size-result", Stage.RESULT, "the video has half the width and height"),
    Fault("wrong-duration-result", Stage.RESULT, "the video is a second shorter"),
    Fault("no-range", Stage.RESULT, "Range is ignored: always 200 and the whole file"),
    Fault("result-404", Stage.RESULT, "the file is not found, ever", status=404),
    Fault("result-500", Stage.RESULT, "the file answers 500, ever", status=500),
    Fault("result-html", Stage.RESULT, "200 with an HTML page instead of the video", form="html"),
)

KINDS: Mapping[str, Fault] = {fault.kind: fault for fault in (*_SUBMIT, *_OUTCOME, *_POLL, *_RESULT)}
"""The faults with a fixed name."""

_CODE = r"(?P<code>\d{3,20})"
_STATUS = r"(?:-(?P<status>[245]\d\d))?"
_SHAPE = r"(?:-(?P<shape>object|string|int))?"

_REFUSAL = Fault("", Stage.SUBMIT, "", status=400, form="json")
_FAILURE = Fault("", Stage.OUTCOME, "", form="failed")

PATTERNS: Mapping[str, tuple[str, Fault, str]] = {
    "code-CODE[-STATUS]": (rf"code-{_CODE}{_STATUS}", _REFUSAL, "a JSON error with that code, 400 if not said"),
    "fail-CODE[-SHAPE]": (rf"fail-{_CODE}{_SHAPE}", _FAILURE, "the task fails with that code"),
    "poll-code-CODE[-STATUS]": (
        rf"poll-code-{_CODE}{_STATUS}",
        replace(_REFUSAL, stage=Stage.POLL),
        "a JSON error with that code, 400 if not said; the task goes on",
    ),
    "poll-fail-CODE[-SHAPE]": (
        rf"poll-fail-{_CODE}{_SHAPE}",
        replace(_FAILURE, stage=Stage.POLL),
        "this answer says failed with that code; the task goes on",
    ),
}
"""The faults whose name carries a code: expression, template, meaning."""


def named(kind: str) -> Fault:
    """The fault of that name. Raises `UsageError`, which lists all, for a name there is not."""
    if kind in KINDS:
        return KINDS[kind]
    for expression, template, does in PATTERNS.values():
        found = re.fullmatch(expression, kind)
        if found:
            given = found.groupdict()
            status = int(given.get("status") or template.status)
            shape = cast(Shape, given.get("shape") or "object")
            return replace(template, kind=kind, does=does, code=given["code"], status=status, shape=shape)
    raise UsageError(f"there is no fault {kind!r}; there are: {', '.join([*KINDS, *PATTERNS])}")

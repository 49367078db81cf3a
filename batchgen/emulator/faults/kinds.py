"""The faults that the emulator can inject, as tables. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import Enum
from typing import Literal, TypeAlias, cast

from batchgen.errors import Remedy, UsageError

_MOST_ALIKE = 3


class Stage(Enum):
    """Where a fault applies. The values are part of the seeded draws."""

    SUBMIT = "submission"
    OUTCOME = "outcome"
    WORDING = "wording"
    LENGTH = "length"
    POLL = "status answer"
    RESULT = "result"
    SHAPE = "shape of answers"
    PREVIEW = "price preview"
    UPLOAD = "upload"


ErrorForm: TypeAlias = Literal["json", "message", "detail", "details", "text", "error_code", "balance", "envelope"]
"""The form of an error over HTTP; ``json`` is the documented one."""
BodyForm: TypeAlias = Literal["usual", "html", "half", "empty", "no-id", "failed", "data"] | ErrorForm
"""The body that is sent. ``usual``: the body without a fault; ``half``: the first half of it; ``data``: around it."""
Delivery: TypeAlias = Literal["whole", "close", "reset", "midway"]
"""How much of the response is sent. ``close`` and ``reset``: nothing; ``midway``: half of the body."""
ErrorShape: TypeAlias = Literal["object", "string", "int", "flat", "none"]
"""The form of an error with a code: in a failed task, or over HTTP."""

ERROR_SHAPES: Mapping[ErrorShape, str] = {
    "object": '{"code": "001…", "message": "…"}',
    "string": "a bare string",
    "int": '{"code": 1…, "error_message": "…"}',
    "flat": 'the same, and not under "error"; of HTTP errors alone',
    "none": "no error at all",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    ``creates_task`` says whether a submission creates (and charges) a task despite the fault.
    ``code`` and ``error_shape`` are set for errors that carry a code, ``status_word`` for failures that
    the gateway calls otherwise. ``seconds`` is how long the task takes, ``padding`` how many bytes the file has
    more, ``bytes_per_second`` how fast it comes; 0 where the fault is another one.
    """

    kind: str
    stage: Stage
    description: str
    creates_task: bool = False
    status: int = 200
    body_form: BodyForm = "usual"
    delivery: Delivery = "whole"
    slow: bool = False
    retry_after: bool = False
    code: str = ""
    error_shape: ErrorShape = "object"
    status_word: str = ""
    seconds: float = 0
    padding: int = 0
    bytes_per_second: int = 0


def _response_faults(stage: Stage, prefix: str) -> tuple[Fault, ...]:
    """The faults of a response that submissions and polls share. None of them creates a task."""
    return (
        Fault(f"{prefix}401", stage, "401, the key is refused", status=401, body_form="json"),
        Fault(f"{prefix}402", stage, "402, the balance is too low", status=402, body_form="json"),
        Fault(f"{prefix}403", stage, "403, the balance is too low", status=403, body_form="json"),
        Fault(f"{prefix}429", stage, "429 with Retry-After", status=429, body_form="json", retry_after=True),
        Fault(f"{prefix}500-json", stage, "500 with a JSON error", status=500, body_form="json"),
        Fault(f"{prefix}500-html", stage, "500 with an HTML page", status=500, body_form="html"),
        Fault(f"{prefix}502-html", stage, "502 with an HTML page, as a proxy sends it", status=502, body_form="html"),
        Fault(f"{prefix}503", stage, "503 with Retry-After", status=503, body_form="json", retry_after=True),
        Fault(f"{prefix}504", stage, "504 with an HTML page", status=504, body_form="html"),
        Fault(f"{prefix}reset", stage, "the connection is reset (RST)", delivery="reset"),
    )


_REFUSALS = (
    Fault("400-html", Stage.SUBMIT, "400 with an HTML page, as a proxy sends it", body_form="html"),
    Fault("400-empty", Stage.SUBMIT, "400 with an empty body", body_form="empty"),
    Fault("400-message", Stage.SUBMIT, '400 with {"message"}', body_form="message"),
    Fault("400-detail", Stage.SUBMIT, '400 with {"detail": "…", "request_id"}', body_form="detail"),
    Fault("400-details", Stage.SUBMIT, '400 with {"detail": [{"loc", "msg"}]}', body_form="details"),
    Fault("400-text", Stage.SUBMIT, '400 with {"error": "…"}', body_form="text"),
    Fault("400-error-code", Stage.SUBMIT, '400 with {"error_code", "error_message"}', body_form="error_code"),
    Fault("balance", Stage.SUBMIT, "400 with the code insufficient_balance", body_form="balance"),
)
_SUBMISSION_FAULTS = (
    *_response_faults(Stage.SUBMIT, ""),
    *(replace(fault, status=400) for fault in _REFUSALS),
    Fault("404", Stage.SUBMIT, "404 with a JSON error", status=404, body_form="json"),
    Fault("422-details", Stage.SUBMIT, '422 with {"detail": [{"loc", "msg"}]}', status=422, body_form="details"),
    Fault("429-bare", Stage.SUBMIT, "429 without Retry-After", status=429, body_form="json"),
    Fault("500-empty", Stage.SUBMIT, "500 with an empty body", status=500, body_form="empty"),
    Fault("balance-200", Stage.SUBMIT, "200 with the code insufficient_balance", body_form="balance"),
    Fault("balance-429", Stage.SUBMIT, "429 with the code insufficient_balance", status=429, body_form="balance"),
    Fault(
        "lost-response", Stage.SUBMIT, "the connection is closed without an answer", delivery="close", creates_task=True
    ),
    Fault("reset-created", Stage.SUBMIT, "the connection is reset (RST)", delivery="reset", creates_task=True),
    Fault("502-html-created", Stage.SUBMIT, "502 with an HTML page", status=502, body_form="html", creates_task=True),
    Fault("504-created", Stage.SUBMIT, "504 with an HTML page", status=504, body_form="html", creates_task=True),
    Fault("500-html-created", Stage.SUBMIT, "500 with an HTML page", status=500, body_form="html", creates_task=True),
    Fault("slow", Stage.SUBMIT, "the answer comes after --slow-seconds", slow=True, creates_task=True),
    Fault("truncated-json", Stage.SUBMIT, "200 with the first half of the JSON", body_form="half", creates_task=True),
    Fault(
        "cut-answer", Stage.SUBMIT, "200, and the connection ends inside the body", delivery="midway", creates_task=True
    ),
    Fault("no-id", Stage.SUBMIT, "200 with JSON that has no id", body_form="no-id", creates_task=True),
    Fault("empty", Stage.SUBMIT, "200 with an empty body", body_form="empty", creates_task=True),
)

_POLL_FAULTS = (
    *_response_faults(Stage.POLL, "poll-"),
    Fault("poll-500", Stage.POLL, "500 with a JSON error", status=500, body_form="json"),
    Fault("poll-404", Stage.POLL, "404, although the task exists", status=404, body_form="json"),
    Fault("poll-lost", Stage.POLL, "the connection is closed without an answer", delivery="close"),
    Fault("poll-slow", Stage.POLL, "the answer comes after --slow-seconds", slow=True),
    Fault("poll-truncated", Stage.POLL, "200 with the first half of the JSON", body_form="half"),
    Fault("poll-cut", Stage.POLL, "200, and the connection ends inside the body", delivery="midway"),
    Fault("poll-empty", Stage.POLL, "200 with an empty body", body_form="empty"),
)

_OUTCOME_FAULTS = (
    Fault("stuck", Stage.OUTCOME, "the task stays in progress for ever"),
    Fault("vanish", Stage.OUTCOME, "reading the task gives 404 from the start"),
    Fault("fail-none", Stage.OUTCOME, "the task fails and gives no error", error_shape="none"),
    Fault(
        "fail-cancelled",
        Stage.OUTCOME,
        "the task is CANCELLED, without error",
        error_shape="none",
        status_word="CANCELLED",
    ),
    Fault(
        "fail-canceled",
        Stage.OUTCOME,
        "the task is canceled, without error",
        error_shape="none",
        status_word="canceled",
    ),
    Fault(
        "fail-expired", Stage.OUTCOME, "the task is expired, without error", error_shape="none", status_word="expired"
    ),
    Fault("fail-error", Stage.OUTCOME, "the status of the task is error", error_shape="none", status_word="error"),
    Fault("fail-completed", Stage.OUTCOME, "completed, with an error and no video", status_word="completed"),
    Fault(
        "status-weird",
        Stage.WORDING,
        "statuses in other words and cases: QUEUED, Pending, PROCESSING, Completed; progress is often missing",
    ),
)

_RESULT_FAULTS = (
    Fault("expired-url", Stage.RESULT, "the first URL given out has expired; the next reading gives a good one"),
    Fault("truncated-result", Stage.RESULT, "the first download ends half-way; later ones are whole"),
    Fault("short-result", Stage.RESULT, "the file itself is cut in half, and its length says so"),
    Fault("wrong-size-result", Stage.RESULT, "the video has half the width and height"),
    Fault("wrong-duration-result", Stage.RESULT, "the video is a second shorter"),
    Fault("no-range", Stage.RESULT, "Range is ignored: always 200 and the whole file"),
    Fault("result-404", Stage.RESULT, "the file is not found, ever", status=404),
    Fault("result-500", Stage.RESULT, "the file answers 500, ever", status=500),
    Fault("result-html", Stage.RESULT, "200 with an HTML page instead of the video", body_form="html"),
)

_SHAPE_FAULTS = tuple(
    Fault(kind, Stage.SHAPE, description)
    for kind, description in (
        ("envelope", 'the answers about the task are {"data": {…}, "status": {"code": 200, "message"}}'),
        ("status-success", "a completed task has the status success"),
        ("status-succeeded", "a completed task has the status SUCCEEDED"),
        ("status-unknown", "a completed task has the status done"),
        ("status-missing", "a completed task has no status"),
        ("failed-with-video", "a completed task is called failed, with an error, and names its video"),
        ("output-url", "output[].url without content"),
        ("output-neighbours", "odd entries beside the video: pictures, nulls, a video without a URL"),
        ("no-result", "a completed task names no video, ever"),
        ("late-result", "a completed task names no video in the first two readings"),
        ("cost-exponent", 'usage.cost has an exponent: "200e-3"'),
        ("cost-unreadable", 'usage.cost is "a lot"'),
        ("cost-negative", "usage.cost is below zero"),
        ("cost-empty", 'usage.cost is ""'),
        ("cost-null", "usage.cost is null"),
        ("cost-missing", "usage has no cost"),
        ("cost-number", "usage.cost is a number"),
        ("usage-odd", "other keys in usage, with odd values"),
        ("discount-factor", "usage.discount is the factor 0.7"),
        ("discount-unreadable", 'usage.discount is "much"'),
        ("discount-text", "usage.discount is a text"),
    )
)

_PREVIEW_FAULTS = (
    Fault("precharge-miss", Stage.PREVIEW, '200 without a price: "reason": "COST_CACHE_MISS"'),
    Fault("precharge-404", Stage.PREVIEW, "404, as a gateway that has no preview", status=404, body_form="json"),
    Fault("precharge-task", Stage.PREVIEW, "the answer of a submission, and the task is created", creates_task=True),
)

_UPLOAD_FAULTS = (
    Fault("upload-data", Stage.UPLOAD, '200 with {"data": {"url"}}', body_form="data"),
    Fault("upload-401", Stage.UPLOAD, "401, the key is refused", status=401, body_form="json"),
    Fault("upload-403", Stage.UPLOAD, "403, the key may not upload", status=403, body_form="json"),
    Fault("upload-404", Stage.UPLOAD, "404, as a gateway that takes no files", status=404, body_form="json"),
    Fault("upload-500-html", Stage.UPLOAD, "500 with an HTML page", status=500, body_form="html"),
    Fault("upload-empty", Stage.UPLOAD, "200 with an empty body", body_form="empty"),
    Fault("upload-reset", Stage.UPLOAD, "the connection is reset (RST)", delivery="reset"),
)

KINDS: Mapping[str, Fault] = {
    fault.kind: fault
    for fault in (
        *_SUBMISSION_FAULTS,
        *_OUTCOME_FAULTS,
        *_POLL_FAULTS,
        *_SHAPE_FAULTS,
        *_RESULT_FAULTS,
        *_PREVIEW_FAULTS,
        *_UPLOAD_FAULTS,
    )
}
"""The faults with a fixed name."""

_CODE = r"(?P<code>\d{3,20})"
_STATUS = r"(?:-(?P<status>[245]\d\d))?"
_SHAPE = r"(?:-(?P<shape>object|string|int))?"
_HTTP_SHAPE = r"(?:-(?P<shape>object|string|int|flat))?"

_ERROR_RESPONSE = Fault("", Stage.SUBMIT, "", status=400, body_form="json")
_TASK_FAILURE = Fault("", Stage.OUTCOME, "", body_form="failed")
_MEBIBYTE = 2**20

PATTERNS: Mapping[str, tuple[str, Fault, str]] = {
    "code-CODE[-STATUS][-SHAPE]": (
        rf"code-{_CODE}{_STATUS}{_HTTP_SHAPE}",
        _ERROR_RESPONSE,
        "a JSON error with that code, 400 if not said",
    ),
    "envelope-CODE[-STATUS]": (
        rf"envelope-{_CODE}{_STATUS}",
        replace(_ERROR_RESPONSE, status=200, body_form="envelope"),
        '{"data": null, "status": {"code", "message"}} with that code, 200 if not said',
    ),
    "fail-CODE[-SHAPE]": (rf"fail-{_CODE}{_SHAPE}", _TASK_FAILURE, "the task fails with that code"),
    "poll-code-CODE[-STATUS][-SHAPE]": (
        rf"poll-code-{_CODE}{_STATUS}{_HTTP_SHAPE}",
        replace(_ERROR_RESPONSE, stage=Stage.POLL),
        "a JSON error with that code, 400 if not said; the task goes on",
    ),
    "poll-envelope-CODE[-STATUS]": (
        rf"poll-envelope-{_CODE}{_STATUS}",
        replace(_ERROR_RESPONSE, stage=Stage.POLL, status=200, body_form="envelope"),
        "the same as the answer to a reading; the task goes on",
    ),
    "poll-fail-CODE[-SHAPE]": (
        rf"poll-fail-{_CODE}{_SHAPE}",
        replace(_TASK_FAILURE, stage=Stage.POLL),
        "this answer says failed with that code; the task goes on",
    ),
    "takes-SECONDS": (
        r"takes-(?P<seconds>\d{1,6}(?:\.\d{1,6})?)",
        Fault("", Stage.LENGTH, ""),
        "the task takes so long, once it is in progress, whatever --latency says",
    ),
    "padded-MIB": (
        r"padded-(?P<padding>[1-9]\d?)",
        Fault("", Stage.RESULT, ""),
        "the file is so many MiB larger, and plays as before",
    ),
    "rate-MIB": (
        r"rate-(?P<rate>[1-9]\d{0,2})",
        Fault("", Stage.RESULT, ""),
        "the file comes at so many MiB a second, each download by itself",
    ),
}
"""The faults whose name contains a code or a number: regular expression, template, description."""


def find_fault(kind: str) -> Fault:
    """The fault of that name. Raises `UsageError`, which names those most alike, for an unknown one."""
    if kind in KINDS:
        return KINDS[kind]
    for expression, template, description in PATTERNS.values():
        found = re.fullmatch(expression, kind)
        if found:
            return _filled(replace(template, kind=kind, description=description), found.groupdict())
    near = get_close_matches(kind.lower(), [*KINDS, *PATTERNS], _MOST_ALIKE)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    raise UsageError(f"there is no fault {kind!r}{meant}", Remedy.LIST_FAULTS)


def _filled(fault: Fault, given: Mapping[str, str | None]) -> Fault:
    """The fault with what its name says."""
    fault = replace(
        fault,
        code=given.get("code") or "",
        status=int(given.get("status") or fault.status),
        seconds=float(given.get("seconds") or 0),
        padding=int(given.get("padding") or 0) * _MEBIBYTE,
        bytes_per_second=int(given.get("rate") or 0) * _MEBIBYTE,
    )
    return replace(fault, error_shape=cast(ErrorShape, given.get("shape") or "object"))

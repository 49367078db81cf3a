"""The gateway's JSON ⇄ our types. Pure.

Tolerant where GATEWAY answers are known to vary (letter case of the status, cost as text or number,
shape of errors, keys that come and go), strict about what is needed. The one place where the
gateway's words for a status meet ours.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

from batchgen.gateway.interface import CallFailed, Created, RemoteStatus, Stage, Task, TaskError, Trouble
from batchgen.limits import LONGEST_EXCERPT
from batchgen.money import amount
from batchgen.text import printable

MOST_ANSWER_BYTES = 4 * 1024 * 1024
"""A longer answer is not read to its end; real ones have a few kilobytes."""
_LEADING_CODE = re.compile(r"([0-9]{6,12})(?:[:\s-]+|\Z)")
_LONGEST_ID = 1_000
_NAMED_ID = re.compile(r'"(?:id|task_id|taskId)"\s*:\s*("(?:[^"\\]|\\.){1,1000}"|[0-9]{1,18})')
"""An id in the text of an answer that is not whole."""
_LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status, its body as far as it was read, and seconds to wait if it says so."""

    status: int
    body: bytes
    retry_after_s: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is one of the 200s."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def excerpt(self) -> str:
        """The beginning of the body as text, with nothing in it that steers a terminal."""
        return printable(self.body[:LONGEST_EXCERPT].decode("utf-8", "replace"))

    @property
    def is_html(self) -> bool:
        """Whether the body is a page, and no answer of the gateway."""
        return self.body[:LONGEST_EXCERPT].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def read_created(answer: Answer) -> Created:
    """The answer to creating a task. Raises `CallFailed` for anything but a task's id."""
    data = _parsed(answer.body)
    task_id = _text_id(data.get("id")) if isinstance(data, dict) else None
    if answer.is_success and task_id is not None:
        return Created(task_id)
    raise _failed(Stage.CREATE, answer, data, task_id or _candidate(data, answer.body))


def broken_off(stage: Stage, answer: Answer, trouble: Trouble, message: str) -> CallFailed:
    """A call whose answer, of which ``answer`` is what came, was not whole when its connection ended."""
    came = _candidate(_parsed(answer.body), answer.body) if stage is Stage.CREATE else None
    return CallFailed(
        stage,
        trouble,
        message,
        status=answer.status,
        is_html=answer.is_html,
        task_id=came,
        excerpt=answer.excerpt,
        retry_after_s=answer.retry_after_s,
    )


def read_task(answer: Answer, task_id: str) -> Task:
    """The answer to reading a task. Raises `CallFailed` where it says nothing of that task."""
    data = _parsed(answer.body)
    if not answer.is_success or not isinstance(data, dict):
        raise _failed(Stage.READ, answer, data, None)
    try:
        _check_id(data, task_id)
        return _task(data)
    except _NotUnderstoodError as error:
        raise CallFailed(
            Stage.READ, Trouble.UNREADABLE, str(error), status=answer.status, stated=True, excerpt=answer.excerpt
        ) from None


class _NotUnderstoodError(ValueError):
    """Something needed is missing from an answer, or makes no sense there."""


def _check_id(data: Mapping[str, Any], task_id: str) -> None:
    """Refuse an answer about another task than the one that was asked for."""
    said = _text_id(data.get("id"))
    if said is not None and said != task_id:
        raise _NotUnderstoodError(f"the gateway answered for another task, {said}")


def _candidate(data: object, body: bytes) -> str | None:
    """What may be the id of a task, in an answer that is of no use otherwise; not fit to be asked for as it is."""
    if isinstance(data, dict):
        inner = data.get("data")
        places = [data, inner if isinstance(inner, dict) else {}]
        found = [place.get(name) for place in places for name in ("id", "task_id", "taskId")]
        return next((printable(text) for text in map(_short, found) if text), None)
    named = _NAMED_ID.search(body[:MOST_ANSWER_BYTES].decode("utf-8", "replace"))
    return printable(named[1].strip('"')).strip() or None if named else None


def _parsed(body: bytes) -> Any:
    """The JSON of a body, None for what is none. Numbers with a point become Decimal at once."""
    if len(body) > MOST_ANSWER_BYTES:
        return None
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=_decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        raise ValueError(text) from None


def _no_number(text: str) -> Decimal:
    raise ValueError(text)


def _text_id(value: object) -> str | None:
    """An id that can be used: a text, or a number as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else ""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        return None
    return value if value.isprintable() and not any(char.isspace() for char in value) else None


def _failed(stage: Stage, answer: Answer, data: object, task_id: str | None) -> CallFailed:
    """A call that was answered, though not with what it is for."""
    error = _error(data) if isinstance(data, dict) else TaskError("", "")
    summary = f"the gateway answered {answer.status}"
    if answer.is_success:
        summary += f" without {'a usable task id' if stage is Stage.CREATE else 'a task'}"
    return CallFailed(
        stage,
        Trouble.UNREADABLE if answer.is_success else Trouble.STATUS,
        f"{summary}: {error.message}" if error.message else summary,
        status=answer.status,
        code=error.code,
        stated=bool(error.code or error.message),
        is_html=answer.is_html,
        task_id=task_id,
        excerpt=answer.excerpt,
        retry_after_s=answer.retry_after_s,
    )


def _error(answer: Mapping[str, Any]) -> TaskError:
    """The error of an answer in any of its known shapes.

    ``{"error": {"code", "message"}}``, ``{"error": "text"}``, ``{"error": {"code": 123,
    "error_message"}}``, and ``code`` or ``message`` at the top. A text may begin with the code.
    """
    error = answer.get("error")
    inner: Mapping[str, Any] = error if isinstance(error, dict) else {}
    code = _short(inner.get("code")) or _short(answer.get("code"))
    words = [
        inner.get("message"),
        inner.get("error_message"),
        error,
        answer.get("message"),
        answer.get("error_message"),
    ]
    message = next((text for text in map(_short, words) if text), "")
    leading = _LEADING_CODE.match(message)
    if not code and leading:
        return TaskError(leading[1], message[leading.end() :] or message)
    return TaskError(code, message)


def _short(value: object) -> str:
    """A text or a number as a text of bounded length, nothing else."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        value = str(value)
    return value.strip()[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _task(answer: Mapping[str, Any]) -> Task:
    said = answer.get("status")
    if not isinstance(said, str) or not said.strip():
        raise _NotUnderstoodError("the gateway's answer has no status")
    status = _STATUSES.get(said.strip().casefold(), RemoteStatus.RUNNING)
    if status is RemoteStatus.RUNNING:
        return Task(status, progress=_progress(answer.get("progress")))
    usage = answer.get("usage")
    cost = _amount(usage.get("cost"), "cost") if isinstance(usage, dict) else None
    discount = _amount(usage.get("discount"), "discount") if isinstance(usage, dict) else None
    if status is RemoteStatus.FAILED:
        return Task(status, cost_usd=cost, discount=discount, error=_error(answer))
    url, job_id = _video(answer.get("output"))
    return Task(status, video_url=url, job_id=job_id, cost_usd=cost, discount=discount)


_STATUSES = {"completed": RemoteStatus.COMPLETED, "failed": RemoteStatus.FAILED}


def _progress(value: object) -> float | None:
    """A number from 0 to 1; what is none is only decoration and left out."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return float(value) if 0 <= value <= 1 else None


def _amount(value: object, name: str) -> Decimal | None:
    """An amount of money, from text or number, never by way of a float."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise _NotUnderstoodError(f"the gateway's {name} is not a number")
    try:
        usd = amount(str(value))
    except ValueError:
        raise _NotUnderstoodError(f"the gateway's {name} is no amount of money") from None
    if usd.is_signed():
        raise _NotUnderstoodError(f"the gateway's {name} is below zero")
    return usd


def _video(output: object) -> tuple[str, str | None]:
    """URL and job id of the first video in a task's output."""
    for group in output if isinstance(output, list) else [output]:
        if not isinstance(group, dict) or not isinstance(group.get("content"), list):
            continue
        for item in group["content"]:
            if isinstance(item, dict) and item.get("type") == "video" and _short(item.get("url")):
                # Where the job id stands varies: beside the video, or one level up.
                job = _text_id(item.get("jobId")) or _text_id(group.get("jobId"))
                return str(item["url"]).strip(), job
    raise _NotUnderstoodError("the gateway calls the task completed, and its answer has no video")

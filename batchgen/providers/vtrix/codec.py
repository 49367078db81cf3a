"""The gateway's JSON ⇄ our types. Pure.

Tolerant where GATEWAY answers are known to vary (letter case of the status, cost as text or number,
shape of errors, keys that come and go), strict about what is needed. The one place where the
gateway's words for a status meet ours.
"""

import re
from functools import partial

from batchgen.model import TaskResult
from batchgen.providers import answers
from batchgen.providers.answers import (
    TOP,
    Answer,
    IdPlaces,
    JsonObject,
    NotUnderstood,
    Unfinished,
    check_task_id,
    share,
    short_text,
    usable_id,
    usd_amount,
)
from batchgen.providers.interface import Created, RemoteStatus, Task, TaskError

_LEADING_CODE = re.compile(r"([0-9]{6,12})(?:[:\s-]+|\Z)")


_IDS = ("id", "task_id", "taskId")
# An error has an id of its own; only what is called a task's is one there.
_ID_PLACES: IdPlaces = {TOP: _IDS, "data": _IDS, "output": _IDS, "error": _IDS[1:]}


def read_created(came: Answer | Unfinished) -> Created:
    """The answer to creating a task. Raises `CallFailed` for anything but a task's id."""
    return answers.created(came, lambda data: data.get("id"), _error, _ID_PLACES)


def read_task(came: Answer | Unfinished, task_id: str) -> Task:
    """The answer to reading a task. Raises `CallFailed` where it says nothing of that task."""
    return answers.task(came, partial(_task_with_id, task_id), _error)


def _task_with_id(task_id: str, data: JsonObject) -> Task:
    check_task_id(data.get("id"), task_id)
    return _task(data)


def _error(answer: JsonObject) -> TaskError:
    """The error of an answer in any of its known shapes.

    ``{"error": {"code", "message"}}``, ``{"error": "text"}``, ``{"error": {"code": 123,
    "error_message"}}``, and ``code`` or ``message`` at the top. A text may begin with the code.
    """
    error = answer.get("error")
    inner: JsonObject = error if isinstance(error, dict) else {}
    code = short_text(inner.get("code")) or short_text(answer.get("code"))
    words = [
        inner.get("message"),
        inner.get("error_message"),
        error,
        answer.get("message"),
        answer.get("error_message"),
    ]
    message = next((text for text in map(short_text, words) if text), "")
    leading = _LEADING_CODE.match(message)
    if not code and leading:
        return TaskError(leading[1], message[leading.end() :] or message)
    return TaskError(code, message)


def _task(answer: JsonObject) -> Task:
    said = answer.get("status")
    if not isinstance(said, str) or not said.strip():
        raise NotUnderstood("the gateway's answer has no status")
    status = _STATUSES.get(said.strip().casefold(), RemoteStatus.RUNNING)
    if status is RemoteStatus.RUNNING:
        return Task(status, progress=share(answer.get("progress")))
    usage = answer.get("usage")
    cost = usd_amount(usage.get("cost"), "cost") if isinstance(usage, dict) else None
    discount = usd_amount(usage.get("discount"), "discount") if isinstance(usage, dict) else None
    if status is RemoteStatus.FAILED:
        return Task(status, result=TaskResult(cost_usd=cost, discount=discount), error=_error(answer))
    url, job_id = _video(answer.get("output"))
    return Task(status, result=TaskResult(url, job_id, cost, discount))


_STATUSES = {"completed": RemoteStatus.COMPLETED, "failed": RemoteStatus.FAILED}


def _video(output: object) -> tuple[str, str | None]:
    """URL and job id of the first video in a task's output."""
    for group in output if isinstance(output, list) else [output]:
        if not isinstance(group, dict) or not isinstance(group.get("content"), list):
            continue
        for item in group["content"]:
            if isinstance(item, dict) and item.get("type") == "video" and short_text(item.get("url")):
                # Where the job id stands varies: beside the video, or one level up.
                job = usable_id(item.get("jobId")) or usable_id(group.get("jobId"))
                return str(item["url"]).strip(), job
    raise NotUnderstood("the gateway calls the task completed, and its answer has no video")

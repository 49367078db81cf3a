"""The bodies of answers, in the API's shapes: pure, exact to the last decimal."""

import json
from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from batchgen.emulator.faults.kinds import ErrorShape, Fault
from batchgen.emulator.settings import Settings
from batchgen.emulator.tasks.lifecycle import Task, TaskStatus

_RUNNING_WORDS = ("QUEUED", "Pending", "PROCESSING", "In_Progress")
_OTHER_WORDS: Mapping[TaskStatus, str] = {TaskStatus.COMPLETED: "Completed", TaskStatus.FAILED: "FAILED"}


def json_text(value: object) -> str:
    """JSON in which a Decimal is a number with exactly its digits, which `json` cannot write."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return json.dumps(value)


def error(code: str, message: str) -> dict[str, Any]:
    """The body of a refusal."""
    return {"error": {"code": code, "message": message}}


def http_error(status: int, message: str = "") -> dict[str, Any]:
    """The body of a refusal for which there is no code."""
    phrase = HTTPStatus(status).phrase
    return error(phrase.lower().replace(" ", "_"), message or phrase)


def html(status: int) -> str:
    """What a proxy says in place of the API."""
    title = f"{status} {HTTPStatus(status).phrase}"
    return (
        f"<html>\n<head><title>{title}</title></head>\n<body>\n"
        f"<center><h1>{title}</h1></center>\n<hr><center>proxy</center>\n</body>\n</html>\n"
    )


def created(task: Task) -> dict[str, Any]:
    """The answer to a submission."""
    return {"id": task.id, "status": _status(task, 0), "model": task.model, "created_at": int(task.created)}


def view(task: Task, share: float, poll: int, url: str, settings: Settings) -> dict[str, Any]:
    """A task as the ``poll``-th reading shows it; ``url`` is where the result is, if there is one."""
    shown = {"id": task.id, "status": _status(task, poll), "model": task.model, "created_at": int(task.created)}
    match task.status:
        case TaskStatus.IN_PROGRESS:
            return shown if task.wording_fault and poll % 2 else {**shown, "progress": share}
        case TaskStatus.COMPLETED:
            content = [{"type": "video", "url": url, "jobId": task.job_id}]
            return {**shown, "progress": 1, "output": [{"content": content}], **_usage(task, settings)}
        case TaskStatus.FAILED:
            why = failure(task.outcome_fault, task.failure_message) if task.outcome_fault else {}
            return {**shown, **why, **(_usage(task, settings) if settings.charge_failed else {})}


def _usage(task: Task, settings: Settings) -> dict[str, Any]:
    """What was charged, as a member to put into a task's view; nothing where that is not told."""
    if settings.cost_as == "none":
        return {}
    cost = task.cost if settings.cost_as == "number" else format(task.cost, "f")
    return {"usage": {"cost": cost, "discount": task.discount}}


def failure(fault: Fault, message: str) -> dict[str, Any]:
    """The error of a failed task, as a member to put into its view."""
    shapes: Mapping[ErrorShape, Any] = {
        "object": {"code": fault.code, "message": message},
        "string": f"{fault.code}: {message}",
        "int": {"code": int(fault.code or 0), "error_message": message},
    }
    return {} if fault.error_shape == "none" else {"error": shapes[fault.error_shape]}


def _status(task: Task, poll: int) -> str:
    if task.wording_fault is None:
        return task.status.value
    return _OTHER_WORDS.get(task.status, _RUNNING_WORDS[poll % len(_RUNNING_WORDS)])

"""The bodies of responses, in the format of the API. Pure; amounts keep every digit."""

import json
from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from batchgen.emulator.faults.kinds import ErrorForm, ErrorShape, Fault
from batchgen.emulator.settings import Settings
from batchgen.emulator.tasks.lifecycle import Task, TaskStatus

REQUEST_ID = "req-emulated"
"""The id of a request that errors name."""
_RUNNING_SPELLINGS = ("QUEUED", "Pending", "PROCESSING", "In_Progress")
_ENDED_SPELLINGS: Mapping[TaskStatus, str] = {TaskStatus.COMPLETED: "Completed", TaskStatus.FAILED: "FAILED"}


def json_text(value: object) -> str:
    """Encode as JSON; a Decimal becomes a number with exactly its digits, unlike with `json`."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return json.dumps(value)


def error_body(code: str, message: str) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"code": code, "message": message}}


def http_error_body(status: int, message: str = "") -> dict[str, Any]:
    """The body of an error that has no code of the API."""
    phrase = HTTPStatus(status).phrase
    return error_body(phrase.lower().replace(" ", "_"), message or phrase)


def error_in_form(form: ErrorForm, fault: Fault, message: str) -> dict[str, Any]:
    """The body of an error in one of the forms that gateways of this family send."""
    code, said = fault.code, message if fault.code else HTTPStatus(fault.status).phrase
    forms: Mapping[ErrorForm, dict[str, Any]] = {
        "json": error_body(code, message) if code else http_error_body(fault.status),
        "message": {"message": said},
        "detail": {"detail": said, "request_id": REQUEST_ID},
        "details": {"detail": [{"loc": ["body", "input"], "msg": said, "type": "value_error"}]},
        "text": {"error": said},
        "error_code": {"error_code": "bad_request", "error_message": said},
        "balance": error_body("insufficient_balance", "the balance is too low"),
        "envelope": {"data": None, "status": {"code": int(code or 0), "message": said}},
    }
    return forms[form]


def html_error_page(status: int) -> str:
    """The error page of a proxy in front of the API."""
    title = f"{status} {HTTPStatus(status).phrase}"
    return (
        f"<html>\n<head><title>{title}</title></head>\n<body>\n"
        f"<center><h1>{title}</h1></center>\n<hr><center>proxy</center>\n</body>\n</html>\n"
    )


def created_body(task: Task) -> dict[str, Any]:
    """The response to a submission."""
    return {"id": task.id, "status": _status_text(task, 0), "model": task.model, "created_at": int(task.created)}


def task_body(task: Task, progress: float, poll_index: int, url: str, settings: Settings) -> dict[str, Any]:
    """The response to a poll; ``url`` is the URL of the result, empty if there is none."""
    fields = {
        "id": task.id,
        "status": _status_text(task, poll_index),
        "model": task.model,
        "created_at": int(task.created),
    }
    match task.status:
        case TaskStatus.IN_PROGRESS:
            return fields if task.wording_fault and poll_index % 2 else {**fields, "progress": progress}
        case TaskStatus.COMPLETED:
            content = [{"type": "video", "url": url, "jobId": task.job_id}]
            return {**fields, "progress": 1, "output": [{"content": content}], **_usage_fields(task, settings)}
        case TaskStatus.FAILED:
            error_fields = failure_fields(task.outcome_fault, task.failure_message) if task.outcome_fault else {}
            if task.outcome_fault and task.outcome_fault.status_word:
                fields["status"] = task.outcome_fault.status_word
            return {**fields, **error_fields, **(_usage_fields(task, settings) if settings.charge_failed else {})}


def _usage_fields(task: Task, settings: Settings) -> dict[str, Any]:
    """The ``usage`` of a task; empty if the settings leave it out."""
    if settings.cost_as == "none":
        return {}
    cost = task.cost if settings.cost_as == "number" else format(task.cost, "f")
    return {"usage": {"cost": cost, "discount": task.discount}}


def failure_fields(fault: Fault, message: str) -> dict[str, Any]:
    """The ``error`` of a failed task; empty for the fault without an error."""
    shapes: Mapping[ErrorShape, Any] = {
        "object": {"code": fault.code, "message": message},
        "string": f"{fault.code}: {message}",
        "int": {"code": int(fault.code or 0), "error_message": message},
    }
    return {} if fault.error_shape == "none" else {"error": shapes[fault.error_shape]}


def _status_text(task: Task, poll_index: int) -> str:
    if task.wording_fault is None:
        return task.status.value
    return _ENDED_SPELLINGS.get(task.status, _RUNNING_SPELLINGS[poll_index % len(_RUNNING_SPELLINGS)])

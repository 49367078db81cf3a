"""The bodies of responses, in the format of the API. Pure; amounts keep every digit."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from batchgen.emulator.faults.kinds import ErrorForm, ErrorShape, Fault
from batchgen.emulator.money import Charge
from batchgen.emulator.settings import CostAs, Settings
from batchgen.emulator.tasks.lifecycle import Task, TaskStatus

_IN_QUEUE = "in_queue"
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


def invalid_field_body(place: Sequence[str], message: str) -> dict[str, Any]:
    """The body of an error that names the place of the field that is wrong."""
    return {"detail": [{"loc": list(place), "msg": message, "type": "value_error"}]}


def error_in_form(form: ErrorForm, fault: Fault, message: str, request_id: str) -> dict[str, Any]:
    """The body of an error in one of the forms that gateways of this family send."""
    code, said = fault.code, message if fault.code else HTTPStatus(fault.status).phrase
    forms: Mapping[ErrorForm, dict[str, Any]] = {
        "json": failure_fields(fault, message) if code else http_error_body(fault.status),
        "message": {"message": said},
        "detail": {"detail": said, "request_id": request_id},
        "details": invalid_field_body(("body", "input"), said),
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
    return _task_fields(task, 0, waits=task.queued > 0)


def task_body(task: Task, progress: float | None, poll_index: int, url: str, settings: Settings) -> dict[str, Any]:
    """The response to a poll.

    ``progress`` is None while the task is in the queue; ``url`` is the URL of the result, empty if there is none.
    """
    fields = _task_fields(task, poll_index, waits=progress is None)
    match task.status:
        case TaskStatus.IN_PROGRESS:
            untold = progress is None or (task.wording_fault and poll_index % 2)
            return fields if untold else {**fields, "progress": progress}
        case TaskStatus.COMPLETED:
            content = [{"type": "video", "url": url, "jobId": task.job_id}]
            told = {"progress": 1, "output": [{"content": content}], "metadata": _times(task)}
            return {**fields, **told, **_usage_fields(task, settings)}
        case TaskStatus.FAILED:
            error_fields = failure_fields(task.outcome_fault, task.failure_message) if task.outcome_fault else {}
            if task.outcome_fault and task.outcome_fault.status_word:
                fields["status"] = task.outcome_fault.status_word
            return {**fields, **error_fields, **(_usage_fields(task, settings) if settings.charge_failed else {})}


def _times(task: Task) -> dict[str, Any]:
    return {"in_queue_at": round(task.created, 3), "completed_at": round(task.created + task.latency, 3)}


def _usage_fields(task: Task, settings: Settings) -> dict[str, Any]:
    """The ``usage`` of a task; empty if the settings leave it out."""
    if settings.cost_as == "none":
        return {}
    charge = task.charge
    usage = {"cost": _amount(charge.cost, settings.cost_as), "discount": charge.discount}
    if charge.quantity is None or charge.unit_price is None:
        return {"usage": usage}
    made_of = {
        "quantity": charge.quantity,
        "unit_price": _amount(charge.unit_price, settings.cost_as),
        "extra_info": {"tier": charge.tier},
        "metadata": {
            "output_seconds": charge.quantity - charge.reference_seconds,
            "reference_seconds": charge.reference_seconds,
        },
    }
    return {"usage": {**usage, **made_of}}


def _amount(value: Decimal, cost_as: CostAs) -> Decimal | str:
    return value if cost_as == "number" else format(value, "f")


def preview_body(charge: Charge, model: str, request_sha256: str, discount: Decimal, now: float) -> dict[str, Any]:
    """The response to the question what a task would cost; ``discount`` is the share taken off."""
    data = {
        "billing_model": model,
        "cost": format(charge.cost, "f"),
        "currency": "USD",
        # Here it is the factor that the price is multiplied with.
        "discount": 1 - discount,
        **_previewed(model, request_sha256),
        "sample_count": 1,
        "updated_at": int(now * 1000),
    }
    return {"data": data, "status": "success"}


def unknown_preview_body(model: str, request_sha256: str) -> dict[str, Any]:
    """The response where the gateway does not know what a task would cost."""
    return {
        "data": {"cost": None, **_previewed(model, request_sha256), "reason": "COST_CACHE_MISS"},
        "status": "failed",
    }


def _previewed(model: str, request_sha256: str) -> dict[str, Any]:
    return {"hash": f"v1:{request_sha256}", "model": model, "original_model": model}


def failure_fields(fault: Fault, message: str) -> dict[str, Any]:
    """The fields with the error of a failed task, or of an HTTP error with a code; empty for ``none``."""
    numbered = {"code": int(fault.code or 0), "error_message": message}
    shapes: Mapping[ErrorShape, dict[str, Any]] = {
        "object": error_body(fault.code, message),
        "string": {"error": f"{fault.code}: {message}"},
        "int": {"error": numbered},
        "flat": numbered,
        "none": {},
    }
    return shapes[fault.error_shape]


def _task_fields(task: Task, poll_index: int, *, waits: bool) -> dict[str, Any]:
    status = _IN_QUEUE if waits and task.status is TaskStatus.IN_PROGRESS else task.status.value
    if task.wording_fault is not None:
        status = _odd_status(task, poll_index)
    return {"id": task.id, "status": status, "model": task.model, "created_at": int(task.created)}


def _odd_status(task: Task, poll_index: int) -> str:
    return _ENDED_SPELLINGS.get(task.status, _RUNNING_SPELLINGS[poll_index % len(_RUNNING_SPELLINGS)])

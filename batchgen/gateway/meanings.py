"""What the ending of a call means: the one table that decides about money. Pure.

The law is promise 1: a request to create a task is sent again only where it is certain that none
was created. Whatever is not listed here as certain is `Kind.UNCERTAIN`.
"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import assert_never

from batchgen.engine.classification import NOT_CONNECTED, Classification, Kind
from batchgen.gateway.interface import CallFailed, Created, RemoteStatus, Stage, Task, TaskError, Trouble
from batchgen.limits import CONFIRMED_AFTER

CodeClasses = Mapping[str, str]
"""Documented error code → its class, as in the model's ``model.json``."""

_ACCOUNT = (401, 402, 403)
_WAIT = (429, 503)
_NOT_KNOWN = (502, 504)
_NOT_FOUND = 404
_INTERNAL_ERROR = 500


def _class_of(code: str, codes: CodeClasses) -> str | None:
    """The class of a code; one that came as a number has lost its leading zeros."""
    return codes.get(code) or next((codes[known] for known in codes if code and known.lstrip("0") == code), None)


def classify_create(ending: Created | CallFailed, codes: CodeClasses) -> Classification:
    """What the ending of a request to create a task means."""
    if isinstance(ending, Created):
        return Classification(Kind.CREATED)
    if ending.stage is not Stage.CREATE:
        raise ValueError(f"the ending of a {ending.stage} call is not one of creating")
    trouble = ending.trouble
    if trouble is Trouble.NOT_SENT:
        return Classification(Kind.REFUSED, "not_sent", f"nothing was submitted: {ending.message}")
    if trouble is Trouble.NOT_CONNECTED:
        reason = f"no connection to the gateway: {ending.message}"
        return Classification(Kind.REFUSED, NOT_CONNECTED, reason, again=True)
    if ending.status is not None and trouble in (Trouble.STATUS, Trouble.UNREADABLE):
        return _of_create_answer(ending, ending.status, _class_of(ending.code, codes))
    return _uncertain(ending)


def _of_create_answer(ending: CallFailed, status: int, code_class: str | None) -> Classification:  # noqa: PLR0911 - the order
    """What an answer without a task means. The order is that of the promise: the first line that fits decides."""
    names_task = ending.task_id is not None
    if status in _NOT_KNOWN:
        return _uncertain(ending)
    if code_class == "not_created" and not names_task:
        return _refused(ending, again=True)
    if status in _ACCOUNT:
        return Classification(Kind.ACCOUNT, ending.code or f"http_{status}", ending.message)
    if status in _WAIT:
        return _refused(ending, again=True)
    if code_class == "permanent" and not names_task:
        return _refused(ending, again=False)
    if status == _INTERNAL_ERROR and ending.stated and not names_task:
        return _refused(ending, again=True)
    if 400 <= status < 500:  # noqa: PLR2004 - the refusals of HTTP
        return _refused(ending, again=False)
    return _uncertain(ending)


def _refused(ending: CallFailed, *, again: bool) -> Classification:
    code = ending.code or f"http_{ending.status}"
    throttled = ending.status == HTTPStatus.TOO_MANY_REQUESTS
    return Classification(
        Kind.REFUSED, code, ending.message, again=again, throttled=throttled, wait_s=ending.retry_after_s
    )


def _uncertain(ending: CallFailed) -> Classification:
    reason = f"submitted, and the outcome is not known: {ending.message}"
    return Classification(Kind.UNCERTAIN, "submit_unknown", reason, wait_s=ending.retry_after_s)


def classify_read(ending: Task | CallFailed, codes: CodeClasses) -> Classification:
    """What the ending of reading a task means for that task."""
    if isinstance(ending, CallFailed):
        return _of_failed_read(ending)
    match ending.status:
        case RemoteStatus.RUNNING:
            return Classification(Kind.RUNNING)
        case RemoteStatus.COMPLETED:
            return Classification(Kind.DONE)
        case RemoteStatus.FAILED:
            return _of_failed_task(ending.error or TaskError("", ""), codes)
    assert_never(ending.status)


def _of_failed_read(ending: CallFailed) -> Classification:
    """Reading costs nothing and is repeated; only a refused account and 404 say more than "not now"."""
    if ending.stage is not Stage.READ:
        raise ValueError(f"the ending of a {ending.stage} call is not one of reading")
    if ending.status in _ACCOUNT:
        return Classification(Kind.ACCOUNT, ending.code or f"http_{ending.status}", ending.message)
    code = ending.code or (f"http_{ending.status}" if ending.status else str(ending.trouble))
    if ending.status != _NOT_FOUND:
        return Classification(Kind.TRANSIENT, code, ending.message, wait_s=ending.retry_after_s)
    # A page comes from a proxy, and so says nothing of the task.
    kind = Kind.TRANSIENT if ending.is_html else Kind.MISSING
    return Classification(kind, code, ending.message, not_found=True, wait_s=ending.retry_after_s)


_OF_CLASS = {
    "check": Classification(Kind.RUNNING),
    "recheck": Classification(Kind.FAILED, confirm=CONFIRMED_AFTER),
    "transient": Classification(Kind.FAILED, confirm=CONFIRMED_AFTER, passing=True),
    "ended": Classification(Kind.FAILED, passing=True),
    "not_created": Classification(Kind.FAILED, again=True),
}
_OF_OTHERS = Classification(Kind.FAILED)


def _of_failed_task(error: TaskError, codes: CodeClasses) -> Classification:
    return replace(
        _OF_CLASS.get(_class_of(error.code, codes) or "", _OF_OTHERS),
        code=error.code or "task_failed",
        reason=error.message or "the gateway says that the task failed, and gives no reason",
    )

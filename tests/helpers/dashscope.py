"""Alibaba's DashScope as a second provider: all that differs from the first one stands here and nowhere else.

A task is created with ``X-DashScope-Async: enable``; task id, status and address stand in ``output``.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from batchgen.engine.classification import Classification, Kind
from batchgen.limits import CONFIRMED_AFTER
from batchgen.model import Request, TaskResult
from batchgen.providers import answers
from batchgen.providers.answers import NotUnderstood, check_task_id, short_text
from batchgen.providers.error_policy import ErrorClass, ErrorPolicy
from batchgen.providers.http import JsonHttp
from batchgen.providers.interface import CallFailed, Created, RemoteStatus, Stage, Task, TaskError, Trouble
from batchgen.providers.provider import Connection, Provider

CREATE = "/api/v1/services/aigc/video-generation/video-synthesis"
TASKS = "/api/v1/tasks/"
_STATUSES = {
    "PENDING": RemoteStatus.RUNNING,
    "RUNNING": RemoteStatus.RUNNING,
    "SUCCEEDED": RemoteStatus.COMPLETED,
    "FAILED": RemoteStatus.FAILED,
    "CANCELED": RemoteStatus.FAILED,
}


class DashScopeGateway:
    """The two calls of this API."""

    def __init__(self, connection: Connection) -> None:
        self._http = JsonHttp(connection)

    def create(self, request: Request, *, request_id: str, request_format: str) -> Created:  # noqa: ARG002 - one form
        """Create a task."""
        came = self._http.post(CREATE, request.document, {"X-DashScope-Async": "enable", "X-Request-Id": request_id})
        return answers.created(came, lambda data: _output(data).get("task_id"), _error, {"output": ("task_id",)})

    def read(self, task_id: str) -> Task:
        """Read a task."""
        return answers.task(self._http.get(TASKS + quote(task_id, safe="")), partial(_task, task_id), _error)

    def close(self) -> None:
        """Close all idle connections."""
        self._http.close()


def _output(data: Mapping[str, Any]) -> Mapping[str, Any]:
    output = data.get("output")
    return output if isinstance(output, dict) else {}


def _error(data: Mapping[str, Any]) -> TaskError:
    """An error stands at the top of an answer that is none, and in the output of a task that failed."""
    said = data if data.get("code") else _output(data)
    return TaskError(short_text(said.get("code")), short_text(said.get("message")))


def _task(task_id: str, data: Mapping[str, Any]) -> Task:
    output = _output(data)
    check_task_id(output.get("task_id"), task_id)
    said = short_text(output.get("task_status")).upper()
    if said == "UNKNOWN":  # the word of this API for a task that it does not know
        raise CallFailed(Stage.READ, Trouble.STATUS, "the gateway does not know the task", status=404, stated=True)
    if said not in _STATUSES:
        raise NotUnderstood(f"the gateway's answer has no status that is known: {said!r}")
    status = _STATUSES[said]
    if status is RemoteStatus.FAILED:
        return Task(status, error=_error(data))
    url = short_text(output.get("video_url"))
    if status is RemoteStatus.COMPLETED and not url:
        raise NotUnderstood("the gateway calls the task completed, and its answer has no video")
    return Task(status, result=TaskResult(url or None, short_text(data.get("request_id")) or None))


DASHSCOPE = Provider(
    name="dashscope",
    base_url="https://dashscope-intl.aliyuncs.com",
    key_variable="DASHSCOPE_API_KEY",
    request_formats=("documented",),
    errors=ErrorPolicy(
        account=frozenset({401, 403}),
        wait=frozenset({429, 503}),
        unknown=frozenset({502, 504}),
        stated=frozenset(),
        failed_task={
            ErrorClass.PERMANENT: Classification(Kind.FAILED),
            ErrorClass.NOT_CREATED: Classification(Kind.FAILED, again=True),
            ErrorClass.CHECK: Classification(Kind.RUNNING),
            ErrorClass.RECHECK: Classification(Kind.FAILED, confirm=CONFIRMED_AFTER),
            ErrorClass.TRANSIENT: Classification(Kind.FAILED, confirm=CONFIRMED_AFTER, passing=True),
            ErrorClass.ENDED: Classification(Kind.FAILED, passing=True),
        },
    ),
    connect=DashScopeGateway,
)

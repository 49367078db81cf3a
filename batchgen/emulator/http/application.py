"""The emulated API as an ASGI application: the endpoints, the order of their checks, their responses."""

import asyncio
import contextlib
import logging
import math
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from batchgen.emulator.faults.kinds import Fault, Stage
from batchgen.emulator.http import openapi, responses
from batchgen.emulator.http.body_reader import BodyReader, BodyTooLargeError, ParsedBody
from batchgen.emulator.http.connection_faults import ClosedConnectionResponse, TruncatedResponse
from batchgen.emulator.http.logging_middleware import LoggingMiddleware, add_log_fields, log_now
from batchgen.emulator.http.request_parser import RejectedRequestError, parse_request
from batchgen.emulator.http.result_files import file_response, url_error
from batchgen.emulator.http.shapes import shaped
from batchgen.emulator.models import Models
from batchgen.emulator.request_log import RequestLog
from batchgen.emulator.settings import Settings
from batchgen.emulator.tasks.generation_request import GenerationRequest
from batchgen.emulator.tasks.lifecycle import Task, TaskStatus
from batchgen.emulator.tasks.task_service import TaskService
from batchgen.emulator.tasks.task_store import TaskStore
from batchgen.schemas import Catalogue

_log = logging.getLogger("batchgen.emulator")
_RETRY_AFTER = 1
"""The Retry-After header of faults, in seconds."""
_AUTHORIZATION = re.compile(r"bearer +\S+ *", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9._~\[\]:-]+")


def application(settings: Settings, catalogue: Catalogue) -> LoggingMiddleware:
    """Build the application. Raises `UsageError` if its log or its state cannot be used."""
    log = RequestLog(settings.log)
    endpoints = _Endpoints(TaskService(settings, Models(catalogue), log, TaskStore(settings.state)))
    routes = [
        Route("/", endpoints.about),
        Route("/openapi.json", endpoints.description),
        Route(openapi.CREATE_PATH, endpoints.create, methods=["POST"]),
        Route(openapi.TASK_PATH, endpoints.read),
        Route(openapi.FILE_PATH, endpoints.file),
    ]
    handlers: dict[Any, Any] = {HTTPException: _http_exception, Exception: _internal_error}
    return LoggingMiddleware(Starlette(routes=routes, exception_handlers=handlers, lifespan=endpoints.lifespan), log)


class _Endpoints:
    """The endpoints, on top of the task service."""

    def __init__(self, service: TaskService) -> None:
        self._task_service = service
        self._openapi = openapi.document(service.models)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._task_service.resume()
        yield
        await self._task_service.close()

    async def about(self, _: Request) -> Response:
        names = [model.name for model in self._task_service.models]
        return _json({"name": "batchgen emulator", "models": names, "openapi": "/openapi.json"})

    async def description(self, _: Request) -> Response:
        return _json(self._openapi)

    async def create(self, request: Request) -> Response:
        """Create a task. Checks, in this order: key, body, schema, references, limit on tasks, fault."""
        if not _has_key(request):
            return _json(responses.http_error_body(401, "a key is required: Authorization: Bearer KEY"), 401)
        body = await self._read_body(request)
        if isinstance(body, Response):
            return body
        try:
            parsed = await parse_request(body, self._task_service.models)
        except RejectedRequestError as error:
            return _json(responses.error_body(error.code, error.message), error.status)
        finally:
            body.close()
        add_log_fields(
            request, model=parsed.model.name, format=parsed.form, request_sha256=parsed.sha256, request=parsed.redacted
        )
        wait = self._task_service.seconds_until_capacity()
        if wait:
            return _json(responses.http_error_body(429, "too many tasks at once"), 429, math.ceil(wait))
        return await self._submit(request, parsed)

    async def _read_body(self, request: Request) -> ParsedBody | Response:
        reader = BodyReader()
        body = None
        try:
            reader.check_size(int(request.headers.get("content-length", "0")))
            async for chunk in request.stream():
                reader.feed(chunk)
            body = reader.finish()
        except BodyTooLargeError:
            return _json(responses.http_error_body(413, "the body is too large"), 413)
        except ClientDisconnect:
            add_log_fields(request, broken_off=True)
            return ClosedConnectionResponse(reset=False)
        except ValueError as error:
            return _json(responses.http_error_body(400, f"the body is not JSON: {error}"), 400)
        finally:
            add_log_fields(request, body_bytes=reader.size)
            if body is None:
                reader.close()
        add_log_fields(request, body_sha256=body.sha256)
        return body

    async def _submit(self, request: Request, parsed: GenerationRequest) -> Response:
        service, submission_index = self._task_service, self._task_service.next_submission_index(parsed)
        fault = service.fault_selector.select_first(Stage.SUBMIT, parsed.prompt, parsed.sha256, submission_index)
        try:
            task = None if fault and not fault.creates_task else await service.submit(parsed, submission_index)
        except OSError as error:
            return _json(responses.http_error_body(500, f"the task cannot be written down: {error.strerror}"), 500)
        if task:
            add_log_fields(request, task_id=task.id)
        regular_body = shaped(responses.created_body(task), task.shape_faults, 0) if task else {}
        return await self._apply_fault(request, fault, regular_body, parsed.model.message(fault.code) if fault else "")

    async def read(self, request: Request) -> Response:
        """Read a task."""
        if not _has_key(request):
            return _json(responses.http_error_body(401, "a key is required: Authorization: Bearer KEY"), 401)
        service = self._task_service
        task = service.find(request.path_params["task_id"])
        if task is None:
            return _json(responses.http_error_body(404, "there is no such task"), 404)
        poll_index = service.poll_counts[task.id]
        service.poll_counts[task.id] += 1
        add_log_fields(request, task_id=task.id)
        fault = service.fault_selector.select_first(Stage.POLL, task.prompt, task.id, poll_index)
        model = service.models.find(task.model)
        message = model.message(fault.code) if fault and model else ""
        if fault and fault.body_form == "failed":
            add_log_fields(request, fault=fault.kind)
            task_body = {
                **responses.created_body(task),
                "status": TaskStatus.FAILED.value,
                **responses.failure_fields(fault, message),
            }
            return _json(task_body)
        url = self._url(request, task) if fault is None and task.status is TaskStatus.COMPLETED else ""
        task_body = responses.task_body(task, service.progress(task), poll_index, url, service.settings)
        task_body = shaped(task_body, task.shape_faults, service.url_counts[task.id])
        return await self._apply_fault(request, fault, task_body, message)

    def _url(self, request: Request, task: Task) -> str:
        service = self._task_service
        first = service.url_counts[task.id] == 0
        service.url_counts[task.id] += 1
        lifetime = -1.0 if first and "expired-url" in task.result_faults else service.settings.url_lifetime
        host = request.headers.get("host", "")
        if not _HOST.fullmatch(host):
            name, port = request.scope["server"]
            host = f"{name}:{port}"
        return f"http://{host}/files/{task.job_id}.mp4?expires={service.now() + lifetime:.3f}"

    async def file(self, request: Request) -> Response:
        """Send a video. Needs no key, like a CDN."""
        result = await self._task_service.result(request.path_params["name"].removesuffix(".mp4"))
        if result is None:
            return _json(responses.http_error_body(404, "there is no such file"), 404)
        error_response = url_error(request.query_params.get("expires", ""), self._task_service.now())
        if error_response:
            return error_response
        task, video = result
        downloads = self._task_service.download_counts[task.job_id]
        self._task_service.download_counts[task.job_id] += request.method == "GET"
        add_log_fields(request, task_id=task.id, range=request.headers.get("range"))
        if task.result_faults:
            add_log_fields(request, fault=",".join(task.result_faults))
        return await asyncio.to_thread(file_response, request, video, task.result_faults, downloads)

    async def _apply_fault(
        self, request: Request, fault: Fault | None, regular_body: dict[str, Any], message: str
    ) -> Response:
        """The regular response, or the one with which the fault replaces it."""
        if fault is None:
            return _json(regular_body)
        add_log_fields(request, fault=fault.kind)
        if fault.delivery in ("close", "reset"):
            log_now(request, None)
            return ClosedConnectionResponse(reset=fault.delivery == "reset")
        if fault.slow:
            log_now(request, fault.status)
            try:
                await asyncio.sleep(self._task_service.settings.slow_seconds)
            except asyncio.CancelledError:
                # The emulator shuts down. Without a response from here, uvicorn would send a 500.
                return ClosedConnectionResponse(reset=False)
        if fault.delivery == "midway":
            return TruncatedResponse(responses.json_text(regular_body), media_type="application/json")
        return _faulty_response(fault, regular_body, message)


def _faulty_response(fault: Fault, regular_body: dict[str, Any], message: str) -> Response:
    retry_after = _RETRY_AFTER if fault.retry_after else None
    match fault.body_form:
        case "html":
            return Response(responses.html_error_page(fault.status), fault.status, media_type="text/html")
        case "half":
            text = responses.json_text(regular_body)
            return Response(text[: len(text) // 2], media_type="application/json")
        case "empty":
            return Response(b"", media_type="application/json")
        case "no-id":
            return _json({key: value for key, value in regular_body.items() if key != "id"})
        case "usual" | "failed":
            return _json(regular_body)
        case form:
            response = _json(responses.error_in_form(form, fault, message), fault.status, retry_after)
            if form == "message":
                response.headers["X-Request-Id"] = responses.REQUEST_ID
            return response


def _json(body: object, status: int = 200, retry_after: int | None = None) -> Response:
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(responses.json_text(body), status, headers, "application/json")


def _has_key(request: Request) -> bool:
    return _AUTHORIZATION.fullmatch(request.headers.get("authorization", "")) is not None


async def _http_exception(_: Request, error: HTTPException) -> Response:
    response = _json(responses.http_error_body(error.status_code), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _internal_error(request: Request, error: Exception) -> Response:
    _log.error("a bug in the emulator, at %s", request.url.path, exc_info=error)
    return _json(responses.http_error_body(500), 500)

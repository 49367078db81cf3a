"""The emulated API as an ASGI application: what is asked, in which order it is checked, what is answered."""

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
from batchgen.emulator.http import openapi
from batchgen.emulator.http import responses as answers
from batchgen.emulator.http.body_reader import Body, BodyReader, TooLargeError
from batchgen.emulator.http.connection_faults import BrokenOff, HalfSent
from batchgen.emulator.http.logging_middleware import Noted, note, noted
from batchgen.emulator.http.request_parser import RejectedRequestError, parse_request
from batchgen.emulator.http.result_files import refusal, served
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
"""Seconds that the faults with Retry-After ask for."""
_KEY = re.compile(r"bearer +\S+ *", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9._~\[\]:-]+")


def application(settings: Settings, catalogue: Catalogue) -> Noted:
    """The application for one emulator. Raises `UsageError` where its log or its state cannot be used."""
    log = RequestLog(settings.log)
    emulator = _Emulator(TaskService(settings, Models(catalogue), log, TaskStore(settings.state)))
    routes = [
        Route("/", emulator.about),
        Route("/openapi.json", emulator.description),
        Route(openapi.CREATE_PATH, emulator.create, methods=["POST"]),
        Route(openapi.TASK_PATH, emulator.read),
        Route(openapi.FILE_PATH, emulator.file),
    ]
    handlers: dict[Any, Any] = {HTTPException: _http_exception, Exception: _bug}
    return Noted(Starlette(routes=routes, exception_handlers=handlers, lifespan=emulator.lifespan), log)


class _Emulator:
    """The handlers, around the desk that keeps the tasks."""

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
        """Submit a task: key, JSON, schema, media, cap, fault, task; in this order."""
        if not _has_key(request):
            return _json(answers.http_error(401, "a key is required: Authorization: Bearer KEY"), 401)
        body = await self._body(request)
        if isinstance(body, Response):
            return body
        try:
            asked = await parse_request(body, self._task_service.models)
        except RejectedRequestError as error:
            return _json(answers.error(error.code, error.message), error.status)
        finally:
            body.close()
        note(request, model=asked.model.name, format=asked.form, request_sha256=asked.sha256, request=asked.redacted)
        wait = self._task_service.seconds_until_capacity()
        if wait:
            return _json(answers.http_error(429, "too many tasks at once"), 429, math.ceil(wait))
        return await self._created(request, asked)

    async def _body(self, request: Request) -> Body | Response:
        reader = BodyReader()
        body = None
        try:
            reader.expect(int(request.headers.get("content-length", "0")))
            async for piece in request.stream():
                reader.feed(piece)
            body = reader.finish()
        except TooLargeError:
            return _json(answers.http_error(413, "the body is too large"), 413)
        except ClientDisconnect:
            note(request, broken_off=True)
            return BrokenOff(reset=False)
        except ValueError as error:
            return _json(answers.http_error(400, f"the body is not JSON: {error}"), 400)
        finally:
            note(request, body_bytes=reader.size)
            if body is None:
                reader.close()
        note(request, body_sha256=body.sha256)
        return body

    async def _created(self, request: Request, asked: GenerationRequest) -> Response:
        service, submission_index = self._task_service, self._task_service.next_submission_index(asked)
        fault = service.fault_selector.select_first(Stage.SUBMIT, asked.prompt, asked.sha256, submission_index)
        try:
            task = None if fault and not fault.creates_task else await service.submit(asked, submission_index)
        except OSError as error:
            return _json(answers.http_error(500, f"the task cannot be written down: {error.strerror}"), 500)
        if task:
            note(request, task_id=task.id)
        usual = answers.created(task) if task else {}
        return await self._distorted(request, fault, usual, asked.model.message(fault.code) if fault else "")

    async def read(self, request: Request) -> Response:
        """Show a task."""
        if not _has_key(request):
            return _json(answers.http_error(401, "a key is required: Authorization: Bearer KEY"), 401)
        service = self._task_service
        task = service.find(request.path_params["task_id"])
        if task is None:
            return _json(answers.http_error(404, "there is no such task"), 404)
        poll = service.poll_counts[task.id]
        service.poll_counts[task.id] += 1
        note(request, task_id=task.id)
        fault = service.fault_selector.select_first(Stage.POLL, task.prompt, task.id, poll)
        model = service.models.find(task.model)
        message = model.message(fault.code) if fault and model else ""
        if fault and fault.body_form == "failed":
            note(request, fault=fault.kind)
            shown = {**answers.created(task), "status": TaskStatus.FAILED.value, **answers.failure(fault, message)}
            return _json(shown)
        url = self._url(request, task) if fault is None and task.status is TaskStatus.COMPLETED else ""
        shown = answers.view(task, service.progress(task), poll, url, service.settings)
        return await self._distorted(request, fault, shown, message)

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
        """Send a result; no key is needed, as on a CDN."""
        found = await self._task_service.result(request.path_params["name"].removesuffix(".mp4"))
        if found is None:
            return _json(answers.http_error(404, "there is no such file"), 404)
        refused = refusal(request.query_params.get("expires", ""), self._task_service.now())
        if refused:
            return refused
        task, video = found
        downloads = self._task_service.download_counts[task.job_id]
        self._task_service.download_counts[task.job_id] += request.method == "GET"
        note(request, task_id=task.id, range=request.headers.get("range"))
        if task.result_faults:
            note(request, fault=",".join(task.result_faults))
        return await asyncio.to_thread(served, request, video, task.result_faults, downloads)

    async def _distorted(self, request: Request, fault: Fault | None, usual: dict[str, Any], message: str) -> Response:
        """The usual answer, or what a fault makes of it."""
        if fault is None:
            return _json(usual)
        note(request, fault=fault.kind)
        if fault.delivery in ("close", "reset"):
            noted(request, None)
            return BrokenOff(reset=fault.delivery == "reset")
        if fault.slow:
            noted(request, fault.status)
            try:
                await asyncio.sleep(self._task_service.settings.slow_seconds)
            except asyncio.CancelledError:
                # The emulator ends. Left alone, the server would answer 500 in our name.
                return BrokenOff(reset=False)
        if fault.delivery == "midway":
            return HalfSent(answers.json_text(usual), media_type="application/json")
        return _formed(fault, usual, message)


def _formed(fault: Fault, usual: dict[str, Any], message: str) -> Response:
    retry_after = _RETRY_AFTER if fault.retry_after else None
    match fault.body_form:
        case "json":
            body = answers.error(fault.code, message) if fault.code else answers.http_error(fault.status)
            return _json(body, fault.status, retry_after)
        case "html":
            return Response(answers.html(fault.status), fault.status, media_type="text/html")
        case "half":
            text = answers.json_text(usual)
            return Response(text[: len(text) // 2], media_type="application/json")
        case "empty":
            return Response(b"", media_type="application/json")
        case "no-id":
            return _json({key: value for key, value in usual.items() if key != "id"})
        case "usual" | "failed":
            return _json(usual)


def _json(body: object, status: int = 200, retry_after: int | None = None) -> Response:
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(answers.json_text(body), status, headers, "application/json")


def _has_key(request: Request) -> bool:
    return _KEY.fullmatch(request.headers.get("authorization", "")) is not None


async def _http_exception(_: Request, error: HTTPException) -> Response:
    answer = _json(answers.http_error(error.status_code), error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("a bug in the emulator, at %s", request.url.path, exc_info=error)
    return _json(answers.http_error(500), 500)

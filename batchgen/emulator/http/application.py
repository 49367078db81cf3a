"""The emulated API as an ASGI application: the endpoints, the order of their checks, their responses."""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from batchgen.emulator.faults.kinds import Fault, Stage
from batchgen.emulator.http import openapi, responses
from batchgen.emulator.http.body_reader import MAX_BODY_SIZE, BodyReader, BodyTooLargeError, ParsedBody
from batchgen.emulator.http.connection_faults import ClosedConnectionResponse
from batchgen.emulator.http.exchange import host_of, http_error, json_response, key_error, too_large, with_fault
from batchgen.emulator.http.logging_middleware import LoggingMiddleware, add_log_fields
from batchgen.emulator.http.request_parser import RejectedRequestError, parse_request
from batchgen.emulator.http.result_files import file_response, url_error
from batchgen.emulator.http.shapes import shaped
from batchgen.emulator.http.upload_endpoints import UploadEndpoints
from batchgen.emulator.models import Models
from batchgen.emulator.request_log import RequestLog
from batchgen.emulator.settings import Settings, Switches
from batchgen.emulator.tasks.generation_request import GenerationRequest
from batchgen.emulator.tasks.lifecycle import Task, TaskStatus
from batchgen.emulator.tasks.task_service import TaskService
from batchgen.emulator.tasks.task_store import TaskStore
from batchgen.schemas import Catalogue

_log = logging.getLogger("batchgen.emulator")


def application(settings: Settings, catalogue: Catalogue, switches: Switches) -> LoggingMiddleware:
    """Build the application. Raises `UsageError` if its log or its state cannot be used."""
    log = RequestLog(settings.log)
    service = TaskService(settings, Models(catalogue), log, TaskStore(settings.state))
    uploads = UploadEndpoints(service.fault_selector, service.now, settings.url_lifetime)
    endpoints = _Endpoints(service, uploads, switches)
    routes = [
        Route("/", endpoints.about),
        Route("/openapi.json", endpoints.description),
        Route(openapi.CREATE_PATH, endpoints.create, methods=["POST"]),
        Route(openapi.PREVIEW_PATH, endpoints.preview, methods=["POST"]),
        Route(openapi.TASK_PATH, endpoints.read),
        Route(openapi.MODELS_PATH, endpoints.models),
        Route(openapi.UPLOAD_PATH, uploads.take, methods=["POST"]),
        Route(openapi.UPLOADED_PATH, uploads.serve),
        Route(openapi.FILE_PATH, endpoints.file),
    ]
    handlers: dict[Any, Any] = {HTTPException: _http_exception, Exception: _internal_error}
    return LoggingMiddleware(Starlette(routes=routes, exception_handlers=handlers, lifespan=endpoints.lifespan), log)


class _Endpoints:
    """The endpoints of tasks, on top of the task service."""

    def __init__(self, service: TaskService, uploads: UploadEndpoints, switches: Switches) -> None:
        self._task_service, self._uploads, self._switches = service, uploads, switches
        self._max_body = min(service.settings.max_body or MAX_BODY_SIZE, MAX_BODY_SIZE)
        self._preview_count = 0
        self._openapi = openapi.document(service.models)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._task_service.resume()
        yield
        self._uploads.close()
        await self._task_service.close()

    async def about(self, _: Request) -> Response:
        names = [model.name for model in self._task_service.models]
        return json_response({"name": "batchgen emulator", "models": names, "openapi": "/openapi.json"})

    async def description(self, _: Request) -> Response:
        return json_response(self._openapi)

    async def models(self, request: Request) -> Response:
        """Search the models by their names."""
        refusal = key_error(request)
        if refusal:
            return refusal
        query = request.query_params.get("q", "")
        found = [
            {"name": model.name, "title": model.title, "provider": model.provider}
            for model in self._task_service.models
            if query.lower() in f"{model.name} {model.title}".lower()
        ]
        return json_response({"hits": found, "query": query, "estimatedTotalHits": len(found)})

    async def create(self, request: Request) -> Response:
        """Create a task. Checks, in this order: key, body, schema, references, balance, limit on tasks, fault."""
        parsed = await self._parsed(request)
        if isinstance(parsed, Response):
            return parsed
        service = self._task_service
        left, cost = service.balance_left(), service.price(parsed).cost
        if left is not None and cost > left:
            return _balance_error(left, cost)
        wait = service.seconds_until_capacity()
        if wait:
            return http_error(429, "too many tasks at once", math.ceil(wait))
        submission_index = service.next_submission_index(parsed)
        fault = service.fault_selector.select_first(Stage.SUBMIT, parsed.prompt, parsed.sha256, submission_index)
        return await self._submit(request, parsed, submission_index, fault)

    async def preview(self, request: Request) -> Response:
        """Say what a task would cost, and create none."""
        parsed = await self._parsed(request)
        if isinstance(parsed, Response):
            return parsed
        service, model = self._task_service, parsed.model.name
        self._preview_count += 1
        fault = service.fault_selector.select_first(Stage.PREVIEW, parsed.prompt, self._preview_count)
        if fault and fault.creates_task:
            return await self._submit(request, parsed, service.next_submission_index(parsed), fault)
        if fault and fault.status == 200:  # noqa: PLR2004 - the price is missing, and that is no error of HTTP
            add_log_fields(request, fault=fault.kind)
            return json_response(responses.unknown_preview_body(model, parsed.sha256))
        discount = service.settings.discount
        body = responses.preview_body(service.price(parsed), model, parsed.sha256, discount, service.now())
        return await with_fault(request, fault, body)

    async def _parsed(self, request: Request) -> GenerationRequest | Response:
        refusal = key_error(request)
        if refusal:
            return refusal
        body = await self._read_body(request)
        if isinstance(body, Response):
            return body
        find_upload = self._uploads.finder(request)
        try:
            parsed = await parse_request(body, self._task_service.models, self._switches.accept, find_upload)
        except RejectedRequestError as error:
            add_log_fields(request, refused=str(error), **({"format": error.form} if error.form else {}))
            return json_response(error.body, error.status)
        finally:
            body.close()
        _log_parsed(request, parsed)
        return parsed

    async def _read_body(self, request: Request) -> ParsedBody | Response:
        reader = BodyReader(self._max_body)
        body = None
        try:
            reader.check_size(int(request.headers.get("content-length", "0")))
            async for chunk in request.stream():
                reader.feed(chunk)
            body = reader.finish()
        except BodyTooLargeError:
            return too_large()
        except ClientDisconnect:
            add_log_fields(request, broken_off=True)
            return ClosedConnectionResponse(reset=False)
        except ValueError as error:
            return http_error(400, f"the body is not JSON: {error}")
        finally:
            add_log_fields(request, body_bytes=reader.size)
            if body is None:
                reader.close()
        add_log_fields(request, body_sha256=body.sha256)
        return body

    async def _submit(
        self, request: Request, parsed: GenerationRequest, submission_index: int, fault: Fault | None
    ) -> Response:
        service = self._task_service
        try:
            task = None if fault and not fault.creates_task else await service.submit(parsed, submission_index)
        except OSError as error:
            return http_error(500, f"the task cannot be written down: {error.strerror}")
        if task:
            add_log_fields(request, task_id=task.id)
        regular_body = shaped(responses.created_body(task), task.shape_faults, 0) if task else {}
        message = parsed.model.message(fault.code) if fault else ""
        return await with_fault(request, fault, regular_body, message, service.settings.slow_seconds)

    async def read(self, request: Request) -> Response:
        """Read a task."""
        refusal = key_error(request)
        if refusal:
            return refusal
        service = self._task_service
        task = service.find(request.path_params["task_id"])
        if task is None:
            return http_error(404, "there is no such task")
        poll_index = service.poll_counts[task.id]
        service.poll_counts[task.id] += 1
        add_log_fields(request, task_id=task.id)
        fault = service.fault_selector.select_first(Stage.POLL, task.prompt, task.id, poll_index)
        model = service.models.find(task.model)
        message = model.message(fault.code) if fault and model else ""
        if fault and fault.body_form == "failed":
            failed = {"status": TaskStatus.FAILED.value, **responses.failure_fields(fault, message)}
            return await with_fault(request, fault, {**responses.created_body(task), **failed})
        arrives = fault is None or fault.slow
        url = self._url(request, task) if arrives and task.status is TaskStatus.COMPLETED else ""
        task_body = responses.task_body(task, service.progress(task), poll_index, url, service.settings)
        task_body = shaped(task_body, task.shape_faults, service.url_counts[task.id])
        return await with_fault(request, fault, task_body, message, service.settings.slow_seconds)

    def _url(self, request: Request, task: Task) -> str:
        service = self._task_service
        first = service.url_counts[task.id] == 0
        service.url_counts[task.id] += 1
        lifetime = -1.0 if first and "expired-url" in task.result_faults else service.settings.url_lifetime
        return f"http://{host_of(request)}/files/{task.job_id}.mp4?expires={service.now() + lifetime:.3f}"

    async def file(self, request: Request) -> Response:
        """Send a video. Needs no key, like a CDN."""
        result = await self._task_service.result(request.path_params["name"].removesuffix(".mp4"))
        if result is None:
            return http_error(404, "there is no such file")
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


def _log_parsed(request: Request, parsed: GenerationRequest) -> None:
    add_log_fields(
        request,
        model=parsed.model.name,
        format=parsed.form,
        flat=parsed.flat,
        request_sha256=parsed.sha256,
        request=parsed.redacted,
        **parsed.side_fields,
    )


def _balance_error(left: Decimal, cost: Decimal) -> Response:
    message = f"the balance is too low: {left:f} USD left, {cost:f} needed"
    return json_response(responses.error_body("insufficient_balance", message), 402)


async def _http_exception(_: Request, error: HTTPException) -> Response:
    response = json_response(responses.http_error_body(error.status_code), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _internal_error(request: Request, error: Exception) -> Response:
    _log.error("a bug in the emulator, at %s", request.url.path, exc_info=error)
    return json_response(responses.http_error_body(500), 500)

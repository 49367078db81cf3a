"""What all endpoints need: the key and the host of a request, JSON responses, and faults in place of them."""

import asyncio
import contextlib
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from batchgen.emulator.faults.kinds import Fault
from batchgen.emulator.http import responses
from batchgen.emulator.http.connection_faults import ClosedConnectionResponse, TruncatedResponse
from batchgen.emulator.http.logging_middleware import add_log_fields, log_now, request_id

_RETRY_AFTER = 1
"""The Retry-After header of faults, in seconds."""
_LINGER = 5
"""Seconds that the rest of a refused body is read and dropped, so that the client gets to read the response."""
_AUTHORIZATION = re.compile(r"bearer +\S+ *", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9._~\[\]:-]+")


def json_response(body: object, status: int = 200, retry_after: int | None = None) -> Response:
    """A response with a JSON body; amounts keep every digit."""
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(responses.json_text(body), status, headers, "application/json")


def http_error(status: int, message: str, retry_after: int | None = None) -> Response:
    """A response with an error that has no code of the API."""
    return json_response(responses.http_error_body(status, message), status, retry_after)


class _EarlyResponse(Response):
    """Is sent while the client still sends its body; a connection closed at that moment would be reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while (await receive()).get("more_body"):
                    pass
        await send({"type": "http.response.body"})


def too_large() -> Response:
    """The response to a body that is too large, as the proxy in front of a gateway sends it."""
    return _EarlyResponse(responses.html_error_page(413), 413, media_type="text/html")


def key_error(request: Request) -> Response | None:
    """The response to a request without a key; None for one with any key."""
    if _AUTHORIZATION.fullmatch(request.headers.get("authorization", "")):
        return None
    return http_error(401, "a key is required: Authorization: Bearer KEY")


def host_of(request: Request) -> str:
    """The host under which the client has reached the emulator, with the port."""
    host = request.headers.get("host", "")
    if _HOST.fullmatch(host):
        return host
    name, port = request.scope["server"]
    return f"{name}:{port}"


async def with_fault(
    request: Request, fault: Fault | None, regular_body: dict[str, Any], message: str = "", slow_seconds: float = 0
) -> Response:
    """The regular response, or the one with which the fault replaces it; ``message`` is that of the fault's code."""
    if fault is None:
        return json_response(regular_body)
    add_log_fields(request, fault=fault.kind)
    if fault.delivery in ("close", "reset"):
        log_now(request, None)
        return ClosedConnectionResponse(reset=fault.delivery == "reset")
    if fault.slow:
        log_now(request, fault.status)
        try:
            await asyncio.sleep(slow_seconds)
        except asyncio.CancelledError:
            # The emulator shuts down. Without a response from here, uvicorn would send a 500.
            return ClosedConnectionResponse(reset=False)
    if fault.delivery == "midway":
        return TruncatedResponse(responses.json_text(regular_body), media_type="application/json")
    return _faulty_response(request, fault, regular_body, message)


def _faulty_response(request: Request, fault: Fault, regular_body: dict[str, Any], message: str) -> Response:
    retry_after = _RETRY_AFTER if fault.retry_after else None
    match fault.body_form:
        case "html":
            return Response(responses.html_error_page(fault.status), fault.status, media_type="text/html")
        case "half":
            text = responses.json_text(regular_body)
            return Response(text[: len(text) // 2], media_type="application/json")
        case "empty":
            return Response(b"", fault.status, media_type="application/json")
        case "no-id":
            body = {key: value for key, value in regular_body.items() if key != "id"}
        case "data":
            body = {"data": regular_body}
        case "usual" | "failed":
            body = regular_body
        case form:
            body = responses.error_in_form(form, fault, message, request_id(request))
    return json_response(body, fault.status, retry_after)

"""Logs every request, with the fields that its handler has added, and gives it an id."""

import secrets
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchgen.emulator.request_log import RequestLog

REQUEST_ID_HEADER = "X-Request-Id"
_FIELDS, _LOG, _REQUEST_ID = "log_fields", "log_request", "request_id"
_LONGEST_HEADER = 200
"""How much of a header is logged and sent back, in characters."""


def add_log_fields(request: Request, /, **fields: Any) -> None:
    """Add fields to the log entry of this request."""
    request.scope[_FIELDS].update(fields)


def log_now(request: Request, status: int | None) -> None:
    """Log this request now, because its response is late or never sent. Status None: no response."""
    request.scope[_LOG](status)


def request_id(request: Request) -> str:
    """The id of this request: the one that the client has sent, else one made up here."""
    found: str = request.scope[_REQUEST_ID]
    return found


class LoggingMiddleware:
    """Logs each request before its response, so that a client with a response finds the entry."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        """Wrap the application."""
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log it once."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = {
            name: Headers(scope=scope).get(name, "")[:_LONGEST_HEADER] for name in (REQUEST_ID_HEADER, "User-Agent")
        }
        fields: dict[str, Any] = {"request_id": sent[REQUEST_ID_HEADER], "user_agent": sent["User-Agent"]}
        scope[_REQUEST_ID] = sent[REQUEST_ID_HEADER] or f"req-{secrets.token_hex(12)}"
        logged = False

        def write(status: int | None) -> None:
            nonlocal logged
            if not logged:
                logged = True
                self._log.write("request", method=scope["method"], path=scope["path"], status=status, **fields)

        async def send_logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                write(message["status"])
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = scope[_REQUEST_ID]
            await send(message)

        scope[_FIELDS], scope[_LOG] = fields, write
        await self._app(scope, receive, send_logged)
        write(None)

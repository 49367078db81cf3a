"""Logs every request, with the fields that its handler has added."""

from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchgen.emulator.request_log import RequestLog

_FIELDS, _LOG = "log_fields", "log_request"


def add_log_fields(request: Request, /, **fields: Any) -> None:
    """Add fields to the log entry of this request."""
    request.scope[_FIELDS].update(fields)


def log_now(request: Request, status: int | None) -> None:
    """Log this request now, because its response is late or never sent. Status None: no response."""
    request.scope[_LOG](status)


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
        fields: dict[str, Any] = {}
        logged = False

        def write(status: int | None) -> None:
            nonlocal logged
            if not logged:
                logged = True
                self._log.write("request", method=scope["method"], path=scope["path"], status=status, **fields)

        async def send_logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                write(message["status"])
            await send(message)

        scope[_FIELDS], scope[_LOG] = fields, write
        await self._app(scope, receive, send_logged)
        write(None)

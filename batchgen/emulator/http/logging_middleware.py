"""Writes every request into the log, with what its handler has noted about it."""

from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchgen.emulator.request_log import RequestLog

_NOTES, _WRITE = "notes", "write note"


def note(request: Request, /, **facts: Any) -> None:
    """Have something logged with this request."""
    request.scope[_NOTES].update(facts)


def noted(request: Request, status: int | None) -> None:
    """Log this request now, because its answer will be late or will not come; None: no answer."""
    request.scope[_WRITE](status)


class Noted:
    """An application whose requests are logged: before the answer, so that who has it finds the line."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        """Wrap the application."""
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and log it once."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        notes: dict[str, Any] = {}
        written = False

        def write(status: int | None) -> None:
            nonlocal written
            if not written:
                written = True
                self._log.write("request", method=scope["method"], path=scope["path"], status=status, **notes)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                write(message["status"])
            await send(message)

        scope[_NOTES], scope[_WRITE] = notes, write
        await self._app(scope, receive, noting)
        write(None)

"""Responses with real faults below HTTP: closed, reset and truncated connections."""

import asyncio
import logging
import os
import socket
import struct
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "transport"
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""The value of SO_LINGER: enabled, with a timeout of 0 seconds."""
_PORTIONS_A_SECOND = 20
_SILENT = logging.Logger("emulator")  # noqa: LOG001 - what it is told concerns no handler
"""For uvicorn. The application logs its own errors; uvicorn would only add disconnected clients."""
_SILENT.addHandler(logging.NullHandler())


class TransportProtocol(H11Protocol):
    """HTTP/1.1 that gives responses access to the transport of their connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Add the transport to the state of every request of this connection."""
        self.logger, self.access_log = _SILENT, False
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


class ClosedConnectionResponse(Response):
    """Closes (FIN) or resets (RST) the connection without a response."""

    def __init__(self, *, reset: bool) -> None:
        """Choose between a reset and a close."""
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """End the connection and wait until the server has noticed."""
        transport: Any = scope["state"][_TRANSPORT]
        if self._reset:
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        else:
            transport.close()
        await _wait_for_disconnect(receive)


class TruncatedResponse(Response):
    """Announces the length of the whole body and closes the connection after half of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and half of the body."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = bytes(self.body)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        transport: Any = scope["state"][_TRANSPORT]
        # `close` sends the buffered data first, `abort` does not.
        transport.close()
        await _wait_for_disconnect(receive)


class PacedResponse(Response):
    """Sends the body of another response little by little."""

    def __init__(self, response: Response, bytes_per_second: int) -> None:
        """Take over status, headers and body."""
        super().__init__(response.body, response.status_code)
        self.raw_headers = response.raw_headers
        self._bytes_per_second = bytes_per_second

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send a portion every twentieth of a second."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = bytes(self.body) if scope["method"] == "GET" else b""
        portion = max(1, self._bytes_per_second // _PORTIONS_A_SECOND)
        for begin in range(0, len(body), portion):
            await asyncio.sleep(1 / _PORTIONS_A_SECOND)
            await send({"type": "http.response.body", "body": body[begin : begin + portion], "more_body": True})
        await send({"type": "http.response.body"})


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until the server has noticed the end of the connection, and so expects no response."""
    while (await receive())["type"] != "http.disconnect":
        pass

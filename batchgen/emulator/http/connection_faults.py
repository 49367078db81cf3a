"""Answers that go wrong below HTTP: closed, reset and half-sent connections, real on the wire."""

import asyncio
import os
import socket
import struct
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "transport"
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""The value of SO_LINGER: on, and no time at all."""


class ReachableProtocol(H11Protocol):
    """HTTP/1.1 that lets an answer at the connection it goes out on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport where every request of this connection finds it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


class BrokenOff(Response):
    """No answer: the connection is closed (FIN), or reset (RST)."""

    def __init__(self, *, reset: bool) -> None:
        """Say how the connection is to end."""
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """End the connection and wait until that has been seen."""
        transport: Any = scope["state"][_TRANSPORT]
        if self._reset:
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        else:
            transport.close()
        await _gone(receive)


class HalfSent(Response):
    """An answer that announces its whole length, and whose connection ends after half of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and half of the body."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = bytes(self.body)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        transport: Any = scope["state"][_TRANSPORT]
        # Closing sends what is still buffered first, unlike aborting.
        transport.close()
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    """Wait until the server knows that the connection is gone, and so expects no answer any more."""
    while (await receive())["type"] != "http.disconnect":
        pass

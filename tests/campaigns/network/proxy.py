"""A proxy between batchgen and the emulator that harms connections on purpose, below what HTTP can say.

It stands there as the server itself, as a server with TLS, as a proxy that hands plain requests on,
or as a proxy that tunnels to a server with TLS. What is not to be harmed passes unchanged, but that
every connection carries one request only.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import repeat
from urllib.parse import urlsplit

from helpers.servers import Peer, server

_LONGEST_SILENCE_S = 30.0
_BETWEEN_BYTES_S = 0.03
_END_OF_HEAD = b"\r\n\r\n"


class Route(StrEnum):
    """As what the proxy stands between client and gateway."""

    DIRECT = "direct"
    TLS = "TLS"
    PROXY = "HTTP proxy"
    TUNNEL = "TLS through a proxy"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the gateway: its head without the empty line, and its body."""

    head: bytes
    body: bytes

    @classmethod
    def parsed(cls, content: bytes) -> "Answer":
        head, _, body = content.partition(_END_OF_HEAD)
        return cls(head, body)

    def whole(self) -> bytes:
        return self.head + _END_OF_HEAD + self.body

    def without(self, name: str) -> "Answer":
        lines = self.head.split(b"\r\n")
        kept = [line for line in lines if not line.lower().startswith(name.encode() + b":")]
        return replace(self, head=b"\r\n".join(kept))

    def plus(self, *lines: str) -> "Answer":
        return replace(self, head=b"\r\n".join([self.head, *(line.encode() for line in lines)]))


class Line:
    """One request on its way, as far as a fault lets it come."""

    def __init__(self, peer: Peer, gateway: tuple[str, int], stopped: threading.Event) -> None:
        self.peer = peer
        self._gateway = gateway
        self._stopped = stopped

    def take(self, count: int) -> None:
        """Read so many bytes of the request, and no more."""
        left = count
        while left and (received := self.peer.connection.recv(left)):
            left -= len(received)

    def answer(self) -> Answer:
        """Hand the whole request on, and wait for the whole answer."""
        self.peer.read_request()
        with self.handed_on(len(self.peer.body)) as gateway:
            content = b""
            while received := gateway.recv(1 << 16):
                content += received
        return Answer.parsed(content)

    @contextmanager
    def handed_on(self, count: int) -> Iterator[socket.socket]:
        """A connection to the gateway on which the head and so many bytes of the body were sent."""
        first, *lines = self.peer.head.split(b"\r\n")
        method, target, version = first.split(b" ")
        path = urlsplit(target.decode())
        target = f"{path.path}{'?' * bool(path.query)}{path.query}".encode()
        kept = [line for line in lines if not line.lower().startswith(b"connection:")]
        head = b"\r\n".join([b" ".join([method, target, version]), *kept, b"Connection: close"])
        with socket.create_connection(self._gateway, timeout=20) as gateway:
            gateway.sendall(head + _END_OF_HEAD + self.peer.body[:count])
            yield gateway

    def send(self, data: bytes) -> None:
        self.peer.send(data)

    def drip(self, data: bytes) -> None:
        """Send a byte at a time."""
        for place in range(len(data)):
            self.send(data[place : place + 1])
            if self._stopped.wait(_BETWEEN_BYTES_S):
                return

    def flood(self, data: bytes) -> None:
        """Send the same for ever."""
        while not self._stopped.is_set():
            self.send(data * 1000)

    def reset(self) -> None:
        self.peer.reset()

    def silence(self, seconds: float = _LONGEST_SILENCE_S) -> None:
        self._stopped.wait(seconds)


Act = Callable[[Line], None]


def pass_on(line: Line) -> None:
    """Harm nothing."""
    line.send(line.answer().whole())


class FaultyProxy:
    """Harms the next connections as it was told, and those only."""

    def __init__(self, gateway: str, route: Route, context: ssl.SSLContext | None) -> None:
        parts = urlsplit(gateway)
        self._gateway = (parts.hostname or "", parts.port or 80)
        self._route = route
        self._context = context
        self._lock = threading.Lock()
        self._acts: dict[bytes, Iterator[Act]] = {}
        self._shut = 0
        self.stopped = threading.Event()
        self.base_url = ""
        self.environment: dict[str, str] = {}
        self.struck = 0

    def strike(self, *acts: Act, only: bytes = b"") -> None:
        """Harm as many of the next connections, in turn; with ``only``, those whose request begins so."""
        with self._lock:
            self._acts[only] = iter(acts)
            self.struck = 0

    def strike_always(self, act: Act, only: bytes = b"") -> None:
        """Harm all of them from now on."""
        with self._lock:
            self._acts[only] = repeat(act)
            self.struck = 0

    def shut(self, times: int) -> None:
        """Reset as many of the next connections before anything is said on them, TLS included."""
        with self._lock:
            self._shut = times

    def heal(self) -> None:
        """Harm nothing any more."""
        with self._lock:
            self._acts.clear()

    def handle(self, peer: Peer) -> None:
        """Serve one connection."""
        peer.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._shut, is_shut = max(self._shut - 1, 0), self._shut > 0
        if is_shut:
            peer.reset()
            return
        if self._route is Route.TUNNEL:
            peer.read_head()
            peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if self._context is None:
            self._serve(peer)
            return
        with self._context.wrap_socket(peer.connection, server_side=True, suppress_ragged_eofs=True) as secure:
            self._serve(Peer(secure, peer.number))

    def _serve(self, peer: Peer) -> None:
        self._drawn(peer)(Line(peer, self._gateway, self.stopped))

    def _drawn(self, peer: Peer) -> Act:
        for only in tuple(self._acts):
            # Looked at without being taken, so that a fault still finds the request untouched.
            if not only or peer.connection.recv(len(only), socket.MSG_PEEK) == only:
                with self._lock:
                    act = next(self._acts.get(only, iter(())), None)
                    self.struck += act is not None
                return act or pass_on
        return pass_on


_ORIGIN = re.compile("^http://[^/]+")


@contextmanager
def faulty_proxy(
    gateway: str, route: Route = Route.DIRECT, context: ssl.SSLContext | None = None
) -> Iterator[FaultyProxy]:
    """A proxy before the gateway at that URL; ``context`` is its certificate, where its route has TLS.

    Its ``base_url`` is what the client is to be given, its ``environment`` what has to be set.
    """
    proxy = FaultyProxy(gateway, route, context)
    with server(proxy.handle) as address:
        proxy.base_url = {
            Route.DIRECT: address,
            Route.TLS: address.replace("http://127.0.0.1", "https://localhost"),
            Route.PROXY: "http://gateway.invalid",
            Route.TUNNEL: "https://localhost:1",
        }[route]
        if route in (Route.PROXY, Route.TUNNEL):
            proxy.environment = {"http_proxy": address, "https_proxy": address, "no_proxy": ""}
        try:
            yield proxy
        finally:
            proxy.stopped.set()


def through(proxy: FaultyProxy, url: str) -> str:
    """A URL of the gateway as the proxy has it."""
    return _ORIGIN.sub(proxy.base_url, url)

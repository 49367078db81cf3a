"""Every way in which no connection to the gateway comes about: data, as in `network.faults`.

Not a byte of a request has left then, and so it is certain that nothing was created.
"""

import datetime as dt
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from helpers.servers import Handler, Peer, free_port, server

_BETWEEN_BYTES_S = 0.03
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n"
_NOWHERE = "http://gateway.invalid"
_ELSEWHERE = "https://gateway.invalid"


@dataclass(slots=True)
class Address:
    """What a client is to be given, and the environment that goes with it."""

    base_url: str
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Ground:
    """Where the places are set up: who vouches for certificates, and what was heard of requests."""

    authority: trustme.CA
    folder: Path
    heard: list[bytes] = field(default_factory=list)

    def trusting(self, base_url: str) -> Address:
        """An address for a client that knows the authority."""
        path = self.folder / "authority.pem"
        self.authority.cert_pem.write_to_path(path)
        return Address(base_url, {"SSL_CERT_FILE": str(path)})


Stand = Callable[[Ground], AbstractContextManager[Address]]


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A way not to come to the gateway; ``waits`` where only the end of patience tells."""

    does: str
    stand: Stand
    waits: bool = False

    @property
    def name(self) -> str:
        """The description as a word."""
        return self.does.replace(" ", "-")


def _at(base_url: str, **environment: str) -> Stand:
    @contextmanager
    def stand(_: Ground) -> Iterator[Address]:
        yield Address(base_url, environment)

    return stand


@contextmanager
def _refused(_: Ground) -> Iterator[Address]:
    yield Address(f"http://127.0.0.1:{free_port()}")


@contextmanager
def _proxy_refused(_: Ground) -> Iterator[Address]:
    yield Address(_NOWHERE, {"http_proxy": f"http://127.0.0.1:{free_port()}"})


@contextmanager
def _swallowed(_: Ground) -> Iterator[Address]:
    """A listener whose queue is full: Linux drops what would begin a further connection."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _number in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield Address(f"http://127.0.0.1:{listener.getsockname()[1]}")


def _tls(does: Handler) -> Stand:
    """A port for TLS that answers the client's first words in its own way."""

    def handle(peer: Peer) -> None:
        peer.connection.recv(1 << 16)
        does(peer)

    @contextmanager
    def stand(ground: Ground) -> Iterator[Address]:
        with server(handle) as address:
            yield ground.trusting(address.replace("http:", "https:"))

    return stand


def _certificate(issue: Callable[[trustme.CA], trustme.LeafCert], *, trusted: bool) -> Stand:
    """A server with such a certificate."""

    @contextmanager
    def stand(ground: Ground) -> Iterator[Address]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issue(ground.authority).configure_cert(context)

        def handle(peer: Peer) -> None:
            with context.wrap_socket(peer.connection, server_side=True) as secure:
                ground.heard.append(secure.recv(100))

        with server(handle) as address:
            base_url = address.replace("http://127.0.0.1", "https://localhost")
            yield ground.trusting(base_url) if trusted else Address(base_url)

    return stand


def _expired(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("localhost", not_after=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))


def _connect(does: Handler) -> Stand:
    """A proxy that was asked to connect on, and does something else."""

    def handle(peer: Peer) -> None:
        peer.read_head()
        does(peer)

    @contextmanager
    def stand(ground: Ground) -> Iterator[Address]:
        def handled(peer: Peer) -> None:
            handle(peer)
            ground.heard.append(peer.head[: len(b"CONNECT")])

        with server(handled) as address:
            yield Address(_ELSEWHERE, {"https_proxy": address})

    return stand


def _silent(peer: Peer) -> None:
    while peer.connection.recv(1 << 16):  # returns once the client has given up
        pass


def _drips(peer: Peer) -> None:
    for byte in _ESTABLISHED + b"X: y\r\n" * 100:
        peer.send(bytes([byte]))
        time.sleep(_BETWEEN_BYTES_S)


def _floods(peer: Peer) -> None:
    peer.send(_ESTABLISHED)
    while True:  # ends with the connection
        peer.send(b"X: y\r\n" * 1000)


def _says(answer: bytes) -> Handler:
    return lambda peer: peer.send(answer)


def _closes(_: Peer) -> None:
    """Nothing more: a connection is closed when its handler is over."""


UNREACHABLE = (
    Unreachable("connection refused", _refused),
    Unreachable("connection swallowed", _swallowed, waits=True),
    Unreachable("name unknown", _at(_NOWHERE)),
    Unreachable(
        "TLS, certificate of an unknown authority", _certificate(lambda ca: ca.issue_cert("localhost"), trusted=False)
    ),
    Unreachable(
        "TLS, certificate of another host", _certificate(lambda ca: ca.issue_cert("example.com"), trusted=True)
    ),
    Unreachable("TLS, certificate expired", _certificate(_expired, trusted=True)),
    Unreachable("TLS to a server that speaks plain HTTP", _tls(_says(b"HTTP/1.1 400 Bad Request\r\n\r\n"))),
    Unreachable("TLS, reset in the handshake", _tls(Peer.reset)),
    Unreachable("TLS, closed in the handshake", _tls(_closes)),
    Unreachable("TLS, silent in the handshake", _tls(_silent), waits=True),
    Unreachable("proxy, connection refused", _proxy_refused),
    Unreachable("proxy, name unknown", _at(_NOWHERE, http_proxy="http://proxy.invalid:3128")),
    Unreachable("proxy of a kind that there is not", _at(_NOWHERE, http_proxy="gopher://127.0.0.1:70")),
    Unreachable("proxy refuses to connect on (403)", _connect(_says(b"HTTP/1.1 403 Forbidden\r\n\r\n"))),
    Unreachable("proxy cannot connect on (502)", _connect(_says(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"))),
    Unreachable("proxy resets instead of connecting on", _connect(Peer.reset)),
    Unreachable("proxy closes instead of connecting on", _connect(_closes)),
    Unreachable("proxy speaks no HTTP", _connect(_says(b"SSH-2.0-OpenSSH_9.2\r\n"))),
    Unreachable("proxy says nothing", _connect(_silent), waits=True),
    Unreachable("proxy's answer drips byte by byte", _connect(_drips), waits=True),
    Unreachable("proxy's answer has no end", _connect(_floods), waits=True),
)

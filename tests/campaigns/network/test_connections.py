"""What a connection may do to the requests after it, and what may get out of the library that holds it."""

import http.client
import inspect
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import urllib3.exceptions

from batchgen.engine.classification import Kind
from batchgen.network import SLOWEST, Network, NetworkError
from batchgen.providers.api_key import ApiKey
from batchgen.providers.error_policy import classify_create, classify_read
from batchgen.providers.http import trouble_of
from batchgen.providers.interface import CallFailed, RemoteStatus, Trouble
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix.client import VtrixGateway
from batchgen.providers.vtrix.error_policy import ERROR_POLICY
from batchgen.store.fetch import fetch
from batchgen.store.interface import FetchFailed

from campaigns.network.conftest import Behind
from campaigns.network.proxy import Route, faulty_proxy
from helpers.creating import create
from helpers.servers import Peer, server

KEY = ApiKey("a-key-of-the-test")
RUNNING = b'{"status": "queued"}'
FAILED = b'{"status": "failed"}'


def client(base_url: str, timeout_s: float = 10) -> VtrixGateway:
    return VtrixGateway(Connection(base_url, KEY, timeout_s))


def test_a_reading_does_not_meet_a_connection_that_was_closed_while_idle() -> None:
    closed = threading.Event()

    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(200, RUNNING, connection="keep-alive")
        peer.connection.close()
        closed.set()

    with server(handle) as base:
        gateway = client(base)
        for _ in range(3):
            assert gateway.read("t").status is RemoteStatus.RUNNING
            assert closed.wait(10)
            closed.clear()
        gateway.close()


@pytest.mark.parametrize("together", [True, False])
def test_what_comes_behind_an_answer_is_never_taken_for_the_next(*, together: bool) -> None:
    was_read, sent = threading.Event(), threading.Event()

    def handle(peer: Peer) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(RUNNING)}\r\n\r\n".encode()
        while peer.connection.recv(1 << 16):
            peer.send(head + RUNNING + (head + FAILED if together else b""))
            if not together:
                was_read.wait(10)
                peer.send(head + FAILED)
            sent.set()

    with server(handle) as base:
        gateway = client(base)
        for _ in range(3):
            assert gateway.read("t").status is RemoteStatus.RUNNING
            was_read.set()
            assert sent.wait(10)
            sent.clear()
            was_read.clear()
        gateway.close()


def test_a_reading_that_meets_a_closing_connection_is_repeated() -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(200, RUNNING, connection="keep-alive")
        peer.connection.recv(1)  # of the next request, which gets no answer

    with server(handle) as base:
        gateway = client(base)
        gateway.read("t")
        with pytest.raises(CallFailed) as caught:
            gateway.read("t")
        assert classify_read(caught.value, ERROR_POLICY).kind is Kind.TRANSIENT
        assert gateway.read("t").status is RemoteStatus.RUNNING
        gateway.close()


@pytest.mark.parametrize("times", [1, 3])
def test_a_reset_on_connecting_is_never_taken_for_an_answer(behind: Behind, times: int) -> None:
    # It may come before connecting is over or after it; either way the gateway has heard nothing.
    with faulty_proxy(behind.gateway.base_url, Route.DIRECT) as proxy:
        proxy.shut(times)
        gateway = client(proxy.base_url)
        for _ in range(times):
            with pytest.raises(CallFailed) as caught:
                create(gateway, behind.request)
            assert caught.value.trouble in (Trouble.BROKEN, Trouble.NOT_CONNECTED)
        gateway.close()
    assert behind.gateway.posts() == []


def test_a_plain_request_to_a_port_for_tls_has_an_unknown_outcome(behind: Behind, localhost: ssl.SSLContext) -> None:
    with faulty_proxy(behind.gateway.base_url, Route.TLS, localhost) as proxy:
        gateway = client(proxy.base_url.replace("https:", "http:"))
        with pytest.raises(CallFailed) as caught:
            create(gateway, behind.request)
        gateway.close()
    assert classify_create(caught.value, ERROR_POLICY).kind is Kind.UNCERTAIN
    assert behind.gateway.posts() == []


@pytest.mark.parametrize(("bytes_a_second", "arrives"), [(40 * SLOWEST, True), (SLOWEST // 20, False)])
def test_a_slow_line_is_borne_and_one_that_hardly_moves_is_not(bytes_a_second: int, *, arrives: bool) -> None:
    gone = threading.Event()
    piece = b"x" * (bytes_a_second // 20)

    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(200, content_length=str(40 * len(piece)))
        for _ in range(40):  # two seconds: several times the silence that is borne
            peer.send(piece)
            if gone.wait(0.05):
                return

    with server(handle) as base:
        network = Network(1, connect_s=10, silence_s=0.5)
        response = network.request("GET", base)
        if arrives:
            assert b"".join(network.chunks(response)) == 40 * piece
        else:
            with pytest.raises(NetworkError) as caught:
                b"".join(network.chunks(response))
            assert trouble_of(caught.value) is Trouble.TIMED_OUT
        gone.set()
        network.finish(response)
        network.close()


def test_a_proxy_is_told_the_password_that_its_address_means(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[str | None] = []

    def handle(peer: Peer) -> None:
        peer.read_head()
        heads.append(peer.header("proxy-authorization"))
        peer.answer(200, RUNNING)

    with server(handle) as address:
        monkeypatch.setenv("http_proxy", address.replace("http://", "http://user:p%40ss@"))
        monkeypatch.setenv("no_proxy", "")
        gateway = client("http://gateway.invalid")
        gateway.read("t")
        gateway.close()
    assert heads == ["Basic dXNlcjpwQHNz"]  # user:p@ss


def exceptions_of(module: ModuleType) -> list[type[Exception]]:
    found = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Exception)]
    return [kind for kind in found if not issubclass(kind, Warning) and not kind.__name__.startswith("_")]


ARGUMENTS: dict[str, Any] = {
    "error": OSError("why"),
    "expected": 7,
    "length": b"zz",
    "original_error": OSError("why"),
    "partial": 3,
    "reason": OSError("why"),
    "response": urllib3.HTTPResponse(b""),
    "unparsed_data": b"",
}


def raised(kind: type[Exception]) -> Exception:
    """One of its kind, with arguments of the sort that its parameters are named for."""
    try:
        parameters = inspect.signature(kind).parameters.values()
    except ValueError:  # written in C
        return kind("why")
    required = [one for one in parameters if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
    return kind(*(ARGUMENTS.get(one.name, "why") for one in required))


NEVER_CONNECTED = {
    "ConnectTimeoutError",
    "LocationParseError",
    "LocationValueError",
    "NameResolutionError",
    "NewConnectionError",
    "ProxySchemeUnknown",
    "URLSchemeUnknown",
}
TOO_LATE = {"TimeoutError", "ReadTimeoutError"}
KINDS = [kind for kind in exceptions_of(urllib3.exceptions) if issubclass(kind, NetworkError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_only_what_fails_before_a_connection_counts_as_not_connected(kind: type[Exception]) -> None:
    error = raised(kind)
    assert isinstance(error, NetworkError)
    expected = Trouble.NOT_CONNECTED if kind.__name__ in NEVER_CONNECTED else Trouble.BROKEN
    assert trouble_of(error) is (Trouble.TIMED_OUT if kind.__name__ in TOO_LATE else expected)
    # What urllib3 makes of it behind a proxy says the same, and not that the proxy was not reached.
    assert trouble_of(urllib3.exceptions.ProxyError("Unable to connect to proxy", error)) is trouble_of(error)


BELOW = [kind for module in (http.client, socket, ssl) for kind in exceptions_of(module)]


@pytest.mark.parametrize("kind", dict.fromkeys(BELOW), ids=lambda kind: kind.__name__)
def test_every_exception_below_the_library_gets_out_as_its_own(kind: type[Exception]) -> None:
    def body() -> Iterator[bytes]:
        yield b"begun"
        raise raised(kind)

    def handle(peer: Peer) -> None:
        peer.read_head()

    with server(handle) as base:
        network = Network(1, connect_s=10, silence_s=10)
        with pytest.raises(NetworkError) as caught:
            network.request("POST", base, headers={"Content-Length": "10"}, body=body())
        network.close()
    expected = Trouble.TIMED_OUT if issubclass(kind, TimeoutError) else Trouble.BROKEN
    assert trouble_of(caught.value) is expected


def test_a_result_that_leads_to_an_address_that_is_none(tmp_path: Path) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(302, location="http://[no-address/")

    with server(handle) as base:
        network = Network(1, connect_s=10, silence_s=10)
        with pytest.raises(FetchFailed, match="cannot be read"):
            fetch(network, base, tmp_path / "s01.mp4")
        network.close()

"""The client against real servers that misbehave: every ending is typed, and sorted as the contract says."""

import datetime as dt
import json
import pickle
import socket
import ssl
import threading
import time
from collections.abc import Callable
from email.utils import format_datetime
from pathlib import Path

import pytest

from batchgen.errors import UsageError
from batchgen.providers.answers import MOST_ANSWER_BYTES
from batchgen.providers.api_key import ApiKey
from batchgen.providers.http import retry_after_s
from batchgen.providers.interface import CallFailed, Created, RemoteStatus, Trouble
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix.client import VtrixGateway
from batchgen.providers.vtrix.request_body import RequestFormat
from batchgen.version import __version__

from helpers.creating import REQUEST_ID, create
from helpers.servers import Peer, free_port, server
from unit.providers.conftest import MakeRequest

KEY = "sk-very-secret-key"
CREATED = b'{"id": "t-1", "status": "in_progress"}'


def client(base_url: str, *, timeout_s: float = 5) -> VtrixGateway:
    return VtrixGateway(Connection(base_url, ApiKey(KEY), timeout_s))


def ending(base_url: str, request: object, *, timeout_s: float = 5) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        create(client(base_url, timeout_s=timeout_s), request)  # type: ignore[arg-type]
    assert KEY not in repr(caught.value) + str(caught.value.__dict__)
    return caught.value


@pytest.mark.parametrize("form", RequestFormat)
def test_a_creation_sends_what_the_api_wants(make_request: MakeRequest, form: RequestFormat) -> None:
    seen: list[Peer] = []

    def handle(peer: Peer) -> None:
        peer.read_request()
        seen.append(peer)
        peer.answer(200, CREATED)

    with server(handle) as base:
        assert create(client(base + "/prefix/"), make_request(b"content"), form) == Created("t-1")
    (peer,) = seen
    assert peer.head.startswith(b"POST /prefix/model/v1/generation HTTP/1.1")
    assert peer.header("authorization") == f"Bearer {KEY}"
    assert peer.header("content-type") == "application/json"
    assert peer.header("transfer-encoding") is None
    assert peer.header("user-agent") == f"batchgen/{__version__}"
    assert peer.header("x-request-id") == REQUEST_ID
    sent = json.loads(peer.body)
    assert sent["model"] == "m"
    inner = sent if form is RequestFormat.DOCUMENTED else sent["input"][0]["params"]
    assert inner["input"]["reference_urls"][1] == "data:image/png;base64,Y29udGVudA=="


def test_a_reading_asks_for_the_task() -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        assert peer.target == "/model/v1/generation/task/a%2Fb%3Fc"
        peer.answer(200, b'{"status": "queued", "progress": 0.5}')

    with server(handle) as base:
        task = client(base).read("a/b?c")
    assert (task.status, task.progress) == (RemoteStatus.RUNNING, 0.5)


def test_every_creation_has_a_connection_of_its_own_and_readings_share_one(make_request: MakeRequest) -> None:
    numbers: dict[str, set[int]] = {"POST": set(), "GET": set()}

    def handle(peer: Peer) -> None:
        while peer.read_head():
            method = peer.head.split(b" ")[0].decode()
            numbers[method].add(peer.number)
            length = int(peer.header("content-length") or 0)
            while len(peer.body) < length:
                peer.body += peer.connection.recv(65_536)
            peer.answer(200, CREATED, connection="keep-alive")
            peer.head = peer.body = b""

    with server(handle) as base:
        gateway = client(base)
        for _ in range(3):
            create(gateway, make_request())
            gateway.read("t-1")
        gateway.close()
    assert len(numbers["POST"]) == 3
    assert len(numbers["GET"]) == 1


def close_at_once(peer: Peer) -> None:
    peer.connection.close()


def reset_after_head(peer: Peer) -> None:
    peer.read_head()
    peer.reset()


def reset_after_request(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def close_after_request(peer: Peer) -> None:
    peer.read_request()


def half_a_head(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def half_a_body(peer: Peer) -> None:
    peer.read_request()
    peer.answer(200, CREATED[:20], content_length=str(len(CREATED)))


def no_http(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def endless_headers(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000)


def broken_chunks(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")


def broken_gzip(peer: Peer) -> None:
    peer.read_request()
    peer.answer(200, b"no gzip at all", content_encoding="gzip")


@pytest.mark.parametrize(
    "handle",
    [
        close_at_once,
        reset_after_head,
        reset_after_request,
        close_after_request,
        half_a_head,
        half_a_body,
        no_http,
        endless_headers,
        broken_chunks,
        broken_gzip,
    ],
)
def test_a_line_that_breaks_once_it_stood(make_request: MakeRequest, handle: Callable[[Peer], None]) -> None:
    with server(handle) as base:
        assert ending(base, make_request(b"x" * 1_000_000)).trouble is Trouble.BROKEN


def test_silence_ends_a_call(make_request: MakeRequest) -> None:
    done = threading.Event()

    def handle(peer: Peer) -> None:
        peer.read_request()
        done.wait(10)

    with server(handle) as base:
        assert ending(base, make_request(), timeout_s=0.3).trouble is Trouble.TIMED_OUT
        done.set()


def test_a_server_that_does_not_read_ends_a_call(make_request: MakeRequest) -> None:
    done = threading.Event()

    def handle(peer: Peer) -> None:
        peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        done.wait(10)

    with server(handle) as base:
        error = ending(base, make_request(b"x" * 30_000_000), timeout_s=0.5)
        done.set()
    assert error.trouble is Trouble.TIMED_OUT


def test_a_slow_line_is_no_silence(make_request: MakeRequest) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        length = int(peer.header("content-length") or 0)
        while len(peer.body) < length:
            peer.body += peer.connection.recv(1 << 18)
            time.sleep(0.08)
        peer.answer(200, CREATED)

    with server(handle) as base:
        assert create(client(base, timeout_s=2), make_request(b"x" * 8_000_000)) == Created("t-1")


def test_an_answer_that_drips_is_given_up(make_request: MakeRequest) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.answer(200, b"", content_length="1000000")
        for _ in range(100):
            peer.send(b" ")
            time.sleep(0.05)

    with server(handle) as base:
        assert ending(base, make_request(), timeout_s=0.5).trouble is Trouble.TIMED_OUT


def test_an_endless_answer_is_not_read_to_its_end(make_request: MakeRequest) -> None:
    sent = [0]

    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.answer(200, b"", content_length=str(10**12))
        for _ in range(1_000):
            peer.send(b"[" * 1_000_000)
            sent[0] += 1_000_000

    with server(handle) as base:
        assert ending(base, make_request()).trouble is Trouble.UNREADABLE
    assert sent[0] < 10 * MOST_ANSWER_BYTES


def test_nobody_listens(make_request: MakeRequest) -> None:
    error = ending(f"http://127.0.0.1:{free_port()}", make_request())
    assert error.trouble is Trouble.NOT_CONNECTED
    assert "refused" in error.message


def test_a_name_that_nobody_knows(make_request: MakeRequest) -> None:
    assert ending("http://no-such-host.invalid", make_request()).trouble is Trouble.NOT_CONNECTED


def test_tls_to_a_server_without_it(make_request: MakeRequest) -> None:
    def handle(peer: Peer) -> None:
        peer.connection.recv(1000)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with server(handle) as base:
        assert ending(base.replace("http:", "https:"), make_request()).trouble is Trouble.NOT_CONNECTED


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for localhost, with its key, in one file."""
    trustme = pytest.importorskip("trustme")
    path = tmp_path / "server.pem"
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return path


def over_tls(certificate: Path, seen: list[str]) -> Callable[[Peer], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def handle(peer: Peer) -> None:
        with context.wrap_socket(peer.connection, server_side=True) as secure:
            inner = Peer(secure, peer.number)
            inner.read_request()
            seen.append(inner.target)
            inner.answer(200, CREATED)

    return handle


def test_a_certificate_that_nobody_vouches_for(make_request: MakeRequest, certificate: Path) -> None:
    seen: list[str] = []
    with server(over_tls(certificate, seen)) as base:
        url = base.replace("http://127.0.0.1", "https://localhost")
        error = ending(url, make_request())
    assert error.trouble is Trouble.NOT_CONNECTED
    assert "certificate" in error.message
    assert seen == []


def test_a_certificate_from_ssl_cert_file(
    make_request: MakeRequest, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    seen: list[str] = []
    with server(over_tls(certificate, seen)) as base:
        url = base.replace("http://127.0.0.1", "https://localhost")
        assert create(client(url), make_request()) == Created("t-1")
    assert seen == ["/model/v1/generation"]


def test_a_proxy_from_the_environment(make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def handle(peer: Peer) -> None:
        peer.read_request()
        seen.append(peer.target)
        peer.answer(200, CREATED)

    with server(handle) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        assert create(client("http://gateway.invalid"), make_request()) == Created("t-1")
        monkeypatch.setenv("no_proxy", "gateway.invalid")
        assert ending("http://gateway.invalid", make_request()).trouble is Trouble.NOT_CONNECTED
    assert seen == ["http://gateway.invalid/model/v1/generation"]


def test_a_proxy_that_refuses_to_connect_on(make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        assert peer.head.startswith(b"CONNECT")
        peer.answer(403)

    with server(handle) as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        assert ending("https://gateway.invalid", make_request()).trouble is Trouble.NOT_CONNECTED


def test_a_proxy_that_is_not_there(make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "")
    assert ending("http://gateway.invalid", make_request()).trouble is Trouble.NOT_CONNECTED


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(make_request: MakeRequest, status: int) -> None:
    requests: list[bytes] = []

    def handle(peer: Peer) -> None:
        peer.read_request()
        requests.append(peer.head)
        peer.answer(status, location="/elsewhere")

    with server(handle) as base:
        error = ending(base, make_request())
    assert (error.trouble, error.status) == (Trouble.STATUS, status)
    assert len(requests) == 1


def test_an_early_answer_to_a_large_body_is_read(make_request: MakeRequest) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(413, b'{"error": "too large"}')
        peer.connection.shutdown(socket.SHUT_WR)
        while peer.connection.recv(1 << 20):
            pass

    with server(handle) as base:
        error = ending(base, make_request(b"x" * 5_000_000))
    assert (error.trouble, error.status) == (Trouble.STATUS, 413)
    assert "too large" in error.message


def test_a_reference_that_changed_is_not_sent(make_request: MakeRequest, tmp_path: Path) -> None:
    connections: list[int] = []
    request = make_request(b"content")
    (tmp_path / "reference0").write_bytes(b"other content")
    with server(lambda peer: connections.append(peer.number)) as base:
        assert ending(base, request).trouble is Trouble.NOT_SENT
    assert connections == []


@pytest.mark.parametrize("status", [429, 503])
def test_the_time_to_wait_comes_along(make_request: MakeRequest, status: int) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.answer(status, retry_after="7")

    with server(handle) as base:
        assert ending(base, make_request()).retry_after_s == 7


def test_retry_after_in_both_forms() -> None:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    later = format_datetime(now + dt.timedelta(seconds=90), usegmt=True)
    earlier = format_datetime(now - dt.timedelta(seconds=90), usegmt=True)
    cases = {
        "12": 12,
        "0": 0,
        "999999999": 86_400,
        later: 90,
        earlier: 0,
        "-1": None,
        "soon": None,
        "1.5": None,
        "": None,
    }
    said = format_datetime(now, usegmt=True)
    assert {value: retry_after_s(value, said) for value in cases} == cases
    assert retry_after_s(None, said) is None
    assert retry_after_s("12", None) == 12


@pytest.mark.parametrize("said", [None, "", "yesterday"])
def test_a_retry_after_of_an_answer_without_a_date_is_held_against_our_clock(said: str | None) -> None:
    over = format_datetime(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1), usegmt=True)
    due = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), usegmt=True)
    assert retry_after_s(over, said) == 0
    assert 3_000 < (retry_after_s(due, said) or 0) <= 3_600


@pytest.mark.parametrize("hours", [-20, 20])
def test_a_clock_that_goes_wrong_does_not_change_the_wait(make_request: MakeRequest, hours: int) -> None:
    """Whoever asks to wait until a time reckons by his own clock: ours may be a day behind, or ahead."""
    sent = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=hours)

    def handle(peer: Peer) -> None:
        peer.read_request()
        until = sent + dt.timedelta(seconds=7)
        peer.answer(429, retry_after=format_datetime(until, usegmt=True), date=format_datetime(sent, usegmt=True))

    with server(handle) as base:
        assert ending(base, make_request()).retry_after_s == 7


@pytest.mark.parametrize("key", ["", " ", "two words", "line\nbreak", "schlüssel", "\x00"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        ApiKey(key)
    assert not key.strip() or key not in str(caught.value)


def test_a_key_is_shown_and_stored_nowhere() -> None:
    key = ApiKey(f" {KEY}\n")
    assert key.header() == f"Bearer {KEY}"
    assert KEY not in f"{key!r} {key} {[key]}"
    with pytest.raises(TypeError):
        pickle.dumps(key)


@pytest.mark.parametrize(
    "url",
    ["", "cloud.example", "ftp://x", "https://", "https://user:pass@x", "https://x?y", "https://x#y", "http:///x"],
)
def test_a_base_url_that_cannot_be_one(url: str) -> None:
    with pytest.raises(UsageError, match="base URL"):
        client(url)

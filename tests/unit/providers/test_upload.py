"""The upload route: a file goes to the address that the user named and nowhere else, and a URL comes back."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from batchgen.contents import PublishFailed
from batchgen.errors import UsageError
from batchgen.providers.answers import Answer, Unfinished
from batchgen.providers.api_key import ApiKey
from batchgen.providers.interface import Trouble
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix.upload import VtrixUploader, read_uploaded
from batchgen.references import Content, Facts

from helpers.servers import Peer, free_port, server

KEY = "sk-0123456789-of-the-test"
URL = "https://files.example/a.wav?expires=5"
PAGE = b"<!doctype html><p>sorry</p>"


@pytest.fixture
def content(tmp_path: Path) -> Content:
    path = tmp_path / "my secret line.wav"
    path.write_bytes(b"sound" * 200_000)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Content(sha256, "audio/wav", Facts("audio", "wav", path.stat().st_size, seconds=4), path)


@contextmanager
def uploader(address: str) -> Iterator[VtrixUploader]:
    made = VtrixUploader(Connection(address, ApiKey(KEY), timeout_s=5))
    try:
        yield made
    finally:
        made.close()


def said(document: object, status: int = 200) -> str:
    return read_uploaded(Answer(status, document if isinstance(document, bytes) else json.dumps(document).encode()))


@pytest.mark.parametrize("document", [{"url": URL}, {"data": {"url": URL}}, {"data": {"url": URL}, "url": None}])
def test_the_url_stands_at_the_top_or_in_an_envelope(document: object) -> None:
    assert said(document) == URL


@pytest.mark.parametrize(
    ("document", "status", "why", "again", "denied"),
    [
        ({"message": "who are you"}, 401, "answered 401: who are you", False, True),
        ({"message": "top up"}, 402, "answered 402: top up", False, True),
        ({}, 403, "answered 403", False, True),
        (PAGE, 404, "answered 404; it takes no uploads", False, False),
        ({"detail": "too large"}, 413, "answered 413: too large", False, False),
        ({}, 429, "answered 429", True, False),
        (PAGE, 502, "answered 502", True, False),
        ({"message": "full"}, 507, "answered 507: full", True, False),
        ({"url": URL}, 302, "answered 302, a redirect, along which the key is not sent", False, False),
        (
            {"status": {"code": 40201, "message": "no money"}, "data": None},
            200,
            "without a URL: no money",
            False,
            False,
        ),
        ({"url": 5}, 200, "without a URL", False, False),
        (PAGE, 200, "without a URL", False, False),
        ({"url": "file:///etc/passwd"}, 200, "a URL that cannot be one", False, False),
        ({"url": "https://files.example/a b"}, 200, "a URL that cannot be one", False, False),
        ({"url": "https://user:password@files.example/a"}, 200, "a URL that cannot be one", False, False),
        ({"url": "https://[files"}, 200, "a URL that cannot be one", False, False),
        ({"url": "https://files.example/" + "a" * 5_000}, 200, "a URL that cannot be one", False, False),
    ],
)
def test_what_is_no_url(document: object, status: int, why: str, again: bool, denied: bool) -> None:  # noqa: FBT001
    with pytest.raises(PublishFailed) as failed:
        said(document, status)
    assert why in str(failed.value)
    assert (failed.value.again, failed.value.denied) == (again, denied)


def test_an_answer_that_breaks_off_may_come_whole_the_next_time() -> None:
    with pytest.raises(PublishFailed, match="broke") as failed:
        read_uploaded(Unfinished(Answer(200, b"{"), Trouble.BROKEN, "the connection broke (reset)"))
    assert failed.value.again


def test_a_file_goes_up_whole_under_its_hash_with_the_key(content: Content) -> None:
    heads, bodies = list[bytes](), list[bytes]()

    def take(peer: Peer) -> None:
        bodies.append(peer.read_request())
        heads.append(peer.head)
        peer.answer(200, json.dumps({"url": URL}).encode())

    with server(take) as address, uploader(f"{address}/storage/files") as made:
        assert made.upload(content) == URL
    assert f"Authorization: Bearer {KEY}".encode() in heads[0]
    assert heads[0].startswith(b"POST /storage/files HTTP/1.1")
    assert b"sound" * 200_000 in bodies[0]
    assert f'name="file"; filename="{content.sha256}.wav"'.encode() in bodies[0]
    assert b"secret" not in bodies[0] + heads[0], "what the file is called here is nobody's business"


def test_a_url_that_has_the_key_in_it_is_not_used(content: Content) -> None:
    def repeat(peer: Peer) -> None:
        peer.read_request()
        peer.answer(200, json.dumps({"url": f"{URL}&key={KEY}"}).encode())

    with server(repeat) as address, uploader(address) as made, pytest.raises(PublishFailed, match="has the API key"):
        made.upload(content)


def test_the_key_goes_along_no_redirect(content: Content) -> None:
    elsewhere = list[bytes]()

    def listen(peer: Peer) -> None:
        elsewhere.append(peer.read_head())

    with server(listen) as other:

        def lead_on(peer: Peer) -> None:
            peer.read_request()
            peer.answer(307, location=f"{other}/files")

        with server(lead_on) as address, uploader(address) as made, pytest.raises(PublishFailed, match="redirect"):
            made.upload(content)
    assert elsewhere == []


def test_a_file_that_changed_never_arrives_whole(content: Content) -> None:
    assert content.path is not None
    bodies = list[bytes]()

    def take(peer: Peer) -> None:
        bodies.append(peer.read_request())

    content.path.write_bytes(b"other" * 200_000)
    with server(take) as address, uploader(address) as made:
        with pytest.raises(PublishFailed, match="changed after it was checked") as failed:
            made.upload(content)
        content.path.unlink()
        with pytest.raises(PublishFailed, match="cannot be read any more"):
            made.upload(content)
    assert not failed.value.again
    assert all(b"--\r\n" not in body[-8:] for body in bodies)


def test_nobody_there_may_be_there_the_next_time(content: Content) -> None:
    with uploader(f"http://127.0.0.1:{free_port()}/files") as made, pytest.raises(PublishFailed) as failed:
        made.upload(content)
    assert str(failed.value).startswith("a file did not go up: the address to publish at cannot be reached")
    assert failed.value.again


@pytest.mark.parametrize(
    "address", ["https://user:password@files.example/", "https://files.example/?key=5", "https://"]
)
def test_an_address_that_cannot_be_one(address: str) -> None:
    with pytest.raises(UsageError, match="base URL"):
        VtrixUploader(Connection(address, ApiKey(KEY)))

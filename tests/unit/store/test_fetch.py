"""Results arrive whole, are gone on with after a break, and are checked."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchgen.media.samples import FIGURES, clip, picture
from batchgen.network import Network
from batchgen.store.fetch import fetch
from batchgen.store.interface import Fetched, FetchFailed, Wanted
from batchgen.store.local import Limits, LocalStore

from helpers.films import mismatch
from helpers.servers import Peer, free_port, server

CONTENT = bytes(range(256)) * 4_000
ETAG = '"v1"'


@pytest.fixture
def network() -> Iterator[Network]:
    connections = Network(4, connect_s=5, silence_s=1)
    yield connections
    connections.close()


class Store:
    """Serves CONTENT with ranges, and breaks off the first answers."""

    def __init__(self, *, breaks: int = 0, etag: str | None = ETAG, content: bytes = CONTENT) -> None:
        self.breaks = breaks
        self.etag = etag
        self.content = content
        self.ranges: list[str | None] = []
        self.heads: list[bytes] = []

    def __call__(self, peer: Peer) -> None:
        peer.read_head()
        self.heads.append(peer.head)
        self.ranges.append(peer.header("range"))
        headers = {"etag": self.etag} if self.etag else {}
        start = 0
        span, condition = peer.header("range"), peer.header("if-range")
        if span and (condition is None or condition == self.etag):
            start = int(span.removeprefix("bytes=").rstrip("-"))
            headers["content_range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        body = self.content[start:]
        cut = len(body) // 3 if len(self.ranges) <= self.breaks else len(body)
        peer.answer(206 if start else 200, body[:cut], content_length=str(len(body)), **headers)


def whole(target: Path) -> Fetched:
    return Fetched(target, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_a_result_arrives(network: Network, tmp_path: Path) -> None:
    target = tmp_path / "s01.mp4"
    with server(Store()) as base:
        assert fetch(network, f"{base}/x", target) == whole(target)
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == []


def test_a_result_is_gone_on_with_after_breaks(network: Network, tmp_path: Path) -> None:
    target = tmp_path / "s01.mp4"
    store = Store(breaks=3)
    with server(store) as base:
        assert fetch(network, f"{base}/x", target) == whole(target)
    assert store.ranges[0] is None
    assert store.ranges[1] == f"bytes={len(CONTENT) // 3}-"
    assert len(store.ranges) == 4


def test_the_next_run_goes_on_where_this_one_stopped(network: Network, tmp_path: Path) -> None:
    target = tmp_path / "s01.mp4"
    store = Store(breaks=5)
    with server(store) as base:
        with pytest.raises(FetchFailed, match="did not arrive"):
            fetch(network, f"{base}/x?signature=one", target)
        assert not target.exists()
        assert leftovers(target) == ["s01.mp4.part", "s01.mp4.part.json"]
        assert fetch(network, f"{base}/x?signature=other", target) == whole(target)
    assert store.ranges[5] is not None
    assert leftovers(target) == []


@pytest.mark.parametrize(
    "now", [Store(etag='"v2"'), Store(etag=None, content=CONTENT + b"x"), Store(etag='"v2"', content=b"new")]
)
def test_another_file_on_the_server_is_fetched_from_its_beginning(network: Network, tmp_path: Path, now: Store) -> None:
    target = tmp_path / "s01.mp4"
    first = Store(breaks=5, etag=now.etag and ETAG)
    with server(first) as base, pytest.raises(FetchFailed):
        fetch(network, f"{base}/x", target)
    with server(now) as base:
        fetch(network, f"{base}/x", target)
    assert target.read_bytes() == now.content


@pytest.mark.parametrize("now", ["/y", "/x"])
def test_a_part_is_never_gone_on_with_for_another_file(network: Network, tmp_path: Path, now: str) -> None:
    """Neither for another address, nor where the server has no validator and only the length is the same."""
    target = tmp_path / "s01.mp4"
    other = bytes(reversed(CONTENT))
    first = Store(breaks=5, etag=ETAG if now == "/y" else None)
    second = Store(etag=first.etag, content=other)

    def handle(peer: Peer) -> None:
        (first if len(first.ranges) < 5 else second)(peer)

    with server(handle) as base:
        with pytest.raises(FetchFailed):
            fetch(network, f"{base}/x", target)
        fetch(network, f"{base}{now}", target)
    assert second.ranges == [None]
    assert target.read_bytes() == other


def test_a_date_is_a_validator_too(network: Network, tmp_path: Path) -> None:
    target = tmp_path / "s01.mp4"
    asked: list[tuple[str | None, str | None]] = []
    date = "Tue, 24 Nov 2026 10:00:00 GMT"

    def handle(peer: Peer) -> None:
        peer.read_head()
        asked.append((peer.header("range"), peer.header("if-range")))
        start = 0 if asked[-1][0] is None else len(CONTENT) // 2
        body = CONTENT[start:]
        headers = {"content_range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if start else {}
        sent = body if start else body[: len(CONTENT) // 2]
        peer.answer(206 if start else 200, sent, content_length=str(len(body)), last_modified=date, **headers)

    with server(handle) as base:
        assert fetch(network, f"{base}/x", target) == whole(target)
    assert asked == [(None, None), (f"bytes={len(CONTENT) // 2}-", date)]


def test_a_part_of_which_nothing_is_known_is_begun_again(network: Network, tmp_path: Path) -> None:
    target = tmp_path / "s01.mp4"
    (tmp_path / "s01.mp4.part").write_bytes(b"from who knows where")
    (tmp_path / "s01.mp4.part.json").write_text("{damaged")
    with server(Store()) as base:
        assert fetch(network, f"{base}/x", target) == whole(target)


def test_a_server_without_ranges(network: Network, tmp_path: Path) -> None:
    target = tmp_path / "s01.mp4"
    number = [0]

    def handle(peer: Peer) -> None:
        peer.read_head()
        number[0] += 1
        cut = 1000 if number[0] < 3 else len(CONTENT)
        peer.answer(200, CONTENT[:cut], content_length=str(len(CONTENT)))

    with server(handle) as base:
        assert fetch(network, f"{base}/x", target) == whole(target)


def test_a_part_longer_than_the_file_is_begun_again(network: Network, tmp_path: Path) -> None:
    target = tmp_path / "s01.mp4"
    (tmp_path / "s01.mp4.part").write_bytes(CONTENT + b"more")
    asked = []

    def handle(peer: Peer) -> None:
        peer.read_head()
        asked.append(peer.header("range"))
        if peer.header("range"):
            peer.answer(416, content_range=f"bytes */{len(CONTENT)}")
        else:
            peer.answer(200, CONTENT, etag=ETAG)

    with server(handle) as base:
        note = {"place": f"{base}/x", "validator": ETAG, "length": len(CONTENT)}
        (tmp_path / "s01.mp4.part.json").write_text(json.dumps(note))
        assert fetch(network, f"{base}/x", target) == whole(target)
    assert asked == [f"bytes={len(CONTENT) + 4}-", None]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_expired_url_is_told_apart(network: Network, tmp_path: Path, status: int) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(status)

    with server(handle) as base, pytest.raises(FetchFailed) as caught:
        fetch(network, f"{base}/x", tmp_path / "s01.mp4")
    assert caught.value.expired
    assert not (tmp_path / "s01.mp4").exists()


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_in_trouble_is_asked_a_few_times(network: Network, tmp_path: Path, status: int) -> None:
    asked: list[int] = []

    def handle(peer: Peer) -> None:
        peer.read_head()
        asked.append(peer.number)
        peer.answer(status)

    with server(handle) as base, pytest.raises(FetchFailed) as caught:
        fetch(network, f"{base}/x", tmp_path / "s01.mp4")
    assert not caught.value.expired
    assert len(asked) == 5


def test_redirects_are_followed_within_limits(network: Network, tmp_path: Path) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        hop = int(peer.target.removeprefix("/"))
        if hop:
            peer.answer(302, location=f"/{hop - 1}")
        else:
            peer.answer(200, CONTENT)

    with server(handle) as base:
        assert fetch(network, f"{base}/5", tmp_path / "a.mp4").bytes == len(CONTENT)
        with pytest.raises(FetchFailed, match="redirects"):
            fetch(network, f"{base}/6", tmp_path / "b.mp4")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/y", "data:,x", "javascript:1", "", "//x", "http://[x/y", "http:///x"]
)
def test_only_http_and_https_are_opened(network: Network, tmp_path: Path, url: str) -> None:
    with pytest.raises(FetchFailed, match="neither http nor https"):
        fetch(network, url, tmp_path / "s01.mp4")
    assert not (tmp_path / "s01.mp4").exists()


def test_a_redirect_to_a_file_is_not_followed(network: Network, tmp_path: Path) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(302, location="file:///etc/passwd")

    with server(handle) as base, pytest.raises(FetchFailed, match="neither http nor https"):
        fetch(network, f"{base}/x", tmp_path / "s01.mp4")


def test_a_result_that_is_too_large_is_not_taken(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchgen.store.fetch.MOST_BYTES", 100_000)
    with server(Store()) as base, pytest.raises(FetchFailed, match="larger than"):
        fetch(network, f"{base}/x", tmp_path / "s01.mp4")


def test_a_request_for_a_result_carries_no_authorization(network: Network, tmp_path: Path) -> None:
    store = Store()
    with server(store) as base:
        fetch(network, f"{base}/x", tmp_path / "s01.mp4")
    assert b"authorization" not in store.heads[0].lower()


def test_nobody_there_and_so_a_fresh_url_may_help(network: Network, tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="did not arrive") as caught:
        fetch(network, f"http://127.0.0.1:{free_port()}/x", tmp_path / "s01.mp4")
    assert caught.value.expired


def test_a_line_that_breaks_is_no_reason_for_a_fresh_url(network: Network, tmp_path: Path) -> None:
    with server(Store(breaks=99)) as base, pytest.raises(FetchFailed, match="did not arrive") as caught:
        fetch(network, f"{base}/x", tmp_path / "s01.mp4")
    assert not caught.value.expired


def test_a_folder_that_is_gone_is_told_as_such(network: Network, tmp_path: Path) -> None:
    with server(Store()) as base, pytest.raises(FileNotFoundError):
        fetch(network, f"{base}/x", tmp_path / "gone" / "s01.mp4")


@pytest.mark.parametrize(
    ("make", "size", "duration", "expected"),
    [
        (lambda: clip(FIGURES["dog"], 3), "480*360", 3, None),
        (lambda: clip(FIGURES["dog"], 3), "1280*720", 3, "480*360, and 1280*720 was asked for"),
        (lambda: clip(FIGURES["dog"], 3), "480*360", 5, "3.0 s, and 5 s were asked for"),
        (lambda: picture(FIGURES["dog"]), "480*480", 5, "not a video but image"),
    ],
)
def test_what_arrived_is_compared_with_what_was_asked_for(
    tmp_path: Path, make: Callable[[], bytes], size: str, duration: int, expected: str | None
) -> None:
    path = tmp_path / "s01.mp4"
    path.write_bytes(make())
    found = mismatch(path, size, duration)
    assert found is None if expected is None else expected in (found or "")


@pytest.mark.parametrize("content", [b"<html>", b"", clip(FIGURES["dog"], 3)[:5_000]])
def test_what_does_not_decode_is_damaged_and_not_wrong(tmp_path: Path, content: bytes) -> None:
    def answer(peer: Peer) -> None:
        peer.read_head()
        peer.answer(200, content)

    with server(answer) as address:
        work = LocalStore(tmp_path, Limits()).work(Wanted("s1", 1, f"{address}/x", "480*360", 3))
        with pytest.raises(FetchFailed, match="not a video that decodes") as caught:
            work()
    assert caught.value.expired, "a fresh address may have it whole"
    assert list((tmp_path / "results").iterdir()) == []

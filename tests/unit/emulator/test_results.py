"""The video under its URL: ranges, validators, expiry, and what can be wrong with it."""

import asyncio
from io import BytesIO

import av
import pytest
import urllib3
from starlette.responses import Response
from starlette.types import Message

from batchgen.emulator.http.connection_faults import PacedResponse

from unit.emulator.client import Answer, Client, Start, request


@pytest.fixture
def client(start: Start) -> Client:
    return start()


def url_of(client: Client, prompt: str = "a video") -> str:
    url: str = client.bought(request(prompt))["output"][0]["content"][0]["url"]
    return url


def ranged(client: Client, url: str, text: str, **headers: str) -> Answer:
    return client.send("GET", url, None, Range=text, **headers)


def test_ranges(client: Client) -> None:
    url = url_of(client)
    whole = client.send("GET", url)
    size = len(whole.body)
    assert whole.headers["accept-ranges"] == "bytes"
    for text, part in {
        "bytes=0-0": slice(0, 1),
        "bytes=100-": slice(100, None),
        "bytes=10-19": slice(10, 20),
        "bytes=-7": slice(size - 7, None),
        f"bytes=5-{size * 2}": slice(5, None),
        f"bytes=-{size * 2}": slice(0, None),
    }.items():
        answer = ranged(client, url, text)
        assert answer.status == 206, text
        assert answer.body == whole.body[part]
        assert answer.headers["etag"] == whole.headers["etag"]
        first = part.start
        last = first + len(answer.body) - 1
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{size}"


def test_a_range_outside_of_the_file_is_refused(client: Client) -> None:
    url = url_of(client)
    for text in ("bytes=99999999-", "bytes=-0"):
        answer = ranged(client, url, text)
        assert answer.status == 416
        assert answer.headers["content-range"].startswith("bytes */")


def test_what_is_no_single_range_gets_the_whole(client: Client) -> None:
    url = url_of(client)
    for text in ("bytes=-", "bytes=5-1", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b", ""):
        assert ranged(client, url, text).status == 200


def test_a_range_holds_only_for_the_file_it_was_meant_for(client: Client) -> None:
    url = url_of(client)
    etag = client.send("GET", url).headers["etag"]
    assert ranged(client, url, "bytes=5-", If_Range=etag).status == 206
    assert ranged(client, url, "bytes=5-", If_Range='"another"').status == 200


def test_head_gives_the_length_alone(client: Client) -> None:
    url = url_of(client)
    head = client.send("HEAD", url, Range="bytes=5-9")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) == len(client.send("GET", url).body)


def test_a_url_needs_no_key_and_a_valid_expiry(client: Client) -> None:
    url = url_of(client)
    assert client.send("GET", url, Authorization="").status == 200
    bare = url.partition("?")[0]
    for query in ("", "?expires=", "?expires=never", "?expires=-5", "?expires=1e9"):
        assert client.send("GET", bare + query).status == 403
    assert client.send("GET", bare + "?expires=5").status == 410


def test_urls_expire_and_a_fresh_reading_gives_a_fresh_one(start: Start) -> None:
    client = start(url_lifetime=0.0)
    task = client.bought(request())
    assert client.send("GET", task["output"][0]["content"][0]["url"]).status == 410
    again = client.read(task["id"]).json()
    assert again["output"][0]["content"][0]["url"] != task["output"][0]["content"][0]["url"]


def test_the_first_url_can_be_expired_alone(start: Start) -> None:
    client = start("expired-url")
    task = client.bought(request())
    assert client.send("GET", task["output"][0]["content"][0]["url"]).status == 410
    fresh = client.read(task["id"]).json()["output"][0]["content"][0]["url"]
    assert client.send("GET", fresh).status == 200


def downloaded(url: str, into: bytearray) -> None:
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        for piece in pool.request("GET", url, preload_content=False).stream(1024):
            into += piece


def test_a_download_breaks_off_once_and_can_be_resumed(start: Start) -> None:
    client = start("truncated-result")
    url = url_of(client)
    got = bytearray()
    with pytest.raises(urllib3.exceptions.HTTPError):
        downloaded(url, got)
    assert got
    rest = ranged(client, url, f"bytes={len(got)}-")
    assert rest.status == 206
    assert bytes(got) + rest.body == client.send("GET", url).body


def test_a_server_without_ranges(start: Start) -> None:
    client = start("no-range")
    answer = ranged(client, url_of(client), "bytes=5-9")
    assert answer.status == 200
    assert "accept-ranges" not in answer.headers


def test_a_short_file_does_not_decode(start: Start) -> None:
    client = start("short-result")
    answer = client.send("GET", url_of(client))
    assert (answer.status, int(answer.headers["content-length"])) == (200, len(answer.body))
    with pytest.raises(av.FFmpegError):
        av.open(BytesIO(answer.body)).close()


def test_a_padded_file_is_larger_and_plays(start: Start) -> None:
    plain, padded = start(), start("padded-3")
    usual, larger = (len(each.send("GET", url_of(each)).body) for each in (plain, padded))
    assert larger == usual + 3 * 2**20
    with av.open(BytesIO(padded.send("GET", url_of(padded)).body), "r") as container:
        assert sum(1 for _ in container.decode(video=0)) > 0
        assert container.duration == 2_000_000


def test_a_paced_file_is_the_whole_file(start: Start) -> None:
    plain, paced = start(), start("rate-999", "padded-1")
    url, usual = url_of(paced), plain.send("GET", url_of(plain)).body
    answer = paced.send("GET", url)
    assert answer.body[: len(usual)] == usual
    assert int(answer.headers["content-length"]) == len(answer.body) == len(usual) + 2**20
    assert ranged(paced, url, "bytes=5-9").body == usual[5:10]
    assert paced.send("HEAD", url).headers["content-length"] == answer.headers["content-length"]


def test_a_paced_file_comes_in_portions_of_a_twentieth_of_a_second() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is received")

    response = PacedResponse(Response(bytes(120_000), headers={"ETag": "e"}), 2**20)
    asyncio.run(response({"method": "GET"}, receive, send))
    assert [len(message.get("body", b"")) for message in sent[1:]] == [52_428, 52_428, 15_144, 0]
    assert dict(sent[0]["headers"])[b"etag"] == b"e"
    assert not sent[-1].get("more_body")


@pytest.mark.parametrize(
    ("kind", "width", "height", "seconds"),
    [("wrong-size-result", 640, 360, 2), ("wrong-duration-result", 1280, 720, 1)],
)
def test_a_video_that_was_not_asked_for(start: Start, kind: str, width: int, height: int, seconds: int) -> None:
    client = start(kind)
    answer = client.send("GET", url_of(client))
    with av.open(BytesIO(answer.body), "r") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (width, height)
        assert container.duration == seconds * 1_000_000


@pytest.mark.parametrize(("kind", "status"), [("result-404", 404), ("result-500", 500), ("result-html", 200)])
def test_a_file_that_cannot_be_had(start: Start, kind: str, status: int) -> None:
    client = start(kind)
    answer = client.send("GET", url_of(client))
    assert answer.status == status
    assert "video" not in answer.headers["content-type"]

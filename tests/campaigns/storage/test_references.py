"""References as s3://… against a real S3 over HTTP, and one whose answers break in the middle."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

import batchgen
from batchgen.contents import ReferenceChanged, opened
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.media.decoding import UnusableMedia
from batchgen.media.probe import probe
from batchgen.media.stored import measured
from batchgen.object_stores import _PATIENCE
from batchgen.references import Content
from batchgen.schemas import shipped

from helpers.servers import Peer, server
from helpers.support import checked, one_scene, write_image, write_video

KEY = "sk-0123456789-of-the-test"
CONTENT = bytes(range(256)) * 40_000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_run_sends_what_lies_there(tmp_path: Path, s3: Any) -> None:
    s3.put_file(str(write_image(tmp_path / "hero.png")), "film/in/hero.png")
    s3.put_file(str(write_video(tmp_path / "dog.mp4", seconds=3)), "film/in/dog.mp4")
    references = ["s3://film/in/hero.png", "s3://film/in/dog.mp4"]
    scene = {"id": "s1", "prompt": "character1 meets character2", "references": references}
    defaults = {"size": "960*960", "duration": 3}
    film, log = tmp_path / "film.yaml", tmp_path / "requests.jsonl"
    film.write_text(json.dumps({"version": 1, "name": "film", "defaults": defaults, "scenes": [scene]}))
    with EmbeddedEmulator(Settings(latency=(0.0, 0.0), log=log), shipped()) as emulator:
        options = {"base_url": emulator.base_url, "api_key": KEY, "poll_interval": 0.01, "no_download": True}
        assert batchgen.run(film, **options).exit_code == 0  # type: ignore[arg-type]
        scene["references"] = ["hero.png", "dog.mp4"]
        film.write_text(json.dumps({"version": 1, "name": "film", "defaults": defaults, "scenes": [scene]}))
        assert batchgen.run(film, **options).exit_code == 0  # type: ignore[arg-type]
    asked = [json.loads(line) for line in log.read_text().splitlines()]
    (sent,) = [entry["request"]["input"]["reference_urls"] for entry in asked if entry.get("request")]
    assert [each.partition(";")[0] for each in sent] == ["data:image/png", "data:video/mp4"]


def test_what_is_not_there_or_not_for_us(tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(source: str) -> str:
        (problem,) = checked(tmp_path, one_scene(references=f"[{source}]")).problems
        assert problem.rule == "reference.unusable"
        return problem.message

    assert "there is no such file, or no such bucket" in told("s3://film/in/none.png")
    assert "there is no such file, or no such bucket" in told("s3://no-such-bucket/none.png")

    def deny(peer: Peer) -> None:
        peer.read_head()
        peer.answer(403 if "denied" in peer.target else 400)

    with server(deny) as address:
        type(s3).clear_instance_cache()
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        assert "Forbidden" in told("s3://film/denied.png")
        assert "expired credentials look like that" in told("s3://film/expired.png")


class Store:
    """An S3 with one object, whose answers break off so many times."""

    def __init__(self, breaks: int) -> None:
        self.breaks, self.gets = breaks, 0

    def __call__(self, peer: Peer) -> None:
        peer.read_head()
        headers = {"etag": '"v1"', "last_modified": "Thu, 01 Jan 2026 00:00:00 GMT", "accept_ranges": "bytes"}
        if peer.head.startswith(b"HEAD"):
            peer.answer(200, b"", content_length=str(len(CONTENT)), **headers)
            return
        self.gets += 1
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", peer.header("range") or "")
        assert span is not None
        start, end = int(span[1]), min(int(span[2]) + 1, len(CONTENT))
        headers |= {"content_range": f"bytes {start}-{end - 1}/{len(CONTENT)}", "content_length": str(end - start)}
        self.breaks -= 1
        body = CONTENT[start:end] if self.breaks < 0 else CONTENT[start : (start + end) // 2]
        peer.answer(206, body, **headers)


@pytest.mark.parametrize("breaks", [0, 2])
def test_a_read_that_breaks_in_the_middle_is_repeated(s3: Any, monkeypatch: pytest.MonkeyPatch, breaks: int) -> None:
    store = Store(breaks)
    with server(store) as address:
        type(s3).clear_instance_cache()
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        found, sha256, _ = measured("s3://film/large", lambda file: probe_of(file.read()))
    assert (found.etag, found.bytes) == ('"v1"', len(CONTENT))
    assert sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert store.gets == 2 + breaks, "10 MB in blocks of 8"


def probe_of(content: bytes) -> Any:
    from batchgen.references import Facts

    assert content == b"", "the file stands at its end; a decoder begins where it likes"
    return Facts("image", "png", len(CONTENT))


def test_an_object_that_changed_is_not_sent(tmp_path: Path, s3: Any) -> None:
    s3.put_file(str(write_image(tmp_path / "hero.png")), "film/in/changing.png")
    found, sha256, facts = measured("s3://film/in/changing.png", probe)
    content = Content(sha256, "image/png", facts, None, found)
    with opened(content) as file:
        assert file.read() == (tmp_path / "hero.png").read_bytes()
    s3.put_file(str(write_image(tmp_path / "hero.png", color=9)), "film/in/changing.png")
    with pytest.raises(ReferenceChanged, match="is another file than the one that was checked"):
        opened(content)


def test_a_store_that_says_nothing_is_given_up_after_a_minute(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = list[str]()
    monkeypatch.setitem(_PATIENCE, "read_timeout", 0.2)

    def silent(peer: Peer) -> None:
        tries.append(peer.read_head().decode())
        peer.connection.recv(1)

    with server(silent) as address:
        type(s3).clear_instance_cache()
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(UnusableMedia, match="cannot be read"):
            measured("s3://film/silent", probe)
    assert len(tries) == 3, "s3fs repeats nothing that botocore has repeated"

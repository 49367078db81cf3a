"""`run --publish s3://…` against a real S3 over HTTP: written once, signed, tried, and refused in clear words."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

import batchgen
from batchgen.contents import PublishFailed
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.errors import UsageError
from batchgen.references import Content, Facts
from batchgen.schemas import shipped
from batchgen.store.signed_files import SignedFiles

from helpers.servers import Peer, free_port, server
from helpers.support import write_image, write_sound

KEY = "sk-0123456789-of-the-test"
Make = Callable[..., SignedFiles]
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"


@pytest.fixture
def made() -> Iterator[Make]:
    opened = list[SignedFiles]()

    def make(url: str = "s3://film/refs", **how: Any) -> SignedFiles:
        opened.append(SignedFiles(url, **{"task_timeout_s": 3600.0, "silence_s": 5.0, **how}))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def content(path: Path, what: bytes) -> Content:
    path.write_bytes(what)
    return Content(hashlib.sha256(what).hexdigest(), "video/mp4", Facts("video", "mp4", len(what)), path)


def test_a_run_publishes_once_and_the_request_has_a_signed_url(tmp_path: Path, s3: Any) -> None:
    write_image(tmp_path / "hero.png")
    write_sound(tmp_path / "line.wav", seconds=3)
    scene = {"id": "s1", "prompt": "character1 talks", "audio_url": "line.wav", "references": ["hero.png"]}
    defaults = {"size": "960*960", "duration": 3}
    film, log = tmp_path / "film.yaml", tmp_path / "requests.jsonl"

    def write(*scenes: dict[str, Any]) -> None:
        film.write_text(json.dumps({"version": 1, "name": "film", "defaults": defaults, "scenes": scenes}))

    with EmbeddedEmulator(Settings(latency=(0.0, 0.0), log=log), shipped()) as emulator:

        def run(url: str) -> batchgen.RunResult:
            options = {"api_key": KEY, "poll_interval": 0.01, "no_download": True}
            return batchgen.run(film, base_url=emulator.base_url, publish=url, **options)  # type: ignore[arg-type]

        write(scene)
        assert run("s3://film/of-a-run").exit_code == 0
        (name,) = s3.ls("film/of-a-run")
        assert name.endswith(f"{hashlib.sha256((tmp_path / 'line.wav').read_bytes()).hexdigest()}.wav")
        written = s3.info(name)["LastModified"]
        write(scene, {**scene, "id": "s2", "prompt": "character1 sings"})
        assert run("s3://film/of-a-run").exit_code == 0
        assert s3.info(name)["LastModified"] == written, "nothing goes up twice"
        write(scene, {**scene, "id": "s3", "prompt": "character1 hums"})
        missing = run("s3://no-such-bucket/refs")
    asked = [json.loads(line) for line in log.read_text().splitlines()]
    sent = [entry["request"]["input"]["audio_url"] for entry in asked if entry.get("request")]
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert f"{name}?" in sent[0]
    journal = (tmp_path / "runs" / "film" / "state.jsonl").read_text().splitlines()
    (published,) = [entry for entry in map(json.loads, journal) if entry["event"] == "published"]
    assert "X-Amz-Signature=" in published["url"], "signed with SigV4"
    assert urllib3.request("GET", published["url"]).data == (tmp_path / "line.wav").read_bytes()
    assert (missing.exit_code, missing.scenes[1].error_code) == (1, "publish_failed")
    assert "bucket does not exist" in missing.scenes[1].error_message
    log_text = "".join(path.read_text() for path in (tmp_path / "runs").rglob("*.html"))
    assert "X-Amz-Signature" not in log_text


def test_a_large_file_goes_up_in_parts(tmp_path: Path, s3: Any, made: Make) -> None:
    large = content(tmp_path / "large", bytes(range(256)) * (60 * 4096))
    files = made()
    url = files.publish(large)
    files.try_out(url, large)
    with s3.open(f"film/refs/{large.sha256}.mp4") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == large.sha256


def test_a_file_that_changes_while_it_goes_up_does_not_stay(tmp_path: Path, s3: Any, made: Make) -> None:
    changed = content(tmp_path / "changed", b"before")
    (tmp_path / "changed").write_bytes(b"after!")
    with pytest.raises(PublishFailed, match="changed after it was checked") as failed:
        made().publish(changed)
    assert not failed.value.again
    assert not s3.exists(f"film/refs/{changed.sha256}.mp4")


@pytest.mark.parametrize("how", [(403, DENIED), (400, EXPIRED)], ids=["denied", "expired"])
def test_who_may_not_write_is_denied(
    tmp_path: Path, s3: Any, made: Make, monkeypatch: pytest.MonkeyPatch, how: tuple[int, bytes]
) -> None:
    def deny(peer: Peer) -> None:
        peer.read_head()  # the body waits until it is asked for
        peer.answer(how[0], b"" if peer.head.startswith(b"HEAD") else how[1], content_type="application/xml")

    with server(deny) as address:
        type(s3).clear_instance_cache()
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(PublishFailed) as failed:
            made("s3://film/denied").publish(content(tmp_path / "a", b"a"))
    assert failed.value.denied, failed.value
    assert not failed.value.again


def test_who_is_not_there_may_be_there_later(
    tmp_path: Path, s3: Any, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    type(s3).clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PublishFailed) as failed:
        made("s3://film/away").publish(content(tmp_path / "a", b"a"))
    assert (failed.value.again, failed.value.denied) == (True, False)


SAID: dict[str, tuple[int, dict[str, str], bool]] = {
    "answers 403": (403, {}, True),
    "answers 404": (404, {}, False),
    "answers 503": (503, {}, False),
    "leads to another file": (206, {"content_range": "bytes 0-0/7"}, False),
}


@pytest.mark.parametrize("why", SAID)
def test_a_url_that_does_not_lead_to_the_file(tmp_path: Path, s3: Any, made: Make, why: str) -> None:
    assert s3 is not None
    known, (status, headers, denied) = content(tmp_path / "a", b"eight..."), SAID[why]

    def answer(peer: Peer) -> None:
        peer.read_head()
        peer.answer(status, b"x", **headers)

    with server(answer) as address, pytest.raises(PublishFailed, match=why) as failed:
        made().try_out(f"{address}/film/a?X-Amz-Signature=secret", known)
    assert failed.value.denied is denied
    assert "secret" not in str(failed.value)


def test_a_session_is_seen_in_what_it_signed(
    tmp_path: Path, s3: Any, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = content(tmp_path / "a", b"a")
    assert not made().ends_unannounced(made().publish(known))
    type(s3).clear_instance_cache()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-a-session")
    files = made("s3://film/session")
    assert files.ends_unannounced(files.publish(known))


@pytest.mark.parametrize("timeout_s", [60.0, 1e6])
def test_a_url_is_signed_for_as_long_as_stores_sign(tmp_path: Path, s3: Any, made: Make, timeout_s: float) -> None:
    assert s3 is not None
    files = made(task_timeout_s=timeout_s)
    url = files.publish(content(tmp_path / "a", b"a"))
    signed_s = int(url.partition("X-Amz-Expires=")[2].partition("&")[0])
    assert signed_s <= 7 * 24 * 3600
    assert 0 < files.works_s <= signed_s


@pytest.mark.parametrize("url", ["s3://", "s3:///refs", "s3://film?x=1", "s3://key:secret@film/refs"])
def test_what_names_no_bucket(made: Make, url: str) -> None:
    with pytest.raises(UsageError, match="does not name a bucket alone") as refused:
        made(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["s3://film/x/../y", "s3://film/./y"])
def test_what_a_url_would_leave_out(made: Make, url: str) -> None:
    with pytest.raises(UsageError, match="which URLs leave out"):
        made(url)

"""Files by URL, in runs within this process: each content goes up once, and nothing is bought where that fails."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import pytest

import batchgen
from batchgen import contents
from batchgen.app.notices import Notice, ProblemsFound, Warned
from batchgen.app.publish_places import Uploads
from batchgen.app.publishing import Publisher, as_found, body_bytes, going_up, is_longer, may_be_longer
from batchgen.contents import PublishFailed
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.engine.commands import Publish
from batchgen.engine.events import Published
from batchgen.model import Asked, Request
from batchgen.object_stores import StoredFile, look_up
from batchgen.references import Content, Facts, Reference, ResultReference
from batchgen.schemas import shipped

from helpers.servers import Peer, free_port, server
from helpers.support import in_process, write_image, write_sound, write_video

KEY = "sk-0123456789-of-the-test"
SOUND = {"id": "s1", "prompt": "character1 talks", "audio_url": "line.wav"}
VIDEO = {"id": "s2", "prompt": "character1 meets character2", "references": ["hero.png", "dog.mp4"]}
SAME = {"id": "s3", "prompt": "character1 sings", "audio_url": "same.wav"}
PLAIN = {"id": "s4", "prompt": "character1 waves"}


class Log:
    """What an emulator was asked."""

    def __init__(self, address: str, path: Path) -> None:
        self.address, self._path, self._seen = address, path, 0
        self.upload = f"{address}/storage/files"

    def news(self) -> list[dict[str, Any]]:
        """The requests since this was asked last."""
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        fresh, self._seen = lines[self._seen :], len(lines)
        return [entry for entry in map(json.loads, fresh) if entry["event"] == "request"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    log = tmp_path_factory.mktemp("emulator") / "requests.jsonl"
    with EmbeddedEmulator(Settings(latency=(0.0, 0.0), seed=1, log=log), shipped()) as emulator:
        yield Log(emulator.base_url, log)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    write_image(tmp_path / "hero.png")
    write_video(tmp_path / "dog.mp4", seconds=3)
    write_sound(tmp_path / "line.wav", seconds=3)
    (tmp_path / "same.wav").write_bytes((tmp_path / "line.wav").read_bytes())
    return tmp_path / "film.yaml"


def write(film: Path, *scenes: dict[str, Any], **settings: Any) -> None:
    defaults = {"size": "960*960", "duration": 3, "references": ["hero.png"]}
    document = {"version": 1, "name": "film", "defaults": defaults, "scenes": scenes, **settings}
    film.write_text(json.dumps(document), encoding="utf-8")


def run(film: Path, address: str, **options: Any) -> batchgen.RunResult:
    return batchgen.run(film, base_url=address, api_key=KEY, poll_interval=0.01, no_download=True, **options)


def journal(film: Path, event: str) -> list[dict[str, Any]]:
    lines = (film.parent / "runs" / "film" / "state.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry for entry in map(json.loads, lines) if entry["event"] == event]


def test_each_content_goes_up_once_and_stands_in_the_request_as_a_url(film: Path, gateway: Log) -> None:
    write(film, SOUND, VIDEO, SAME, PLAIN)
    result = run(film, gateway.address, publish=gateway.upload)
    assert (result.exit_code, result.stop) == (0, None)
    asked = gateway.news()
    uploads = [entry for entry in asked if entry.get("upload")]
    assert len(uploads) == len(journal(film, "published")) == 2, "sound and video, the same sound once"
    sent = {entry["request"]["input"]["prompt"]: entry["request"]["input"] for entry in asked if entry.get("request")}
    assert sent[SOUND["prompt"]]["audio_url"] == sent[SAME["prompt"]]["audio_url"]
    assert sent[SOUND["prompt"]]["audio_url"].startswith(f"{gateway.upload}/")
    assert sent[VIDEO["prompt"]]["reference_urls"][1].endswith(".mp4")
    assert sent[VIDEO["prompt"]]["reference_urls"][0].startswith("data:image/png"), "a picture stays in the request"
    assert "audio_url" not in sent[PLAIN["prompt"]]
    (written,) = [
        one["request"]["input"]["audio_url"] for one in journal(film, "submitting") if one["scene_id"] == "s1"
    ]
    assert (written["source"], written["mime"]) == ("line.wav", "audio/wav"), "it is known by its content"
    # Later runs know of it, and what is paid for is known whatever it was sent as.
    write(film, SOUND, VIDEO, SAME, PLAIN, {**SOUND, "id": "s5", "prompt": "character1 shouts"})
    assert run(film, gateway.address, publish=gateway.upload).exit_code == 0
    assert [entry["path"] for entry in gateway.news() if entry["method"] == "POST"] == ["/model/v1/generation"]
    assert run(film, gateway.address).exit_code == 0, "nothing is left that would need an address"
    assert gateway.news() == []


def test_a_store_of_references_that_is_away_for_a_while_costs_time_alone(
    film: Path, gateway: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(film.parent / "cache"))
    fsspec.filesystem("memory").pipe_file("film/away.png", (film.parent / "hero.png").read_bytes())
    failures = [ConnectionError("no route")]

    def looked_up(url: str) -> StoredFile:
        if failures:
            raise failures.pop()
        return look_up(url)

    monkeypatch.setattr(contents, "look_up", looked_up)
    write(film, {**PLAIN, "references": ["memory://film/away.png"]})
    gateway.news()
    assert run(film, gateway.address).exit_code == 0
    assert [(one["code"], one["again"]) for one in journal(film, "refused")] == [("reference_unreachable", True)]
    assert [entry["method"] for entry in gateway.news() if entry.get("request")] == ["POST"]


def test_a_local_sound_without_an_address_is_an_error_of_the_run(film: Path, gateway: Log) -> None:
    write(film, SOUND, PLAIN)
    notices = list[Notice]()
    with pytest.raises(batchgen.RefusedRun, match="the sound of s1 is a file") as refused:
        run(film, gateway.address, on_event=notices.append)
    assert refused.value.exit_code == 3
    (found,) = [notice for notice in notices if isinstance(notice, ProblemsFound)]
    assert [problem.rule for problem in found.problems] == ["audio_url.local"]
    assert gateway.news() == []
    assert run(film, gateway.address, scenes="s4").exit_code == 0, "only where it would be sent"
    with pytest.raises(batchgen.InvalidManifest):
        run(film, gateway.address, strict=True)


def test_what_cannot_be_published_is_pending_and_costs_nothing(film: Path, gateway: Log) -> None:
    write(film, SOUND, PLAIN)
    gateway.news()
    result = run(film, gateway.address, publish=f"{gateway.address}/nothing/here", strict=True)
    assert (result.exit_code, result.stop) == (1, None)
    first, second = result.scenes
    assert (first.status, first.error_code, second.status) == ("pending", "publish_failed", "completed")
    assert [entry["path"] for entry in gateway.news() if entry.get("request")] == ["/model/v1/generation"]
    assert run(film, gateway.address, publish=gateway.upload).exit_code == 0


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_publish_submits_nothing(film: Path, gateway: Log, status: int) -> None:
    def deny(peer: Peer) -> None:
        peer.read_request()
        peer.answer(status, f'{{"message": "not with {KEY}"}}'.encode())

    write(film, {**SOUND, "takes": 6})
    gateway.news()
    with server(deny) as address:
        result = run(film, gateway.address, publish=f"{address}/files")
    assert (result.exit_code, result.stop) == (5, "publishing")
    assert {scene.status for scene in result.scenes} == {"pending"}
    assert KEY not in result.why
    assert not any(entry.get("request") for entry in gateway.news())


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://files.example/upload", "is not encrypted"),
        ("http://127.0.0.1.example/upload", "is not encrypted"),
        ("ftp://files.example", "at no other address"),
        ("memory://files", "at no other address"),
        ("files", "at no other address"),
        ("https://[files", "cannot be read"),
        ("https://user:password@files.example", "has a user or password in it"),
        ("https://files.example/up?token=password@", "publish at has a query or a fragment"),
        ("https://files.example/up#there", "publish at has a query or a fragment"),
    ],
)
def test_an_address_that_no_file_goes_to(film: Path, address: str, why: str) -> None:
    write(film, SOUND)
    with pytest.raises(batchgen.UsageError, match=why) as refused:
        run(film, f"http://127.0.0.1:{free_port()}", publish=address)
    assert "password@" not in str(refused.value)


def test_a_rehearsal_keeps_its_files_itself(film: Path) -> None:
    write(film, SOUND)
    result = batchgen.run(film, emulator=True, no_wait=True, strict=True)
    assert result.exit_code == 0
    with pytest.raises(batchgen.UsageError, match="exclude each other"):
        batchgen.run(film, emulator=True, publish="s3://film")
    ended = in_process("run", str(film), "--emulator", "--publish", "s3://film")
    assert (ended.code, "--emulator and --publish exclude each other" in ended.err) == (2, True)


def test_a_body_that_is_too_long_is_warned_of(film: Path, gateway: Log) -> None:
    images = [write_image(film.parent / f"{number}.bmp", "BMP", size=(1900, 1750)) for number in range(2)]
    write(film, {**PLAIN, "references": [path.name for path in images]}, pricing={"720P": "0.10"})
    ended = in_process("plan", str(film))
    assert (ended.code, "s4 is longer than the 20 MB" in ended.err) == (0, True), ended.err
    for options, warnings in (({}, 1), ({"publish": gateway.upload}, 0)):
        notices = list[Notice]()
        run(film, gateway.address, on_event=notices.append, budget=0, **options)
        assert sum(isinstance(notice, Warned) for notice in notices) == warnings


def test_a_body_whose_results_are_to_come_may_be_too_long(film: Path) -> None:
    first = {**PLAIN, "id": "s1", "duration": 3, "references": ["hero.png"]}
    still = {"scene": "s1", "frame": "last"}
    built: dict[str, list[object]] = {
        "whole": [{"scene": "s1"}],
        "still": [still],
        "stills": [{"scene": "s1", "frame": moment} for moment in ("first", 0.5, 1, 1.5, "last")],
    }
    scenes = [{"id": name, "prompt": f"character1 {name}", "references": listed} for name, listed in built.items()]
    write_image(film.parent / "hero.png")
    write(film, first, *scenes, pricing={"720P": "0.10", "reference_video": "0"}, defaults={"size": "1920*1080"})
    said = in_process("plan", str(film)).err
    assert "whether the requests of whole, stills will be longer than the 20 MB" in said
    assert " ".join(said.split()).count("20 MB") == 1
    assert "20 MB" not in in_process("plan", str(film), "--emulator").err, "whose emulator takes any"


def test_a_result_that_is_here_is_counted_as_it_is(tmp_path: Path) -> None:
    path, still = tmp_path / "s1@1.mp4", tmp_path / "still.png"
    asked = content("video", 0, "a1"), content("image", 0, "b2")
    one, other = (replace(each, path=where) for each, where in zip(asked, (path, still), strict=True))
    other = replace(other, facts=replace(other.facts, width=100, height=80))
    result = ResultReference("s1", ""), ResultReference("s1", "last")
    listed = [Reference(str(of), each, of) for of, each in zip(result, (one, other), strict=True)]
    asking = Request(Asked(), {"input": {"urls": listed}})
    assert may_be_longer(asking, 10**9), "of a video nobody knows"
    path.write_bytes(bytes(600_000))
    assert [is_longer(as_found(asking), {}, most) for most in (10**6, 790_000)] == [False, True], "base64"
    assert [may_be_longer(asking, most) for most in (10**6, 820_000)] == [False, True], "with 24,000 bytes at most"
    still.write_bytes(bytes(50))
    assert may_be_longer(asking, 820_000) is False


class Storage:
    """An upload route whose URLs answer as a test says."""

    def __init__(self) -> None:
        self.status, self.body, self.looks = 404, b"", list[bytes]()

    def __call__(self, peer: Peer) -> None:
        peer.read_request()
        if peer.head.startswith(b"POST"):
            peer.answer(200, json.dumps({"url": f"http://{peer.header('host')}/a.wav"}).encode())
        else:
            self.looks.append(peer.head)
            peer.answer(self.status, self.body)


def test_a_url_is_looked_at_before_the_first_submission_that_uses_it(film: Path, gateway: Log) -> None:
    write(film, SOUND, SAME)
    gateway.news()
    storage, sound = Storage(), (film.parent / "line.wav").read_bytes()
    with server(storage) as address:
        for storage.status, storage.body, why in ((404, b"", "answers 404"), (200, b"<html>", "leads to another file")):
            result = run(film, gateway.address, publish=f"{address}/files")
            assert (result.exit_code, result.scenes[0].error_code) == (1, "publish_failed")
            assert why in result.scenes[0].error_message
        assert not any(entry.get("request") for entry in gateway.news())
        assert KEY.encode() not in b"".join(storage.looks)
        storage.body, storage.looks = sound, []
        assert run(film, gateway.address, publish=f"{address}/files").exit_code == 0
        assert len(storage.looks) == 1, "once for all scenes"
        write(film, SOUND, SAME, {**SOUND, "id": "s5", "prompt": "character1 shouts"})
        storage.status = 403
        assert run(film, gateway.address, publish=f"{address}/files").exit_code == 0, "which proves nothing"


def test_a_url_that_leads_to_this_machine_is_of_no_use_elsewhere() -> None:
    with (
        server(Storage()) as address,
        closing(Uploads("https://192.0.2.1/", NoUploader())) as place,
        pytest.raises(PublishFailed, match="leads to this machine"),
    ):
        place.try_out(f"{address}/a.wav", FILM)


def test_a_url_that_only_the_provider_reaches_is_believed() -> None:
    with closing(Uploads("http://127.0.0.1/", NoUploader())) as place:
        place.try_out(f"http://127.0.0.1:{free_port()}/a.wav", FILM)


class NoUploader:
    """Uploads nothing."""

    def upload(self, content: Content) -> str:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""


def content(kind: Any, number_of_bytes: int, name: str) -> Content:
    return Content(name * 32, f"{kind}/x", Facts(kind, "x", number_of_bytes), Path(name))


def request(*contents: Content) -> Request:
    references = tuple(Reference(str(one.path), one) for one in contents)
    return Request(Asked(), {"model": "m", "input": {"urls": references}})


def test_pictures_go_up_where_the_body_would_be_too_long() -> None:
    film, one, other = content("video", 9_000, "a1"), content("image", 3_000, "b2"), content("image", 3_000, "c3")
    whole = request(film, one, other)
    inline = body_bytes(whole, {film.sha256: film})
    assert going_up(whole, None) == going_up(whole, inline) == {film.sha256: film}
    assert going_up(whole, inline - 1) == {each.sha256: each for each in (film, one, other)}
    assert going_up(request(one), 5_000) == {}
    data = Reference("data:image/png;base64,AAAA", Content("d4" * 32, "image/png", Facts("image", "png", 3), None))
    assert going_up(Request(Asked(), {"input": [data]}), 10) == {}, "what has no file stays where it is"


class Place:
    """A place whose URLs work as a test says."""

    def __init__(self, *, works_s: float = 43_200.0) -> None:
        self.place, self.works_s = "s3://film", works_s
        self.made, self.tried = 0, list[str]()
        self.dead = set[str]()
        self.ends = False

    def publish(self, _: Content) -> str:
        self.made += 1
        return f"https://files.example/{self.made}"

    def try_out(self, url: str, _: Content) -> None:
        self.tried.append(url)
        if url in self.dead:
            raise PublishFailed("answers 403", denied=True)

    def ends_unannounced(self, _: str) -> bool:
        return self.ends

    def close(self) -> None:
        """Nothing is open."""


FILM = content("video", 9, "a1")
AT, SOON, LONG_AGO = "2026-01-01T00:00:00.000Z", "9999-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"


def publisher(place: Place, *known: Published) -> Publisher:
    return Publisher(place, known, {"s1": request(FILM), "s2": request(FILM)}, None)


def known_as(url: str, good_until: str = SOON, place: str = "s3://film") -> Published:
    return Published(AT, FILM.sha256, place, url, good_until)


def sent(made: Publisher, scene_id: str = "s1") -> str:
    return str(made.sent[scene_id].references[0].source)


def test_a_url_of_an_earlier_run_is_tried_once_before_it_is_used() -> None:
    place = Place()
    made = publisher(place, known_as("https://files.example/old"))
    for scene_id in ("s1", "s2"):
        result = made.publish(Publish(scene_id))
        assert (result.published, result.good_until, result.failure) == ((), SOON, "")
    assert (place.tried, place.made, sent(made)) == (["https://files.example/old"], 0, "https://files.example/old")


@pytest.mark.parametrize(
    "known",
    [known_as("https://files.example/old", LONG_AGO), known_as("https://files.example/old", place="s3://other")],
    ids=["expired", "elsewhere"],
)
def test_a_url_that_is_old_or_of_another_place_is_not_used(known: Published) -> None:
    place = Place()
    made = publisher(place, known)
    (anew,) = made.publish(Publish("s1")).published
    assert (anew.url, sent(made)) == ("https://files.example/1", "https://files.example/1")
    assert place.tried == ["https://files.example/1"], "a new one is tried, too"


def test_a_url_that_is_dead_is_replaced() -> None:
    place = Place()
    place.dead = {"https://files.example/old"}
    made = publisher(place, known_as("https://files.example/old"))
    assert [one.url for one in made.publish(Publish("s1")).published] == ["https://files.example/1"]
    place.dead.add("https://files.example/1")
    fresh = publisher(place, known_as("https://files.example/1"))
    place.dead.add("https://files.example/2")
    result = fresh.publish(Publish("s1"))
    assert (result.denied, result.failure, result.published) == (True, "answers 403", ())
    assert sent(fresh) == str(FILM.path), "it is not sent, and stays what it is"


def test_what_a_session_signed_is_believed_for_a_while_only() -> None:
    place = Place()
    place.ends = True
    made = publisher(place)
    result = made.publish(Publish("s1"))
    (anew,) = result.published
    assert result.good_until < anew.good_until


def test_a_request_that_a_scene_has_no_more_is_not_sent() -> None:
    requests = {"s1": request(FILM)}
    made = Publisher(Place(), [], requests, None)
    made.publish(Publish("s1"))
    assert (sent(made), list(made.sent), len(made.sent)) == ("https://files.example/1", ["s1"], 1)
    requests["s1"] = request(content("image", 5, "b2"))
    assert (sent(made), made.publishes("s1")) == ("b2", False)


def test_a_bug_costs_nothing_but_the_scene() -> None:
    place = Place(works_s=float("inf"))
    result = publisher(place).publish(Publish("s1"))
    assert (result.failure, result.again) == ("publishing failed: OverflowError", False)


def test_what_goes_up_is_no_part_of_the_body() -> None:
    picture = content("image", 5, "b2")
    made = Publisher(Place(), [], {"s1": request(FILM, picture)}, None)
    assert (made.publishes("s1"), made.upload_bytes("s1")) == (True, 5)
    assert Decimal(made.upload_bytes("s1")) == 5

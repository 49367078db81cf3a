"""Requests of scenes from results: what a run makes of them, and what it says of those that cannot be built on."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from batchgen.app.sources import SceneMaker, UnusableSource
from batchgen.engine.commands import Prepare, SourceFile
from batchgen.engine.estimate import scene_facts
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.media.stills import still
from batchgen.scenes import Manifest
from batchgen.schemas import compiled, shipped

from helpers.films import make_film
from helpers.support import checked

TEXT = """version: 1
name: film
defaults: {size: 960*960, duration: 3}
scenes:
  - {id: s01, prompt: character1, references: [https://example.com/a.png]}
  - {id: s02, prompt: character1 character2, references: [{scene: s01, frame: last}, {scene: s01}]}
"""
LIMIT = compiled(shipped().document("models/wan26_r2v/media")["properties"]["references"])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_film(tmp_path_factory.mktemp("film") / "x.mp4", 75, size=(400, 400)).read_bytes()


def manifest(folder: Path) -> Manifest:
    loaded = checked(folder, TEXT)
    assert loaded.manifest is not None
    return loaded.manifest


def maker_of(folder: Path) -> SceneMaker:
    return SceneMaker(folder, manifest(folder).scenes, LIMIT)


def command(folder: Path, content: bytes, digest: str | None = None) -> Prepare:
    path = folder / "results" / "s01@1.mp4"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    named = digest or sha256(content).hexdigest()
    files = (SourceFile(source, "s01@1", "results/s01@1.mp4", named) for source in ("s01#last", "s01"))
    return Prepare("s02", tuple(files))


def test_a_request_is_made_with_its_files(tmp_path: Path, film: bytes) -> None:
    maker = maker_of(tmp_path)
    result = maker.prepare(command(tmp_path, film))
    assert result.failure == ""
    first, second = maker.requests["s02"].references
    named = sha256(film).hexdigest()
    assert first.as_json() == {"source": "s01#last", "sha256": named, "frame": 74}
    assert second.as_json() == {"source": "s01", "sha256": named, "mime": "video/mp4"}
    assert first.content is not None
    assert first.content.path == tmp_path / "frames" / f"{named}-74.png"
    assert first.content.path.read_bytes() == still(tmp_path / "results" / "s01@1.mp4", 74)
    assert (first.content.facts.width, first.content.facts.bytes) == (400, first.content.path.stat().st_size)
    assert maker.requests["s02"].upload_bytes == first.content.facts.bytes + len(film)


def test_what_is_planned_is_what_is_made(tmp_path: Path, film: bytes) -> None:
    """The plan knows the frame and writes nothing; what is taken out later has no part in the hash."""
    planned, made = maker_of(tmp_path), maker_of(tmp_path)
    wanted = command(tmp_path, film)
    _, scene = scene_facts(manifest(tmp_path), Prices({}, {}))
    event = planned.make(scene, wanted.sources, State())
    assert not (tmp_path / "frames").exists()
    result = made.prepare(wanted)
    assert event is not None
    assert result.request is not None
    assert event.request.sha256 == result.request.sha256
    assert event.any_seed == result.any_seed
    assert event.built_on == ("s01@1", "s01@1")


def test_a_frame_that_is_known_is_not_looked_up_again(tmp_path: Path) -> None:
    maker, wanted = maker_of(tmp_path), command(tmp_path, b"not a film any more", "ab" * 32)
    (first, _) = maker.made("s02", wanted.sources, {("ab" * 32, "last"): 7}).request.references
    assert first.still is not None
    assert first.still.frame == 7


def test_a_result_that_cannot_be_read_leaves_the_scene_waiting(tmp_path: Path) -> None:
    maker, wanted = maker_of(tmp_path), command(tmp_path, b"no film")
    _, scene = scene_facts(manifest(tmp_path), Prices({}, {}))
    assert maker.make(scene, wanted.sources, State()) is None
    with pytest.raises(UnusableSource, match=r"s01@1, results/s01@1\.mp4, cannot be read as a video"):
        maker.made("s02", wanted.sources, {})
    assert "cannot be read as a video" in maker.prepare(wanted).failure


def test_another_file_in_its_place_is_not_built_on(tmp_path: Path, film: bytes) -> None:
    failure = maker_of(tmp_path).prepare(command(tmp_path, film, "ab" * 32)).failure
    assert failure.startswith("s01@1: results/s01@1.mp4 is gone, or is not the file that was delivered")


def test_a_result_that_is_no_reference_says_why(tmp_path: Path) -> None:
    small = make_film(tmp_path / "small.mp4", 75, size=(64, 48)).read_bytes()
    failure = maker_of(tmp_path).prepare(command(tmp_path, small)).failure
    assert failure.startswith("s01#last, which is s01@1: ")
    assert "width" in failure
    short = make_film(tmp_path / "short.mp4", 12, size=(400, 400)).read_bytes()
    assert "the length in seconds" in maker_of(tmp_path).prepare(command(tmp_path, short)).failure


def test_what_somebody_put_in_the_place_of_a_still_is_not_sent(tmp_path: Path, film: bytes) -> None:
    wanted = command(tmp_path, film)
    path = tmp_path / "frames" / f"{sha256(film).hexdigest()}-74.png"
    path.parent.mkdir()
    path.write_bytes(still(tmp_path / "results" / "s01@1.mp4", 3))
    assert maker_of(tmp_path).prepare(wanted).failure == ""
    assert path.read_bytes() == still(tmp_path / "results" / "s01@1.mp4", 74)


def test_a_still_of_many_scenes_is_taken_out_once_a_run(tmp_path: Path, film: bytes) -> None:
    maker, wanted = maker_of(tmp_path), command(tmp_path, film)
    maker.prepare(wanted)
    (path,) = (tmp_path / "frames").iterdir()
    before = path.stat().st_ino
    maker.prepare(wanted)
    assert path.stat().st_ino == before
    path.unlink()
    maker.prepare(wanted)
    assert path.is_file()


@pytest.mark.parametrize("spoil", ["file", "folder"])
def test_frames_that_cannot_be_written_are_told(tmp_path: Path, film: bytes, spoil: str) -> None:
    wanted = command(tmp_path, film)
    if spoil == "file":
        (tmp_path / "frames").write_bytes(b"")
    else:
        (tmp_path / "frames" / f"{sha256(film).hexdigest()}-74.png").mkdir(parents=True)
    result: Any = maker_of(tmp_path).prepare(wanted)
    assert "the still frames/" in result.failure
    assert "cannot be written: " in result.failure
    assert maker_of(tmp_path).prepare(wanted).failure == result.failure, "as often as it is tried"
    spoilt = tmp_path / "frames"
    spoilt.rename(tmp_path / "elsewhere")
    assert maker_of(tmp_path).prepare(wanted).failure == ""


def test_a_still_that_is_there_already_needs_no_room(tmp_path: Path, film: bytes) -> None:
    wanted = command(tmp_path, film)
    assert maker_of(tmp_path).prepare(wanted).failure == ""
    (path,) = (tmp_path / "frames").iterdir()
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert maker_of(tmp_path).prepare(wanted).failure == ""
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before, "nothing was written"


def test_a_still_that_somebody_changed_is_taken_out_anew(tmp_path: Path, film: bytes) -> None:
    wanted = command(tmp_path, film)
    path = tmp_path / "frames" / f"{sha256(film).hexdigest()}-74.png"
    first = maker_of(tmp_path)
    first.prepare(wanted)
    right, made_at = path.read_bytes(), path.stat().st_mtime_ns
    first.prepare(wanted)
    assert path.stat().st_mtime_ns == made_at, "a run takes each out once"
    for spoilt in (b"", b"no picture", still(tmp_path / "results" / "s01@1.mp4", 0)):
        path.write_bytes(spoilt)
        for maker in (first, maker_of(tmp_path)):
            assert maker.prepare(wanted).failure == ""
            assert path.read_bytes() == right

"""Exports of run directories, and the files beside results that tell of their origin."""

import csv
import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pytest
from jsonschema import Draft202012Validator

from batchgen.app.exporting import NAMES, write_export
from batchgen.app.run_directory import RunDirectory
from batchgen.app.sidecars import write_sidecars
from batchgen.engine import events as ev
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.journal.records import encode
from batchgen.media.film import measured
from batchgen.report.shot_list import SHOT_LIST_COLUMNS
from batchgen.schemas import shipped

from helpers.films import fingerprints, make_film
from helpers.support import in_process
from helpers.takes import TAKES, bought, take

pytestmark = pytest.mark.filterwarnings("ignore:Testing an element's truth value")
SUFFIXES = {"fcp7xml": "xml", "contact-sheet": "png"}
OTHER = take(1, "s2")
REFUSED = ev.Failed("t2", "s2-t1", 1, "001028095", "Internal \x1b generation error", None, None, again=False)


def begin(folder: Path, *, gateway: str = "https://g.example", rehearsal: bool = False) -> Path:
    """A run directory: of the first shot the second take is there, of the second one nothing."""
    folder.mkdir(parents=True)
    make_film(folder / "results" / "s1-t2@1.mp4", 12, sound=True)
    if rehearsal:
        (folder / "emulator").mkdir()
    submitted = bought(OTHER)[:2]
    events = [
        ev.RunStarted("t", "1", gateway=gateway),
        ev.ManifestRead("t", "garden", "m", (*TAKES, OTHER)),
        *bought(TAKES[1]),
        *submitted,
        REFUSED,
    ]
    (folder / "state.jsonl").write_bytes(b"".join(map(encode, events)))
    return folder


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return begin(tmp_path / "runs" / "garden")


def out(folder: Path, name: str) -> Path:
    return folder / "client" if name == "html" else folder / f"film.{SUFFIXES.get(name, name)}"


@pytest.mark.parametrize("name", NAMES)
def test_the_command_writes_each_format_and_names_what_is_missing(name: str, run_dir: Path, tmp_path: Path) -> None:
    before = fingerprints(run_dir)
    ended = in_process("export", str(run_dir), "--format", name, "--out", str(out(tmp_path, name)))
    assert (ended.code, ended.out) == (0, "")
    assert f"wrote {out(tmp_path, name)}: 2 shots, 1 missing" in ended.err
    assert "missing: s2: failed 001028095" in ended.err
    assert ("the animatic carries no metadata of its origin" in ended.err) == (name == "mp4")
    assert ("its timecode counts 24 frames a second" in ended.err) == (name == "edl")
    assert out(tmp_path, name).stat().st_size
    assert fingerprints(run_dir) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["runs", out(tmp_path, name).name])


def test_a_second_export_takes_the_place_of_the_first(run_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "film.otio"
    path.write_text("older", encoding="utf-8")
    write_export(run_dir, "otio", path)
    assert otio.adapters.read_from_file(str(path)).name == "garden"


def test_copies_stand_beside_and_are_no_second_names(run_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "film.otio"
    result = run_dir / "results" / "s1-t2@1.mp4"
    for _ in range(2):
        write_export(run_dir, "otio", path, media="copy")
    clip = next(iter(otio.adapters.read_from_file(str(path)).find_clips()))
    assert clip.media_reference.target_url == "film-media/s1-t2@1.mp4"
    copy = tmp_path / "film-media" / "s1-t2@1.mp4"
    assert copy.read_bytes() == result.read_bytes()
    assert (copy.stat().st_nlink, result.stat().st_nlink) == (1, 1)
    assert copy.stat().st_ino != result.stat().st_ino


def facts(run_dir: Path, folder: Path, **how: Any) -> tuple[dict[str, Any], Any]:
    write_export(run_dir, "otio", folder / "film.otio", **how)
    clip, gap = otio.adapters.read_from_file(str(folder / "film.otio")).tracks[0]
    return json.loads(json.dumps(dict(clip.metadata["batchgen"]), default=dict)), gap


def test_a_timeline_has_all_of_the_report(run_dir: Path, tmp_path: Path) -> None:
    told, gap = facts(run_dir, tmp_path)
    assert {name: told[name] for name in ("cost_usd", "seed", "note", "status", "picked", "take")} == {
        "cost_usd": "0.4", "seed": 7, "note": "in rain", "status": "completed", "picked": "", "take": 2
    }  # fmt: skip
    assert told["provenance"] == {"c2pa": False, "xmp": False, "aigc": False}
    assert gap.markers[0].name == "failed 001028095"


def test_a_client_is_shown_neither_money_nor_seeds_nor_errors(run_dir: Path, tmp_path: Path) -> None:
    told, gap = facts(run_dir, tmp_path, costs=False)
    assert not {name for name in told if "cost" in name or "error" in name} | {"seed", "video_url"} & told.keys()
    text = (tmp_path / "film.otio").read_text(encoding="utf-8")
    assert "001028095" not in text
    assert gap.markers[0].name == "missing"


def test_a_shot_list_leads_to_the_files(run_dir: Path, tmp_path: Path) -> None:
    write_export(run_dir, "csv", tmp_path / "shots.csv")
    assert (tmp_path / "shots.csv").read_bytes().startswith(b"\xef\xbb\xbfshot,"), "as Excel has to have it"
    with (tmp_path / "shots.csv").open(encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["shot"], first["file"]) == ("s1", "runs/garden/results/s1-t2@1.mp4")
    assert (second["status"], second["file"]) == ("failed", "")


@pytest.mark.parametrize(
    ("form", "name", "how", "said"),
    [
        ("otio", "film.mp4", {}, r"film.mp4 would be otio, and has to end with \.otio"),
        ("contact-sheet", "film.gif", {}, r"has to end with \.png or \.pdf"),
        ("avi", "film.avi", {}, "there is no format 'avi'; there is otio, "),
        ("mp4", "film.mp4", {"media": "copy"}, "mp4 refers to no media that could be copied"),
        ("mp4", "nowhere/film.mp4", {}, "there is no folder"),
        ("mp4", "runs/garden/results/s1-t2@1.mp4", {}, "where batchgen keeps what a run leaves"),
        ("mp4", "kept.mp4", {}, "is read-only, as results are"),
        ("mp4", "runs/garden/videos/film.mp4", {}, "where batchgen keeps what a run leaves"),
        ("csv", "runs/garden/report.csv", {}, "where batchgen keeps what a run leaves"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_written(
    form: str, name: str, how: dict[str, Any], said: str, run_dir: Path
) -> None:
    folder = run_dir.parent.parent
    (folder / "kept.mp4").touch(0o444)
    before = fingerprints(folder)
    with pytest.raises(UsageError, match=said):
        write_export(run_dir, form, folder / name, **how)
    assert fingerprints(folder) == before


def test_a_place_that_cannot_be_written_leaves_nothing_behind(run_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "film.edl").mkdir()
    with pytest.raises(UsageError, match=r"film.edl cannot be written: Is a directory"):
        write_export(run_dir, "edl", tmp_path / "film.edl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.edl", "runs"]


def test_without_a_journal_or_scenes_there_is_nothing_to_export(run_dir: Path, tmp_path: Path) -> None:
    (run_dir / "state.jsonl").write_bytes(encode(ev.RunStarted("t", "1")))
    with pytest.raises(UsageError, match="has no scenes yet"):
        write_export(run_dir, "edl", tmp_path / "film.edl")
    with pytest.raises(RunDirectoryError):
        write_export(tmp_path, "edl", tmp_path / "film.edl")


def test_a_result_that_cannot_be_read_is_missing_and_told(run_dir: Path, tmp_path: Path) -> None:
    result = run_dir / "results" / "s1-t2@1.mp4"
    result.write_bytes(b"broken")
    told = write_export(run_dir, "mp4", tmp_path / "film.mp4").missing
    assert told[0].startswith("s1: s1-t2@1.mp4 cannot be read as a video")
    assert len(told) == 2
    assert measured(tmp_path / "film.mp4").frames == 2 * 5 * 30, "slates alone"
    result.unlink()
    told = write_export(run_dir, "otio", tmp_path / "film.otio").missing
    assert told[0] == "s1: pending", "what is gone does not stand for its shot"


@pytest.mark.parametrize("name", ["mp4", "contact-sheet"])
def test_a_result_that_does_not_decode_is_named(name: str, run_dir: Path, tmp_path: Path) -> None:
    result = run_dir / "results" / "s1-t2@1.mp4"
    content = result.read_bytes()
    begin = content.index(b"mdat") + 4
    result.write_bytes(
        content[:begin] + bytes(len(content[begin:].split(b"moov")[0]) - 4) + content[content.index(b"moov") - 4 :]
    )
    with pytest.raises(RunDirectoryError, match=r"the result s1-t2@1 .*; once it is taken away, the next run"):
        write_export(run_dir, name, out(tmp_path, name))
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_rehearsal_is_named_as_one(tmp_path: Path) -> None:
    folder = begin(tmp_path / "runs" / "garden", gateway="", rehearsal=True)
    for name in ("otio", "edl", "csv"):
        write_export(folder, name, out(tmp_path, name))
        assert "(rehearsal)" in out(tmp_path, name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_texts_from_elsewhere_stay_texts(name: str, tmp_path: Path) -> None:
    hostile = "\ud83d\x1b[31m<&>]]>\n* FROM CLIP NAME: another"
    shot = replace(TAKES[0], title=hostile, note=hostile)
    folder = tmp_path / "garden"
    make_film(folder / "results" / "s1-t1@1.mp4", 2)
    refused = replace(REFUSED, code=hostile)
    events = [ev.RunStarted("t", "1"), ev.ManifestRead("t", "garden", "m", (shot, OTHER)), *bought(shot)]
    lines = [*events, *bought(OTHER)[:2], refused]
    (folder / "state.jsonl").write_bytes(b"".join(map(encode, lines)))
    ended = in_process("export", str(folder), "--format", name, "--out", str(out(tmp_path, name)))
    assert (ended.code, "\x1b" in ended.err) == (0, False)
    written = out(tmp_path, name)
    content = (written / "index.html" if written.is_dir() else written).read_bytes()
    if name == "fcp7xml":
        ET.fromstring(content)  # noqa: S314 - our own
    if name == "edl":
        assert content.decode().splitlines()[-1].startswith("* MISSING: s2 AT 01:00:00:02: failed \\ud83d")
    if name == "otio":
        clip = otio.adapters.read_from_string(content.decode(), "otio_json").tracks[0][0]
        assert clip.metadata["batchgen"]["title"] == hostile.replace("\ud83d", "?")


# What lies beside results


@pytest.fixture
def beside(run_dir: Path) -> Path:
    RunDirectory(run_dir).write_reports(RunDirectory(run_dir).state())
    return run_dir / "results" / "s1-t2@1.json"


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator(shipped().document("provenance")).validate(document)
    return document


def test_a_result_has_its_origin_beside_it(beside: Path) -> None:
    told, names = read(beside), ("scene_id", "attempt", "cost_usd", "discount", "task_id", "seed", "file")
    assert {name: told[name] for name in names} == {
        "scene_id": "s1-t2", "attempt": 1, "cost_usd": "0.4", "discount": None, "task_id": "task-s1-t2-1", "seed": 7,
        "file": "s1-t2@1.mp4",
    }  # fmt: skip
    assert told["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert (told["rehearsal"], told["gateway"], told["mismatch"]) == (False, "https://g.example", None)
    assert told["carries"] == {"c2pa": False, "xmp": False, "aigc": False}
    assert not beside.stat().st_mode & 0o222


def test_it_is_written_once(run_dir: Path, beside: Path) -> None:
    beside.chmod(0o600)
    beside.write_text("mine", encoding="utf-8")
    write_sidecars(run_dir, RunDirectory(run_dir).state(), rehearsal=False)
    assert beside.read_text(encoding="utf-8") == "mine"
    beside.write_bytes(b"")
    write_sidecars(run_dir, RunDirectory(run_dir).state(), rehearsal=False)
    assert read(beside)["scene_id"] == "s1-t2", "what a power failure left empty"
    assert sorted(path.name for path in beside.parent.iterdir()) == ["s1-t2@1.json", "s1-t2@1.mp4"]


def test_of_a_rehearsal_it_says_that_no_model_was_asked(tmp_path: Path) -> None:
    folder = begin(tmp_path / "garden", gateway="", rehearsal=True)
    write_sidecars(folder, RunDirectory(folder).state(), rehearsal=True)
    told = read(folder / "results" / "s1-t2@1.json")
    assert told["rehearsal"] is True
    assert told["gateway"] is None
    assert told["digitalSourceType"].endswith("/algorithmicMedia")


def test_of_what_was_linked_in_it_names_the_source_and_invents_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "garden"
    make_film(folder / "results" / "s1-t1@1.mp4", 2)
    reused = ev.Reused("t", "s1-t1", 1, TAKES[0].request, "runs/old:x@3", "results/s1-t1@1.mp4", "ab" * 32)
    events: list[ev.Event] = [ev.RunStarted("t", "1"), ev.ManifestRead("t", "garden", "m", TAKES), reused]
    (folder / "state.jsonl").write_bytes(b"".join(map(encode, events)))
    write_sidecars(folder, RunDirectory(folder).state(), rehearsal=False)
    told = read(folder / "results" / "s1-t1@1.json")
    assert (told["reused_from"], told["cost_usd"], told["task_id"]) == ("runs/old:x@3", "0", None)


def test_where_it_cannot_be_written_the_reports_are(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "chmod", refuse)
    write_sidecars(run_dir, RunDirectory(run_dir).state(), rehearsal=False)
    assert "the origin of results could not be written beside them: Permission denied" in caplog.text
    assert [path.name for path in (run_dir / "results").iterdir()] == ["s1-t2@1.mp4"]


def test_what_else_lies_there_is_no_hindrance(run_dir: Path) -> None:
    (run_dir / "results" / "mine").symlink_to("nowhere")
    write_sidecars(run_dir, RunDirectory(run_dir).state(), rehearsal=False)
    assert read(run_dir / "results" / "s1-t2@1.json")["attempt"] == 1
    shutil.rmtree(run_dir / "results")
    write_sidecars(run_dir, RunDirectory(run_dir).state(), rehearsal=False)
    assert not (run_dir / "results").exists()


def test_the_command_offers_every_format() -> None:
    from batchgen.cli.export import command

    (option,) = [parameter for parameter in command.params if parameter.name == "form"]
    assert set(option.type.choices) == set(NAMES)  # type: ignore[attr-defined]


def test_the_page_speaks_of_every_format() -> None:
    page = (Path(__file__).parents[3] / "docs" / "editing.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"\n| `{name}` | " not in page] == []
    assert f"`{', '.join(SHOT_LIST_COLUMNS)}`" in page

"""What status shows of runs that were cut off, and how a run that is followed is summed up on a narrow terminal."""

import re
from pathlib import Path

import pytest

from batchgen.app.following import Followed
from batchgen.app.run_directory import RunDirectory
from batchgen.cli.status_watch import head_lines
from batchgen.engine import events as ev
from batchgen.errors import RunDirectoryError
from batchgen.journal.journal import Journal
from batchgen.layout import LOCK_HOLDER
from batchgen.store.output_index import OutputIndex

from helpers.engine_support import scene
from helpers.runs import csv_rows
from helpers.support import in_process

AT = "2026-01-01T00:00:00.000Z"
MANIFEST = "version: 1\nname: film\nscenes:\n  - id: s1\n"
SCENES = tuple(scene(f"s{number}", request=f"r{number}") for number in range(1, 4))


def cut_off(folder: Path, profile: str = "") -> Path:
    """A run directory whose last run wrote no end."""
    folder.mkdir(parents=True)
    facts = SCENES[0]
    with Journal(folder) as journal:
        begun = ev.RunStarted(AT, "1", profile=profile)
        asked = ev.Submitting(AT, facts.scene_id, 1, facts.request, facts.estimated_cost_usd)
        journal.append([begun, ev.ManifestRead(AT, "film", "m", SCENES), asked, ev.Submitted(AT, "s1", 1, "t1")])
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.yaml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


def how_to_go_on(run_dir: str) -> str:
    found = re.search(r"To go on \(add the options that the run had\):\s+(.*)", in_process("status", run_dir).out)
    assert found
    return found[1]


def test_a_run_that_was_cut_off_says_how_to_go_on(here: Path) -> None:
    cut_off(here / "runs" / "film")
    assert how_to_go_on("runs/film") == "batchgen run film.yaml"
    cut_off(here / "runs" / "film-rehearsal", "draft").joinpath("emulator").mkdir()
    assert how_to_go_on("runs/film-rehearsal") == "batchgen run film.yaml --emulator --profile draft"
    cut_off(here / "elsewhere")
    assert how_to_go_on("elsewhere") == "batchgen run film.yaml --run-dir elsewhere"


def sending(number: int) -> ev.Event:
    facts = SCENES[number - 1]
    return ev.Submitting(AT, facts.scene_id, 1, facts.request, facts.estimated_cost_usd)


def test_what_a_run_is_submitting_is_running_as_long_as_that_run_goes_on(here: Path) -> None:
    """Only what was cut off is unknown: by the run itself, once it is killed, or by one before."""
    run_dir = here / "runs" / "film"
    run_dir.mkdir(parents=True)
    with Journal(run_dir) as journal:
        journal.append([ev.RunStarted(AT, "1"), ev.ManifestRead(AT, "film", "m", SCENES), sending(1)])
    with Journal(run_dir) as journal:
        journal.append([ev.RunStarted(AT, "1"), sending(2)])
        told = in_process("status", "runs/film").out
        rows = csv_rows(run_dir / "report.csv") if in_process("report", "runs/film").code == 0 else []
        assert "3 scenes: 1 unknown, 1 running, 1 pending" in told
        assert "batchgen resolve runs/film s1 " in told
        assert "resolve runs/film s2" not in told
        assert "Not sent so far" in told
        assert "A run is under way; to follow it: batchgen status runs/film --watch" in told
        assert [(row["status"], row["error_code"]) for row in rows] == [
            ("unknown", "submit_unknown"),
            ("running", ""),
            ("pending", ""),
        ]
        cut_off(here / "runs" / "other")
        film, other = in_process("status").out.splitlines()
        assert film.endswith("0.00 USD, under way")
        assert other.endswith("0.00 USD")
    told = in_process("status", "runs/film").out
    assert "3 scenes: 2 unknown, 1 pending" in told
    holder = run_dir / LOCK_HOLDER
    holder.write_text('{"pid": 7, "host": "another"}', encoding="utf-8")
    elsewhere = in_process("status", "runs/film").out
    assert "3 scenes: 2 unknown, 1 pending" in elsewhere, "whether that machine was lost cannot be seen"
    assert "under way" not in elsewhere
    holder.unlink()
    assert "No run is under way: the last one was cut off" in told


def test_that_nothing_is_known_of_a_store_is_said_beside_what_counts_as_not_fetched(here: Path) -> None:
    run_dir = here / "runs" / "film"
    run_dir.mkdir(parents=True)
    with Journal(run_dir) as journal:
        read = ev.ManifestRead(AT, "film", "m", SCENES)
        reused = ev.Reused(AT, "s1", 1, SCENES[0].request, "other:s1@1", "results/s1@1.mp4", "ab" * 32, None)
        journal.append([ev.RunStarted(AT, "1", output="s3://bucket/films"), read, reused])
    said = "it is not known here which results lie at s3://bucket/films"
    for form in ("table", "json"):
        assert said in in_process("status", "runs/film", f"--format={form}").err
    OutputIndex("s3://bucket/films/film").save(run_dir)
    assert said not in in_process("status", "runs/film").err


def test_what_a_run_has_left_is_said_with_the_command_and_no_budget_is_run_into_again(here: Path) -> None:
    run_dir = cut_off(here / "runs" / "film")
    with Journal(run_dir) as journal:
        journal.append([ev.RunEnded(AT, 130)])
    assert how_to_go_on("runs/film") == "batchgen run film.yaml"
    assert "was cut off" not in in_process("status", "runs/film").out
    with Journal(run_dir) as journal:
        journal.append([ev.RunStarted(AT, "1"), ev.HeldBack(AT, "s2", "budget", "too dear"), ev.RunEnded(AT, 4)])
    assert "To go on" not in in_process("status", "runs/film").out
    with Journal(run_dir) as journal:
        held = ev.HeldBack(AT, "s3", "waits_for", "waits for s2, which is pending")
        refused = ev.Refused(AT, "s2", 1, "too_many_requests", "the gateway answered 429", again=True)
        journal.append([ev.RunStarted(AT, "1"), held, sending(2), refused, ev.RunEnded(AT, 129)])
    assert how_to_go_on("runs/film") == "batchgen run film.yaml"


def test_the_manifest_is_named_only_where_there_is_no_doubt(here: Path) -> None:
    cut_off(here / "runs" / "film")
    (here / "copy.yaml").write_text(MANIFEST, encoding="utf-8")
    assert how_to_go_on("runs/film") == "batchgen run MANIFEST --run-dir runs/film"


def test_it_is_found_beside_the_runs_from_anywhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off(here / "runs" / "film")
    monkeypatch.chdir(here / "runs")
    assert how_to_go_on("film") == f"batchgen run {here / 'film.yaml'}"


@pytest.mark.parametrize("width", [40, 60, 200])
def test_the_money_of_a_run_that_is_followed_is_never_cut_off(here: Path, width: int) -> None:
    directory = RunDirectory(cut_off(here / "runs" / "film-rehearsal"))
    (directory.path / "emulator").mkdir()
    lines = head_lines(Followed(directory), directory, width)
    assert max(map(len, lines)) <= width
    assert len(lines) == (1 if width == 200 else 2)
    assert "a rehearsal" in lines[0]
    assert "0 USD" in lines[-1]


def test_why_a_run_waited_holds_no_more_once_it_was_killed(here: Path) -> None:
    directory = RunDirectory(cut_off(here / "runs" / "film"))
    (directory.path / "control").mkdir()
    (directory.path / "control" / "waits-for.txt").write_text("paused", encoding="utf-8")
    assert head_lines(Followed(directory), directory, 200) == [
        f"{directory}: 0/3 scenes, 1 running, 0.00 USD, 0.50 may come"
    ]


def test_a_folder_that_is_none_is_answered_with_the_one_that_is_meant(here: Path) -> None:
    cut_off(here / "film" / "runs" / "film-rehearsal")
    assert "Did you mean film/runs/film-rehearsal?" in in_process("status", "film/runs/film").err
    assert "under film/runs there is film-rehearsal" in in_process("status", "film").err
    assert "name one, such as film/runs/film-rehearsal" in in_process("status").err
    assert "Did you mean" not in in_process("status", "other").err
    with pytest.raises(RunDirectoryError, match="cannot be"):
        RunDirectory("x" * 300).state()


def test_a_manifest_that_is_not_there_is_answered_with_the_one_that_is_meant(here: Path) -> None:
    assert "Did you mean film.yaml?" in in_process("plan", "fiml.yaml").err
    assert "Did you mean film.yaml?" in in_process("plan", "film.yml").err
    for unlike in ("nothing.txt", "reuse.yaml"):
        assert "Did you mean" not in in_process("run", unlike).err
    (here / "garden").mkdir()
    assert "Did you mean" not in in_process("run", "garden").err
    (here / "garden" / "manifest.yaml").write_text(MANIFEST, encoding="utf-8")
    assert "Did you mean garden/manifest.yaml?" in in_process("run", "garden").err


def test_an_audit_of_rehearsals_alone_begins_with_what_there_is(here: Path) -> None:
    (cut_off(here / "runs" / "film-rehearsal") / "emulator").mkdir()
    left_out = in_process("audit", "runs/film-rehearsal")
    assert (left_out.code, left_out.out) == (0, "")
    assert "there is nothing else: no real money was spent" in left_out.err
    first, second, *_ = in_process("audit", "runs/film-rehearsal", "--rehearsals").out.splitlines()
    assert first == "rehearsals alone, and no real money:"
    assert second.split() == ["paid", "attempts", "1"]

"""One run writes to a journal, whatever becomes of its locks; and the way back where two did."""

import json
import os
import shutil
from pathlib import Path

import pytest

from batchgen.engine import events as ev
from batchgen.journal.journal import Journal
from batchgen.journal.records import Stamp, encode
from batchgen.journal.replay import read
from batchgen.layout import JOURNAL
from batchgen.model import RequestFacts, TaskResult

from helpers.attempts import SHA, submitting
from helpers.engine_support import scene
from helpers.runs import Batch, Gateway, batch, json_lines, until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="an open file can be deleted on POSIX only")


def long(film: Batch) -> Batch:
    """A batch that goes on for a while, a task at a time."""
    for one in list(film.scenes.values())[1:]:
        one["prompt"] += " [slow]"
    film.write()
    return film


def test_a_second_run_is_refused_though_the_lock_was_deleted(tmp_path: Path, gateway: Gateway) -> None:
    film = long(batch(tmp_path, gateway, 3))
    with film.started("--max-in-flight=1") as first:
        until(lambda: film.happened("submitted"), first)
        for name in ("state.lock", "state.lock.holder"):
            (film.run_dir / name).unlink()
        second = film.run(expect=6)
        assert "is in use" in second.err
        assert first.wait(60) == 0
    film.witness(gateway, 3)


@pytest.mark.parametrize("how", ["written to", "replaced", "deleted", "moved with its folder"])
def test_a_run_ends_before_it_spends_more_where_its_journal_is_not_what_it_left(
    tmp_path: Path, gateway: Gateway, how: str
) -> None:
    film = long(batch(tmp_path, gateway, 3))
    # Results that cannot be stored would end the run, too; it has to be the journal that does.
    with film.started("--max-in-flight=1", "--no-download") as run:
        until(lambda: film.happened("submitting", 2) and len(gateway.created()) == 2, run)
        if how == "written to":
            with film.state.open("ab") as file:
                file.write(encode(ev.RunStarted("2026-01-01T00:00:00.000Z", "another machine")))
        elif how == "replaced":
            shutil.copy(film.state, tmp_path / "copy")
            (tmp_path / "copy").replace(film.state)
        elif how == "deleted":
            film.state.unlink()
        else:
            film.run_dir.rename(tmp_path / "moved")
        _, told = run.communicate(timeout=60)
    assert run.returncode == 6
    assert len(gateway.posts()) == 2, "nothing was submitted after that"
    second = gateway.created()[1]["task_id"]
    assert f"they are paid, so settle their scenes with these ids: scene s2: task {second}" in told


def test_appending_looks_at_the_file_before_and_after(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append([ev.RunStarted("t", "1")])
        lines = json_lines(tmp_path / JOURNAL)
        assert [line["line"] for line in lines] == [1]
        writer = lines[0]["writer"]
        journal.append([ev.RunEnded("t", 0), ev.RunStarted("t", "1")])
        assert [(line["writer"], line["line"]) for line in json_lines(tmp_path / JOURNAL)] == [
            (writer, 1), (writer, 2), (writer, 3)
        ]  # fmt: skip


# The way back


def lines_of(events: list[ev.Event], writer: str, begin: int = 1) -> list[bytes]:
    """Events as lines of one process."""
    return [encode(event, Stamp(writer, number)) for number, event in enumerate(events, begin)]


SCENES = (scene("s1"), scene("s2"))
READ = ev.ManifestRead("t", "film", "m", SCENES)


def sent(scene_id: str, task_id: str, sha256: str = SHA) -> list[ev.Event]:
    """A submission, and the task that came of it."""
    intent = submitting()
    again = ev.Submitting(
        "t", scene_id, 1, RequestFacts(sha256, intent.request.document, "720P", ()), intent.estimated_cost_usd
    )
    return [again, ev.Submitted("t", scene_id, 1, task_id)]


ONE = [ev.RunStarted("t", "1"), READ, *sent("s1", "a1"), *sent("s2", "a2")]
OTHER = [ev.RunStarted("t", "1"), *sent("s1", "b1"), ev.Completed("t", "s1", 1, TaskResult("u", None, None, None))]


def damaged(folder: Path, lines: list[bytes]) -> Path:
    film = Batch(folder, "").run_dir
    film.mkdir(parents=True)
    (film / JOURNAL).write_bytes(b"".join(lines))
    return film


def test_a_journal_that_two_runs_wrote_at_once_is_saved_where_one_of_them_created_nothing(tmp_path: Path) -> None:
    nothing = [OTHER[0], OTHER[1], ev.Refused("t", "s1", 1, "http_500", "later", again=True)]
    one, other = lines_of(ONE, "aa"), lines_of(nothing, "bb")
    film = Batch(tmp_path, "")
    folder = damaged(tmp_path, [*one[:4], *other[:3], *one[4:], *other[3:]])
    refused = film.do("status", folder, expect=6)
    assert "report --salvage" in refused.err
    saved = film.do("report", folder, "--salvage").out
    assert "scene s1: submitted once; tasks a1; each may have been charged" in saved
    assert "scene s2, attempt 1: task a2" in saved
    assert (folder / JOURNAL).read_bytes().startswith(one[0]), "the journal itself is left as it is"
    moves = [line.split()[1:] for line in saved.splitlines() if line.startswith("  mv ")]
    for source, target in moves:
        Path(source).rename(target)
    state = read(folder)
    tasks = {attempt.task_id: attempt.state.value for attempt in state.all_attempts()}
    assert tasks == {"a1": "running", "a2": "running"}, "what became of s1 is asked again"
    rows = json.loads(film.do("status", folder, "--format=json").out)["scenes"]
    assert [row["status"] for row in rows] == ["running", "running"]


def test_two_tasks_of_one_scene_are_both_kept_and_read_again(tmp_path: Path) -> None:
    lines = lines_of(ONE, "aa")
    film = Batch(tmp_path, "")
    folder = damaged(tmp_path, [*lines[:4], *lines_of(OTHER, "bb"), *lines[4:]])
    assert "scene s1: submitted 2 times; tasks a1, b1" in film.do("report", folder, "--salvage").out
    (folder / "state.salvaged.jsonl").replace(folder / JOURNAL)
    tasks = {attempt.task_id: (attempt.name, attempt.state.value) for attempt in read(folder).all_attempts()}
    assert tasks == {"a1": ("s1@1", "running"), "b1": ("s1@2", "running"), "a2": ("s2@1", "running")}


@pytest.mark.parametrize("what", ["a line is missing", "a line cannot be read", "the requests differ"])
def test_nothing_is_written_where_it_is_not_certain_what_was_paid_for(tmp_path: Path, what: str) -> None:
    lines = lines_of(ONE, "aa")
    if what == "a line is missing":
        del lines[3]
    elif what == "a line cannot be read":
        lines[3] = lines[3].replace(b"a1", b"x1")
    else:
        lines += lines_of([ev.RunStarted("t", "1"), *sent("s1", "b1", "cd" * 32)], "bb")
    film = Batch(tmp_path, "")
    folder = damaged(tmp_path, lines)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    ended = film.do("report", folder, "--salvage", expect=6)
    assert "it is not certain what was paid for" in ended.out
    assert "task a2" in ended.out
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "state.lock"}
    assert after == before


def test_a_sound_journal_needs_no_saving_and_one_in_use_is_left_alone(tmp_path: Path) -> None:
    film = Batch(tmp_path, "")
    folder = damaged(tmp_path, lines_of(ONE, "aa"))
    assert "Nothing is wrong" in film.do("report", folder, "--salvage").out
    with Journal(folder):
        assert "is in use" in film.do("report", folder, "--salvage", expect=6).err
    assert "is not a run directory" in film.do("report", tmp_path, "--salvage", expect=6).err

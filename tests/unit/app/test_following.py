"""A run is followed from outside, by its journal alone."""

from pathlib import Path

import pytest

from batchgen.app.following import Followed
from batchgen.app.run_directory import RunDirectory
from batchgen.engine import events as ev
from batchgen.engine.events import Event
from batchgen.errors import RunDirectoryError
from batchgen.journal.journal import Journal
from batchgen.layout import JOURNAL
from batchgen.model import TaskResult

from helpers.engine_support import PRICE, URL, scene

SCENES = tuple(scene(f"s{number}", request=f"r{number}") for number in range(6))
AT = "2026-01-01T00:00:00.000Z"


def submitting(number: int) -> Event:
    facts = SCENES[number]
    return ev.Submitting(AT, facts.scene_id, 1, facts.request, facts.estimated_cost_usd)


def begun(folder: Path) -> Journal:
    journal = Journal(folder)
    journal.append([ev.RunStarted(AT, "1"), ev.ManifestRead(AT, "film", "m", SCENES)])
    return journal


def shown(followed: Followed, most: int) -> list[tuple[str, str]]:
    return [(str(line.row["scene_id"]), str(line.row["status"])) for line in followed.lines(most)]


def test_what_goes_on_comes_first_then_what_went_wrong_then_what_is_done(tmp_path: Path) -> None:
    with begun(tmp_path) as journal:
        followed = Followed(RunDirectory(tmp_path))
        assert shown(followed, 2) == [("s0", "pending"), ("s1", "pending")]
        journal.append([submitting(5), ev.Submitted(AT, "s5", 1, "t5")])
        journal.append([submitting(2), ev.Refused(AT, "s2", 1, "001", "no", again=False)])
        journal.append([submitting(3), ev.Submitted(AT, "s3", 1, "t3")])
        journal.append([ev.Completed(AT, "s3", 1, TaskResult(URL, cost_usd=PRICE))])
        journal.append([ev.Downloaded(AT, "s3", 1, "results/s3@1.mp4", "ab" * 32, None)])
        assert len(followed.read_on()) == 8
        assert followed.read_on() == []
    standing = followed.standing()
    assert (standing.over, standing.running, standing.failed, standing.charged_usd) == (1, 1, 0, PRICE)
    assert shown(followed, 1) == [("s5", "running")]
    assert next(line.seconds for line in followed.lines(2)) is None, "what was refused had no task"
    assert shown(followed, 3) == [("s2", "failed"), ("s3", "completed"), ("s5", "running")]
    assert [scene_id for scene_id, _ in shown(followed, 99)] == [facts.scene_id for facts in SCENES]
    (running,) = followed.lines(1)
    assert running.seconds is not None
    assert running.seconds > 0


def test_what_is_being_submitted_is_not_shown_as_cut_off_before_it_is(tmp_path: Path) -> None:
    with begun(tmp_path) as journal:
        journal.append([submitting(5)])
        followed = Followed(RunDirectory(tmp_path))
        assert shown(followed, 1) == [("s5", "running")]
    assert followed.read_on() == []
    assert shown(followed, 1) == [("s5", "unknown")]


def test_a_line_that_is_being_written_is_read_once_it_is_whole(tmp_path: Path) -> None:
    with begun(tmp_path) as journal:
        followed = Followed(RunDirectory(tmp_path))
        journal.append([ev.RunEnded(AT, 0)])
    path = tmp_path / JOURNAL
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert followed.read_on() == []
    path.write_bytes(whole)
    assert followed.read_on() == [ev.RunEnded(AT, 0)]


def test_another_manifest_is_followed_too(tmp_path: Path) -> None:
    with begun(tmp_path) as journal:
        followed = Followed(RunDirectory(tmp_path))
        journal.append([ev.ManifestRead(AT, "film", "m", SCENES[:2])])
        followed.read_on()
    assert [scene_id for scene_id, _ in shown(followed, 9)] == ["s0", "s1"]


def test_what_is_damaged_is_told(tmp_path: Path) -> None:
    with begun(tmp_path):
        followed = Followed(RunDirectory(tmp_path))
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(RunDirectoryError, match=f"{JOURNAL}:3"):
        followed.read_on()

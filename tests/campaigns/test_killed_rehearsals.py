"""A rehearsal that is killed goes on with the tasks of its emulator, which went with it."""

from pathlib import Path

import pytest

from helpers.runs import batch, json_lines, process_of, until


@pytest.mark.parametrize(("event", "times"), [("submitted", 4), ("completed", 1), ("downloaded", 1)])
def test_a_rehearsal_that_was_killed_goes_on(tmp_path: Path, event: str, times: int) -> None:
    film = batch(tmp_path, "", 4)
    arguments: list[str | Path] = ["run", film.manifest, "--emulator", "--poll-interval=0.1", "--run-dir", film.run_dir]
    with process_of(*arguments, folder=tmp_path) as run:
        until(lambda: film.happened(event, times), run)
        run.kill()
        run.wait()
    assert film.run("--emulator").code == 0
    assert film.statuses() == "completed completed completed completed"
    tasks = json_lines(film.run_dir / "emulator" / "tasks.jsonl")
    assert sorted(row["task_id"] for row in film.ledger()) == sorted(task["task_id"] for task in tasks)
    assert len(tasks) == 4

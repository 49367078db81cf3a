"""Settles a submission whose outcome is not known."""

from pathlib import Path

from batchgen.app.run_directory import RunDirectory
from batchgen.engine.events import Resolved
from batchgen.engine.states import OPEN, Attempt, AttemptState
from batchgen.errors import Remedy, UsageError
from batchgen.journal.journal import Journal
from batchgen.layout import JOURNAL
from batchgen.providers.registry import asked_before
from batchgen.runner.clock import RealClock
from batchgen.text import is_usable_id, on_one_line


def resolve(run_dir: str | Path, scene_id: str, *, task_id: str | None = None, not_created: bool = False) -> None:
    """Say what became of a submission of a scene: the id of its task, or that none was created.

    What was said can be corrected until the gateway has shown that task; an id also takes up a task
    that was given up as not found. The reports are written again. Raises `UsageError` where there is
    nothing to settle, `RunDirectoryError` where the journal cannot be written.
    """
    directory = RunDirectory(Path(run_dir))
    if not directory.is_begun():
        raise UsageError(f"{run_dir} is not a run directory: it has no {JOURNAL}")
    if (task_id is not None) == not_created:
        said = f"there is either a task with an id, or none was created{_offer(directory, scene_id)}"
        raise UsageError(said, Remedy.SAY_WHAT_BECAME)
    task_id = None if task_id is None else task_id.strip()
    if task_id is not None and not is_usable_id(task_id):
        raise UsageError("a task id is a word, as your provider shows it")
    with Journal(directory.path, asked_before) as journal:
        latest = journal.state.latest(scene_id)
        if latest is None:
            raise UsageError(f"there was never a submission of a scene {scene_id!r} in {run_dir}")
        if not _can_be_settled(latest, task_id):
            raise UsageError(f"scene {scene_id} is not unknown but {latest.state}; there is nothing to settle")
        owner = None if task_id is None else journal.state.owner_of(task_id)
        if owner is not None and owner != latest:
            raise UsageError(f"task {task_id} is that of scene {owner.scene_id}, attempt {owner.number}, already")
        journal.record(Resolved(RealClock().at(), scene_id, latest.number, task_id))
        directory.write_reports(journal.state)


def _offer(directory: RunDirectory, scene_id: str) -> str:
    latest = directory.state().latest(scene_id)
    came = None if latest is None else latest.candidate_id
    return f"; this id came with the answer to the submission: {on_one_line(came)}" if came else ""


def _can_be_settled(latest: Attempt, task_id: str | None) -> bool:
    was_given_up = latest.state is AttemptState.NOT_FOUND and task_id is not None
    is_correction = latest.by_hand and latest.state in (*OPEN, AttemptState.REFUSED)
    return latest.is_unknown or was_given_up or is_correction

"""Settles a submission whose outcome is not known."""

from pathlib import Path

from batchgen.app.keywords import StrPath
from batchgen.app.output_places import warn_of, write_reports
from batchgen.app.run_directory import RunDirectory
from batchgen.engine.attempts import OPEN, Attempt, AttemptState
from batchgen.engine.events import Resolved
from batchgen.engine.states import State
from batchgen.errors import Remedy, UsageError
from batchgen.journal.journal import Journal
from batchgen.layout import JOURNAL
from batchgen.limits import LONGEST_ID
from batchgen.providers.registry import asked_before
from batchgen.runner.clock import RealClock
from batchgen.text import is_usable_id, on_one_line

_SHOWN = 80


def resolve(run_dir: StrPath, scene_id: str, *, task_id: str | None = None, not_created: bool = False) -> None:
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
        raise UsageError(
            f"'{on_one_line(task_id[:_SHOWN])}' is not the id of a task: copy it as your provider shows it, 1 to "
            f"{LONGEST_ID} characters without blanks"
        )
    with Journal(directory.path, asked_before) as journal:
        attempt = _to_settle(journal.state, scene_id, task_id, run_dir)
        owner = None if task_id is None else journal.state.owner_of(task_id)
        if owner is not None and owner != attempt:
            raise UsageError(f"task {task_id} is that of scene {owner.scene_id}, attempt {owner.number}, already")
        journal.record(Resolved(RealClock().at(), *attempt.key, task_id))
        warn_of(write_reports(directory, journal.state, holds_journal=True))


def _offer(directory: RunDirectory, scene_id: str) -> str:
    came = next((one.candidate_id for one in reversed(_made(directory.state(), scene_id)) if one.candidate_id), None)
    return f"; this id came with the answer to the submission: {on_one_line(came)}" if came else ""


def _made(state: State, scene_id: str) -> list[Attempt]:
    """The attempts that a name may stand for: those made for the scene, and those at its request."""
    asked = [attempt for scene in state.scenes if scene.scene_id == scene_id for attempt in state.attempts_for(scene)]
    own = state.attempts.get(scene_id, [])
    return [*(attempt for attempt in asked if attempt not in own), *own]


def _to_settle(state: State, scene_id: str, task_id: str | None, run_dir: StrPath) -> Attempt:
    """The attempt that is meant. Raises `UsageError` where there is none."""
    made = _made(state, scene_id)
    takes = [scene.scene_id for scene in state.takes_of(scene_id)]
    if not made and takes not in ([], [scene_id]):
        raise UsageError(f"{scene_id} has takes; settle one of them: {', '.join(takes)}")
    if not made:
        raise UsageError(f"there was never a submission of a scene {scene_id!r} in {run_dir}")
    fits = [attempt for attempt in made if _can_be_settled(attempt, task_id)]
    if not fits:
        raise UsageError(f"scene {scene_id} is not unknown but {made[-1].state}; there is nothing to settle")
    return max(fits, key=lambda attempt: attempt.is_unknown)


def _can_be_settled(attempt: Attempt, task_id: str | None) -> bool:
    was_given_up = attempt.state is AttemptState.NOT_FOUND and task_id is not None
    is_correction = attempt.by_hand and attempt.state in (*OPEN, AttemptState.REFUSED)
    return attempt.is_unknown or was_given_up or is_correction

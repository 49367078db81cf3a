"""What a run would do with each scene, and why. Pure.

From the expanded manifest and the state; the same for `plan`, which shows it, and `run`, which
does it.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase

from batchgen.engine.events import SceneFacts
from batchgen.engine.states import Attempt, AttemptState, State

_TAKE = re.compile(r"-t[0-9]+\Z")
"""What the ids of takes end with, behind that of their shot."""


class Action(StrEnum):
    """What happens to a scene."""

    SUBMIT = "submit"
    RESUME = "resume"
    DOWNLOAD = "download"
    DONE = "done"
    UNKNOWN = "unknown"
    """Submitted, and the outcome is not known: nothing happens until the user settles it."""
    FAILED = "failed"
    """Failed, and nothing happens unless the user wants to pay for another attempt."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user chose for a run.

    ``globs`` select scenes by id, or by the id of the shot that they are takes of, all of them where
    there are none; ``retry_failed`` pays for failed
    scenes again; ``download`` wants the files; ``attempts`` is how often the same request is paid for,
    at most, where another attempt may do better.
    """

    globs: tuple[str, ...] = ()
    retry_failed: bool = False
    download: bool = True
    attempts: int = 1

    def takes(self, scene_id: str) -> bool:
        """Whether the scene is one of those selected."""
        names = (scene_id, _TAKE.sub("", scene_id))
        return not self.globs or any(fnmatchcase(name, glob) for glob in self.globs for name in names)


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one scene, and why.

    ``changed`` names the fields of the request that differ from what was submitted before;
    ``paid_before`` says that money was spent on this scene, or may have been; ``removed`` that it is
    not in the manifest any more, and that only its task is waited for; ``then_submits`` that it is
    submitted once the task that still runs has ended.
    """

    scene: SceneFacts
    action: Action
    reason: str
    changed: tuple[str, ...] = ()
    paid_before: bool = False
    removed: bool = False
    then_submits: bool = False

    @property
    def buys(self) -> bool:
        """Whether the step, carried out, creates a new task."""
        return self.action is Action.SUBMIT or self.then_submits

    @property
    def new_cost_usd(self) -> Decimal | None:
        """What the step would cost: nothing unless it buys, None where no price is known."""
        return self.scene.estimated_cost_usd if self.buys else Decimal(0)


def plan(scenes: Sequence[SceneFacts], state: State, choice: Choice, missing: Collection[str] = ()) -> list[Step]:
    """A step for each selected scene, in order, and for every task that still runs without one.

    ``missing`` holds the ids of scenes whose delivered file is not there any more.
    """
    steps = [_step(scene, state, choice, scene.scene_id in missing) for scene in scenes if choice.takes(scene.scene_id)]
    return [*steps, *_orphans(scenes, state, choice)]


def _orphans(scenes: Sequence[SceneFacts], state: State, choice: Choice) -> Iterator[Step]:
    """Tasks of scenes that were taken out of the manifest: bought, and so neither lost nor unaccounted."""
    listed = {scene.scene_id for scene in scenes}
    for scene_id in (scene_id for scene_id in state.attempts if scene_id not in listed):
        latest = state.latest(scene_id)
        if latest is not None and latest.is_open and choice.takes(scene_id):
            reason = "not in the manifest any more; its task still runs and is waited for"
            yield Step(latest.as_scene(), Action.RESUME, reason, paid_before=True, removed=True)


def _step(scene: SceneFacts, state: State, choice: Choice, missing: bool) -> Step:  # noqa: FBT001 - one fact of four
    attempts = state.attempts.get(scene.scene_id, [])
    latest = state.current_attempt(scene)
    paid = any(attempt.state is not AttemptState.REFUSED and not attempt.again for attempt in attempts)
    if latest is not None and latest.is_unknown:
        return Step(scene, Action.UNKNOWN, "submitted, and the outcome is not known", paid_before=True)
    if latest is not None and latest.request.sha256 != scene.request.sha256:
        return _changed(scene, latest, paid=paid)
    return _unchanged(scene, state, choice, missing=missing, paid=paid)


def _changed(scene: SceneFacts, latest: Attempt, *, paid: bool) -> Step:
    changed = latest.request.changes(scene.request)
    what = f"changed: {', '.join(changed) or 'the request'}"
    if latest.is_open:
        reason = f"{what}; its task still runs and is waited for, then it is paid for again"
        return Step(scene, Action.RESUME, reason, changed, paid_before=True, then_submits=True)
    return Step(scene, Action.SUBMIT, f"{what}; it is paid for again" if paid else what, changed, paid)


def _unchanged(  # noqa: PLR0911 - one case for each state
    scene: SceneFacts, state: State, choice: Choice, *, missing: bool, paid: bool
) -> Step:
    latest = state.current_attempt(scene)
    if latest is None:
        return Step(scene, Action.SUBMIT, "new")
    match latest.state:
        case AttemptState.RUNNING | AttemptState.RESOLVED:
            return Step(scene, Action.RESUME, f"task {latest.task_id} is known", paid_before=True)
        case AttemptState.NOT_FOUND:
            return _not_found(scene, latest, choice)
        case AttemptState.COMPLETED | AttemptState.DOWNLOAD_FAILED:
            if choice.download:
                return Step(scene, Action.DOWNLOAD, "bought, and not here yet", paid_before=True)
            return Step(scene, Action.DONE, "bought; its file is not wanted now", paid_before=True)
        case AttemptState.DELIVERED if missing and choice.download:
            return Step(scene, Action.DOWNLOAD, "bought, and its file is gone", paid_before=True)
        case AttemptState.DELIVERED:
            return Step(scene, Action.DONE, "unchanged since it was delivered", paid_before=True)
        case AttemptState.REFUSED:
            if latest.again or choice.retry_failed:
                return Step(scene, Action.SUBMIT, "no task was created the last time", paid_before=paid)
            return Step(scene, Action.FAILED, f"refused: {latest.code}", paid_before=paid)
        case _:
            return _failed(scene, state, latest, choice, paid=paid)


def _not_found(scene: SceneFacts, latest: Attempt, choice: Choice) -> Step:
    reason = f"task {latest.task_id} was not found; it is looked for once more"
    repeats = choice.retry_failed and not latest.by_hand
    if repeats:
        reason += ", and paid for again if it is not there"
    return Step(scene, Action.RESUME, reason, paid_before=True, then_submits=repeats)


def _failed(scene: SceneFacts, state: State, latest: Attempt, choice: Choice, *, paid: bool) -> Step:
    if latest.again:
        return Step(scene, Action.SUBMIT, "the gateway created no task the last time", paid_before=paid)
    if choice.retry_failed:
        reason = f"failed ({latest.code}) and wanted again; it is paid for again"
        return Step(scene, Action.SUBMIT, reason, paid_before=True)
    made = paid_for(state, scene)
    if latest.passing and made < choice.attempts:
        reason = f"failed ({latest.code}); attempt {made + 1} of {choice.attempts} is paid for"
        return Step(scene, Action.SUBMIT, reason, paid_before=True)
    return Step(scene, Action.FAILED, f"failed: {latest.code}", paid_before=True)


def paid_for(state: State, scene: SceneFacts) -> int:
    """Attempts at this very request that may have cost something."""
    return sum(
        attempt.state is not AttemptState.REFUSED and not attempt.again
        for attempt in state.attempts.get(scene.scene_id, ())
        if attempt.request.sha256 == scene.request.sha256
    )

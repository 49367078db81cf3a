"""How a run ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from batchgen.app.planning import Plan
from batchgen.app.scene_results import SceneResult, scene_results, totals_of
from batchgen.engine.attempts import AttemptState
from batchgen.engine.budget import Sum
from batchgen.engine.commands import Stop
from batchgen.engine.scheduler import Scheduler
from batchgen.engine.states import State
from batchgen.engine.steps import Step
from batchgen.engine.waiting import held_for_review
from batchgen.report.rows import SceneStatus

_UNFINISHED = 1
EXIT_CODES: Mapping[Stop, int] = {
    Stop.SHUT_OUT: _UNFINISHED,
    Stop.BUDGET: 4,
    Stop.ACCOUNT: 5,
    Stop.BALANCE: 5,
    Stop.UNREACHABLE: 5,
    Stop.UNANSWERED: 5,
    Stop.STORAGE: 6,
    Stop.PUBLISHING: 5,
    Stop.INTERRUPTED: 130,
}


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    ``scenes`` are all of the manifest, in its order; ``charged`` and ``exposure`` are sums over every
    attempt that was ever made in the run directory: what was charged, and what may still be. ``stop``
    says why the run ended before all was done, None where it was; ``why`` gives the reason in words.
    ``submitted`` is unset where the plan was not agreed to. ``exit_code`` is that of ``batchgen run``.
    """

    run_dir: Path
    scenes: tuple[SceneResult, ...]
    charged: Sum
    exposure: Sum
    stop: Stop | None
    why: str
    exit_code: int
    submitted: bool
    is_complete: bool
    """All selected scenes are completed."""
    state: State = field(repr=False)
    """All that the journal says; too long to be shown wherever a notebook shows a result."""
    output: str = ""
    """The URL below which results and reports lie in an object store; empty where they stay in the run directory."""


def result_of(
    plan: Plan, scheduler: Scheduler | None, *, waited: bool = True, interrupted: int | None = None
) -> RunResult:
    """The result of a run that carried out a plan; ``scheduler`` is None where nothing was begun."""
    state, directory = plan.state if scheduler is None else scheduler.state, plan.batch.directory
    if not state.scenes:
        state = state.with_scenes(plan.scenes)
    scenes = scene_results(directory.each_row(state), directory.path)
    totals, statuses = totals_of(scenes, state), _statuses(plan, state, scenes, waited=waited)
    stop = None if scheduler is None else scheduler.stop
    return RunResult(
        run_dir=directory.path,
        scenes=scenes,
        charged=totals.charged,
        exposure=totals.exposure,
        stop=stop,
        why="" if scheduler is None else scheduler.why,
        exit_code=0 if scheduler is None else _exit_code(stop, statuses, waited=waited, interrupted=interrupted),
        submitted=scheduler is not None,
        is_complete=stop is None and statuses <= {SceneStatus.COMPLETED},
        state=state,
    )


def _statuses(plan: Plan, state: State, scenes: Iterable[SceneResult], *, waited: bool) -> set[SceneStatus]:
    """Where the selected scenes stand; pending is among it where a step has not done what it was for."""
    selected = {step.scene.scene_id for step in plan.steps}
    is_left = any(_is_left(step, state, waited=waited) for step in plan.steps if not step.waits_for)
    # What waits for a look has done all that it could.
    selected -= held_for_review(state)
    statuses = {scene.status for scene in scenes if scene.scene_id in selected}
    return statuses | ({SceneStatus.PENDING} if is_left else set())


def _exit_code(stop: Stop | None, statuses: set[SceneStatus], *, waited: bool, interrupted: int | None) -> int:
    if stop is Stop.INTERRUPTED and interrupted is not None:
        return interrupted
    if stop is not None:
        return EXIT_CODES[stop]
    fine = {SceneStatus.COMPLETED} if waited else {SceneStatus.COMPLETED, SceneStatus.RUNNING}
    return 0 if statuses <= fine else _UNFINISHED


def _is_left(step: Step, state: State, *, waited: bool) -> bool:
    """Whether a step has not done what it was for, which the row of its scene need not show."""
    if step.removed:
        # A task that no scene needs has no row; that it still runs counts.
        return waited and step.attempt is not None and state.attempt(step.attempt.key).is_in_flight
    made = state.attempts_for(step.scene)
    if any(attempt.is_unknown for attempt in made):
        return True
    if step.again:
        last = made[-1] if made else None
        ended_well = last is not None and (last.has_file or last.state is AttemptState.COMPLETED)
        still_runs = last is not None and last.is_in_flight and not waited
        return state.is_wanted_again(step.scene.scene_id) or not (ended_well or still_runs)
    latest = state.latest(step.scene.scene_id)
    return step.then_submits and (latest is None or not latest.asks_for(step.scene))

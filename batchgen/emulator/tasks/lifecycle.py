"""The life of a task, as a table: pure, without a clock of its own.

::

    in_progress ── finished ──► completed
         └─────── failed ─────► failed

What has ended stays as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from batchgen.emulator.faults.kinds import Fault


class Phase(StrEnum):
    """Where a task stands, in the API's words."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class Happening(StrEnum):
    """What can happen to a task."""

    FINISHED = "finished"
    FAILED = "failed"


TRANSITIONS: Mapping[tuple[Phase, Happening], Phase] = {
    (Phase.IN_PROGRESS, Happening.FINISHED): Phase.COMPLETED,
    (Phase.IN_PROGRESS, Happening.FAILED): Phase.FAILED,
}

_HIGHEST_PROGRESS = 0.99
"""Reported while a task runs; 1 would be a completed one."""
_STUCK_PROGRESS = 0.4


class IllegalTransitionError(Exception):
    """Something happened to a task that has already ended."""


@dataclass(frozen=True, slots=True)
class Task:
    """A paid generation. Times are seconds of one clock, the caller's; money is US dollars."""

    id: str
    job_id: str
    model: str
    prompt: str
    created: float
    latency: float
    """Seconds from creation to the end, if nothing holds the task up."""
    cost: Decimal
    discount: Decimal
    outcome: Fault | None = None
    """How it will fail, hang or vanish; None: it will complete."""
    failure_message: str = ""
    """The API's words for the code it will fail with."""
    wording: Fault | None = None
    """Statuses are to be worded in other ways."""
    result_faults: Mapping[str, Fault] = field(default_factory=dict)
    phase: Phase = Phase.IN_PROGRESS

    @property
    def vanished(self) -> bool:
        """Nobody can read this task, although it was created and is charged."""
        return self.outcome is not None and self.outcome.kind == "vanish"

    @property
    def stuck(self) -> bool:
        """The task never ends."""
        return self.outcome is not None and self.outcome.kind == "stuck"

    @property
    def fails(self) -> bool:
        """The task will end without a result."""
        return self.outcome is not None and not self.vanished and not self.stuck


def advanced(task: Task, happening: Happening) -> Task:
    """The task after that. Raises `IllegalTransitionError` where the table has no such step."""
    phase = TRANSITIONS.get((task.phase, happening))
    if phase is None:
        raise IllegalTransitionError(f"{task.id} is {task.phase}: {happening} cannot happen")
    return replace(task, phase=phase)


def progress(task: Task, now: float) -> float:
    """The share that is done, from 0 to 1, as a client is told."""
    if task.phase is not Phase.IN_PROGRESS:
        return 1.0
    share = (now - task.created) / task.latency if task.latency > 0 else _HIGHEST_PROGRESS
    return round(max(0.0, min(share, _STUCK_PROGRESS if task.stuck else _HIGHEST_PROGRESS)), 2)


def remaining(task: Task, now: float) -> float:
    """Seconds until the task is due; 0 for one that is over its time."""
    return max(0.0, task.created + task.latency - now)

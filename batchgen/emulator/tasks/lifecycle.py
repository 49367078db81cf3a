"""The statuses of a task and their transitions, as a table. Pure: the caller gives the time.

::

    in_progress ── finished ──► completed
         └─────── failed ─────► failed

A task that has ended does not change. At its beginning a task may be in the queue for some time; that is
a matter of the clock, and not a status of its own here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from batchgen.emulator.faults.kinds import Fault
from batchgen.emulator.money import Charge


class TaskStatus(StrEnum):
    """The status of a task, with the values of the API."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class TaskEvent(StrEnum):
    """What can happen to a task."""

    FINISHED = "finished"
    FAILED = "failed"


TRANSITIONS: Mapping[tuple[TaskStatus, TaskEvent], TaskStatus] = {
    (TaskStatus.IN_PROGRESS, TaskEvent.FINISHED): TaskStatus.COMPLETED,
    (TaskStatus.IN_PROGRESS, TaskEvent.FAILED): TaskStatus.FAILED,
}

_HIGHEST_PROGRESS = 0.99
"""The highest progress of a running task; 1 means that it has completed."""
_STUCK_PROGRESS = 0.4


class IllegalTransitionError(Exception):
    """The event is not allowed in the current status of the task."""


@dataclass(frozen=True, slots=True)
class Task:
    """A paid generation. Times are in seconds of the caller's clock, money in US dollars."""

    id: str
    job_id: str
    model: str
    prompt: str
    created: float
    latency: float
    """Seconds from the creation to the end, unless the task is stuck."""
    charge: Charge
    queued: float = 0.0
    """How many of these seconds the task is in the queue at first."""
    outcome_fault: Fault | None = None
    """The fault with which it fails, is stuck or vanishes. None: it completes."""
    failure_message: str = ""
    """The message of the API for the code of the failure."""
    wording_fault: Fault | None = None
    """The fault that changes the spelling of statuses."""
    result_faults: Mapping[str, Fault] = field(default_factory=dict)
    shape_faults: Mapping[str, Fault] = field(default_factory=dict)
    """The faults that change the shape of answers about the task."""
    status: TaskStatus = TaskStatus.IN_PROGRESS

    @property
    def vanished(self) -> bool:
        """The task cannot be read, although it was created and is charged."""
        return self.outcome_fault is not None and self.outcome_fault.kind == "vanish"

    @property
    def stuck(self) -> bool:
        """The task never ends."""
        return self.outcome_fault is not None and self.outcome_fault.kind == "stuck"

    @property
    def will_fail(self) -> bool:
        """The task ends without a result."""
        return self.outcome_fault is not None and not self.vanished and not self.stuck


def transition(task: Task, event: TaskEvent) -> Task:
    """The task after the event. Raises `IllegalTransitionError` if the table does not allow it."""
    status = TRANSITIONS.get((task.status, event))
    if status is None:
        raise IllegalTransitionError(f"{task.id} is {task.status}: {event} cannot happen")
    return replace(task, status=status)


def in_queue(task: Task, now: float) -> bool:
    """Whether the task is in the queue and not yet in progress."""
    return task.status is TaskStatus.IN_PROGRESS and now < task.created + task.queued


def progress(task: Task, now: float) -> float:
    """The progress that is reported to clients, from 0 to 1."""
    if task.status is not TaskStatus.IN_PROGRESS:
        return 1.0
    span = task.latency - task.queued
    share = (now - task.created - task.queued) / span if span > 0 else _HIGHEST_PROGRESS
    return round(max(0.0, min(share, _STUCK_PROGRESS if task.stuck else _HIGHEST_PROGRESS)), 2)


def remaining_seconds(task: Task, now: float) -> float:
    """Seconds until the task is due; 0 if it is overdue."""
    return max(0.0, task.created + task.latency - now)

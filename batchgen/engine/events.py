"""What happened, as it is remembered: the events that the journal keeps.

State is a fold over these and nothing else. ``at`` is always a time in UTC as ISO 8601 text, money
always a Decimal or None for unknown. Pure.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from batchgen.model import RequestFacts, TaskResult


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What a report has to know of a scene of the manifest, whether or not it was ever submitted.

    ``estimated_cost_usd`` is None without a price.
    """

    scene_id: str
    request: RequestFacts
    estimated_cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run began. Without news of its end, whatever it had under way was cut off.

    ``download`` says that it wants the files of its results here.
    """

    at: str
    version: str
    download: bool = True


@dataclass(frozen=True, slots=True)
class ManifestRead:
    """The scenes of the manifest, in order; replaces the list that was known before."""

    at: str
    name: str
    model: str
    scenes: tuple[SceneFacts, ...]


@dataclass(frozen=True, slots=True)
class Submitting:
    """A request to create a task is about to be sent. Durable before its first byte leaves."""

    at: str
    scene_id: str
    attempt: int
    request: RequestFacts
    estimated_cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The task exists. Durable before it is first read."""

    at: str
    scene_id: str
    attempt: int
    task_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It is certain that no task was created; ``again`` says that asking again may help.

    ``candidate_id`` is an id that came with the refusal all the same, ``excerpt`` how that answer began.
    """

    at: str
    scene_id: str
    attempt: int
    code: str
    message: str
    again: bool
    candidate_id: str | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """The request was sent, and whether a task was created is not known.

    ``candidate_id`` is an id that came with an answer of no use otherwise, ``excerpt`` how that answer began.
    """

    at: str
    scene_id: str
    attempt: int
    code: str
    message: str
    candidate_id: str | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """The gateway knows the task, of which that was not certain: its id was given by hand, or it had been missed."""

    at: str
    scene_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Completed:
    """The task has its result."""

    at: str
    scene_id: str
    attempt: int
    result: TaskResult


@dataclass(frozen=True, slots=True)
class Failed:
    """The task ended without a result.

    ``again`` says that no task was created upstream after all, ``passing`` that another paid attempt may do better.
    """

    at: str
    scene_id: str
    attempt: int
    code: str
    message: str
    cost_usd: Decimal | None
    discount: Decimal | None
    again: bool
    passing: bool = False


@dataclass(frozen=True, slots=True)
class TaskTimedOut:
    """This run stopped waiting for the task, which goes on; the next run reads it again."""

    at: str
    scene_id: str
    attempt: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TaskNotFound:
    """This run gave the task up: the gateway said 404 and nothing else. Later runs look at it again."""

    at: str
    scene_id: str
    attempt: int
    message: str


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The result is here, whole; ``mismatch`` says how it differs from what was asked for."""

    at: str
    scene_id: str
    attempt: int
    path: str
    sha256: str
    mismatch: str | None


@dataclass(frozen=True, slots=True)
class DownloadFailed:
    """The result did not arrive. It is bought, and fetched again by the next run."""

    at: str
    scene_id: str
    attempt: int
    message: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The user settled an unknown submission: the task's id, or None where none was created."""

    at: str
    scene_id: str
    attempt: int
    task_id: str | None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A scene was not submitted on purpose, and waits for a later run; ``code`` is what kept it back."""

    at: str
    scene_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run ended in order, with this exit code."""

    at: str
    exit_code: int


AttemptEvent: TypeAlias = (
    Submitting
    | Submitted
    | Refused
    | OutcomeUnknown
    | TaskSeen
    | Completed
    | Failed
    | TaskTimedOut
    | TaskNotFound
    | Downloaded
    | DownloadFailed
    | Resolved
)
Event: TypeAlias = RunStarted | ManifestRead | AttemptEvent | HeldBack | RunEnded

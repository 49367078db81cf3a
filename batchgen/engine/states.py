"""Where every attempt at every scene stands: the state, and the fold that makes it. Pure.

One attempt moves through the states as ``TRANSITIONS`` allows; anything else is an
`IllegalTransition` and leaves the state as it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from batchgen.engine.events import (
    AttemptEvent,
    Completed,
    Downloaded,
    DownloadFailed,
    Event,
    Failed,
    HeldBack,
    ManifestRead,
    OutcomeUnknown,
    Refused,
    Resolved,
    RunEnded,
    RunStarted,
    SceneFacts,
    Submitted,
    Submitting,
    TaskNotFound,
    TaskSeen,
    TaskTimedOut,
)
from batchgen.model import RequestFacts, TaskResult


class AttemptState(StrEnum):
    """Where one attempt stands."""

    SUBMITTING = "submitting"
    """The request is being sent. Found after a crash, this means unknown."""
    REFUSED = "refused"
    """No task was created, and nothing was paid."""
    UNKNOWN = "unknown"
    RESOLVED = "resolved"
    """The user gave the id of the task; the gateway has not yet said that it knows it."""
    RUNNING = "running"
    NOT_FOUND = "not_found"
    """A run gave the task up, since the gateway did not know it. Each later run looks again."""
    COMPLETED = "completed"
    """The task has its result; the file is not here yet."""
    DOWNLOAD_FAILED = "download_failed"
    DELIVERED = "delivered"
    MISMATCHED = "mismatched"
    FAILED = "failed"


S = AttemptState
TRANSITIONS: Mapping[type, Mapping[AttemptState | None, AttemptState]] = {
    Submitting: {None: S.SUBMITTING, S.REFUSED: S.SUBMITTING},
    Submitted: {S.SUBMITTING: S.RUNNING},
    Refused: {S.SUBMITTING: S.REFUSED},
    OutcomeUnknown: {S.SUBMITTING: S.UNKNOWN},
    TaskSeen: {S.RESOLVED: S.RUNNING, S.NOT_FOUND: S.RUNNING},
    Completed: {
        S.RESOLVED: S.COMPLETED,
        S.RUNNING: S.COMPLETED,
        S.NOT_FOUND: S.COMPLETED,
        S.COMPLETED: S.COMPLETED,
        S.DOWNLOAD_FAILED: S.COMPLETED,
        S.DELIVERED: S.COMPLETED,
    },
    Failed: {S.RESOLVED: S.FAILED, S.RUNNING: S.FAILED, S.NOT_FOUND: S.FAILED},
    TaskTimedOut: {S.RESOLVED: S.RESOLVED, S.RUNNING: S.RUNNING},
    TaskNotFound: {S.RESOLVED: S.NOT_FOUND, S.RUNNING: S.NOT_FOUND, S.NOT_FOUND: S.NOT_FOUND},
    Downloaded: {S.COMPLETED: S.DELIVERED, S.DOWNLOAD_FAILED: S.DELIVERED, S.DELIVERED: S.DELIVERED},
    DownloadFailed: {
        S.COMPLETED: S.DOWNLOAD_FAILED,
        S.DOWNLOAD_FAILED: S.DOWNLOAD_FAILED,
        S.DELIVERED: S.DOWNLOAD_FAILED,
    },
    Resolved: {
        S.SUBMITTING: S.RESOLVED,
        S.UNKNOWN: S.RESOLVED,
        S.RESOLVED: S.RESOLVED,
        S.NOT_FOUND: S.RESOLVED,
        S.REFUSED: S.RESOLVED,
    },
}
OPEN = frozenset({S.RESOLVED, S.RUNNING, S.NOT_FOUND})
"""States in which the gateway still has to be asked what became of the task."""
NOT_CREATED = "not_created"
"""The code of a submission of which the user said that no task was created."""
NOT_FOUND = "task_not_found"
"""The code of a task that the gateway does not know."""
PAID = frozenset(S) - {S.REFUSED}
"""States in which money may have been spent."""


class IllegalTransition(Exception):  # noqa: N818 - says what it is
    """An event that cannot follow on the state; a damaged journal or a bug."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one scene, with all that is known of it."""

    scene_id: str
    number: int
    state: AttemptState
    request: RequestFacts
    estimated_cost_usd: Decimal | None
    submitted_at: str
    sends: int = 1
    task_id: str | None = None
    finished_at: str | None = None
    result: TaskResult = TaskResult()  # noqa: RUF009 - frozen
    video_path: str | None = None
    video_sha256: str | None = None
    code: str = ""
    message: str = ""
    again: bool = False
    """The scene may be submitted anew without paying twice."""
    passing: bool = False
    """Another paid attempt may do better."""
    by_hand: bool = False
    """The user said what became of the submission, and the gateway has not yet confirmed it."""
    candidate_id: str | None = None
    """An id that came with an answer of no use otherwise."""
    excerpt: str = ""
    """How that answer began."""

    @property
    def is_open(self) -> bool:
        """Whether the gateway still has to be asked about this attempt."""
        return self.state in OPEN

    @property
    def is_in_flight(self) -> bool:
        """Whether its task is taken to be at work: open, and not given up as not found."""
        return self.is_open and self.state is not S.NOT_FOUND

    @property
    def is_unknown(self) -> bool:
        """Whether it is not known that a task was created; an attempt cut off in sending is such."""
        return self.state in (S.UNKNOWN, S.SUBMITTING)

    def as_scene(self) -> SceneFacts:
        """What this attempt asked for, as facts of a scene."""
        return SceneFacts(self.scene_id, self.request, self.estimated_cost_usd)


@dataclass(slots=True)
class State:
    """Everything that the journal tells. Changed by `apply` and by nothing else."""

    name: str = ""
    model: str = ""
    scenes: tuple[SceneFacts, ...] = ()
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    runs: int = 0
    cut_off: bool = False
    """The last run did not come to its end."""
    held: dict[str, HeldBack] = field(default_factory=dict)
    """Scenes that the last run did not submit on purpose."""
    downloads: bool = True
    """The last run wanted the files of its results here."""
    tasks: dict[str, tuple[str, int]] = field(default_factory=dict)
    """The scene and the number of the attempt that each task belongs to, by its id."""

    def latest(self, scene_id: str) -> Attempt | None:
        """The last attempt at a scene, None where there was none."""
        listed = self.attempts.get(scene_id)
        return listed[-1] if listed else None

    def current_attempt(self, scene: SceneFacts) -> Attempt | None:
        """The attempt that says where a scene stands, None where there is none.

        That is the last one, but for a submission that created nothing and asked for something else:
        once the scene is again what it was before, so is its result.
        """
        listed = self.attempts.get(scene.scene_id, [])
        if len(listed) > 1 and listed[-1].state is S.REFUSED:
            before, refused = listed[-2:]
            if refused.request.sha256 != scene.request.sha256 == before.request.sha256:
                return before
        return listed[-1] if listed else None

    def all_attempts(self) -> Iterable[Attempt]:
        """Every attempt, by scene in the order of their first submission."""
        return (attempt for listed in self.attempts.values() for attempt in listed)

    def apply(self, event: Event) -> None:
        """Take in one event. Raises `IllegalTransition`, and changes nothing then."""
        if isinstance(event, RunStarted):
            self.runs += 1
            self.cut_off = True
            self.held = {}
            self.downloads = event.download
        elif isinstance(event, RunEnded):
            self.cut_off = False
        elif isinstance(event, ManifestRead):
            self.name, self.model, self.scenes = event.name, event.model, event.scenes
        elif isinstance(event, HeldBack):
            self.held[event.scene_id] = event
        else:
            self._apply_to_attempt(event)

    def _apply_to_attempt(self, event: AttemptEvent) -> None:
        listed = self.attempts.get(event.scene_id, [])
        position = event.attempt - 1
        if not 0 <= position <= len(listed):
            raise IllegalTransition(f"{event.scene_id}: attempt {event.attempt} after {len(listed)}")
        before = listed[position] if position < len(listed) else None
        target = TRANSITIONS[type(event)].get(before.state if before else None)
        if target is None:
            stands = before.state if before else "not begun"
            raise IllegalTransition(f"{event.scene_id}: {type(event).__name__} while {stands}")
        after = _after(before, event, target)
        if before is None:
            self.attempts.setdefault(event.scene_id, []).append(after)
        else:
            listed[position] = after
        if after.task_id is not None and self.owner_of(after.task_id) is None:
            self.tasks[after.task_id] = (after.scene_id, after.number)

    def owner_of(self, task_id: str) -> Attempt | None:
        """The attempt that a task belongs to, None where no attempt has that id."""
        scene_id, number = self.tasks.get(task_id, ("", 0))
        owner = self.attempts[scene_id][number - 1] if number else None
        return owner if owner is not None and owner.task_id == task_id else None


def _after(before: Attempt | None, event: AttemptEvent, target: AttemptState) -> Attempt:
    """The attempt once the event has been taken in."""
    if isinstance(event, Submitting):
        return Attempt(
            scene_id=event.scene_id,
            number=event.attempt,
            state=target,
            request=event.request,
            estimated_cost_usd=event.estimated_cost_usd,
            submitted_at=event.at,
            sends=before.sends + 1 if before else 1,
        )
    if before is None:  # the table lets only Submitting begin an attempt
        raise IllegalTransition(f"{event.scene_id}: {type(event).__name__} before anything was submitted")
    return replace(before, **{"state": target, **_changes(event), **_kept(before, event)})


def _kept(before: Attempt, event: AttemptEvent) -> dict[str, Any]:
    """What was known and stays: reading a finished task again is only about the address of its result."""
    if not isinstance(event, Completed) or before.is_open:
        return {}
    names = ("cost_usd", "discount", "job_id")
    known = {name: getattr(before.result, name) for name in names if getattr(before.result, name) is not None}
    return {"result": replace(event.result, **known), "finished_at": before.finished_at or event.at}


def _changes(event: AttemptEvent) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 - one case for each event
    """What an event changes in an attempt, beside its state."""
    match event:
        case Submitting():  # begins an attempt and changes none
            return {}
        case Submitted(task_id=task_id):
            return {"task_id": task_id}
        case Refused(code=code, message=message, again=again):
            came = {"candidate_id": event.candidate_id, "excerpt": event.excerpt}
            return {"code": code, "message": message, "again": again, "finished_at": event.at, **came}
        case OutcomeUnknown(code=code, message=message):
            came = {"candidate_id": event.candidate_id, "excerpt": event.excerpt}
            return {"code": code, "message": message, **came}
        case TaskTimedOut(code=code, message=message):
            return {"code": code, "message": message}
        case TaskNotFound(message=message):
            return {"code": NOT_FOUND, "message": message}
        case TaskSeen():
            return {"code": "", "message": "", "by_hand": False}
        case Completed():
            return {
                "result": event.result,
                "finished_at": event.at,
                "code": "",
                "message": "",
            }
        case Failed():
            return {
                "code": event.code,
                "message": event.message,
                "result": TaskResult(cost_usd=event.cost_usd, discount=event.discount),
                "again": event.again,
                "passing": event.passing,
                "finished_at": event.at,
                # Versions before wrote that for good after five 404s; such a task is looked for again, too.
                **({"state": S.NOT_FOUND, "finished_at": None} if event.code == NOT_FOUND else {}),
            }
        case Downloaded(path=path, sha256=sha256, mismatch=None):
            return {"video_path": path, "video_sha256": sha256, "code": "", "message": ""}
        case Downloaded(path=path, sha256=sha256, mismatch=mismatch):
            delivered = {"video_path": path, "video_sha256": sha256}
            return {**delivered, "state": S.MISMATCHED, "code": "media_mismatch", "message": mismatch}
        case DownloadFailed(message=message):
            return {"code": "download_failed", "message": message}
        case Resolved(task_id=None):
            reason = "settled by hand: no task was created"
            settled = {"state": S.REFUSED, "again": True, "finished_at": event.at, "task_id": None}
            return {**settled, "code": NOT_CREATED, "message": reason, "by_hand": True}
        case Resolved(task_id=task_id):
            found = {"task_id": task_id, "code": "", "message": ""}
            return {**found, "again": False, "finished_at": None, "by_hand": True}

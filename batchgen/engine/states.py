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
    TaskTimedOut,
)


class AttemptState(StrEnum):
    """Where one attempt stands."""

    SUBMITTING = "submitting"
    """The request is being sent. Found after a crash, this means unknown."""
    REFUSED = "refused"
    """No task was created, and nothing was paid."""
    UNKNOWN = "unknown"
    RUNNING = "running"
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
    Completed: {
        S.RUNNING: S.COMPLETED,
        S.COMPLETED: S.COMPLETED,
        S.DOWNLOAD_FAILED: S.COMPLETED,
        S.DELIVERED: S.COMPLETED,
    },
    Failed: {S.RUNNING: S.FAILED},
    TaskTimedOut: {S.RUNNING: S.RUNNING},
    Downloaded: {S.COMPLETED: S.DELIVERED, S.DOWNLOAD_FAILED: S.DELIVERED, S.DELIVERED: S.DELIVERED},
    DownloadFailed: {
        S.COMPLETED: S.DOWNLOAD_FAILED,
        S.DOWNLOAD_FAILED: S.DOWNLOAD_FAILED,
        S.DELIVERED: S.DOWNLOAD_FAILED,
    },
    Resolved: {S.UNKNOWN: S.RUNNING, S.SUBMITTING: S.RUNNING},
}
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
    request_sha256: str
    request: Mapping[str, Any]
    tier: str | None
    characters: tuple[str, ...]
    estimated_cost_usd: Decimal | None
    submitted_at: str
    sends: int = 1
    task_id: str | None = None
    finished_at: str | None = None
    video_url: str | None = None
    job_id: str | None = None
    cost_usd: Decimal | None = None
    discount: Decimal | None = None
    video_path: str | None = None
    video_sha256: str | None = None
    code: str = ""
    message: str = ""
    again: bool = False
    """The scene may be submitted anew without paying twice."""

    @property
    def is_open(self) -> bool:
        """Whether the gateway still has to be asked about this attempt."""
        return self.state is S.RUNNING

    @property
    def is_unknown(self) -> bool:
        """Whether it is not known that a task was created; an attempt cut off in sending is such."""
        return self.state in (S.UNKNOWN, S.SUBMITTING)

    def as_scene(self) -> SceneFacts:
        """What this attempt asked for, as facts of a scene."""
        return SceneFacts(
            self.scene_id, self.request_sha256, self.request, self.tier, self.characters, self.estimated_cost_usd
        )


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

    def latest(self, scene_id: str) -> Attempt | None:
        """The last attempt at a scene, None where there was none."""
        listed = self.attempts.get(scene_id)
        return listed[-1] if listed else None

    def standing(self, scene: SceneFacts) -> Attempt | None:
        """The attempt that says where a scene stands, None where there is none.

        That is the last one, but for a submission that created nothing and asked for something else:
        once the scene is again what it was before, so is its result.
        """
        listed = self.attempts.get(scene.scene_id, [])
        if len(listed) > 1 and listed[-1].state is S.REFUSED:
            before, refused = listed[-2:]
            if refused.request_sha256 != scene.request_sha256 == before.request_sha256:
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


def _after(before: Attempt | None, event: AttemptEvent, target: AttemptState) -> Attempt:
    """The attempt once the event has been taken in."""
    if isinstance(event, Submitting):
        return Attempt(
            scene_id=event.scene_id,
            number=event.attempt,
            state=target,
            request_sha256=event.request_sha256,
            request=event.request,
            tier=event.tier,
            characters=event.characters,
            estimated_cost_usd=event.estimated_cost_usd,
            submitted_at=event.at,
            sends=before.sends + 1 if before else 1,
        )
    if before is None:  # the table lets only Submitting begin an attempt
        raise IllegalTransition(f"{event.scene_id}: {type(event).__name__} before anything was submitted")
    return replace(before, **{"state": target, **_changes(event), **_kept(before, event)})


def _kept(before: Attempt, event: AttemptEvent) -> dict[str, Any]:
    """What was known and stays: reading a finished task again is only about the address of its result."""
    if not isinstance(event, Completed) or before.state is S.RUNNING:
        return {}
    names = ("cost_usd", "discount", "job_id", "finished_at")
    return {name: getattr(before, name) for name in names if getattr(before, name) is not None}


def _changes(event: AttemptEvent) -> dict[str, Any]:  # noqa: C901, PLR0911 - one case for each event
    """What an event changes in an attempt, beside its state."""
    match event:
        case Submitting():  # begins an attempt and changes none
            return {}
        case Submitted(task_id=task_id):
            return {"task_id": task_id}
        case Refused(code=code, message=message, again=again):
            return {"code": code, "message": message, "again": again, "finished_at": event.at}
        case OutcomeUnknown(code=code, message=message) | TaskTimedOut(code=code, message=message):
            return {"code": code, "message": message}
        case Completed():
            return {
                "video_url": event.video_url,
                "job_id": event.job_id,
                "cost_usd": event.cost_usd,
                "discount": event.discount,
                "finished_at": event.at,
                "code": "",
                "message": "",
            }
        case Failed():
            return {
                "code": event.code,
                "message": event.message,
                "cost_usd": event.cost_usd,
                "discount": event.discount,
                "again": event.again,
                "finished_at": event.at,
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
            settled = {"state": S.REFUSED, "again": True, "finished_at": event.at}
            return {**settled, "code": "not_created", "message": reason}
        case Resolved(task_id=task_id):
            return {"task_id": task_id, "code": "", "message": ""}


def replay(events: Iterable[Event]) -> State:
    """The state that a journal tells."""
    state = State()
    for event in events:
        state.apply(event)
    return state

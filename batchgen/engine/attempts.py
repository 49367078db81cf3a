"""One attempt at one scene: the states it moves through, and what each event makes of it. Pure.

An attempt moves as ``TRANSITIONS`` allows; anything else is an `IllegalTransition`.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeAlias

from batchgen.engine.events import (
    AttemptEvent,
    Completed,
    Downloaded,
    DownloadFailed,
    Failed,
    OutcomeUnknown,
    Refused,
    Resolved,
    Reused,
    SceneFacts,
    Submitted,
    Submitting,
    SubmittingAgain,
    TaskNotFound,
    TaskSeen,
    TaskTimedOut,
)
from batchgen.model import Lasted, RequestFacts, TaskResult
from batchgen.values import value

AttemptKey: TypeAlias = tuple[str, int]
"""The scene for which an attempt was made, and its number."""


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
    NO_RESULT = "no_result"
    """The task is called completed, and names no video. Each later run looks again."""
    COMPLETED = "completed"
    """The task has its result; the file is not here yet."""
    DOWNLOAD_FAILED = "download_failed"
    DELIVERED = "delivered"
    MISMATCHED = "mismatched"
    FAILED = "failed"


S = AttemptState
TRANSITIONS: Mapping[type, Mapping[AttemptState | None, AttemptState]] = {
    Submitting: {None: S.SUBMITTING, S.REFUSED: S.SUBMITTING},
    SubmittingAgain: {S.REFUSED: S.SUBMITTING},
    Submitted: {S.SUBMITTING: S.RUNNING},
    Refused: {S.SUBMITTING: S.REFUSED},
    OutcomeUnknown: {S.SUBMITTING: S.UNKNOWN},
    TaskSeen: {S.RESOLVED: S.RUNNING, S.NOT_FOUND: S.RUNNING},
    Completed: {
        S.RESOLVED: S.COMPLETED,
        S.RUNNING: S.COMPLETED,
        S.NOT_FOUND: S.COMPLETED,
        S.NO_RESULT: S.COMPLETED,
        S.COMPLETED: S.COMPLETED,
        S.DOWNLOAD_FAILED: S.COMPLETED,
        S.DELIVERED: S.COMPLETED,
        S.MISMATCHED: S.COMPLETED,
    },
    Failed: {S.RESOLVED: S.FAILED, S.RUNNING: S.FAILED, S.NOT_FOUND: S.FAILED, S.NO_RESULT: S.FAILED},
    TaskTimedOut: {S.RESOLVED: S.RESOLVED, S.RUNNING: S.RUNNING},
    TaskNotFound: {S.RESOLVED: S.NOT_FOUND, S.RUNNING: S.NOT_FOUND, S.NOT_FOUND: S.NOT_FOUND},
    Downloaded: {
        S.COMPLETED: S.DELIVERED,
        S.DOWNLOAD_FAILED: S.DELIVERED,
        S.DELIVERED: S.DELIVERED,
        S.MISMATCHED: S.DELIVERED,
    },
    DownloadFailed: {
        S.COMPLETED: S.DOWNLOAD_FAILED,
        S.DOWNLOAD_FAILED: S.DOWNLOAD_FAILED,
        S.DELIVERED: S.DOWNLOAD_FAILED,
        S.MISMATCHED: S.DOWNLOAD_FAILED,
    },
    Reused: {None: S.DELIVERED, S.REFUSED: S.DELIVERED},
    Resolved: {
        S.SUBMITTING: S.RESOLVED,
        S.UNKNOWN: S.RESOLVED,
        S.RESOLVED: S.RESOLVED,
        S.NOT_FOUND: S.RESOLVED,
        S.REFUSED: S.RESOLVED,
    },
}
OPEN = frozenset({S.RESOLVED, S.RUNNING, S.NOT_FOUND, S.NO_RESULT})
"""States in which the gateway still has to be asked what became of the task."""
RESULT_IS_HERE = frozenset({S.COMPLETED, S.DOWNLOAD_FAILED, S.DELIVERED})
"""States in which there is a result of what was asked for, fetched or to be fetched."""
WEIGHTS: Mapping[AttemptState, int] = {
    S.DELIVERED: 5,
    S.COMPLETED: 4,
    S.DOWNLOAD_FAILED: 4,
    S.RUNNING: 3,
    S.RESOLVED: 3,
    S.UNKNOWN: 2,
    S.SUBMITTING: 2,
    S.NOT_FOUND: 1,
    S.NO_RESULT: 1,
    S.MISMATCHED: 0,
    S.FAILED: 0,
    S.REFUSED: 0,
}
"""Which of several attempts at one request says how it stands: what is here before what may come, and that
before what will not; of equals, the newest."""
TO_FETCH = frozenset({S.COMPLETED, S.DOWNLOAD_FAILED})
"""States in which a result is bought and not here."""
NOT_CREATED = "not_created"
"""The code of a submission of which the user said that no task was created."""
NOT_FOUND = "task_not_found"
"""The code of a task that the gateway does not know."""
NO_RESULT = "no_result"
"""The code of a task that is called completed and names no video."""
PAID = frozenset(S) - {S.REFUSED}
"""States in which money may have been spent."""


class IllegalTransition(Exception):  # noqa: N818 - says what it is
    """An event that cannot follow on the state; a damaged journal or a bug."""


@value
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
    result: TaskResult = TaskResult()
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
    any_seed: str | None = None
    """As in `SceneFacts`."""
    reused_from: str = ""
    """The attempt of another run directory that brought the result, as ``DIR:SCENE@N``."""
    request_id: str = ""
    """What the gateway's support can find the last submission by; empty where none went along."""
    request_format: str = ""
    """The form in which the last submission was sent; empty where that was not written down."""
    lasted: Lasted | None = None
    """Between which ages its task ended; None where that is not known."""

    @property
    def key(self) -> AttemptKey:
        """What it is known by."""
        return self.scene_id, self.number

    @property
    def name(self) -> str:
        """As people read it."""
        return f"{self.scene_id}@{self.number}"

    @property
    def has_file(self) -> bool:
        """Whether its result was kept here, the right one or a wrong one."""
        return self.state in (AttemptState.DELIVERED, AttemptState.MISMATCHED)

    @property
    def is_paid(self) -> bool:
        """Whether it cost something, or may have: not one that a task was never created for."""
        return self.state is not AttemptState.REFUSED and not self.again and not self.reused_from

    @property
    def is_open(self) -> bool:
        """Whether the gateway still has to be asked about this attempt."""
        return self.state in OPEN

    @property
    def is_in_flight(self) -> bool:
        """Whether its task is taken to be at work: open, and not only looked at once more by each run."""
        return self.is_open and self.state not in (S.NOT_FOUND, S.NO_RESULT)

    @property
    def is_unknown(self) -> bool:
        """Whether it is not known that a task was created; an attempt cut off in sending is such."""
        return self.state in (S.UNKNOWN, S.SUBMITTING)

    def as_scene(self) -> SceneFacts:
        """What this attempt asked for, as facts of a scene."""
        return SceneFacts(self.scene_id, self.request, self.estimated_cost_usd, self.any_seed)

    def asks_for(self, scene: SceneFacts) -> bool:
        """Whether it asked for what a scene asks for now; the seed does not count where any will do."""
        same_but_for_seed = scene.any_seed is not None and self.any_seed == scene.any_seed
        return self.request.sha256 == scene.request.sha256 or same_but_for_seed


def after(before: Attempt | None, event: AttemptEvent, target: AttemptState) -> Attempt:
    """The attempt once the event has been taken in."""
    begin = _BEGIN.get(type(event))
    if begin is not None:
        return begin(before, event)
    if before is None:  # the table lets only two of these begin an attempt
        raise IllegalTransition(f"{event.scene_id}: {type(event).__name__} before anything was submitted")
    # `replace` takes five times as long, and a run of 10,000 scenes moves attempts 30,000 times.
    moved = Attempt(before.scene_id, before.number, target, *_REST_OF(before))
    changes = _changes(event)
    if isinstance(event, (Completed, Failed)):
        changes |= _kept(before, event)
    for name, now in changes.items():
        setattr(moved, name, now)  # of what nobody has seen yet
    return moved


_REST_OF = attrgetter(*(entry.name for entry in fields(Attempt)[3:]))
"""All but scene, number and state."""


def _submitted(before: Attempt | None, event: Submitting) -> Attempt:
    return Attempt(
        event.scene_id,
        event.attempt,
        AttemptState.SUBMITTING,
        event.request,
        event.estimated_cost_usd,
        event.at,
        before.sends + 1 if before else 1,
        any_seed=event.any_seed,
        request_id=event.request_id,
        request_format=event.request_format,
    )


def _sent_again(before: Attempt, event: SubmittingAgain) -> Attempt:
    return Attempt(
        event.scene_id,
        event.attempt,
        AttemptState.SUBMITTING,
        before.request,
        event.estimated_cost_usd,
        event.at,
        before.sends + 1,
        any_seed=before.any_seed,
        request_id=event.request_id,
        request_format=event.request_format,
    )


def _reused(_: Attempt | None, event: Reused) -> Attempt:
    """An attempt that cost nothing here, and begins with its result."""
    return Attempt(
        scene_id=event.scene_id,
        number=event.attempt,
        state=AttemptState.DELIVERED,
        request=event.request,
        estimated_cost_usd=None,
        submitted_at=event.at,
        finished_at=event.at,
        result=TaskResult(cost_usd=Decimal(0)),
        video_path=event.path,
        video_sha256=event.sha256,
        any_seed=event.any_seed,
        reused_from=event.source,
    )


_BEGIN: Mapping[type, Callable[[Any, Any], Attempt]] = {
    Submitting: _submitted,
    SubmittingAgain: _sent_again,
    Reused: _reused,
}
"""What makes an attempt of the one before, None where there is none, and an event from which on all is new."""


def _kept(before: Attempt, event: Completed | Failed) -> dict[str, Any]:
    """What was known and stays: what a task cost is not taken back by a reading that does not state it.

    Reading a task again that had its result is only about the address of that.
    """
    if isinstance(event, Completed) and not before.is_open:
        known = _known(before.result, event.result)
        return {"result": known, "finished_at": before.finished_at or event.at, "lasted": before.lasted}
    if before.state is S.NO_RESULT:
        brought = event.result if isinstance(event, Completed) else _charge(event)
        return {"result": _known(before.result, brought), "finished_at": before.finished_at}
    return {}


def _charge(event: Failed) -> TaskResult:
    return TaskResult(cost_usd=event.cost_usd, discount=event.discount)


def _known(before: TaskResult, after: TaskResult) -> TaskResult:
    names = ("cost_usd", "discount", "job_id")
    known = {name: getattr(before, name) for name in names if getattr(before, name) is not None}
    return replace(after, **known)


def _lasted(event: Completed) -> Lasted | None:
    above_s, until_s = event.lasted_above_s, event.lasted_until_s
    return None if above_s is None or until_s is None else (above_s, until_s)


def _changes(event: AttemptEvent) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 - one case for each event
    """What an event changes in an attempt, beside its state."""
    match event:
        case Submitted(task_id=task_id):
            return {"task_id": task_id}
        case Completed():
            return {
                "result": event.result,
                "finished_at": event.at,
                "code": "",
                "message": "",
                "lasted": _lasted(event),
            }
        case Downloaded(path=path, sha256=sha256, mismatch=None):
            return {"video_path": path, "video_sha256": sha256, "code": "", "message": ""}
        case Submitting() | SubmittingAgain() | Reused():  # begin an attempt and change none
            return {}
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
        case Failed():
            return {
                "code": event.code,
                "message": event.message,
                "result": _charge(event),
                "again": event.again,
                "passing": event.passing,
                "finished_at": event.at,
                # Versions before wrote that for good after five 404s; such a task is looked for again, too.
                **({"state": S.NOT_FOUND, "finished_at": None} if event.code == NOT_FOUND else {}),
                **({"state": S.NO_RESULT} if event.code == NO_RESULT else {}),
            }
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


def shows_gateway(event: AttemptEvent) -> bool:
    """Whether a task was created, or may have been."""
    is_task = isinstance(event, Resolved) and event.task_id is not None
    return is_task or isinstance(event, (Submitted, OutcomeUnknown))

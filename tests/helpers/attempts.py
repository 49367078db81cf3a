"""An attempt in each of its states, by the shortest way there."""

from collections.abc import Iterable
from decimal import Decimal

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.engine.states import State
from batchgen.model import TaskResult

from helpers.engine_support import scene

S = AttemptState
SHA = "ab" * 32
ASKED = scene()


def submitting(number: int = 1) -> ev.Submitting:
    """Attempts begin so."""
    return ev.Submitting("t0", "s1", number, ASKED.request, Decimal("0.5"))


EVENTS: dict[type, ev.AttemptEvent] = {
    ev.Submitting: submitting(),
    ev.SubmittingAgain: ev.SubmittingAgain("t1", "s1", 1, Decimal("0.6"), "id", "documented"),
    ev.Submitted: ev.Submitted("t1", "s1", 1, "task"),
    ev.Refused: ev.Refused("t1", "s1", 1, "http_400", "no", again=False),
    ev.OutcomeUnknown: ev.OutcomeUnknown("t1", "s1", 1, "submit_unknown", "who knows"),
    ev.TaskSeen: ev.TaskSeen("t2", "s1", 1),
    ev.Completed: ev.Completed(
        "t2", "s1", 1, TaskResult("https://cdn/v", "job", Decimal("0.4"), Decimal("0.8")), 61.5, 64.0
    ),
    ev.Failed: ev.Failed("t2", "s1", 1, "001028095", "sorry", Decimal("0.1"), None, again=False),
    ev.TaskTimedOut: ev.TaskTimedOut("t2", "s1", 1, "task_timeout", "still running"),
    ev.TaskNotFound: ev.TaskNotFound("t2", "s1", 1, "404"),
    ev.Downloaded: ev.Downloaded("t3", "s1", 1, "results/s1@1.mp4", SHA, None),
    ev.DownloadFailed: ev.DownloadFailed("t3", "s1", 1, "cut"),
    ev.Resolved: ev.Resolved("t4", "s1", 1, "task"),
    ev.Reused: ev.Reused("t4", "s1", 1, ASKED.request, "runs/old:s1@1", "results/s1@1.mp4", SHA),
}
MISMATCHED = ev.Downloaded("t3", "s1", 1, "results/s1@1.mp4", SHA, "it is 4 s long")
NO_RESULT = ev.Failed("t2", "s1", 1, "no_result", "no video", Decimal("0.4"), None, again=False, passing=True)
NOT_CREATED = ev.Resolved("t4", "s1", 1, None)
SENT, RAN = [EVENTS[ev.Submitting]], [EVENTS[ev.Submitting], EVENTS[ev.Submitted]]
WAYS: dict[AttemptState, list[ev.AttemptEvent]] = {
    S.SUBMITTING: SENT,
    S.REFUSED: [*SENT, EVENTS[ev.Refused]],
    S.UNKNOWN: [*SENT, EVENTS[ev.OutcomeUnknown]],
    S.RESOLVED: [*SENT, EVENTS[ev.OutcomeUnknown], EVENTS[ev.Resolved]],
    S.RUNNING: RAN,
    S.NOT_FOUND: [*RAN, EVENTS[ev.TaskNotFound]],
    S.NO_RESULT: [*RAN, NO_RESULT],
    S.COMPLETED: [*RAN, EVENTS[ev.Completed]],
    S.DOWNLOAD_FAILED: [*RAN, EVENTS[ev.Completed], EVENTS[ev.DownloadFailed]],
    S.DELIVERED: [*RAN, EVENTS[ev.Completed], EVENTS[ev.Downloaded]],
    S.MISMATCHED: [*RAN, EVENTS[ev.Completed], MISMATCHED],
    S.FAILED: [*RAN, EVENTS[ev.Failed]],
}


def replay(events: Iterable[ev.Event]) -> State:
    """The state that events lead to."""
    state = State()
    for event in events:
        state.apply(event)
    return state


def attempts_at(before: AttemptState | None) -> State:
    """One attempt at scene s1, in that state; none at all for None."""
    return replay(WAYS[before] if before else [])

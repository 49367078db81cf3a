"""When each task that waits is looked at, and what is made of the looks: as planned, or later after trouble. Pure."""

from collections.abc import Iterator

from batchgen.engine.attempts import Attempt
from batchgen.engine.backoff import Jitter, result_wait, spread
from batchgen.engine.classification import NOT_CONNECTED, Classification, Kind
from batchgen.engine.outcome_events import kind_of
from batchgen.engine.pacing import Pacing, age_s, poll_wait
from batchgen.engine.queues import CommandKind, CommandQueues
from batchgen.engine.reach import Reach
from batchgen.engine.scene_run import SceneRun
from batchgen.limits import (
    CLOSEST_LOOK,
    FAILS_AFTER,
    LONGEST_LENGTH_S,
    LONGEST_READ_WAIT_S,
    LONGEST_RETRY_S,
    SHARE_OF_REST,
)
from batchgen.model import Lasted


class Looks:
    """Puts tasks into the queue of readings, each for its time; kinds are those of `outcome_events.kind_of`."""

    def __init__(self, interval_s: float, pacing: Pacing, queues: CommandQueues, reach: Reach, jitter: Jitter) -> None:
        """Begin with no task."""
        self._interval_s = interval_s
        self._queues = queues
        self._reach = reach
        self._jitter = jitter
        self._pacing = pacing
        self._waiting: dict[str, dict[SceneRun, float]] = {}
        self._failed = 0
        self._failing_since = 0.0

    def mean_s(self, kind: str) -> float | None:
        """How long tasks of a kind took on average; None as long as nothing is known."""
        return self._pacing.mean_s(kind)

    def plan_anew(self, interval_s: float, pacing: Pacing, now: float) -> None:
        """Look at all that wait by another interval from now on; whose look is due has its turn already."""
        self._interval_s, self._pacing = interval_s, pacing
        for kind, runs in self._waiting.items():
            for run, when in list(runs.items()):
                if when > now:
                    self._as_planned(kind, run, self._planned(kind, run, now))

    def first(self, kind: str, run: SceneRun, now: float) -> None:
        """A task was created just now."""
        self._as_planned(kind, run, now + self._pacing.first_look(kind))

    def begun(self, kind: str, run: SceneRun, submitted_at: str, now: float, at: str) -> None:
        """A task is read now; one of an earlier run has an age already."""
        if run.created_at is None:
            run.created_at = run.sent_at = now - age_s(submitted_at, at)
        run.looked_at = now
        self._waiting.get(kind, {}).pop(run, None)

    def heard(self, classification: Classification, now: float) -> None:
        """A reading ended: how many in a row said nothing and since when, whatever tasks they were of."""
        if classification.kind is not Kind.TRANSIENT:
            self._failed = 0
        elif self._failed:
            self._failed += 1
        else:
            self._failed, self._failing_since = 1, now

    def again(self, kind: str, run: SceneRun, classification: Classification, now: float) -> None:
        """Look at a task once more, since its reading did not say how it ended, or not often enough."""
        match classification.kind:
            case Kind.RUNNING:
                run.running_at = run.looked_at
                self._as_planned(kind, run, self._planned(kind, run, now))
            case Kind.TRANSIENT:
                # The look that was planned has told nothing: it is made up for soon.
                soon = min(self._planned(kind, run, now), now + spread(self._interval_s / 2, self._jitter))
                self._at(max(now + self._wait_after_failure(classification, now), soon), run)
            case Kind.NO_RESULT:
                self._at(now + result_wait(run.said_times, self._interval_s, self._jitter), run)
            case _:
                self._at(now + poll_wait(self._interval_s, run.said_times + run.missed, self._jitter), run)

    def ended(self, attempt: Attempt, run: SceneRun, now: float, at: str, said: Lasted | None) -> Lasted | None:
        """A task is done; between which ages it ended, where that is known.

        ``said`` is how long the gateway says that it took. Where the length is news, others of its kind are looked
        at sooner.
        """
        lasted = self._lasted(attempt, run, now, at, said)
        run.running_at = None
        kind = kind_of(attempt.request)
        if lasted is not None and self._pacing.ended(kind, lasted, lambda: self._running_s(kind)):
            for other, when in list(self._waiting.get(kind, {}).items()):
                planned = self._planned(kind, other, now)
                if planned < when:
                    self._as_planned(kind, other, planned)
        return lasted

    def _running_s(self, kind: str) -> Iterator[float]:
        """The ages at which the tasks that wait were last found running."""
        for run in self._waiting.get(kind, ()):
            if run.running_at is not None and run.created_at is not None:
                yield run.running_at - run.created_at

    def _lasted(self, attempt: Attempt, run: SceneRun, now: float, at: str, said: Lasted | None) -> Lasted | None:
        if run.created_at is None or (run.running_at is None and said is None):
            return None
        above_s = 0.0 if run.running_at is None else run.running_at - run.created_at
        # The clock of a run may stand still while the machine sleeps, and the task goes on.
        unseen_s = age_s(attempt.submitted_at, at) - (now - run.sent_at)
        until_s = now - run.created_at + (unseen_s if unseen_s > CLOSEST_LOOK * self._interval_s else 0.0)
        if until_s > LONGEST_LENGTH_S:
            return None
        seen = round(above_s, 3), round(until_s, 3)
        # A gateway counts from some moment between the submission and its answer, batchgen from the answer on.
        agreed = None if said is None else _common(seen, (said[0] - (run.created_at - run.sent_at), said[1]))
        return agreed or (None if run.running_at is None else seen)

    def _planned(self, kind: str, run: SceneRun, now: float) -> float:
        created_at = now if run.created_at is None else run.created_at
        return max(now, created_at + self._pacing.next_look(kind, run.looked_at - created_at, self._jitter))

    def _as_planned(self, kind: str, run: SceneRun, when: float) -> None:
        """Look at a time that follows from what is known of the kind, and follows anew from more."""
        self._waiting.setdefault(kind, {})[run] = self._at(when, run)

    def _at(self, when: float, run: SceneRun) -> float:
        """Look at that time; the last look comes when the time is up, however long the wait would be. When it comes."""
        looked_at = when if run.give_up_at is None else min(when, run.give_up_at)
        self._queues.at(looked_at, CommandKind.POLL, run)
        return looked_at

    def _wait_after_failure(self, classification: Classification, now: float) -> float:
        """How long to wait at least after a reading that said nothing: for longer, the longer all of them do."""
        if classification.code == NOT_CONNECTED:
            return self._reach.wait(self._jitter)
        asked_s = min(classification.wait_s or 0.0, LONGEST_READ_WAIT_S)
        if self._failed < FAILS_AFTER:
            return asked_s
        rest_s = min(SHARE_OF_REST * (now - self._failing_since), LONGEST_RETRY_S)
        return max(asked_s, spread(rest_s, self._jitter))


def _common(seen: Lasted, said: Lasted) -> Lasted | None:
    """What the gateway says, as far as it agrees with what was seen."""
    above_s, until_s = max(seen[0], round(said[0], 3)), min(seen[1], round(said[1], 3))
    return (above_s, until_s) if above_s < until_s else None

"""What is told of a run while it goes on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from batchgen.app.notices import Advanced, Notify, Standing, WaitsForAnswers
from batchgen.engine.attempts import Attempt, AttemptKey, AttemptState
from batchgen.engine.budget import Sum, charged, exposure
from batchgen.engine.commands import Stop
from batchgen.engine.events import AttemptEvent, Event, SceneFacts
from batchgen.engine.forecast import Forecast
from batchgen.engine.outcome_events import kind_of
from batchgen.engine.pacing import age_s
from batchgen.engine.scheduler import Scheduler
from batchgen.engine.states import State
from batchgen.engine.throttle import Hold
from batchgen.runner.clock import RealClock
from batchgen.runner.loop import Recorder

_OVER = frozenset({AttemptState.DELIVERED, AttemptState.FAILED, AttemptState.MISMATCHED, AttemptState.DOWNLOAD_FAILED})
_AT_WORK_OR_OVER = frozenset({AttemptState.RUNNING, AttemptState.COMPLETED, AttemptState.UNKNOWN, *_OVER})
"""What needs no further submission."""
_STOPPED: Mapping[Stop, str] = {
    Stop.ACCOUNT: "stopped: the account was refused",
    Stop.BALANCE: "stopped: the balance",
    Stop.UNREACHABLE: "stopped: the gateway is out of reach",
    Stop.UNANSWERED: "stopped: no usable answers",
    Stop.SHUT_OUT: "stopped: nothing is let in",
    Stop.BUDGET: "stopped at the budget",
    Stop.STORAGE: "stopped: results cannot be stored",
    Stop.INTERRUPTED: "interrupted",
}
_NOTABLE_S = 1.0
"""Shorter rests are the ordinary pace."""


class Watch:
    """Tells of a run while it goes on: an `Observer` of its loop, and a `RunView`.

    It stands before the journal as the loop's `Recorder`, to know which attempts have moved.
    """

    def __init__(
        self, scheduler: Scheduler, scenes: Sequence[SceneFacts], clock: RealClock, journal: Recorder, notify: Notify
    ) -> None:
        """Tell of nothing yet."""
        self._scheduler = scheduler
        self._scenes = scenes
        self._clock = clock
        self._journal = journal
        self._notify = notify
        self._tally: _Tally | None = None
        self._moved: set[AttemptKey] = set()

    def append(self, events: Iterable[Event]) -> None:
        """Have the journal write events; as `Recorder`."""
        listed = tuple(events)
        self._journal.append(listed)
        self._moved.update((event.scene_id, event.attempt) for event in listed if isinstance(event, AttemptEvent))

    def turn(self) -> None:
        """Tell that the run has gone on."""
        self._notify(Advanced(self))

    def waits_for_answers(self, count: int, seconds: float) -> None:
        """Tell what an early end waits for."""
        self._notify(WaitsForAnswers(count, seconds))

    def now(self) -> float:
        """The run's clock, in seconds."""
        return self._clock.now()

    @property
    def hold(self) -> Hold:
        """Until when submissions rest at least, and why."""
        return self._scheduler.hold

    @property
    def budget_usd(self) -> Decimal | None:
        """The budget that holds, None for none."""
        return self._scheduler.budget_usd

    def waits_for(self) -> str:
        """Why nothing is submitted now, in a few words; empty where that is not so."""
        if self._scheduler.stop is not None:
            return _STOPPED[self._scheduler.stop]
        if not self._scheduler.has_to_submit:
            return ""
        if self._scheduler.is_paused:
            return "paused"
        seconds = self.hold.until - self.now()
        return f"waits {seconds:.0f} s: {self.hold.reason}" if seconds >= _NOTABLE_S else ""

    def standing(self) -> Standing:
        """Where the scenes stand."""
        return self._counted().standing()

    def forecast(self) -> Forecast:
        """How far the running tasks are, and how long it still takes."""
        return self._counted().forecast(self._scheduler, self.now())

    def _counted(self) -> "_Tally":
        if self._tally is None:
            self._tally = _Tally(self._scheduler.state, self._scenes, self._clock)
        else:
            self._tally.look_again(self._moved)
        self._moved = set()
        return self._tally


class _Tally:
    """How many scenes stand where, and what was charged: counted once, then kept up with the attempts that move."""

    def __init__(self, state: State, scenes: Sequence[SceneFacts], clock: RealClock) -> None:
        self._state = state
        self._scenes = scenes
        self._clock = clock
        self._kinds = {scene.scene_id: kind_of(scene.request) for scene in scenes}
        self._waiting = Counter(self._kinds.values())
        self._running_since: dict[str, float] = {}
        self._stands: dict[str, AttemptState] = {}
        self._counts: Counter[AttemptState] = Counter()
        self._charges: dict[AttemptKey, tuple[Sum, Sum]] = {}
        self._charged = Sum()
        self._exposed = Sum()
        self._concerned: dict[str, list[SceneFacts]] = {}
        for scene in scenes:
            for name in _concerns(scene, state):
                self._concerned.setdefault(name, []).append(scene)
            self._count(scene)
        for attempt in state.all_attempts():
            self._charge(attempt)

    def look_again(self, moved: Iterable[AttemptKey]) -> None:
        """Count again what attempts have to do with that have moved."""
        attempts = [self._state.attempt(key) for key in moved]
        for attempt in attempts:
            self._charge(attempt)
        names = {name for attempt in attempts for name in (attempt.scene_id, attempt.request.sha256)}
        scenes = {scene.scene_id: scene for name in names for scene in self._concerned.get(name, ())}
        for scene in scenes.values():
            self._count(scene)

    def _count(self, scene: SceneFacts) -> None:
        before, attempt = self._stands.pop(scene.scene_id, None), self._state.current_attempt(scene)
        kind = self._kinds[scene.scene_id]
        self._running_since.pop(scene.scene_id, None)
        if before is not None:
            self._counts[before] -= 1
            self._waiting[kind] += before in _AT_WORK_OR_OVER
        if attempt is None:
            return
        self._stands[scene.scene_id] = attempt.state
        self._counts[attempt.state] += 1
        self._waiting[kind] -= attempt.state in _AT_WORK_OR_OVER
        if attempt.state is AttemptState.RUNNING:
            age = age_s(attempt.submitted_at, self._clock.at())
            self._running_since[scene.scene_id] = self._clock.now() - age

    def _charge(self, attempt: Attempt) -> None:
        before, now = self._charges.get(attempt.key, (Sum(), Sum())), (charged([attempt]), exposure([attempt]))
        self._charges[attempt.key] = now
        self._charged = self._charged.replaced(before[0], now[0])
        self._exposed = self._exposed.replaced(before[1], now[1])

    def forecast(self, scheduler: Scheduler, now: float) -> Forecast:
        """What is to be expected of the scenes that are not over."""
        running = [(self._kinds[scene_id], now - since) for scene_id, since in self._running_since.items()]
        waiting = self._waiting if scheduler.stop is None else {}
        return scheduler.forecast(waiting, running, now)

    def standing(self) -> Standing:
        """The counts as they are."""
        unknown = self._counts[AttemptState.UNKNOWN]
        return Standing(
            scenes=len(self._scenes),
            over=unknown + sum(self._counts[each] for each in _OVER),
            running=self._counts[AttemptState.RUNNING],
            failed=self._counts[AttemptState.FAILED] + self._counts[AttemptState.MISMATCHED],
            unknown=unknown,
            charged_usd=self._charged.usd,
            may_come_usd=self._exposed.usd,
        )


def _concerns(scene: SceneFacts, state: State) -> set[str]:
    """The scenes and requests whose attempts may say where a scene stands.

    Where each attempt at a request is another one, those of other scenes do not: a thousand takes are not looked at
    for each of them.
    """
    adopted, _ = state.adopted.get(scene.scene_id, (scene.scene_id, 0))
    is_random = scene.any_seed == scene.request.sha256
    return {scene.scene_id, adopted} | (set() if is_random else {scene.request.sha256})

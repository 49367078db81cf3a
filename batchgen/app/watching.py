"""What is told of a run while it goes on."""

from collections import Counter
from collections.abc import Iterable, Sequence

from batchgen.app.notices import Advanced, Notify, Standing, WaitsForAnswers
from batchgen.engine.attempts import Attempt, AttemptKey, AttemptState
from batchgen.engine.budget import Sum, charged
from batchgen.engine.events import AttemptEvent, Event, SceneFacts
from batchgen.engine.scheduler import Scheduler
from batchgen.engine.states import State
from batchgen.engine.throttle import Hold
from batchgen.runner.clock import RealClock
from batchgen.runner.loop import Recorder

_OVER = frozenset({AttemptState.DELIVERED, AttemptState.FAILED, AttemptState.MISMATCHED, AttemptState.DOWNLOAD_FAILED})


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

    def standing(self) -> Standing:
        """Where the scenes stand."""
        if self._tally is None:
            self._tally = _Tally(self._scheduler.state, self._scenes)
        else:
            self._tally.look_again(self._moved)
        self._moved = set()
        return self._tally.standing()


class _Tally:
    """How many scenes stand where, and what was charged: counted once, then kept up with the attempts that move."""

    def __init__(self, state: State, scenes: Sequence[SceneFacts]) -> None:
        self._state = state
        self._scenes = scenes
        self._stands: dict[str, AttemptState] = {}
        self._counts: Counter[AttemptState] = Counter()
        self._charges: dict[AttemptKey, Sum] = {}
        self._charged = Sum()
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
        if before is not None:
            self._counts[before] -= 1
        if attempt is not None:
            self._stands[scene.scene_id] = attempt.state
            self._counts[attempt.state] += 1

    def _charge(self, attempt: Attempt) -> None:
        before, now = self._charges.get(attempt.key, Sum()), charged([attempt])
        self._charges[attempt.key] = now
        self._charged = self._charged.replaced(before, now)

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
        )


def _concerns(scene: SceneFacts, state: State) -> set[str]:
    """The scenes and requests whose attempts may say where a scene stands.

    Where each attempt at a request is another one, those of other scenes do not: a thousand takes are not looked at
    for each of them.
    """
    adopted, _ = state.adopted.get(scene.scene_id, (scene.scene_id, 0))
    is_random = scene.any_seed == scene.request.sha256
    return {scene.scene_id, adopted} | (set() if is_random else {scene.request.sha256})

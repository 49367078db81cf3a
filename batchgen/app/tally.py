"""How many scenes of a run stand where, counted along while it goes on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from batchgen.app.notices import Standing
from batchgen.engine.attempts import Attempt, AttemptKey, AttemptState
from batchgen.engine.budget import Sum, charged, exposure
from batchgen.engine.events import Adopted, AttemptEvent, Event, SceneFacts
from batchgen.engine.forecast import Forecast
from batchgen.engine.outcome_events import kind_of
from batchgen.engine.pacing import age_s
from batchgen.engine.scheduler import Scheduler
from batchgen.engine.states import State
from batchgen.runner.clock import RealClock

_OVER = frozenset({AttemptState.DELIVERED, AttemptState.FAILED, AttemptState.MISMATCHED, AttemptState.DOWNLOAD_FAILED})
_AT_WORK_OR_OVER = frozenset({AttemptState.RUNNING, AttemptState.COMPLETED, AttemptState.UNKNOWN, *_OVER})
"""What needs no further submission."""


class Tally:
    """How many scenes stand where, and what was charged: counted once, then kept up with the attempts that move."""

    def __init__(
        self, state: State, scenes: Sequence[SceneFacts], clock: RealClock, before: Sequence[SceneFacts] = ()
    ) -> None:
        """Count all of them. ``before`` are those on which the run does not work, and for which no task is expected."""
        self._state = state
        self._scenes = (*before, *scenes)
        self._clock = clock
        self._kinds = {scene.scene_id: kind_of(scene.request) for scene in self._scenes}
        self._expected = frozenset(scene.scene_id for scene in scenes)
        self._waiting = Counter(self._kinds[scene_id] for scene_id in self._expected)
        self._running_since: dict[str, float] = {}
        self._stands: dict[str, AttemptState] = {}
        self._counts: Counter[AttemptState] = Counter()
        self._charges: dict[AttemptKey, tuple[Sum, Sum]] = {}
        self._charged = Sum()
        self._exposed = Sum()
        self._concerned: dict[str, list[SceneFacts]] = {}
        for scene in self._scenes:
            for name in _concerns(scene, state):
                self._concerned.setdefault(name, []).append(scene)
            self._count(scene)
        for attempt in state.all_attempts():
            self._charge(attempt)

    def look_again(self, events: Iterable[Event]) -> None:
        """Count again what has to do with attempts that have moved, or have gone over to another scene."""
        moved: set[AttemptKey] = set()
        for event in events:
            if isinstance(event, Adopted):
                moved.add((event.of_scene_id, event.of_attempt))
                heirs = [scene for scene in self._scenes if scene.scene_id == event.scene_id]
                self._concerned.setdefault(event.of_scene_id, []).extend(heirs)
            elif isinstance(event, AttemptEvent):
                moved.add((event.scene_id, event.attempt))
        attempts = [self._state.attempt(key) for key in moved]
        for attempt in attempts:
            self._charge(attempt)
        names = {name for attempt in attempts for name in (attempt.scene_id, attempt.request.sha256)}
        scenes = {scene.scene_id: scene for name in names for scene in self._concerned.get(name, ())}
        for scene in scenes.values():
            self._count(scene)

    @property
    def states(self) -> Mapping[str, AttemptState]:
        """Where each scene stands that has an attempt."""
        return self._stands

    def _count(self, scene: SceneFacts) -> None:
        before, attempt = self._stands.pop(scene.scene_id, None), self._state.current_attempt(scene)
        kind, is_expected = self._kinds[scene.scene_id], scene.scene_id in self._expected
        self._running_since.pop(scene.scene_id, None)
        if before is not None:
            self._counts[before] -= 1
            self._waiting[kind] += is_expected and before in _AT_WORK_OR_OVER
        if attempt is None:
            return
        self._stands[scene.scene_id] = attempt.state
        self._counts[attempt.state] += 1
        self._waiting[kind] -= is_expected and attempt.state in _AT_WORK_OR_OVER
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
        unfetched = 0 if self._state.downloads else self._counts[AttemptState.COMPLETED]
        return Standing(
            scenes=len(self._scenes),
            over=unknown + unfetched + sum(self._counts[each] for each in _OVER),
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

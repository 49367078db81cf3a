"""What is told of a run while it goes on."""

from collections import Counter
from collections.abc import Sequence

from batchgen.app.notices import Advanced, Notify, Standing, WaitsForAnswers
from batchgen.engine.attempts import AttemptState
from batchgen.engine.budget import charged
from batchgen.engine.events import SceneFacts
from batchgen.engine.scheduler import Scheduler
from batchgen.engine.throttle import Hold
from batchgen.runner.clock import RealClock

_OVER = frozenset({AttemptState.DELIVERED, AttemptState.FAILED, AttemptState.MISMATCHED, AttemptState.DOWNLOAD_FAILED})


class Watch:
    """Tells of a run while it goes on: an `Observer` of its loop, and a `RunView`."""

    def __init__(self, scheduler: Scheduler, scenes: Sequence[SceneFacts], clock: RealClock, notify: Notify) -> None:
        """Tell of nothing yet."""
        self._scheduler = scheduler
        self._scenes = scenes
        self._clock = clock
        self._notify = notify

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
        state = self._scheduler.state
        states = Counter(attempt.state for attempt in map(state.current_attempt, self._scenes) if attempt is not None)
        unknown = states[AttemptState.UNKNOWN]
        return Standing(
            scenes=len(self._scenes),
            over=unknown + sum(states[each] for each in _OVER),
            running=states[AttemptState.RUNNING],
            failed=states[AttemptState.FAILED] + states[AttemptState.MISMATCHED],
            unknown=unknown,
            charged_usd=charged(state.all_attempts()).usd,
        )

"""What is told of a run while it goes on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from batchgen.app.notices import Advanced, Notify, Standing, WaitsForAnswers
from batchgen.app.tally import Tally
from batchgen.engine.commands import Stop
from batchgen.engine.events import Event, SceneFacts
from batchgen.engine.forecast import Forecast
from batchgen.engine.scheduler import Scheduler
from batchgen.engine.throttle import Hold
from batchgen.runner.clock import RealClock
from batchgen.runner.loop import Recorder
from batchgen.text import without_request_id

_STOPPED: Mapping[Stop, str] = {
    Stop.ACCOUNT: "stopped: the account was refused",
    Stop.BALANCE: "stopped: the balance",
    Stop.UNREACHABLE: "stopped: the gateway is out of reach",
    Stop.UNANSWERED: "stopped: no usable answers",
    Stop.SHUT_OUT: "stopped: nothing is let in",
    Stop.BUDGET: "stopped at the budget",
    Stop.STORAGE: "stopped: results cannot be stored",
    Stop.PUBLISHING: "stopped: files may not be published",
    Stop.INTERRUPTED: "stopping: interrupted",
}
_NOTABLE_S = 1.0
"""Shorter rests are the ordinary pace."""


class Watch:
    """Tells of a run while it goes on: an `Observer` of its loop, and a `RunView`.

    It stands before the journal as the loop's `Recorder`, to know which attempts have moved.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what is told of, and to whom
        self,
        scheduler: Scheduler,
        scenes: Sequence[SceneFacts],
        clock: RealClock,
        journal: Recorder,
        notify: Notify,
        before: Sequence[SceneFacts] = (),
    ) -> None:
        """Tell of nothing yet. ``scenes`` are those that the run works on, ``before`` the others that were selected."""
        self._scheduler = scheduler
        self._scenes = scenes
        self._before = before
        self._clock = clock
        self._journal = journal
        self._notify = notify
        self._tally: Tally | None = None
        self._news: list[Event] = []
        self.said = ""
        """Why nothing was submitted when the loop last went around: what `waits_for` said. Safe from any thread."""

    def append(self, events: Iterable[Event]) -> None:
        """Have the journal write events; as `Recorder`."""
        listed = tuple(events)
        self._journal.append(listed)
        if self._tally is not None:  # one that is made later counts all
            self._news += listed

    def turn(self) -> None:
        """Tell that the run has gone on."""
        self.said = self.waits_for()
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
        if self._scheduler.is_paused:
            return "paused"
        if not self._scheduler.has_to_submit:
            return ""
        seconds = self.hold.until - self.now()
        return f"waits {seconds:.0f} s: {without_request_id(self.hold.reason)}" if seconds >= _NOTABLE_S else ""

    @property
    def is_at_work(self) -> bool:
        """Whether the run does anything at all."""
        return bool(self._scenes)

    def standing(self) -> Standing:
        """Where the scenes stand."""
        return self._counted().standing()

    def forecast(self) -> Forecast:
        """How far the running tasks are, and how long it still takes; nobody knows for how long it is paused."""
        found = self._counted().forecast(self._scheduler, self.now())
        is_paused = self._scheduler.is_paused and self._scheduler.has_to_submit
        return replace(found, left_s=None) if is_paused else found

    def _counted(self) -> Tally:
        if self._tally is None:
            self._tally = Tally(self._scheduler.state, self._scenes, self._clock, self._before)
        else:
            self._tally.look_again(self._news)
        self._news = []
        return self._tally

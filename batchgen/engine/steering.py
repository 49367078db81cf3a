"""Settings that a user may change while a run is under way. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from batchgen.engine.budget import Budget
from batchgen.engine.looks import Looks
from batchgen.engine.pacing import EarlierLengths, Pacing
from batchgen.engine.steerable import Steerable
from batchgen.engine.throttle import Pace


@dataclass(frozen=True, slots=True)
class Change:
    """A setting, and what holds from now on: tasks, submissions a second, seconds, US dollars.

    None stands for no bound, which a rate and a budget may have.
    """

    setting: Steerable
    value: Decimal | None

    @property
    def text(self) -> str:
        """The value as it is written down; empty for no bound."""
        return "" if self.value is None else f"{abs(self.value):f}"


class CannotSteer(Exception):  # noqa: N818 - the wish is at fault, not the program
    """A change that can have no effect any more; the text says why."""


class Steering:
    """Carries changes to what goes by them."""

    def __init__(self, pace: Pace, looks: Looks, budget: Budget) -> None:
        """Begin with what the run was started with."""
        self.is_paused = False
        self._pace = pace
        self._looks = looks
        self._budget = budget

    def change(self, change: Change, known: EarlierLengths, now: float) -> None:
        """Have it hold from now on; ``known`` is how long tasks took so far."""
        value = change.value
        match change.setting:
            case Steerable.PAUSED:
                self.is_paused = bool(value)
            case Steerable.MAX_IN_FLIGHT:
                self._pace.bound(int(value or 1))
            case Steerable.SUBMIT_RATE:
                self._pace.go(None if value is None else float(value), now)
            case Steerable.POLL_INTERVAL:
                interval_s = float(value or 1)
                self._looks.plan_anew(interval_s, Pacing(interval_s, known), now)
            case Steerable.BUDGET:
                self._budget.limit_usd = value

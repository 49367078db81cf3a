"""What a use case tells while it goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Protocol, TypeAlias

from batchgen.engine.forecast import Forecast
from batchgen.engine.throttle import Hold
from batchgen.model import Problem


@dataclass(frozen=True, slots=True)
class ProblemsFound:
    """What was found in a manifest; errors are followed by an exception, warnings are not."""

    manifest: Path
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a user wants to know; nothing stops because of it."""

    text: str


@dataclass(frozen=True, slots=True)
class WaitsForAnswers:
    """The run ends early, and waits for the answers to so many submissions, for so many seconds at most."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the scenes stand, and what was charged, and may still be, in the run directory.

    ``scenes`` are all that were selected for a run, also those that were ``over`` before it.
    """

    scenes: int
    over: int
    running: int
    failed: int
    unknown: int
    charged_usd: Decimal
    may_come_usd: Decimal = Decimal(0)


class RunView(Protocol):
    """What can be asked of a run while it goes on, from the callback that it was given to."""

    @property
    def hold(self) -> Hold:
        """Until when submissions rest at least, and why."""

    @property
    def is_at_work(self) -> bool:
        """Whether the run does anything at all: it may buy a scene again that is over."""

    def standing(self) -> Standing:
        """Where the scenes stand; takes time in proportion to what has happened since it was last asked."""

    @property
    def budget_usd(self) -> Decimal | None:
        """The budget that holds, None for none."""

    def waits_for(self) -> str:
        """Why nothing is submitted now, in a few words; empty where that is not so."""

    def forecast(self) -> Forecast:
        """How far the running tasks are, and how long it still takes."""

    def now(self) -> float:
        """The run's clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """The run has gone on: something ended or began, or half a second has passed."""

    view: RunView


Notice: TypeAlias = ProblemsFound | Warned | WaitsForAnswers | Advanced
Notify: TypeAlias = Callable[[Notice], None]
"""Called with each notice, on the thread of the use case. What it raises ends the use case."""


def ignore(_: Notice) -> None:
    """Take no notice."""

"""What a second of video costs: as the manifest declares it, and as the gateway has charged it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.money import minus, plus, ratio_up, times

_COMPLETED = frozenset(
    {AttemptState.COMPLETED, AttemptState.DOWNLOAD_FAILED, AttemptState.DELIVERED, AttemptState.MISMATCHED}
)
_PLACES = 10
_TOLERANCE = 100
"""Prices that differ by more than one part in so many are worth a warning."""


class Origin(StrEnum):
    """Where a price comes from."""

    DECLARED = "declared"
    LEARNED = "learned"


@dataclass(frozen=True, slots=True)
class Learned:
    """What completed tasks of one tier cost together: US dollars, seconds of video, and how many tasks.

    ``highest`` is the most that any of them cost a second, rounded up: estimates use it, so that a
    budget does not rest on what was cheap once.
    """

    usd: Decimal = Decimal(0)
    seconds: int = 0
    tasks: int = 0
    highest: Decimal = Decimal(0)

    @property
    def average(self) -> Decimal:
        """US dollars a second over all of them, rounded up at the tenth place."""
        return ratio_up(self.usd, self.seconds, _PLACES)

    def plus(self, usd: Decimal, seconds: int) -> "Learned":
        """The sum with one more task."""
        highest = max(self.highest, ratio_up(usd, seconds, _PLACES))
        return Learned(plus(self.usd, usd), self.seconds + seconds, self.tasks + 1, highest)


def learn(attempts: Iterable[Attempt], model: str) -> dict[str, Learned]:
    """What a model's tiers really cost, from every completed task whose cost the gateway has stated.

    Of what was free, a promotion perhaps, nothing is learned: it is not a price.
    """
    found: dict[str, Learned] = {}
    for attempt in attempts:
        asked, usd = attempt.request, attempt.result.cost_usd
        fits = attempt.state in _COMPLETED and asked.model == model
        if fits and asked.tier and usd and asked.seconds and asked.seconds > 0:
            found[asked.tier] = found.get(asked.tier, Learned()).plus(usd, asked.seconds)
    return found


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars a second of each tier. What the manifest declares holds; what was learned fills its gaps."""

    declared: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    learned: Mapping[str, Learned] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def tiers(self) -> tuple[str, ...]:
        """Every tier with a price of either kind."""
        return tuple(dict.fromkeys([*self.declared, *sorted(self.learned)]))

    def origin(self, tier: str | None) -> Origin | None:
        """Which price holds for a tier; None where there is none."""
        if tier in self.declared:
            return Origin.DECLARED
        return Origin.LEARNED if tier in self.learned else None

    def of(self, tier: str | None) -> Decimal | None:
        """The price that holds for a tier, None where there is none."""
        declared, learned = self.declared.get(tier or ""), self.learned.get(tier or "")
        return learned.highest if declared is None and learned is not None else declared

    def estimate(self, tier: str | None, seconds: int | None) -> Decimal | None:
        """US dollars for so many seconds; None without a price, or without a duration."""
        price = self.of(tier)
        return None if price is None or seconds is None else times(price, seconds)

    def estimate_of(self, attempt: Attempt) -> Decimal | None:
        """What an attempt was reckoned to cost; by today's prices where it had none in its day."""
        if attempt.estimated_cost_usd is not None:
            return attempt.estimated_cost_usd
        return self.estimate(attempt.request.tier, attempt.request.seconds)

    def differs(self, tier: str) -> bool:
        """Whether what was charged for a tier is more than 1 % above or below what is declared."""
        declared, learned = self.declared.get(tier), self.learned.get(tier)
        if declared is None or learned is None:
            return False
        expected = times(declared, learned.seconds)
        return times(abs(minus(learned.usd, expected)), _TOLERANCE) > expected

    def as_json(self) -> dict[str, dict[str, Any]]:
        """By tier: both prices, which of them holds, and what the learned one was learned from."""
        return {tier: self._tier_as_json(tier) for tier in self.tiers}

    def _tier_as_json(self, tier: str) -> dict[str, Any]:
        declared, learned = self.declared.get(tier), self.learned.get(tier)
        return {
            "used": str(self.origin(tier)),
            "declared_usd": None if declared is None else format(declared, "f"),
            "learned_usd": None if learned is None else format(learned.average, "f"),
            "learned_highest_usd": None if learned is None else format(learned.highest, "f"),
            "learned_tasks": 0 if learned is None else learned.tasks,
            "learned_seconds": 0 if learned is None else learned.seconds,
            "learned_cost_usd": None if learned is None else format(learned.usd, "f"),
            "differs": self.differs(tier),
        }

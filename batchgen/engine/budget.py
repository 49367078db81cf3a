"""What was spent, and what may have been. Pure; every amount a Decimal, unknown ones kept apart."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.money import minus, plus, readable


@dataclass(frozen=True, slots=True)
class Sum:
    """An exact sum, and how many amounts are missing from it because nobody knows them."""

    usd: Decimal = Decimal(0)
    unknown: int = 0

    def plus(self, amount: Decimal | None) -> "Sum":
        """The sum with one more amount, None for one that is not known."""
        return Sum(self.usd, self.unknown + 1) if amount is None else Sum(plus(self.usd, amount), self.unknown)

    def and_also(self, other: "Sum") -> "Sum":
        """Both sums in one."""
        return Sum(plus(self.usd, other.usd), self.unknown + other.unknown)

    def replaced(self, before: "Sum", after: "Sum") -> "Sum":
        """The sum with one of its parts exchanged for another."""
        return Sum(plus(minus(self.usd, before.usd), after.usd), self.unknown - before.unknown + after.unknown)


def _is_free(attempt: Attempt) -> bool:
    """Whether an attempt of which no cost was stated is certain to have cost nothing: no task was ever created.

    That a task failed does not say that it was free.
    """
    return attempt.state is AttemptState.REFUSED or (attempt.state is AttemptState.FAILED and attempt.again)


def charged(attempts: Iterable[Attempt]) -> Sum:
    """What the gateway said it charged; where it may have charged and said nothing, that is unknown."""
    total = Sum()
    for attempt in attempts:
        if attempt.result.cost_usd is not None or (attempt.finished_at is not None and not _is_free(attempt)):
            total = total.plus(attempt.result.cost_usd)
    return total


def exposure(attempts: Iterable[Attempt]) -> Sum:
    """What may still be charged, at its estimate: tasks in flight, unknown submissions, untold costs."""
    total = Sum()
    for attempt in attempts:
        if attempt.result.cost_usd is None and not _is_free(attempt):
            total = total.plus(attempt.estimated_cost_usd)
    return total


Estimate: TypeAlias = Callable[[Attempt], Decimal | None]
"""What an attempt is reckoned to cost in US dollars, None where nobody knows."""


def recorded_estimate(attempt: Attempt) -> Decimal | None:
    """The estimate of its day."""
    return attempt.estimated_cost_usd


def committed_cost(attempt: Attempt, estimate: Estimate = recorded_estimate) -> Sum:
    """What an attempt takes of a budget: its cost, or its estimate as long as that is not known."""
    if attempt.result.cost_usd is None and _is_free(attempt):
        return Sum()
    return Sum().plus(estimate(attempt) if attempt.result.cost_usd is None else attempt.result.cost_usd)


class Budget:
    """Whether one more submission stays within the budget, all that is in flight or unknown counted."""

    def __init__(
        self, limit_usd: Decimal | None, attempts: Iterable[Attempt], estimate: Estimate = recorded_estimate
    ) -> None:
        """Begin with all attempts that were ever made in this run directory; no limit is None."""
        self.limit_usd = limit_usd
        self._estimate = estimate
        self.committed = Sum()
        for attempt in attempts:
            self.changed(None, attempt)

    def changed(self, before: Attempt | None, after: Attempt) -> None:
        """An attempt has moved on, or has begun where there was none before."""
        was = Sum() if before is None else committed_cost(before, self._estimate)
        self.committed = self.committed.replaced(was, committed_cost(after, self._estimate))

    @property
    def refusal(self) -> str:
        """Why it does not allow more, and what to do."""
        unknown, limit = self.committed.unknown, readable(self.limit_usd or Decimal(0))
        if not unknown:
            return f"it would go beyond the budget of {limit} USD; raise it with --budget, and run again"
        return (
            f"{unknown} earlier attempt{'' if unknown == 1 else 's'} may have cost what nobody can "
            f"reckon, so the budget of {limit} USD cannot be kept; add a price for their tier to pricing"
        )

    def allows(self, estimate: Decimal | None) -> bool:
        """Whether it may be spent. What nobody knows cannot be kept to a budget: then nothing more is."""
        if self.limit_usd is None:
            return True
        if estimate is None or self.committed.unknown:
            return False
        return plus(self.committed.usd, estimate) <= self.limit_usd

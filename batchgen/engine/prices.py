"""What a second of video costs: as the manifest declares it, and as the gateway has charged it. Pure.

A gateway may bill the seconds of reference video as well as those of the output. What a request asks for says
how many seconds that would be (`Asked.reference_seconds`); whether they cost anything says the manifest, or what
was charged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.model import Asked, ReferencePrice, RequestFacts
from batchgen.money import minus, plus, ratio_up, times

_COMPLETED = frozenset(
    {AttemptState.COMPLETED, AttemptState.DOWNLOAD_FAILED, AttemptState.DELIVERED, AttemptState.MISMATCHED}
)
_PLACES = 10
_TOLERANCE = 100
"""Prices that differ by more than one part in so many are worth a warning."""
_NOTHING = Decimal(0)


class Origin(StrEnum):
    """Where a price comes from."""

    DECLARED = "declared"
    LEARNED = "learned"


@dataclass(frozen=True, slots=True)
class Learned:
    """What completed tasks of one tier cost together: US dollars, seconds of video, and how many tasks.

    ``highest`` is the most that any of them cost a second, rounded up: estimates use it, so that a
    budget does not rest on what was cheap once; ``highest_output`` is the same by seconds of output alone.
    ``reference_seconds`` are the seconds of reference video that share in the cost, ``reference_usd`` what others
    of them cost by a price of their own. ``by_videos`` has the same of the tasks with each number of reference
    videos.
    """

    usd: Decimal = _NOTHING
    seconds: int = 0
    tasks: int = 0
    highest: Decimal = _NOTHING
    highest_output: Decimal = _NOTHING
    reference_seconds: Decimal = _NOTHING
    reference_usd: Decimal = _NOTHING
    by_videos: Mapping[int, "Learned"] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def average(self) -> Decimal:
        """US dollars a second over all of them, rounded up at the tenth place."""
        shared = minus(self.usd, self.reference_usd)
        return ratio_up(shared, plus(Decimal(self.seconds), self.reference_seconds), _PLACES)

    def highest_for(self, videos: int | None) -> Decimal:
        """The most that a second cost with so many reference videos; of all where nothing was learned for them.

        Without any, it is not known whether those of others were billed, and then counts as if they were not.
        """
        if videos is None:
            return self.highest
        without = self.highest if videos else self.highest_output
        return self.by_videos[videos].highest if videos in self.by_videos else without

    def with_task(self, one: "Learned", videos: int | None) -> "Learned":
        """The sum with one more task, which had so many reference videos; None where nobody knows."""
        by_videos = self.by_videos
        if videos is not None:
            by_videos = {**by_videos, videos: by_videos.get(videos, Learned()).with_task(one, None)}
        return Learned(
            usd=plus(self.usd, one.usd),
            seconds=self.seconds + one.seconds,
            tasks=self.tasks + one.tasks,
            highest=max(self.highest, one.average),
            highest_output=max(self.highest_output, ratio_up(minus(one.usd, one.reference_usd), one.seconds, _PLACES)),
            reference_seconds=plus(self.reference_seconds, one.reference_seconds),
            reference_usd=plus(self.reference_usd, one.reference_usd),
            by_videos=by_videos,
        )


def learn(attempts: Iterable[Attempt], model: str, reference: ReferencePrice = None) -> dict[str, Learned]:
    """What a model's tiers really cost, from every completed task whose cost the gateway has stated.

    A cost is divided by the seconds of output and of billed reference video; where ``reference`` is a price of
    its own for the latter, what they cost by that is taken out before. Of what was free, a promotion perhaps,
    nothing is learned: it is not a price.
    """
    found: dict[str, Learned] = {}
    for attempt in attempts:
        request, usd = attempt.request, attempt.result.cost_usd
        fits = attempt.state in _COMPLETED and request.model == model
        if fits and request.tier and usd and request.seconds and request.seconds > 0:
            one = _learned(usd, request.seconds, request.asked, reference)
            before = found.get(request.tier, Learned())
            found[request.tier] = before.with_task(one, request.asked.reference_videos)
    return found


def _learned(usd: Decimal, seconds: int, asked: Asked, reference: ReferencePrice) -> Learned:
    """What one task teaches. Seconds of reference that nobody knows count as none: the price is not too low then."""
    billed = asked.reference_seconds or _NOTHING
    if isinstance(reference, Decimal) and times(reference, billed) < usd:
        return Learned(usd, seconds, 1, reference_usd=times(reference, billed))
    return Learned(usd, seconds, 1, reference_seconds=billed)


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars a second of each tier. What the manifest declares holds; what was learned fills its gaps.

    ``reference`` is what the manifest declares for reference video.
    """

    declared: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    learned: Mapping[str, Learned] = field(default_factory=lambda: MappingProxyType({}))
    reference: ReferencePrice = None

    @property
    def tiers(self) -> tuple[str, ...]:
        """Every tier with a price of either kind."""
        return tuple(dict.fromkeys([*self.declared, *sorted(self.learned)]))

    def origin(self, tier: str | None) -> Origin | None:
        """Which price holds for a tier; None where there is none."""
        if tier in self.declared:
            return Origin.DECLARED
        return Origin.LEARNED if tier in self.learned else None

    def of(self, tier: str | None, videos: int | None = None) -> Decimal | None:
        """The price that holds for a tier and a number of reference videos, None where there is none."""
        declared, learned = self.declared.get(tier or ""), self.learned.get(tier or "")
        return learned.highest_for(videos) if declared is None and learned is not None else declared

    def of_reference(self, tier: str | None, videos: int | None = None) -> Decimal | None:
        """The price of a second of reference video; None where neither manifest nor experience says anything.

        A price that was learned for a tier is one of both kinds of seconds.
        """
        if isinstance(self.reference, Decimal):
            return self.reference
        is_shared = self.reference == "same" or self.origin(tier) is Origin.LEARNED
        return self.of(tier, videos) if is_shared else None

    def estimate(self, request: RequestFacts) -> Decimal | None:
        """US dollars that a request would cost; None without a price, or where nobody knows how many seconds count."""
        asked = request.asked
        price = self.of(request.tier, asked.reference_videos)
        reference = self.of_reference(request.tier, asked.reference_videos)
        billed = asked.reference_seconds if reference else _NOTHING
        if price is None or asked.seconds is None or billed is None:
            return None
        output = times(price, asked.seconds)
        return plus(output, times(reference, billed)) if reference and billed else output

    def estimate_of(self, attempt: Attempt) -> Decimal | None:
        """What an attempt was reckoned to cost; by today's prices where it had none in its day."""
        if attempt.estimated_cost_usd is not None:
            return attempt.estimated_cost_usd
        return self.estimate(attempt.request)

    def expected(self, tier: str) -> Decimal | None:
        """What the tasks that were learned from should have cost by what is declared; None without both."""
        declared, learned = self.declared.get(tier), self.learned.get(tier)
        if declared is None or learned is None:
            return None
        shared = times(self.of_reference(tier) or _NOTHING, learned.reference_seconds)
        return plus(times(declared, learned.seconds), plus(shared, learned.reference_usd))

    def differs(self, tier: str) -> bool:
        """Whether what was charged for a tier is more than 1 % above or below what is declared."""
        expected = self.expected(tier)
        if expected is None:
            return False
        return are_apart(self.learned[tier].usd, expected)

    def as_json(self) -> dict[str, dict[str, Any]]:
        """By tier: both prices, which of them holds, and what the learned one was learned from."""
        return {tier: self._tier_as_json(tier) for tier in self.tiers}

    def _tier_as_json(self, tier: str) -> dict[str, Any]:
        declared, learned = self.declared.get(tier), self.learned.get(tier)
        by_videos = {} if learned is None else learned.by_videos
        return {
            "used": str(self.origin(tier)),
            "declared_usd": _text(declared),
            "reference_video_usd": _text(self.of_reference(tier)),
            **_learned_as_json(learned),
            "learned_by_reference_videos": {
                str(videos): _learned_as_json(by_videos[videos]) for videos in sorted(by_videos)
            },
            "differs": self.differs(tier),
        }


def are_apart(charged: Decimal, expected: Decimal) -> bool:
    """Whether an amount is more than 1 % above or below what was expected."""
    return times(abs(minus(charged, expected)), _TOLERANCE) > expected


def _learned_as_json(learned: Learned | None) -> dict[str, Any]:
    known = Learned() if learned is None else learned
    return {
        "learned_usd": None if learned is None else _text(known.average),
        "learned_highest_usd": None if learned is None else _text(known.highest),
        "learned_tasks": known.tasks,
        "learned_seconds": known.seconds,
        "learned_reference_s": _text(known.reference_seconds),
        "learned_cost_usd": None if learned is None else _text(known.usd),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")

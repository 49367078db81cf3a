"""What the attempts of a run directory cost, by tier and by how they ended, as bars. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from batchgen.engine.attempts import Attempt
from batchgen.engine.budget import charged, exposure
from batchgen.engine.states import State
from batchgen.money import plus, total
from batchgen.report.rows import SceneStatus, status_of

MAY_COME = "may still come"
_WIDTH = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: how its attempts ended, or that its amount may still come; place and width of 1000."""

    label: str
    usd: Decimal
    begin: int
    width: int


@dataclass(frozen=True, slots=True)
class Bar:
    """What the attempts of a tier cost; the longest bar is 1000 wide."""

    tier: str
    usd: Decimal
    parts: tuple[Part, ...]


def cost_bars(state: State) -> Iterator[Bar]:
    """A bar for each tier, in the order of their names; none where nothing was charged and nothing may be."""
    sums: dict[str, dict[str, Decimal]] = {}
    for attempt in state.all_attempts():
        for label, usd in _amounts(attempt, state):
            of_tier = sums.setdefault(attempt.request.tier or "no tier", {})
            of_tier[label] = plus(of_tier.get(label, Decimal(0)), usd)
    longest = max((total(of_tier.values()) for of_tier in sums.values()), default=Decimal(0))
    for tier, of_tier in sorted(sums.items()):
        yield Bar(tier, total(of_tier.values()), tuple(_parts(of_tier, longest)))


def _amounts(attempt: Attempt, state: State) -> Iterator[tuple[str, Decimal]]:
    """What an attempt adds, and to which part."""
    paid, out = charged([attempt]).usd, exposure([attempt]).usd
    if paid:
        yield status_of(attempt, state), paid
    if out:
        yield MAY_COME, out


def _parts(amounts: dict[str, Decimal], longest: Decimal) -> Iterator[Part]:
    begin = 0
    for label in [*SceneStatus, MAY_COME]:
        usd = amounts.get(label, Decimal(0))
        width = int(usd * _WIDTH / longest) if usd else 0
        if usd:
            yield Part(label, usd, begin, max(width, 2))
            begin += width

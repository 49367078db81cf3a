"""What a task costs: decimal from text to text, no float in between."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from batchgen.errors import UsageError

_EXACT = Context(prec=200)
"""Wide enough that no product of an option's value is ever rounded."""
_LONGEST = 40
_FIRST_INVENTED = Decimal("0.10")
_INVENTED_STEP = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Tariff:
    """What is charged: US dollars per second by tier, the share taken off, and a dishonest factor."""

    prices: Mapping[str, Decimal]
    discount: Decimal = Decimal(0)
    overcharge: Decimal = Decimal(1)

    def charge(self, tier: str, seconds: int) -> tuple[Decimal, Decimal]:
        """The cost of a task and the discount in it, both in US dollars."""
        full = _EXACT.multiply(self.prices[tier], Decimal(seconds))
        off = _EXACT.multiply(full, self.discount)
        return _EXACT.multiply(_EXACT.subtract(full, off), self.overcharge), off


def invented_prices(tiers: Mapping[str, object]) -> dict[str, Decimal]:
    """Prices for a rehearsal, made up: 0.10 for a model's first tier, 0.05 more for each further one."""
    return {tier: _FIRST_INVENTED + _INVENTED_STEP * place for place, tier in enumerate(tiers)}


def amount(text: str, what: str, most: Decimal | None = None) -> Decimal:
    """A number that is not negative, from text. Raises `UsageError`."""
    try:
        value = Decimal(text) if len(text) <= _LONGEST else Decimal(-1)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0 or abs(value.adjusted()) > _LONGEST or (most is not None and value > most):
        limit = "" if most is None else f" to {most}"
        raise UsageError(f"{what} {text}: a decimal number from 0{limit} is expected, such as 0.10")
    return value


def price(text: str) -> tuple[str, Decimal]:
    """A tier and its price, from ``TIER=USD``. Raises `UsageError`."""
    tier, equals, value = text.partition("=")
    if not tier or not equals:
        raise UsageError(f"--price {text}: TIER=USD is expected, such as 720P=0.10")
    return tier, amount(value, f"--price {tier}=")

"""The cost of a task. Amounts are decimals from text to text, never floats. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from batchgen.errors import UsageError

_EXACT = Context(prec=200)
"""Precise enough that no product of option values is rounded."""
_MAX_DIGITS = 40
_FIRST_DEFAULT = Decimal("0.10")
_DEFAULT_STEP = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a task costs and the discount in it, in US dollars, and what that is made of.

    ``quantity`` is in billed seconds, ``unit_price`` in US dollars per second; None where an earlier version
    has stored the task.
    """

    cost: Decimal
    discount: Decimal
    tier: str = ""
    unit_price: Decimal | None = None
    quantity: Decimal | None = None
    reference_seconds: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tariff:
    """US dollars per second by tier, the share that is deducted, and a factor to overcharge.

    ``reference_price`` is that of a second of reference video; None where it is that of the tier.
    """

    prices: Mapping[str, Decimal]
    discount: Decimal = Decimal(0)
    overcharge: Decimal = Decimal(1)
    reference_price: Decimal | None = None

    def charge(self, tier: str, seconds: int, reference_seconds: Decimal = Decimal(0)) -> Charge:
        """What a task of so many seconds costs, with the seconds of its reference videos that are billed."""
        unit_price, quantity = self.prices[tier], Decimal(seconds) + reference_seconds
        reference_price = unit_price if self.reference_price is None else self.reference_price
        of_output = _EXACT.multiply(unit_price, Decimal(seconds))
        full = _EXACT.add(of_output, _EXACT.multiply(reference_price, reference_seconds))
        off = _EXACT.multiply(full, self.discount)
        cost = _EXACT.multiply(_EXACT.subtract(full, off), self.overcharge)
        return Charge(cost, off, tier, unit_price, quantity, reference_seconds)


def default_prices(tiers: Mapping[str, object]) -> dict[str, Decimal]:
    """Invented prices: 0.10 for the first tier of a model, and 0.05 more for each further one."""
    return {tier: _FIRST_DEFAULT + _DEFAULT_STEP * index for index, tier in enumerate(tiers)}


def amount(text: str, what: str, upper: Decimal | None = None) -> Decimal:
    """Parse a number from 0 to ``upper``; ``what`` names it in errors. Raises `UsageError`."""
    try:
        value = Decimal(text) if len(text) <= _MAX_DIGITS else Decimal(-1)
    except InvalidOperation:
        value = Decimal(-1)
    if (
        not value.is_finite()
        or value < 0
        or abs(value.adjusted()) > _MAX_DIGITS
        or (upper is not None and value > upper)
    ):
        limit = "" if upper is None else f" to {upper}"
        raise UsageError(f"{what} {text}: a decimal number from 0{limit} is expected, such as 0.10")
    return value


def price(text: str) -> tuple[str, Decimal]:
    """Parse ``TIER=USD`` into a tier and its price. Raises `UsageError`."""
    tier, equals, value = text.partition("=")
    if not tier or not equals:
        raise UsageError(f"price {text}: TIER=USD is expected, such as 720P=0.10")
    return tier, amount(value, f"price {tier}=")

"""Exact arithmetic with amounts of money. Pure.

Python's usual context rounds to 28 digits without a word. Here nothing is rounded: sums and
products have as many digits as they need, and what would need more than a thousand is an error.
Only quotients are rounded, and say how.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, Context, Decimal, Inexact, InvalidOperation, Overflow

_EXACT = Context(prec=1_000, traps=[Inexact, InvalidOperation, Overflow])
_ROUNDED = Context(prec=1_000)
_ROUNDED_UP = Context(prec=1_000, rounding=ROUND_CEILING)


_MOST_DIGITS = 40
"""On either side of the decimal point: more than any amount of money has, and little enough to add up."""


def amount(text: str) -> Decimal:
    """An amount as somebody wrote it, which may be below zero. Raises ValueError for what is none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount of money") from None
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or value.adjusted() >= _MOST_DIGITS or exponent < -_MOST_DIGITS:
        raise ValueError(f"{text!r} is not an amount of money")
    return value


def readable(usd: Decimal) -> str:
    """An amount for people: all its digits, and cents at least."""
    whole, _, part = f"{usd:f}".partition(".")
    return f"{whole}.{part:0<2}"


def plus(one: Decimal, other: Decimal) -> Decimal:
    """The exact sum of two amounts."""
    return _EXACT.add(one, other)


def minus(one: Decimal, other: Decimal) -> Decimal:
    """The exact difference of two amounts."""
    return _EXACT.subtract(one, other)


def times(amount: Decimal, factor: int | Decimal) -> Decimal:
    """An amount, so many times over."""
    return _EXACT.multiply(amount, Decimal(factor))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum of any number of amounts; zero for none."""
    result = Decimal(0)
    for amount in amounts:
        result = plus(result, amount)
    return result


def ratio(amount: Decimal, count: int, places: int) -> Decimal:
    """An amount divided by a count, rounded to so many places: for display only."""
    return _quotient(amount, count, places, _ROUNDED)


def ratio_up(amount: Decimal, count: int | Decimal, places: int) -> Decimal:
    """An amount divided by a count, rounded up at so many places: never less than the true quotient."""
    return _quotient(amount, count, places, _ROUNDED_UP)


def _quotient(amount: Decimal, count: int | Decimal, places: int, context: Context) -> Decimal:
    quotient = context.divide(amount, Decimal(count))
    return quotient.quantize(Decimal(1).scaleb(-places), context=context).normalize(context)

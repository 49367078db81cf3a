"""The settings of an emulator, as plain values."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypeAlias

from batchgen.emulator.faults.selector import Rule
from batchgen.emulator.models import Models
from batchgen.emulator.money import price
from batchgen.errors import UsageError
from batchgen.schemas import Catalogue

CostAs: TypeAlias = Literal["string", "number", "none"]
"""How ``usage.cost`` is written; ``none`` leaves ``usage`` out."""
SEED_LIMIT = 2**31
_NUMBER = r"\d{1,6}(?:\.\d{1,6})?"


@dataclass(frozen=True, slots=True)
class Settings:
    """How an emulator behaves. Times are in seconds, money in US dollars."""

    latency: tuple[float, float] = (1.0, 3.0)
    """The shortest and the longest time a task takes."""
    max_concurrent: int | None = None
    """Maximum of tasks in progress; a further submission gets 429. None: no limit."""
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    """US dollars per second by tier; they replace the default prices."""
    discount: Decimal = Decimal(0)
    """The share of the price that is deducted, from 0 to 1."""
    overcharge: Decimal = Decimal(1)
    """What is charged, as a multiple of the price."""
    cost_as: CostAs = "string"
    charge_failed: bool = False
    """Charge failed tasks like completed ones, and report ``usage`` for them."""
    rules: Sequence[Rule] = ()
    seed: int = field(default_factory=lambda: secrets.randbelow(SEED_LIMIT))
    """The seed of faults, latencies and ids. The default is random, so that ids never repeat."""
    log: Path | None = None
    state: Path | None = None
    """The folder that stores the tasks. None: they end with the emulator."""
    url_lifetime: float = 3600.0
    slow_seconds: float = 90.0
    """The delay of the faults ``slow`` and ``poll-slow``."""


def latency_range(text: str) -> tuple[float, float]:
    """Parse seconds or a range of them: ``2``, ``0.5``, ``1-3``. Raises `UsageError`."""
    found = re.fullmatch(rf"({_NUMBER})(?:-({_NUMBER}))?", text)
    if found is None:
        raise UsageError(f"latency {text}: SECONDS or MIN-MAX is expected, such as 2 or 1-3")
    low, high = float(found[1]), float(found[2] or found[1])
    if low > high:
        raise UsageError(f"latency {text}: the smaller number comes first")
    return low, high


def price_table(texts: Sequence[str], catalogue: Catalogue) -> dict[str, Decimal]:
    """Parse prices given as ``TIER=USD``; the result is by tier. Raises `UsageError`."""
    prices = dict(map(price, texts))
    tiers = Models(catalogue).tiers()
    unknown = [tier for tier in prices if tier not in tiers]
    if unknown:
        raise UsageError(f"prices: there is no tier {unknown[0]!r}; there are: {', '.join(tiers)}")
    return prices

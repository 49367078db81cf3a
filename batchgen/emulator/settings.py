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
Accept: TypeAlias = Literal["both", "documented", "params"]
"""The forms of a request that are taken."""
SEED_LIMIT = 2**31
_NUMBER = r"\d{1,6}(?:\.\d{1,6})?"
_BYTES = re.compile(r"(\d{1,12})([KMG]?)(?:i?B)?", re.IGNORECASE)
_FACTORS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True, slots=True)
class Preset:
    """What options are where they are not given, as texts of the command line."""

    latency: str = "1-3"
    in_queue: str = "0"
    max_concurrent: int | None = None
    bill_reference_video: bool = False


USUAL = Preset()
LIKE_REAL = Preset(latency="60-300", in_queue="5-20", max_concurrent=2, bill_reference_video=True)
"""As the real gateway probably is: minutes a task, two tasks at once, reference video billed as upstream."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How an emulator behaves. Times are in seconds, money in US dollars."""

    latency: tuple[float, float] = (1.0, 3.0)
    """The shortest and the longest time a task takes, once it is in progress."""
    in_queue: tuple[float, float] = (0.0, 0.0)
    """The shortest and the longest time a task is in the queue before that."""
    max_concurrent: int | None = None
    """Maximum of tasks in progress; a further submission gets 429. None: no limit."""
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    """US dollars per second by tier; they replace the default prices."""
    discount: Decimal = Decimal(0)
    """The share of the price that is deducted, from 0 to 1."""
    overcharge: Decimal = Decimal(1)
    """What is charged, as a multiple of the price."""
    bill_reference_video: bool = False
    """Bill the seconds of reference videos."""
    reference_price: Decimal | None = None
    """US dollars per second of reference video, where it is billed. None: the price of the tier."""
    balance: Decimal | None = None
    """What may be spent, in US dollars. None: no limit."""
    cost_as: CostAs = "string"
    charge_failed: bool = False
    """Charge failed tasks like completed ones, and report ``usage`` for them."""
    accept: Accept = "both"
    """The forms of a request that are taken at first; see `Switches`."""
    max_body: int | None = None
    """Bytes of a request body; a larger one gets 413. None: only the bound of the emulator itself."""
    rules: Sequence[Rule] = ()
    seed: int = field(default_factory=lambda: secrets.randbelow(SEED_LIMIT))
    """The seed of faults, latencies and ids. The default is random, so that ids never repeat."""
    log: Path | None = None
    state: Path | None = None
    """The folder that stores the tasks. None: they end with the emulator."""
    url_lifetime: float = 3600.0
    slow_seconds: float = 90.0
    """The delay of the faults ``slow`` and ``poll-slow``."""


@dataclass(slots=True)
class Switches:
    """What may change while an emulator runs, for a gateway that changes its mind. Safe from any thread."""

    accept: Accept


def seconds_range(text: str, what: str) -> tuple[float, float]:
    """Parse seconds or a range of them: ``2``, ``0.5``, ``1-3``. ``what`` names it in errors. Raises `UsageError`."""
    found = re.fullmatch(rf"({_NUMBER})(?:-({_NUMBER}))?", text)
    if found is None:
        raise UsageError(f"{what} {text}: SECONDS or MIN-MAX is expected, such as 2 or 1-3")
    low, high = float(found[1]), float(found[2] or found[1])
    if low > high:
        raise UsageError(f"{what} {text}: the smaller number comes first")
    return low, high


def byte_count(text: str, what: str) -> int:
    """Parse bytes: ``20971520``, ``20M``, ``20 MiB``; K, M and G are powers of 1024. Raises `UsageError`."""
    found = _BYTES.fullmatch(text.replace(" ", ""))
    if found is None or int(found[1]) == 0:
        raise UsageError(f"{what} {text}: a number of bytes is expected, such as 20971520 or 20M")
    return int(found[1]) * _FACTORS[found[2].upper()]


def price_table(texts: Sequence[str], catalogue: Catalogue) -> dict[str, Decimal]:
    """Parse prices given as ``TIER=USD``; the result is by tier. Raises `UsageError`."""
    prices = dict(map(price, texts))
    tiers = Models(catalogue).tiers()
    unknown = [tier for tier in prices if tier not in tiers]
    if unknown:
        raise UsageError(f"prices: there is no tier {unknown[0]!r}; there are: {', '.join(tiers)}")
    return prices

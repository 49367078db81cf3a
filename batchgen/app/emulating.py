"""An emulator to rehearse against: its settings as the command has them, and one that a program starts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import Any, TypeAlias, get_args

from batchgen.app.keywords import StrPath, flag, globs, path_of
from batchgen.emulator.faults.rules import rule, rules_of_file
from batchgen.emulator.money import amount
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import (
    LIKE_REAL,
    SEED_LIMIT,
    USUAL,
    Accept,
    CostAs,
    Settings,
    byte_count,
    price_table,
    seconds_range,
)
from batchgen.errors import UsageError
from batchgen.schemas import shipped

Number: TypeAlias = Decimal | int | str
COST_FORMS = get_args(CostAs)
REQUEST_FORMS = get_args(Accept)


def emulator_settings(  # noqa: PLR0913 - the options of the command
    *,
    like_real: bool = False,
    latency: str | None = None,
    in_queue: str | None = None,
    max_concurrent: int | None = None,
    prices: Sequence[str] = (),
    discount: str = "0",
    overcharge: str = "1",
    bill_reference_video: bool | None = None,
    balance: str | None = None,
    cost_as: CostAs = "string",
    charge_failed: bool = False,
    accept: Accept = "both",
    max_body: str | None = None,
    faults: Sequence[str] = (),
    fault_file: Path | None = None,
    slow_seconds: float = 90.0,
    seed: int | None = None,
    log: Path | None = None,
    state: Path | None = None,
    url_lifetime: float = 3600.0,
) -> Settings:
    """The settings of an emulator, from texts as the command takes them. Raises `UsageError`."""
    known: dict[str, Any] = {} if seed is None else {"seed": seed}
    preset = LIKE_REAL if like_real else USUAL
    return Settings(
        latency=seconds_range(preset.latency if latency is None else latency, "latency"),
        in_queue=seconds_range(preset.in_queue if in_queue is None else in_queue, "in-queue"),
        max_concurrent=preset.max_concurrent if max_concurrent is None else max_concurrent,
        bill_reference_video=preset.bill_reference_video if bill_reference_video is None else bill_reference_video,
        balance=None if balance is None else amount(balance, "balance"),
        accept=accept,
        max_body=None if max_body is None else byte_count(max_body, "max-body"),
        prices=price_table(prices, shipped()),
        discount=amount(discount, "discount", Decimal(1)),
        overcharge=amount(overcharge, "overcharge"),
        cost_as=cost_as,
        charge_failed=charge_failed,
        # What is said of a prompt goes before what is said of all.
        rules=[*(rules_of_file(fault_file) if fault_file else ()), *map(rule, faults)],
        log=log,
        state=state,
        url_lifetime=url_lifetime,
        slow_seconds=slow_seconds,
        **known,
    )


@contextmanager
def start_emulator(  # noqa: PLR0913 - the options of the command
    *,
    like_real: bool = False,
    latency: str | float | None = None,
    in_queue: str | float | None = None,
    max_concurrent: int | None = None,
    prices: Mapping[str, Number] | None = None,
    discount: Number = "0",
    overcharge: Number = "1",
    bill_reference_video: bool | None = None,
    balance: Number | None = None,
    cost_as: CostAs = "string",
    charge_failed: bool = False,
    accept: Accept = "both",
    max_body: str | int | None = None,
    faults: Sequence[str] = (),
    fault_file: StrPath | None = None,
    slow_seconds: float = 90.0,
    seed: int | None = None,
    log: StrPath | None = None,
    state: StrPath | None = None,
    url_lifetime: float = 3600.0,
) -> Iterator[str]:
    """An emulator on a free port of this machine, as long as the context lasts: gives its base URL.

    The settings are the options of ``batchgen emulator``: ``prices`` by tier, ``faults`` as ``KIND[:RATE]``,
    ``fault_file`` by prompt. Takes any key. What runs against it counts as a real run, not as a rehearsal. Raises
    `UsageError`.
    """
    _check("max_concurrent", max_concurrent, 1, int)
    _check("seed", seed, 0, int, below=SEED_LIMIT)
    _check("slow_seconds", slow_seconds, 0)
    _check("url_lifetime", url_lifetime, 0)
    _check_word("cost_as", cost_as, COST_FORMS)
    _check_word("accept", accept, REQUEST_FORMS)
    billed = None if bill_reference_video is None else flag(bill_reference_video, "bill_reference_video")
    settings = emulator_settings(
        like_real=flag(like_real, "like_real"),
        latency=_text(latency),
        in_queue=_text(in_queue),
        max_concurrent=max_concurrent,
        prices=[f"{tier}={usd}" for tier, usd in (prices or {}).items()],
        discount=str(discount),
        overcharge=str(overcharge),
        bill_reference_video=billed,
        balance=_text(balance),
        accept=accept,
        max_body=_text(max_body),
        cost_as=cost_as,
        charge_failed=flag(charge_failed, "charge_failed"),
        faults=globs(faults or None, "faults"),
        fault_file=_path(fault_file, "fault_file"),
        slow_seconds=slow_seconds,
        seed=seed,
        log=_path(log, "log"),
        state=_path(state, "state"),
        url_lifetime=url_lifetime,
    )
    with EmbeddedEmulator(settings, shipped()) as emulator:
        yield emulator.base_url


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)


def _check_word(name: str, value: object, words: Sequence[str]) -> None:
    """Raise `UsageError` for a word that the command does not take either."""
    if value not in words:
        raise UsageError(f"{name} is one of {', '.join(words)}, and not {value!r}")


def _path(path: StrPath | None, name: str) -> Path | None:
    return None if path is None else path_of(path, name)


def _check(
    name: str, value: object, least: int, kind: type | tuple[type, ...] = (int, float), below: float = inf
) -> None:
    """Raise `UsageError` for a number that the command does not take either."""
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    if value is not None and not (is_number and least <= value < below):  # type: ignore[operator] # a number
        raise UsageError(f"{name} is a number from {least}, and not {value!r}")

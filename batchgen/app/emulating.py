"""An emulator to rehearse against: its settings as the command has them, and one that a program starts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import TypeAlias, get_args

from batchgen.app.keywords import StrPath, flag, globs, path_of
from batchgen.emulator.faults.rules import rule, rules_of_file
from batchgen.emulator.money import amount
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import SEED_LIMIT, CostAs, Settings, latency_range, price_table
from batchgen.errors import UsageError
from batchgen.schemas import shipped

Number: TypeAlias = Decimal | int | str
COST_FORMS = get_args(CostAs)


def emulator_settings(  # noqa: PLR0913 - the options of the command
    *,
    latency: str = "1-3",
    max_concurrent: int | None = None,
    prices: Sequence[str] = (),
    discount: str = "0",
    overcharge: str = "1",
    cost_as: CostAs = "string",
    charge_failed: bool = False,
    faults: Sequence[str] = (),
    fault_file: Path | None = None,
    slow_seconds: float = 90.0,
    seed: int | None = None,
    log: Path | None = None,
    state: Path | None = None,
    url_lifetime: float = 3600.0,
) -> Settings:
    """The settings of an emulator, from texts as the command takes them. Raises `UsageError`."""
    known = {} if seed is None else {"seed": seed}
    return Settings(
        latency=latency_range(latency),
        max_concurrent=max_concurrent,
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
    latency: str | float = "1-3",
    max_concurrent: int | None = None,
    prices: Mapping[str, Number] | None = None,
    discount: Number = "0",
    overcharge: Number = "1",
    cost_as: CostAs = "string",
    charge_failed: bool = False,
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
    if cost_as not in COST_FORMS:
        raise UsageError(f"cost_as is one of {', '.join(COST_FORMS)}, and not {cost_as!r}")
    settings = emulator_settings(
        latency=str(latency),
        max_concurrent=max_concurrent,
        prices=[f"{tier}={usd}" for tier, usd in (prices or {}).items()],
        discount=str(discount),
        overcharge=str(overcharge),
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


def _path(path: StrPath | None, name: str) -> Path | None:
    return None if path is None else path_of(path, name)


def _check(
    name: str, value: object, least: int, kind: type | tuple[type, ...] = (int, float), below: float = inf
) -> None:
    """Raise `UsageError` for a number that the command does not take either."""
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    if value is not None and not (is_number and least <= value < below):  # type: ignore[operator] # a number
        raise UsageError(f"{name} is a number from {least}, and not {value!r}")

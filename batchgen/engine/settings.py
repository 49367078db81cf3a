"""How a run is to go. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from batchgen.engine.budget import Estimate, recorded_estimate
from batchgen.engine.pacing import EarlierLengths
from batchgen.limits import WORKERS


def _no_files(_: str) -> int:
    return 0


def _nothing(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is to go; what the options of `run` say.

    ``workers`` bounds the commands under way, ``attempts`` the paid attempts at a scene; ``estimate`` is
    what an attempt of which no cost is known takes of the budget, ``upload_bytes`` how many bytes of files the
    submission of a scene sends, by its id, and ``publishes`` whether files of a scene are published before that. Of
    the forms in which the provider may take
    a request, ``request_formats`` are those that may be used, the usual one first, and ``formats_left_out``
    the others. ``earlier_lengths`` is how long tasks of each kind took in earlier runs. Times are in seconds.
    """

    workers: int = WORKERS
    max_in_flight: int = 50
    submit_rate: float | None = None
    poll_interval_s: float = 5.0
    task_timeout_s: float = 3600.0
    attempts: int = 1
    wait: bool = True
    download: bool = True
    budget_usd: Decimal | None = None
    estimate: Estimate = recorded_estimate
    upload_bytes: Callable[[str], int] = _no_files
    publishes: Callable[[str], bool] = _nothing
    request_formats: tuple[str, ...] = ("",)
    formats_left_out: tuple[str, ...] = ()
    earlier_lengths: EarlierLengths = field(default_factory=lambda: MappingProxyType({}))

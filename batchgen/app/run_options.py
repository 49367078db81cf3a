"""How a run is to go, and how it is ended from outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from batchgen.app.executing import THREADS
from batchgen.app.loading import Batch
from batchgen.limits import WORKERS
from batchgen.providers.provider import AUTO

EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is to go. Times are in seconds, money in US dollars.

    ``base_url`` is the provider's own where none is given, ``budget_usd`` the manifest's. ``wait`` unset leaves
    once all is submitted; a later run collects. ``rebind`` says that ``base_url`` is the gateway that the run
    directory belongs to, at another address. ``executor`` is ``threads``, or ``dask`` or ``dask:ADDRESS`` for a cluster
    that does what is free and heavy. ``publish`` is where files are published that requests name by URL. ``output``
    is the URL of an object store that results and reports go to, that of earlier runs where it is None, and
    ``cache_bytes`` what results may take up on this disk then; None for no bound.
    """

    base_url: str | None = None
    request_format: str = AUTO
    workers: int = WORKERS
    max_in_flight: int = 50
    submit_rate: float | None = None
    poll_interval_s: float = 5.0
    request_timeout_s: float = 60.0
    task_timeout_s: float = 3600.0
    wait: bool = True
    budget_usd: Decimal | None = None
    rebind: bool = False
    executor: str = THREADS
    publish: str | None = None
    output: str | None = None
    cache_bytes: int | None = None

    @classmethod
    def of(cls, batch: Batch, said: Mapping[str, Any]) -> "RunOptions":
        """What the manifest of a batch holds under ``run:``, and ``said``, by the same names, which goes before it."""
        names = {each.name.removesuffix("_s"): each.name for each in fields(cls)}
        held = {**batch.run_settings, **said}
        return cls(**{names[name]: value for name, value in held.items() if name in names})


class Interrupt:
    """Ends a run in order: what is under way is waited for, nothing more is begun. Set it from anywhere."""

    def __init__(self) -> None:
        """Interrupt nothing yet."""
        self._listeners: list[Callable[[], None]] = []
        self.exit_code: int | None = None

    def set(self, exit_code: int = EXIT_INTERRUPTED) -> None:
        """Interrupt; the run is recorded to have ended with that code. Only the first call counts."""
        if self.exit_code is None:
            self.exit_code = exit_code
            for listener in self._listeners:
                listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have it called once when this is set, or at once where it is."""
        self._listeners.append(listener)
        if self.exit_code is not None:
            listener()

"""Where a run has its heavy work done: on threads of its own, or by the processes of a Dask cluster."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batchgen.errors import UsageError

if TYPE_CHECKING:
    from batchgen.runner.cluster import Cluster

THREADS = "threads"
_DASK = "dask"
_ADDRESS = re.compile(r"(?:[a-z]+://)?[^/\s]+:[0-9]{1,5}")


def checked_executor(text: str) -> str:
    """``threads``, ``dask`` or ``dask:ADDRESS``. Raises `UsageError` for anything else."""
    kind, colon, address = text.partition(":")
    if text in (THREADS, _DASK) or (kind == _DASK and colon and _ADDRESS.fullmatch(address)):
        return text
    raise UsageError(
        f"{text!r} is none of threads, dask and dask:ADDRESS; an address is that of a scheduler, as in "
        "dask:tcp://10.0.0.5:8786"
    )


@contextmanager
def executing(executor: str, run_dir: Path, holds_key: Callable[[str], bool]) -> Iterator["Cluster | None"]:
    """The cluster that an executor names, None for threads. Raises `UsageError` and `RunDirectoryError`.

    ``holds_key`` says of a text whether the API key is in it: such a text goes to no cluster.
    """
    if executor == THREADS:
        yield None
        return
    from batchgen.runner.cluster_connection import cluster_at

    with cluster_at(executor.partition(":")[2], run_dir, holds_key) as cluster:
        yield cluster

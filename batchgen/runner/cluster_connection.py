"""Connects to a Dask cluster, one of this machine or one that is there, and sees that it can do the work."""

import asyncio
import logging
import os
import pickle
import platform
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batchgen.errors import Remedy, RunDirectoryError, UsageError
from batchgen.options import PREFIX
from batchgen.runner import local_cluster
from batchgen.version import __version__

if TYPE_CHECKING:
    from distributed import Client, Security

    from batchgen.runner.cluster import Cluster

_CONNECTS_IN_S = 30.0
"""For a scheduler: a script may start it a moment before the run, on a machine that is busy."""
_HAS_PROCESSES_IN_S = 60.0
"""For the first of them: a batch system takes a while."""
_ANSWERS_IN_S = 60.0
_SECRET_ENDINGS = ("_API_KEY", "_TOKEN", "_PASSWORD")
_log = logging.getLogger("batchgen")


@contextmanager
def cluster_at(address: str, run_dir: Path, holds_key: Callable[[str], bool]) -> Iterator["Cluster"]:
    """The cluster whose scheduler has that address, one of this machine's own where it is empty.

    Raises `UsageError` where it cannot be reached, has no process, or one that cannot do the work, and
    `RunDirectoryError` where results cannot be written.
    """
    _load()
    from batchgen.runner.cluster import Cluster, sharing

    with ExitStack() as stack:
        client = stack.enter_context(_connected(address, holds_key))
        _check(client, address)
        try:
            shared = stack.enter_context(sharing(run_dir))
        except OSError as error:
            raise RunDirectoryError(f"results cannot be written into {run_dir}: {error.strerror}") from None
        yield stack.enter_context(closing(Cluster(client, shared, holds_key)))


def _load() -> None:
    """Load Dask. What it has to say goes into the log of the run, unless somebody else has set up where it goes."""
    try:
        import dask
    except ImportError:
        raise UsageError("Dask is not installed here", Remedy.INSTALL_EXTRA, "dask") from None
    if "distributed" in sys.modules:
        return
    try:
        with dask.config.set({"logging": {"version": 1, "incremental": True}}):
            import distributed  # noqa: F401 - it sets up its logging when it is loaded
    except ImportError:
        raise UsageError("Dask is here without distributed", Remedy.INSTALL_EXTRA, "dask") from None
    for name in ("distributed", "tornado"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(_IntoLog(logging.WARNING))


class _IntoLog(logging.Handler):
    """Passes on what Dask says."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass it on as news for the log, which whoever watches need not hear of."""
        _log.info("%s: %s", record.name, record.getMessage())


@contextmanager
def _connected(address: str, holds_key: Callable[[str], bool]) -> Iterator["Client"]:
    with ExitStack() as stack:
        security = None
        if not address:
            try:
                access = stack.enter_context(local_cluster.started(without_keys(os.environ, holds_key)))
            except local_cluster.CannotStart as error:
                raise UsageError(f"a cluster on this machine cannot be started: {error}") from None
            address, security = access.address, _security(access)
        yield stack.enter_context(closing(_client(address, security)))


def without_keys(environment: Mapping[str, str], holds_key: Callable[[str], bool]) -> dict[str, str]:
    """The variables that processes of a cluster inherit: none of batchgen's, and none that may hold a key."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(PREFIX) and not name.endswith(_SECRET_ENDINGS) and not holds_key(value)
    }


def _security(access: local_cluster.Access) -> "Security":
    from distributed import Security

    return Security(
        require_encryption=True,
        tls_ca_file=access.certificate,
        tls_client_cert=access.certificate,
        tls_client_key=access.key,
    )


def _client(address: str, security: "Security | None") -> "Client":
    from distributed import Client

    try:
        asyncio.run(asyncio.wait_for(_reached(address, security), _CONNECTS_IN_S))
        with warnings_logged():
            return Client(address, security=security, timeout=_CONNECTS_IN_S, set_as_default=False, name="batchgen")
    except Exception as error:  # noqa: BLE001 - each protocol of Dask raises what its library does
        reason = str(error) or ("it gives no answer" if isinstance(error, TimeoutError) else type(error).__name__)
        raise UsageError(
            f"the scheduler at {address} cannot be reached: {reason}; start one with: dask scheduler"
        ) from None


async def _reached(address: str, security: "Security | None") -> None:
    """See that a scheduler answers. A client waits for its first word for ever, be it stopped or no scheduler."""
    from distributed import Security
    from distributed.comm import connect

    how = (security or Security()).get_connection_args("client")
    comm = await connect(address, timeout=_CONNECTS_IN_S, **how)
    await comm.close()


@contextmanager
def warnings_logged() -> Iterator[None]:
    """Have warnings as news in the log: versions of packages that differ do no harm, or it is told what they do."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield
    for one in found:
        _log.info("%s", one.message)


def _check(client: "Client", address: str) -> None:
    """See that there are processes, and that each has what the work needs. Raises `UsageError`."""
    from batchgen.runner.cluster_work import equipment

    where = f"the cluster at {address}" if address else "the cluster on this machine"
    try:
        # Not with the methods without underscore, which wait for a scheduler or a process that is stopped for ever.
        patience_s = _HAS_PROCESSES_IN_S + _ANSWERS_IN_S
        client.sync(client._wait_for_workers, 1, timeout=_HAS_PROCESSES_IN_S, callback_timeout=patience_s)  # noqa: SLF001
    except TimeoutError:
        raise UsageError(f"{where} has no process; start some with: dask worker {address}") from None
    try:
        found = client.sync(client._run, equipment, on_error="return", callback_timeout=_ANSWERS_IN_S)  # noqa: SLF001
    except (TimeoutError, OSError) as error:
        raise UsageError(f"a process of {where} gives no answer; start it again: {error}") from None
    for process, said in found.items():
        if reason := unfit(said):
            raise UsageError(f"the process {process} of the cluster {reason}")
    _log.info("processes of %s: %d", where, len(found))


def unfit(said: object) -> str:
    """Why a process that said that of its equipment cannot do the work; empty where it can."""
    if isinstance(said, OSError):
        return ""  # one that ended just now does no harm
    install = f"install batchgen {__version__} where it runs"
    if isinstance(said, Exception):
        return f"cannot do the work: {type(said).__name__}: {said}; {install}"
    version, python, path = said if isinstance(said, tuple) else (f"{said} of another build", "", b"")
    if version != __version__:
        return f"has batchgen {version}; {install}"
    try:
        pickle.loads(path)  # noqa: S301 - of a process that this one hands work to
    except Exception:  # noqa: BLE001 - whatever it is, its results cannot be read either
        return f"has Python {python}, whose results Python {platform.python_version()} cannot read; start it with that"
    return ""

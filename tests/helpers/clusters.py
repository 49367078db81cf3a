"""Dask clusters as users start them: a scheduler and workers in processes of their own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_PATIENCE_S = 60.0
_HIDING = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"')
_DASK = (sys.executable, "-P", "-m", "dask")
_AT = re.compile(r"Scheduler at:\s+(\S+)")


def until(moment: Callable[[], Any]) -> Any:
    """What a moment brings once it is true; fail where it does not come."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (found := moment()):
        assert time.monotonic() < deadline, "the moment did not come"
        time.sleep(0.02)
    return found


def descendants(process: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        if parent == process:
            found += [int(status.parent.name), *descendants(int(status.parent.name))]
    return found


def is_alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be asked how it ended does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass(slots=True)
class Cluster:
    """A scheduler and its workers; each worker is a nanny, which starts the process that works once more."""

    folder: Path
    scheduler: "subprocess.Popen[str]"
    address: str
    nannies: list["subprocess.Popen[str]"] = field(default_factory=list)

    @property
    def executor(self) -> str:
        """What ``--executor`` is told."""
        return f"dask:{self.address}"

    def working(self) -> list[int]:
        """The processes that work now; beside each there is one that only counts what is to be tidied away."""
        found = [process for nanny in self.nannies for process in descendants(nanny.pid)]
        return [process for process in found if "spawn_main" in _command_of(process)]

    def kill(self, process: int) -> None:
        """End a process as nothing ends in order."""
        os.kill(process, signal.SIGKILL)

    def texts(self) -> str:
        """All that its processes have written: logs and scratch space."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return "\n".join(path.read_bytes().decode(errors="replace") for path in files)

    def executed(self) -> int:
        """How many pieces of work the workers that are here have done."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            return sum(client.run(lambda dask_worker: dask_worker.state.executed_count).values())


def _command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """A cluster whose processes are ended, each by its id, with the context."""
    pytest.importorskip("distributed")
    folder.mkdir()
    with ExitStack() as stack:
        log = folder / "scheduler.log"
        started = _started(stack, [*_DASK, "scheduler", "--host=127.0.0.1", "--port=0", "--no-dashboard"], log)
        address = until(lambda: _AT.search(log.read_text(encoding="utf-8")))[1]
        made = Cluster(folder, started, address)
        for _ in range(workers):
            stack.enter_context(worker(made))
        yield made


@contextmanager
def worker(
    made: Cluster, *, hidden: Path | None = None, program: Sequence[str] = _DASK, **environment: str
) -> Iterator["subprocess.Popen[str]"]:
    """One more worker, which has joined; with ``hidden`` it sees another, empty folder there."""
    name = f"worker-{len(made.nannies)}"
    log = made.folder / f"{name}.log"
    options = ["worker", made.address, "--nthreads=2", "--no-dashboard", f"--local-directory={made.folder / name}"]
    wrapped = [] if hidden is None else [*_HIDING, str(hidden)]
    with ExitStack() as stack:
        nanny = _started(stack, [*wrapped, *program, *options], log, **environment)
        made.nannies.append(nanny)
        until(lambda: "Registered to" in log.read_text(encoding="utf-8"))
        yield nanny


def may_hide() -> bool:
    """Whether a process may have folders of its own here."""
    tried = [*_HIDING, "/mnt", "true"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def _started(stack: ExitStack, command: Sequence[str], log: Path, **environment: str) -> "subprocess.Popen[str]":
    # Some have another batchgen, and most are killed: their coverage says nothing.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    settings = {**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    output = stack.enter_context(log.open("w", encoding="utf-8"))
    process = subprocess.Popen(command, env=settings, stdout=output, stderr=subprocess.STDOUT, encoding="utf-8")
    stack.callback(_end, process)
    return process


def _end(process: "subprocess.Popen[str]") -> None:
    left = descendants(process.pid)
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    for each in filter(is_alive, left):
        os.kill(each, signal.SIGKILL)

"""A Dask cluster that does what is free, heavy and repeatable in a run: fetching, checking, frames, pictures.

A thread of the run hands the work over and waits for it. Dask does work again whose process has died, which is free
here. Whatever the cluster cannot do, the thread does itself: a lost scheduler, a process without batchgen or with
another version of it, or no process at all make a run slower, and never wrong. What several processes have died of is
not tried here.

Nothing that a cluster does costs money, and it is given no key: an address that has the key in it is fetched here.
"""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import replace
from errno import EIO
from pathlib import Path
from shutil import rmtree
from threading import Event, Lock, Semaphore
from typing import TYPE_CHECKING, Any, TypeVar

from batchgen.layout import RESULTS
from batchgen.media.decoding import UnusableMedia
from batchgen.media.stills import still
from batchgen.runner.cluster_work import MARKER, CannotDoIt, Delivered, FetchAndCheck, Package, SharedFolder, TakeStill
from batchgen.store.interface import Checked, Fetched, FetchFailed, Work
from batchgen.store.links import digest
from batchgen.store.local import LocalWork

if TYPE_CHECKING:
    from distributed import Client, Future

_FOLDER = ".fetching-"
_WAKES_EVERY_S = 1.0
_LOOKS_EVERY_S = 15.0
"""Between two questions whether the scheduler still answers, and has processes."""
_ANSWERS_IN_S = 15.0
_EMPTY_FOR_S = 60.0
"""A cluster without a process for so long gets none before the work is done here; one that starts again has one."""
_SILENT_FOR_S = 45.0
"""Without a sign of life, of which there is one each second or so: Dask itself waits for minutes for such a process."""
_ARRIVES_IN_S = 300.0
"""For the bytes of a result, once it is done."""
_FAILS_AFTER = 5
"""Results in a row that processes cannot bring and the coordinator can, before they are asked for none any more."""
_CARRIED_AT_ONCE = 2
"""Results on their way from processes to the coordinator, so that its memory does not grow with their number."""
_LOST = "the scheduler was lost"
_SILENT = "a process of the cluster gives no sign of life"
_ENDED = "the run has ended before the result was here"
_OWNER_ONLY, _FOR_OWNER = 0o600, 0o700
T = TypeVar("T")
_log = logging.getLogger("batchgen")


class Died(Exception):  # noqa: N818 - an end like others
    """Several processes ended while they did this work."""


class SignsOfLife:
    """When each process of a cluster was heard last, by the clock of this machine."""

    def __init__(self) -> None:
        """Know of none."""
        self._heard: dict[str, tuple[object, float]] = {}

    def silent(self, processes: Mapping[str, Mapping[str, object]], now: float) -> list[str]:
        """Those that have said nothing new to the scheduler for long; ``now`` is in seconds."""
        for process, said in processes.items():
            if self._heard.get(process, (None, now))[0] != said["last_seen"]:
                self._heard[process] = said["last_seen"], now
        return [process for process in processes if now - self._heard[process][1] > _SILENT_FOR_S]


class Cluster:
    """Does work for one run directory. ``trouble`` says why work was done here instead, once for each reason."""

    def __init__(self, client: "Client", shared: SharedFolder, holds_key: Callable[[str], bool]) -> None:
        """Take a connection; ``holds_key`` says of a text whether the API key is in it."""
        self.trouble: dict[str, int] = {}
        self._client = client
        self._shared = shared
        self._holds_key = holds_key
        self._carried = Semaphore(_CARRIED_AT_ONCE)
        self._looking = Lock()
        self._looked_at = time.monotonic()
        self._had_processes_at = time.monotonic()
        self._signs = SignsOfLife()
        self._stuck = frozenset[str]()
        self._given_up = ""
        self._failed_in_a_row = 0
        self._is_closed = False

    def fetched(self, work: Work) -> Checked:
        """Bring a result, as `Work` does."""
        if not isinstance(work, LocalWork) or self._holds_key(work.wanted.url):
            return work()
        try:
            found = self._taken(self._done(FetchAndCheck(work, self._shared)))
        except Died as error:
            raise FetchFailed(f"the result could not be checked: {error}") from None
        except CannotDoIt as error:
            self._note(str(error))
        except FetchFailed as error:
            return self._fetched_after_all(work, str(error))
        else:
            self._failed_in_a_row = 0
            return found
        if self._is_closed:
            raise FetchFailed(_ENDED)
        return work()

    def _fetched_after_all(self, work: LocalWork, reason: str) -> Checked:
        """Bring here what a process could not: it may be in a network that does not reach the results."""
        found = work()
        self._note(f"a process of the cluster could not bring it: {reason}")
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= _FAILS_AFTER:
            self._given_up = "its processes do not reach the results, and this one does"
        return found

    def still(self, video: Path, number: int) -> bytes:
        """A frame of a result as a PNG. Raises `UnusableMedia`."""
        try:
            return self._done(TakeStill(video.resolve(), number, self._shared))
        except Died as error:
            raise UnusableMedia(f"has no frame that can be taken out: {error}") from None
        except CannotDoIt as error:
            self._note(str(error))
        return still(video, number)

    def close(self) -> None:
        """Have threads that wait for the cluster go on, and nothing more done there."""
        self._is_closed = True

    def _done(self, work: Callable[[], T]) -> T:
        """What work delivers. Raises what it raises, `CannotDoIt` where it is to be done here, and `Died`."""
        if self._given_up:
            raise CannotDoIt(self._given_up)
        if self._is_closed or self._client.status != "running":
            raise CannotDoIt(_LOST)
        try:
            future = self._client.submit(Package(work), key=f"batchgen-{secrets.token_hex(16)}", pure=False)
        except RuntimeError:  # the connection was closed just now
            raise CannotDoIt(_LOST) from None
        try:
            outcome: T | Exception = self._outcome(future)
        finally:
            with suppress(Exception):  # of a cluster that is gone
                future.release()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _outcome(self, future: "Future") -> Any:
        """What came of the work. Raises `CannotDoIt` where nobody can be asked for it any more, and `Died`."""
        from distributed.scheduler import KilledWorker

        arrived = Event()
        future.add_done_callback(lambda _: arrived.set())
        self._wait(arrived.wait, future.key)
        self._wait(lambda seconds: self._carried.acquire(timeout=seconds), future.key)
        try:
            return self._brought(future)
        except KilledWorker:
            raise Died("processes of the cluster ended while they did it") from None
        except (CancelledError, TimeoutError, OSError):
            raise CannotDoIt(_LOST) from None
        except CannotDoIt:
            raise
        except Exception as error:  # noqa: BLE001 - what a process could not even unpack
            raise CannotDoIt(f"a process of the cluster cannot take it up: {type(error).__name__}: {error}") from None
        finally:
            self._carried.release()

    def _brought(self, future: "Future") -> Any:
        """What work has delivered, once it is here. Raises what that raises, and `CannotDoIt`."""
        ends_at, arrived = time.monotonic() + _ARRIVES_IN_S, Event()
        loop, coming = self._client.loop.asyncio_loop, list["asyncio.Future[Any]"]()

        def begin() -> None:
            """On the thread of the client: where that has ended, nothing is begun that nobody would await."""
            coming.append(asyncio.ensure_future(self._client.gather(future, asynchronous=True)))
            coming[0].add_done_callback(lambda _: arrived.set())

        try:
            loop.call_soon_threadsafe(begin)
            self._wait(lambda seconds: arrived.wait(seconds) or time.monotonic() > ends_at, future.key)
            if not arrived.is_set() or coming[0].cancelled():
                raise CannotDoIt(_LOST)
            return coming[0].result()
        finally:
            with suppress(RuntimeError):  # of a loop that is closed
                loop.call_soon_threadsafe(lambda: [one.cancel() for one in coming])

    def _wait(self, is_over: Callable[[float], bool], key: str) -> None:
        """Wait until something is over, which is given seconds to wait. Raises `CannotDoIt` where that never comes."""
        while not is_over(_WAKES_EVERY_S):
            self._see_that_it_is_served(key)

    def _note(self, reason: str) -> None:
        """Keep why work is done here, and log it the first time."""
        if not self._is_closed:
            if reason not in self.trouble:
                _log.warning("work that the cluster cannot do is done here: %s", reason)
            self.trouble[reason] = self.trouble.get(reason, 0) + 1

    def _see_that_it_is_served(self, key: str) -> None:
        """Raise `CannotDoIt` where nobody does that work any more; one thread looks, and not too often."""
        if not self._is_closed and self._looking.acquire(blocking=False):
            try:
                if time.monotonic() - self._looked_at >= _LOOKS_EVERY_S:
                    self._look()
                    self._looked_at = time.monotonic()
            finally:
                self._looking.release()
        if self._given_up or self._is_closed:
            raise CannotDoIt(self._given_up)
        if key in self._stuck:
            raise CannotDoIt(_SILENT)

    def _look(self) -> None:
        try:
            found = self._asked(self._client.scheduler.identity)
            silent = self._signs.silent(found["workers"], time.monotonic())
            self._stuck = self._held_by(silent) if silent else frozenset()
        except Exception:  # noqa: BLE001 - whatever it is, it is no answer
            if self._client.status == "running":  # else it is being connected to again, and its futures have ended
                self._given_up = "the scheduler gives no answer"
            return
        if len(found["workers"]) > len(silent):
            self._had_processes_at = time.monotonic()
        elif time.monotonic() - self._had_processes_at > _EMPTY_FOR_S:
            self._given_up = "the cluster has no process any more"

    def _asked(self, question: Callable[..., Any]) -> Any:
        return self._client.sync(question, callback_timeout=_ANSWERS_IN_S)

    def _held_by(self, processes: list[str]) -> frozenset[str]:
        """The work that processes have begun, or have the outcome of."""
        begun, ended = (
            self._asked(each) for each in (self._client.scheduler.processing, self._client.scheduler.has_what)
        )
        return frozenset(key for one in processes for found in (begun, ended) for key in found.get(one, ()))

    def _taken(self, delivered: Delivered) -> Checked:
        """A result as a file of this user. Raises `CannotDoIt` where it is not whole here."""
        fetched = delivered.checked.fetched
        path = self._shared.path / fetched.path.name
        try:
            if delivered.content is not None:
                _write(path, delivered.content)
            _see_that_it_is_whole(path, fetched, is_new=delivered.content is not None)
        except OSError as error:
            raise CannotDoIt(f"what a process has brought cannot be used here: {error.strerror}") from None
        return replace(delivered.checked, fetched=replace(fetched, path=path))


def _write(path: Path, content: bytes) -> None:
    """Write what travelled, durably. Raises OSError."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _see_that_it_is_whole(path: Path, fetched: Fetched, *, is_new: bool) -> None:
    """Raise OSError where a file is not this user's own, or not what a process has checked.

    What a process wrote on a disk that both see was hashed as it was written, and is not read once more.
    """
    path.chmod(path.stat().st_mode & _OWNER_ONLY)  # which a file of somebody else does not allow
    if path.stat().st_size != fetched.bytes or (is_new and digest(path) != fetched.sha256):
        raise OSError(EIO, "it is not whole")


@contextmanager
def sharing(run_dir: Path) -> Iterator[SharedFolder]:
    """A folder for what processes of a cluster write, as long as the context lasts, on the disk of the results.

    What a run that was killed left of such folders goes, too. Raises OSError.
    """
    results = run_dir / RESULTS
    results.mkdir(parents=True, exist_ok=True)
    for left in results.glob(f"{_FOLDER}*"):
        rmtree(left, ignore_errors=True)
    shared = SharedFolder(results.resolve() / f"{_FOLDER}{secrets.token_hex(8)}", secrets.token_hex(16))
    shared.path.mkdir(mode=_FOR_OWNER)
    try:
        (shared.path / MARKER).write_text(shared.token, encoding="ascii")
        yield shared
    finally:
        rmtree(shared.path, ignore_errors=True)

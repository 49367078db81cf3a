"""The journal on disk: locked, appended to, made durable, repaired at its tail and nowhere else.

There is one writer at a time. Two locks say so: one on ``state.lock``, which versions before knew, and
one on the journal's own file, which cannot be taken away without taking the journal. Locks hold on one
machine, and on some shared disks not even there. So each append also looks whether the journal is still
the file that was opened, and as long as it was left; where it is not, somebody else wrote to it or
took it away, and the run ends before it spends more.
"""

import errno
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from batchgen.engine.events import Event
from batchgen.errors import RunDirectoryError
from batchgen.files import sync_folder, write_atomically
from batchgen.journal.line_log import LineLog
from batchgen.journal.names import refuse_traps
from batchgen.layout import JOURNAL, LOCK, LOCK_HOLDER
from batchgen.model import AskedOf, unread

if sys.platform != "win32":
    import fcntl

_PRIVATE = 0o600
_GLANCE_S = 0.05
"""For how long `is_in_use` has the lock at most, and that on a busy machine."""


class _File:
    """The file of a journal. Raises OSError."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        self._path = path
        self._file = os.fdopen(os.open(path, flags, _PRIVATE), "r+b", buffering=0)

    def lock(self) -> None:
        """Take the lock on the file itself, for as long as it is open. Raises BlockingIOError where another has it.

        Windows has no such lock; there nobody can take the other lock's file away either.
        """
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # it may be no run, but `is_in_use` in another process
            time.sleep(_GLANCE_S)
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

    def length(self) -> int:
        opened = os.fstat(self._file.fileno())
        try:
            named = self._path.stat()
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "it was deleted while the run went on") from None
        if (opened.st_dev, opened.st_ino) != (named.st_dev, named.st_ino):
            raise FileNotFoundError(errno.ENOENT, "it was replaced by another file while the run went on")
        return opened.st_size

    def read(self) -> bytes:
        self._file.seek(0)
        return self._file.read()

    def write(self, content: memoryview) -> int:
        return os.write(self._file.fileno(), content)

    def cut(self, length: int) -> None:
        self._file.truncate(length)

    def make_durable(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def _lock_of(folder: Path) -> FileLock:
    """Take the lock of a run directory. Raises `RunDirectoryError` where another process has it."""
    lock = FileLock(folder / LOCK, mode=_PRIVATE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise _in_use(folder) from None
    except NotImplementedError:
        raise RunDirectoryError(f"{folder} cannot be used: its disk has no locks; use a disk of this machine") from None
    return lock


def is_in_use(folder: Path) -> bool:
    """Whether a process has the journal of a run directory; also where that cannot be seen.

    A lock falls with its process, however that ends. One that another machine holds is not seen on every disk:
    there the file counts that an orderly end takes away.
    """
    holder = _holder_of(folder)
    if holder is not None and holder[1] != socket.gethostname():
        return True
    try:
        return _is_locked(folder)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def is_held_here(folder: Path) -> bool:
    """Whether a process of this machine certainly has the journal: of another one nobody can tell that it was lost."""
    try:
        return _is_locked(folder)
    except OSError:
        return False


if sys.platform == "win32":

    def _is_locked(folder: Path) -> bool:
        try:
            _lock_of(folder).release()
        except RunDirectoryError:
            return True
        return False

else:

    def _is_locked(folder: Path) -> bool:
        """Asked for as a reader: two that ask are not in each other's way. Raises OSError."""
        descriptor = os.open(folder / JOURNAL, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


@contextmanager
def held_still(folder: Path) -> Iterator[bytes]:
    """The bytes of a journal, damaged or not, while nobody else writes to it.

    Raises `RunDirectoryError` where a run is under way, or there is no journal.
    """
    if not (folder / JOURNAL).is_file():
        raise RunDirectoryError(f"{folder} is not a run directory: it has no {JOURNAL}")
    file = None
    try:
        refuse_traps(folder)
        with _lock_of(folder):
            file = _File(folder / JOURNAL)
            file.lock()
            yield file.read()
    except BlockingIOError:
        raise _in_use(folder) from None
    except OSError as error:
        raise RunDirectoryError(f"{folder} cannot be used: {error.strerror}") from None
    finally:
        if file is not None:
            file.close()


class Journal:
    """The journal of one run directory, held by this process. A context manager.

    ``torn`` is how many bytes of an unfinished last line were cut off on opening.
    """

    def __init__(self, folder: Path, asked_of: AskedOf = unread) -> None:
        """Make the folder where it is missing, take the lock, read the journal.

        ``asked_of`` reads requests of versions before. Raises `RunDirectoryError` where another process
        holds it, it is damaged, not writable, or has something in it that would lead what is written elsewhere.
        """
        path = folder / JOURNAL
        self._folder = folder
        try:
            _make_durably(folder)
            refuse_traps(folder)
            self._lock = _lock_of(folder)
        except OSError as error:
            raise RunDirectoryError(f"{folder} cannot be used: {error.strerror}") from None
        try:
            self._open(path, asked_of)
        except BlockingIOError:
            self._lock.release()
            raise _in_use(folder) from None
        except OSError as error:
            self._give_up_lock()
            raise RunDirectoryError(f"{path} cannot be written: {error.strerror}") from None
        except BaseException:
            self._give_up_lock()
            raise
        self.state, self.torn = self._log.state, self._log.torn

    def _open(self, path: Path, asked_of: AskedOf) -> None:
        self._file = _File(path)
        try:
            self._file.lock()
            holder = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
            write_atomically(self._folder / LOCK_HOLDER, holder.encode())
            sync_folder(self._folder)
            self._log = LineLog(self._file, path, secrets.token_hex(4), asked_of)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Return the journal itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file and give up the lock."""
        self._file.close()
        self._give_up_lock()

    def _give_up_lock(self) -> None:
        with suppress(OSError):
            (self._folder / LOCK_HOLDER).unlink(missing_ok=True)
        self._lock.release()

    def append(self, events: Iterable[Event]) -> None:
        """Write events and make them durable, together; as `LineLog.append`."""
        self._log.append(tuple(events))

    def record(self, *events: Event) -> None:
        """Write events, then take them into ``state``; for whoever has no scheduler that does so."""
        self.append(events)
        for event in events:
            self.state.apply(event)


def _make_durably(folder: Path) -> None:
    """Make a folder and those above it; a journal whose folder vanished in a crash would help nobody."""
    missing = [level for level in (folder, *folder.parents) if not level.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)  # what runs leave is for their owner, whatever the umask
    for level in reversed(missing):
        sync_folder(level.parent)


def _in_use(folder: Path) -> RunDirectoryError:
    return RunDirectoryError(f"{folder} is in use{_holder(folder)}; wait for it, or end it first")


def _holder(folder: Path) -> str:
    """Which process holds the lock, in words."""
    holder = _holder_of(folder)
    return " by another process" if holder is None else f" by process {holder[0]} on {holder[1][:80]}"


def _holder_of(folder: Path) -> tuple[int, str] | None:
    """The process that holds the lock and its machine, as far as it said so."""
    try:
        holder = json.loads((folder / LOCK_HOLDER).read_text(encoding="utf-8"))
        return int(holder["pid"]), str(holder["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

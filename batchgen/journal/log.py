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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from filelock import FileLock, Timeout

from batchgen.engine.events import Event
from batchgen.engine.states import IllegalTransition, State
from batchgen.errors import RunDirectoryError
from batchgen.files import sync_folder, write_atomically
from batchgen.journal.checks import checked
from batchgen.journal.names import refuse_traps
from batchgen.journal.records import DamagedRecord, Lines, Stamp, decode, encode

if sys.platform != "win32":
    import fcntl

FILE = "state.jsonl"
_LOCK = "state.lock"
_HOLDER = "state.lock.holder"
_PRIVATE = 0o600


def read(folder: Path) -> State:
    """The state of a run directory, without a lock and without changing anything.

    Raises `RunDirectoryError` where there is no journal, or where it is damaged.
    """
    path = folder / FILE
    try:
        # A pipe would be waited for until somebody writes into it.
        if path.exists() and not path.is_file():
            raise RunDirectoryError(f"{path} cannot be read: it is not a regular file")
        content = path.read_bytes()
    except FileNotFoundError:
        raise RunDirectoryError(f"{folder} is not a run directory: it has no {FILE}") from None
    except OSError as error:
        raise RunDirectoryError(f"{path} cannot be read: {error.strerror}") from None
    return replayed(path, content)[0]


def replayed(path: Path, content: bytes) -> tuple[State, int]:
    """The state, and the length of the journal up to its last whole line.

    A last line without its end was being written when the program was cut off: what it guards was
    never begun, and it counts as not written. Anything else that is wrong is damage, a whole line
    that ends in another byte than a newline, too. Raises `RunDirectoryError`.
    """
    whole = content.rfind(b"\n") + 1
    if _is_whole(content[whole:-1]):
        raise _damaged(path, content.count(b"\n") + 1, "its newline has become something else")
    state, lines = State(), Lines()
    for number, line in enumerate(content[:whole].splitlines(keepends=True), start=1):
        try:
            record = decode(line)
            lines.take(record)
            state.apply(checked(record.event))
        except (DamagedRecord, IllegalTransition) as error:
            raise _damaged(path, number, error) from None
    return state, whole


def _is_whole(line: bytes) -> bool:
    try:
        decode(line)
    except DamagedRecord:
        return False
    return True


def _damaged(path: Path, number: int, why: object) -> RunDirectoryError:
    return RunDirectoryError(
        f"{path}:{number}: the journal is damaged: {why}. Nothing was changed and nothing submitted. "
        f"Restore {path.name} from a copy, or see what can be saved with: batchgen report --salvage "
        f"{path.parent}; do not delete lines from it, they say what was paid."
    )


class Medium(Protocol):
    """Bytes that grow at their end. What was written is kept for sure only once it was made durable.

    Every method may raise OSError.
    """

    def read(self) -> bytes:
        """All of it."""

    def length(self) -> int:
        """How many bytes it has, as everybody sees it; OSError where it is not what was opened any more."""

    def write(self, content: memoryview) -> int:
        """Put bytes behind the last one; how many of them were taken."""

    def cut(self, length: int) -> None:
        """Keep that many bytes, and no more."""

    def make_durable(self) -> None:
        """Have all that was done so far outlast a crash and a power failure."""


class Tape:
    """What is written and read, wherever the bytes are kept.

    ``state`` is what was found on opening, ``torn`` how many bytes of an unfinished last line were
    cut off then. ``writer`` names whoever writes, as no other writer is named.
    """

    def __init__(self, medium: Medium, path: Path, writer: str) -> None:
        """Read it, and cut off a torn tail. ``path`` is its name in messages.

        Raises `RunDirectoryError` where it is damaged, OSError where the medium does.
        """
        self._medium = medium
        self._path = path
        self._writer = writer
        self._lines = 0
        content = medium.read()
        self.state, self._length = replayed(path, content)
        self.torn = len(content) - self._length
        if self.torn:
            medium.cut(self._length)
        # What is read is built upon; whoever wrote it may have been cut off before it was durable.
        medium.make_durable()

    def append(self, events: Sequence[Event]) -> None:
        """Write events and make them durable, together. They are on disk when this returns.

        Raises `RunDirectoryError` where that cannot be done, or where somebody else has written or taken
        the journal away; what they guard must not be begun then.
        """
        stamped = (Stamp(self._writer, self._lines + number) for number in range(1, len(events) + 1))
        content = b"".join(map(encode, events, stamped))
        if not content:
            return
        try:
            self._check_length(self._length)
            self._write(content)
            # Whoever wrote between the look and the write found it as we did: neither may go on.
            self._check_length(self._length + len(content))
        except OSError as error:
            raise RunDirectoryError(
                f"{self._path} cannot be written: {error.strerror}. Nothing more is submitted; "
                "make room or mend it, and run again"
            ) from None
        self._length += len(content)
        self._lines += len(events)

    def _write(self, content: bytes) -> None:
        """Write, or leave it as it was and raise OSError."""
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self._medium.write(rest) :]
            self._medium.make_durable()
        except OSError:
            with suppress(OSError):
                # What somebody else has written is not ours to cut off.
                if content.startswith(self._medium.read()[self._length :]):
                    self._medium.cut(self._length)
            raise

    def _check_length(self, expected: int) -> None:
        """Raise `RunDirectoryError` where the journal is not as long as it was left."""
        length = self._medium.length()
        if length != expected:
            raise RunDirectoryError(
                f"{self._path} has {length} bytes where this run left {expected}: another process wrote to it. Nothing "
                "more is submitted here. End the other run if there is one; keep one run to a run directory, and the "
                "directory on a disk of this machine"
            )


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
        if sys.platform != "win32":
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
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise _in_use(folder) from None
    except NotImplementedError:
        raise RunDirectoryError(f"{folder} cannot be used: its disk has no locks; use a disk of this machine") from None
    return lock


@contextmanager
def held_still(folder: Path) -> Iterator[bytes]:
    """The bytes of a journal, damaged or not, while nobody else writes to it.

    Raises `RunDirectoryError` where a run is under way, or there is no journal.
    """
    if not (folder / FILE).is_file():
        raise RunDirectoryError(f"{folder} is not a run directory: it has no {FILE}")
    file = None
    try:
        refuse_traps(folder)
        with _lock_of(folder):
            file = _File(folder / FILE)
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

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing, take the lock, read the journal.

        Raises `RunDirectoryError` where another process holds it, it is damaged, not writable, or
        has something in it that would lead what is written elsewhere.
        """
        path = folder / FILE
        self._folder = folder
        try:
            _make_durably(folder)
            refuse_traps(folder)
            self._lock = _lock_of(folder)
        except OSError as error:
            raise RunDirectoryError(f"{folder} cannot be used: {error.strerror}") from None
        try:
            self._open(path)
        except BlockingIOError:
            self._lock.release()
            raise _in_use(folder) from None
        except OSError as error:
            self._give_up_lock()
            raise RunDirectoryError(f"{path} cannot be written: {error.strerror}") from None
        except BaseException:
            self._give_up_lock()
            raise
        self.state, self.torn = self._tape.state, self._tape.torn

    def _open(self, path: Path) -> None:
        self._file = _File(path)
        try:
            self._file.lock()
            holder = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
            write_atomically(self._folder / _HOLDER, holder.encode())
            sync_folder(self._folder)
            self._tape = Tape(self._file, path, secrets.token_hex(4))
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
            (self._folder / _HOLDER).unlink(missing_ok=True)
        self._lock.release()

    def append(self, events: Iterable[Event]) -> None:
        """Write events and make them durable, together; as `Tape.append`."""
        self._tape.append(tuple(events))


def _make_durably(folder: Path) -> None:
    """Make a folder and those above it; a journal whose folder vanished in a crash would help nobody."""
    missing = [level for level in (folder, *folder.parents) if not level.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for level in reversed(missing):
        sync_folder(level.parent)


def _in_use(folder: Path) -> RunDirectoryError:
    return RunDirectoryError(f"{folder} is in use{_holder(folder)}; wait for it, or end it first")


def _holder(folder: Path) -> str:
    """Which process holds the lock, as far as it said so."""
    try:
        holder = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        return f" by process {int(holder['pid'])} on {str(holder['host'])[:80]}"
    except (OSError, ValueError, KeyError, TypeError):
        return " by another process"

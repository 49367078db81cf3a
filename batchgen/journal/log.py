"""The journal on disk: locked, appended to, made durable, repaired at its tail and nowhere else."""

import json
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from filelock import FileLock, Timeout

from batchgen.engine.events import Event
from batchgen.engine.states import IllegalTransition, State
from batchgen.errors import RunDirectoryError
from batchgen.files import sync_folder, trap_in, write_atomically
from batchgen.journal.checks import checked
from batchgen.journal.records import DamagedRecord, decode, encode

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
            raise RunDirectoryError(f"{path} cannot be read: it is no regular file")
        content = path.read_bytes()
    except FileNotFoundError:
        raise RunDirectoryError(f"{folder} is no run directory: it has no {FILE}") from None
    except OSError as error:
        raise RunDirectoryError(f"{path} cannot be read: {error.strerror}") from None
    return replayed(path, content)[0]


def replayed(path: Path, content: bytes) -> tuple[State, int]:
    """The state, and the length of the journal up to its last whole line.

    A last line without its end was being written when the program was cut off: what it guards was
    never begun, and it counts as not written. Anything else that is wrong is damage, a whole line
    that ends in another byte than a newline, too.
    """
    whole = content.rfind(b"\n") + 1
    if _is_whole(content[whole:-1]):
        raise _damaged(path, content.count(b"\n") + 1, "its newline has become something else")
    state = State()
    for number, line in enumerate(content[:whole].splitlines(keepends=True), start=1):
        try:
            state.apply(checked(decode(line)))
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
        f"Restore {path.name} from a copy; do not delete lines from it, they say what was paid."
    )


class Medium(Protocol):
    """Bytes that grow at their end. What was written is kept for sure only once it was made durable.

    Every method may raise OSError.
    """

    def read(self) -> bytes:
        """All of it."""

    def write(self, content: memoryview) -> int:
        """Put bytes behind the last one; how many of them were taken."""

    def cut(self, length: int) -> None:
        """Keep that many bytes, and no more."""

    def make_durable(self) -> None:
        """Have all that was done so far outlast a crash and a power failure."""


class Tape:
    """What is written and read, wherever the bytes are kept.

    ``state`` is what was found on opening, ``torn`` how many bytes of an unfinished last line were
    cut off then.
    """

    def __init__(self, medium: Medium, path: Path) -> None:
        """Read it, and cut off a torn tail. ``path`` is its name in messages.

        Raises `RunDirectoryError` where it is damaged, OSError where the medium does.
        """
        self._medium = medium
        self._path = path
        content = medium.read()
        self.state, self._length = replayed(path, content)
        self.torn = len(content) - self._length
        if self.torn:
            medium.cut(self._length)
        # What is read is built upon; whoever wrote it may have been cut off before it was durable.
        medium.make_durable()

    def append(self, events: Iterable[Event]) -> None:
        """Write events and make them durable, together. They are on disk when this returns.

        Raises `RunDirectoryError` where that cannot be done; none of them counts as written then.
        """
        content = b"".join(map(encode, events))
        if not content:
            return
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[self._medium.write(rest) :]
            self._medium.make_durable()
        except OSError as error:
            with suppress(OSError):
                self._medium.cut(self._length)
            raise RunDirectoryError(
                f"{self._path} cannot be written: {error.strerror}. Nothing more is submitted; "
                "make room or mend it, and run again"
            ) from None
        self._length += len(content)


class _File:
    """The file of a journal. Raises OSError."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(path, flags, _PRIVATE), "r+b", buffering=0)

    def read(self) -> bytes:
        self._file.seek(0)
        return self._file.read()

    def write(self, content: memoryview) -> int:
        if os.fstat(self._file.fileno()).st_nlink == 0:
            raise FileNotFoundError(2, "it was deleted while the run went on")
        return os.write(self._file.fileno(), content)

    def cut(self, length: int) -> None:
        self._file.truncate(length)

    def make_durable(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


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
            _refuse_traps(folder)
            self._lock = FileLock(folder / _LOCK)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RunDirectoryError(f"{folder} is in use{_holder(folder)}; wait for it, or end it first") from None
        except OSError as error:
            raise RunDirectoryError(f"{folder} cannot be used: {error.strerror}") from None
        try:
            self._open(path)
        except OSError as error:
            self._give_up_lock()
            raise RunDirectoryError(f"{path} cannot be written: {error.strerror}") from None
        except BaseException:
            self._give_up_lock()
            raise
        self.state, self.torn = self._tape.state, self._tape.torn

    def _open(self, path: Path) -> None:
        write_atomically(
            self._folder / _HOLDER, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
        )
        self._file = _File(path)
        try:
            sync_folder(self._folder)
            self._tape = Tape(self._file, path)
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
        self._tape.append(events)


def _make_durably(folder: Path) -> None:
    """Make a folder and those above it; a journal whose folder vanished in a crash would help nobody."""
    missing = [level for level in (folder, *folder.parents) if not level.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for level in reversed(missing):
        sync_folder(level.parent)


def _refuse_traps(folder: Path) -> None:
    """Refuse a folder, perhaps from somebody else, in which a link waits to be written through."""
    trap = trap_in(folder)
    if trap is not None:
        raise RunDirectoryError(
            f"{trap} is a link, or something else that is no regular file; nothing is written through it. "
            "Move it out of the run directory; to keep runs elsewhere, give another --run-dir"
        )


def _holder(folder: Path) -> str:
    """Which process holds the lock, as far as it said so."""
    try:
        holder = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        return f" by process {int(holder['pid'])} on {str(holder['host'])[:80]}"
    except (OSError, ValueError, KeyError, TypeError):
        return " by another process"

"""The journal on disk: locked, appended to, made durable, repaired at its tail and nowhere else."""

import json
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from batchgen.engine.events import Event
from batchgen.engine.states import IllegalTransition, State
from batchgen.errors import RunDirectoryError
from batchgen.files import sync_folder, write_atomically
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
            state.apply(decode(line))
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


class Journal:
    """The journal of one run directory, held by this process. A context manager.

    ``torn`` is how many bytes of an unfinished last line were cut off on opening.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing, take the lock, read the journal.

        Raises `RunDirectoryError` where another process holds it, it is damaged, or not writable.
        """
        self._path = folder / FILE
        self._folder = folder
        self.torn = 0
        try:
            _make_durably(folder)
            self._lock = FileLock(folder / _LOCK)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RunDirectoryError(f"{folder} is in use{_holder(folder)}; wait for it, or end it first") from None
        except OSError as error:
            raise RunDirectoryError(f"{folder} cannot be used: {error.strerror}") from None
        try:
            self._open()
        except OSError as error:
            self._give_up_lock()
            raise RunDirectoryError(f"{self._path} cannot be written: {error.strerror}") from None
        except BaseException:
            self._give_up_lock()
            raise

    def _open(self) -> None:
        write_atomically(
            self._folder / _HOLDER, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
        )
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), _PRIVATE)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            content = self._path.read_bytes()
            self.state, self._length = replayed(self._path, content)
            self.torn = len(content) - self._length
            sync_folder(self._folder)
            if self.torn:
                self._file.truncate(self._length)
                os.fsync(self._file.fileno())
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
        """Write events and make them durable, together. They are on disk when this returns.

        Raises `RunDirectoryError` where that cannot be done; none of them counts as written then.
        """
        content = b"".join(map(encode, events))
        if not content:
            return
        try:
            self._write(content)
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._length)
            raise RunDirectoryError(
                f"{self._path} cannot be written: {error.strerror}. Nothing more is submitted; "
                "make room or mend it, and run again"
            ) from None
        self._length += len(content)

    def _write(self, content: bytes) -> None:
        descriptor = self._file.fileno()
        if os.fstat(descriptor).st_nlink == 0:
            raise FileNotFoundError(2, "it was deleted while the run went on")
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)


def _make_durably(folder: Path) -> None:
    """Make a folder and those above it; a journal whose folder vanished in a crash would help nobody."""
    missing = [level for level in (folder, *folder.parents) if not level.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for level in reversed(missing):
        sync_folder(level.parent)


def _holder(folder: Path) -> str:
    """Which process holds the lock, as far as it said so."""
    try:
        holder = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        return f" by process {int(holder['pid'])} on {str(holder['host'])[:80]}"
    except (OSError, ValueError, KeyError, TypeError):
        return " by another process"

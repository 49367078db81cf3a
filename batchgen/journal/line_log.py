"""Lines that are appended and made durable, wherever the bytes are kept."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from batchgen.engine.events import Event
from batchgen.errors import RunDirectoryError
from batchgen.journal.records import Stamp, encode
from batchgen.journal.replay import replayed
from batchgen.model import AskedOf, unread


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


class LineLog:
    """What is written and read, wherever the bytes are kept.

    ``state`` is what was found on opening, ``torn`` how many bytes of an unfinished last line were
    cut off then. ``writer`` names whoever writes, as no other writer is named.
    """

    def __init__(self, medium: Medium, path: Path, writer: str, asked_of: AskedOf = unread) -> None:
        """Read it, and cut off a torn tail. ``path`` is its name in messages, ``asked_of`` as in `read`.

        Raises `RunDirectoryError` where it is damaged, OSError where the medium does.
        """
        self._medium = medium
        self._path = path
        self._writer = writer
        self._lines = 0
        content = medium.read()
        self.state, self._length = replayed(path, content, asked_of)
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

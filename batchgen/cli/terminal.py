"""stdin, stdout and stderr that can be missing, closed, full or stopped without harm to what goes on.

A command works for somebody who may have closed the terminal, filled the disk under a log, or piped
the output into ``head``. That is no reason to leave a loop in which tasks are paid for, and none to
change what the exit code says.
"""

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

_AT_ONCE = 4096
"""Bytes that a pipe that takes anything at all takes without waiting (PIPE_BUF on Linux)."""
_PATIENCE_S = 0.2


class _Output(io.FileIO):
    """A file descriptor whose errors are kept and never raised.

    With ``patience_s`` it does not wait for longer than that for whoever reads: what a stopped terminal or
    a pipe that nobody empties does not take by then is dropped.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.error: OSError | None = None
        self.patience_s: float | None = None

    def write(self, content: Any) -> int:
        view = memoryview(content).cast("B")
        rest = view
        while rest and self._is_ready():
            try:
                rest = rest[super().write(rest[:_AT_ONCE]) or 0 :]
            except OSError as error:
                self.error = error
                break
        return len(view)

    def _is_ready(self) -> bool:
        """Wait until something can be written, though not for longer than is allowed."""
        if os.name == "nt":  # pragma: no cover - only sockets can be asked there
            return True
        return bool(select.select([], [self.fileno()], [], self.patience_s)[1])


def secure() -> None:
    """Have all three standard streams, and have them harmless; call it once, before anything is opened.

    A descriptor that was closed from the beginning would otherwise be given to the next file that is
    opened, the journal perhaps, and whatever is printed would be written into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - stays open
    if sys.stdout is sys.__stdout__:
        sys.stdout = _secured(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _secured(sys.stderr, 2)


def _secured(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.flush()
    raw = _Output(descriptor)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor == 2 or raw.isatty(),  # noqa: PLR2004 - stderr
    )


def failure_of_stdout() -> OSError | None:
    """Why what was to be printed could not be; None where it was, and where its reader had enough."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    error = raw.error if (raw := _raw(sys.stdout)) is not None else None
    return None if error is None or error.errno == errno.EPIPE else error


def reader_is_gone() -> bool:
    """Whether nobody will ever read what is printed: a pipe whose other end is closed, or output that has failed."""
    raw = _raw(sys.stdout)
    if raw is None or raw.error is not None or not hasattr(select, "poll"):
        return raw is not None and raw.error is not None
    poll = select.poll()
    poll.register(raw.fileno(), 0)
    return any(happened & (select.POLLERR | select.POLLHUP) for _, happened in poll.poll(0))


@contextmanager
def waiting_at_most(seconds: float = _PATIENCE_S) -> Iterator[None]:
    """While this lasts, whoever reads stderr is waited for no longer than that."""
    raw = _raw(sys.stderr)
    if raw is None:
        yield
        return
    raw.patience_s = seconds
    try:
        yield
    finally:
        raw.patience_s = None


def leave_line() -> None:
    """Have what is shown next, such as a shell's prompt, begin a line of its own.

    Not through the stream, since the signal that ends a run may come while it is being written to.
    """
    raw = _raw(sys.stderr)
    if raw is not None and raw.isatty():
        with waiting_at_most():
            raw.write(b"\n")


def _raw(stream: object) -> _Output | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, _Output) else None

"""The file of the log, apart from the rest: its library needs a temporary directory to be imported.

The library takes a lock on a file for each record, and looks whether the file is still there and how long it
is. So a thread gathers what is said within a tenth of a second and hands it over as one record. Closing, and
`LogFile.flush`, write what is there at once; only a kill loses the lines of that tenth.
"""

import logging
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

from concurrent_log_handler import ConcurrentRotatingFileHandler

from batchgen.runner import LOG_WRITER

_MOST_BYTES = 10 * 1024 * 1024
_KEPT = 5
_PRIVATE = 0o600
_GATHERED_S = 0.1
_PATIENCE_S = 2.0


class LogFile(logging.Handler):
    """Writes records to a file that is rotated and private to its owner; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open no file before something is logged."""
        super().__init__()
        self._file = _File(str(path), "a", _MOST_BYTES, _KEPT, encoding="utf-8", chmod=_PRIVATE)
        # Queues, since a signal handler may put something into one, whatever it has interrupted.
        self._queue: SimpleQueue[str | Event | None] = SimpleQueue()
        self._at_once: SimpleQueue[None] = SimpleQueue()
        self._thread = Thread(target=self._write, name=LOG_WRITER, daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Have a record written soon."""
        self._queue.put(self.format(record))

    def flush(self) -> None:
        """Wait until what was logged so far is written, though not for a disk that does not answer."""
        written = Event()
        self._queue.put(written)
        self._at_once.put(None)
        written.wait(_PATIENCE_S)

    def close(self) -> None:
        """Write what was logged, and close the file; a disk that does not answer, or a lock, is not waited for long."""
        self._queue.put(None)
        self._at_once.put(None)
        self._thread.join(_PATIENCE_S)
        super().close()

    def _write(self) -> None:
        gathered: list[str | Event | None] = []
        while None not in gathered:
            gathered = [self._queue.get()]
            with suppress(Empty):
                self._at_once.get(timeout=_GATHERED_S)
            with suppress(Empty):
                while True:
                    gathered.append(self._queue.get_nowait())
            lines = [each for each in gathered if isinstance(each, str)]
            if lines:
                self._file.handle(logging.makeLogRecord({"msg": "\n".join(lines)}))
            for each in gathered:
                if isinstance(each, Event):
                    each.set()
        with suppress(OSError):
            self._file.close()


class _File(ConcurrentRotatingFileHandler):
    """Gives up a line that cannot be written: the journal counts, and the disk is reported there."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging gave it
        """Say nothing; a traceback on the terminal would hide what does matter."""

"""The log of a run: a file in the run directory, rotated, private to its owner."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from concurrent_log_handler import ConcurrentRotatingFileHandler

from batchgen.errors import RunDirectoryError
from batchgen.text import on_one_line

_FILE = "batchgen.log"
_MOST_BYTES = 10 * 1024 * 1024
_KEPT = 5
_PRIVATE = 0o600


class _OneLine(logging.Formatter):
    """One line a record: what came from elsewhere can neither end a line nor steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return on_one_line(super().format(record))


class _Handler(ConcurrentRotatingFileHandler):
    """Gives up a line that cannot be written: the journal counts, and the disk is reported there."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging gave it
        """Say nothing; a traceback on the terminal would hide what does matter."""


@contextmanager
def logging_to(folder: Path) -> Iterator[None]:
    """Log to the run directory while the context lasts. Raises `RunDirectoryError`."""
    logger = logging.getLogger("batchgen")
    try:
        handler = _Handler(str(folder / _FILE), "a", _MOST_BYTES, _KEPT, encoding="utf-8", chmod=_PRIVATE)
    except OSError as error:
        raise RunDirectoryError(f"the log cannot be written into {folder}: {error.strerror}") from None
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()

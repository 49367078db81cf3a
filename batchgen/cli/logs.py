"""The log of a run: a file in the run directory, rotated, private to its owner."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from batchgen.cli.output import show_notes
from batchgen.layout import LOG
from batchgen.providers.api_key import ApiKey
from batchgen.text import on_one_line


class _OneLine(logging.Formatter):
    """One line a record: what came from elsewhere can neither end a line nor steer a terminal.

    ``without`` takes out what is secret, should a message or a traceback ever repeat it.
    """

    def __init__(self, form: str, without: Callable[[str], str]) -> None:
        super().__init__(form)
        self._without = without

    def format(self, record: logging.LogRecord) -> str:
        return on_one_line(self._without(super().format(record)))


def _unchanged(text: str) -> str:
    return text


@contextmanager
def logging_to(folder: Path, key: ApiKey | None) -> Iterator[None]:
    """Log to the run directory while the context lasts; the key is taken out of each message.

    Where the log cannot be opened, that is said, and what would be logged is not kept: the journal is
    what counts.
    """
    logger = logging.getLogger("batchgen")
    handler: logging.Handler
    try:
        from batchgen.cli.log_file import LogFile

        handler = LogFile(folder / LOG)
    except OSError as error:
        warning = f"warning: {folder / LOG} cannot be written, and this run has no log: {error.strerror}"
        show_notes([warning])
        handler = logging.NullHandler()
    handler.setFormatter(
        _OneLine(
            "%(asctime)s %(levelname)s %(threadName)s %(message)s", _unchanged if key is None else key.taken_out_of_text
        )
    )
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        # Of a full disk the journal speaks; its words, which may hold ids of tasks, must not be replaced.
        with suppress(OSError):
            handler.close()

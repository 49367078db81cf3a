"""The file of the log, apart from the rest: its library needs a temporary directory to be imported."""

import logging

from concurrent_log_handler import ConcurrentRotatingFileHandler


class LogFile(ConcurrentRotatingFileHandler):
    """Gives up a line that cannot be written: the journal counts, and the disk is reported there."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging gave it
        """Say nothing; a traceback on the terminal would hide what does matter."""

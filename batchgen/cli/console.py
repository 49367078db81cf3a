"""Warnings of the log on the terminal: each once, with a count of how often it came again."""

import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from tqdm import tqdm

from batchgen.cli.output import edge_of, fitted
from batchgen.report.tables import some_of
from batchgen.text import without_request_id

_WHOSE = re.compile(r"scene (\S+): (?:task \S+: )?")
"""What a warning begins with, where it is about one scene."""
_REMIND_EVERY_S = 60.0


@dataclass(slots=True)
class _Heard:
    """A warning that was shown: when it was last told of, how often it came since, and for which scenes."""

    told_at: float
    times: int = 0
    scenes: dict[str, None] = field(default_factory=dict)

    def again(self, said: str) -> str:
        """How often it came again."""
        whose = f" ({some_of(list(self.scenes))})" if self.scenes else ""
        return f"{self.times} more time{'' if self.times == 1 else 's'}{whose}: {said}"


class Console(logging.Handler):
    """Shows warnings above the progress bar and never through it; what cannot be shown is not.

    An outage says the same of every scene: that is shown once, then counted, and told again at most once a minute.
    """

    def __init__(self) -> None:
        """Begin with nothing heard."""
        super().__init__(logging.WARNING)
        self._heard: dict[str, _Heard] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning, or count it."""
        try:
            for text in self._told(record):
                show(text)
        except Exception:  # noqa: BLE001 - it stands in the log
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging gave it
        """Say nothing: a traceback helps nobody who watches a run."""

    def show_counts(self) -> None:
        """Say of each warning how often it came again since it was last told of."""
        for said, heard in self._heard.items():
            if heard.times:
                show(heard.again(said))
                heard.times = 0

    def _told(self, record: logging.LogRecord) -> Iterator[str]:
        message = record.getMessage()
        found = _WHOSE.match(message)
        said = message[found.end() :] if found else message
        said = without_request_id(said)
        heard = self._heard.get(said)
        if heard is None:
            self._heard[said] = _Heard(record.created)
            yield message
            return
        heard.times += 1
        heard.scenes |= {found[1]: None} if found else {}
        if record.created - heard.told_at >= _REMIND_EVERY_S:
            yield heard.again(said)
            self._heard[said] = _Heard(record.created)


def show(text: str) -> None:
    """Say it on stderr, above a bar that is there; on a terminal no word is broken at its edge."""
    tqdm.write(fitted(text, edge_of(sys.stderr)), file=sys.stderr)

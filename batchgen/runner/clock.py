"""The real clock."""

import time
from datetime import UTC, datetime
from queue import Empty

from batchgen.runner.loop import Inbox, Received


def as_text(moment: datetime) -> str:
    """A moment in UTC as the journal has it, to the millisecond; later ones are greater texts."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RealClock:
    """Time as it passes."""

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def at(self) -> str:
        """This moment in UTC, to the millisecond."""
        return as_text(datetime.now(UTC))

    def receive(self, inbox: Inbox, timeout_s: float) -> Received | None:
        """The next thing from the inbox, None where nothing comes in time."""
        try:
            return inbox.get(timeout=timeout_s)
        except Empty:
            return None

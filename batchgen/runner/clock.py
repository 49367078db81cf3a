"""The real clock."""

import time
from datetime import UTC, datetime
from queue import Empty

from batchgen.runner.loop import Inbox, Received


class RealClock:
    """Time as it passes."""

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def at(self) -> str:
        """This moment in UTC, to the millisecond."""
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def receive(self, inbox: Inbox, timeout_s: float) -> Received | None:
        """The next thing from the inbox, None where nothing comes in time."""
        try:
            return inbox.get(timeout=timeout_s)
        except Empty:
            return None

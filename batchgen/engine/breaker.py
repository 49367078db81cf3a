"""Stops a batch from burning on a gateway that gives no usable answers. Pure.

An uncertain answer to a submission (a 502, a time-out, nonsense) may stand for a task that is paid
for and that nobody knows. One is bad luck. Five in a row, or five among ten, are a gateway that is
out of order: from then on nothing is submitted until the submissions under way have been answered,
and then one at a time, to see whether it is back. A usable answer to such a probe (a task, a refusal)
opens the way again; three probes without one end the run. What was under way when the breaker
tripped left before anybody knew, and so counts neither way.
"""

from collections import deque
from dataclasses import dataclass, field

from batchgen.limits import MOST_PROBES, TRIPS_AFTER, TRIPS_AMONG


@dataclass(slots=True)
class Breaker:
    """Counts the answers to submissions of one run."""

    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=TRIPS_AMONG))
    _failed_probes: int = 0
    _probing: bool = False
    is_tripped: bool = False

    def allows(self, sending: int) -> bool:
        """Whether one more submission may go out while so many are under way."""
        return not self.is_tripped or sending == 0

    def sent(self) -> None:
        """A submission goes out."""
        self._probing = self.is_tripped

    def unreached(self) -> None:
        """No connection was made: that is not an answer, and says nothing of those to come."""
        self._probing = False

    def answered(self, *, uncertain: bool) -> bool:
        """A submission was answered; whether the run has to end."""
        if self.is_tripped:
            return self._probed(uncertain=uncertain)
        self._recent.append(uncertain)
        self.is_tripped = sum(self._recent) >= TRIPS_AFTER
        return False

    def _probed(self, *, uncertain: bool) -> bool:
        if not self._probing:
            return False
        self._probing = False
        if uncertain:
            self._failed_probes += 1
            return self._failed_probes >= MOST_PROBES
        self._recent.clear()
        self._failed_probes, self.is_tripped = 0, False
        return False

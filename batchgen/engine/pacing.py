"""When to look at a task again. Pure; chance is passed in."""

from collections import deque
from dataclasses import dataclass, field

from batchgen.engine.backoff import Jitter, spread

_SLOWER = 1.3
_MOST_SLOWED = 6.0
_LENGTHS_KEPT = 20
_BEFORE_SHORTEST = 0.9


def poll_wait(interval_s: float, polls: int, jitter: Jitter) -> float:
    """Seconds until a task is read for the next time, after ``polls`` readings.

    Grows from the interval to six times that, spread by a fifth either way so that tasks submitted
    together are not read together.
    """
    return spread(interval_s * min(_SLOWER ** min(polls, 100), _MOST_SLOWED), jitter)


@dataclass(slots=True)
class TaskDurations:
    """How long tasks take, learned from those that completed in this run, apart for each kind.

    A task is first read when nine tenths of the shortest time of the last twenty have passed: there
    is nothing to see before, and one that ends sooner than any is still seen in time to correct that.
    """

    _seen: dict[str, deque[float]] = field(default_factory=dict)

    def completed(self, kind: str, seconds: float) -> None:
        """A task of this kind was seen to be completed so many seconds after it was created."""
        self._seen.setdefault(kind, deque(maxlen=_LENGTHS_KEPT)).append(seconds)

    def first_wait(self, kind: str) -> float:
        """Seconds before which a task of this kind need not be read; zero where nothing is known."""
        return _BEFORE_SHORTEST * min(self._seen.get(kind, ()), default=0.0)

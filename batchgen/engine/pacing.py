"""How fast: when to submit, how many tasks at a time, when to look again. Pure; chance is passed in."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

Jitter = Callable[[], float]
"""A number from 0 to 1, drawn anew at each call."""

_SLOWER = 1.3
_MOST_SLOWED = 6.0
_SPREAD = 0.2
_LENGTHS_KEPT = 20
_BEFORE_SHORTEST = 0.9
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 60.0
_THROTTLED_WAIT_S = 1.0
_LONGEST_THROTTLED_S = 32.0
LOST_AFTER_S = 30.0
"""Seconds without any connection after which a run gives up."""
_LONGEST_LOST_WAIT_S = 8.0


def poll_wait(interval_s: float, polls: int, jitter: Jitter) -> float:
    """Seconds until a task is read for the next time, after ``polls`` readings.

    Grows from the interval to six times that, spread by a fifth either way so that tasks submitted
    together are not read together.
    """
    slowed = min(_SLOWER ** min(polls, 100), _MOST_SLOWED)
    return interval_s * slowed * (1 + _SPREAD * (2 * jitter() - 1))


@dataclass(slots=True)
class Lengths:
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


def retry_wait(failures: int, jitter: Jitter) -> float:
    """Seconds until a call that failed ``failures`` times in a row is made again."""
    longest = min(_FIRST_RETRY_S * 2.0 ** min(max(failures - 1, 0), 10), _LONGEST_RETRY_S)
    return longest * (0.5 + 0.5 * jitter())


@dataclass(slots=True)
class Pace:
    """When the next submission may go out. Times are seconds of the loop's clock.

    ``max_in_flight`` is how many tasks may be at the gateway, ``per_second`` how many submissions
    a second, None for no bound.
    """

    max_in_flight: int
    per_second: float | None = None
    held_until: float = 0.0
    _next_at: float = 0.0
    _limit: int = field(init=False)
    _since_raised: int = 0
    _throttled_wait_s: float = _THROTTLED_WAIT_S

    def __post_init__(self) -> None:
        """Begin with all that the user allows."""
        self._limit = self.max_in_flight

    @property
    def limit(self) -> int:
        """How many tasks may be in flight now."""
        return self._limit

    def opens_at(self) -> float:
        """The earliest time for the next submission."""
        return max(self.held_until, self._next_at)

    def sent(self, now: float) -> None:
        """A submission goes out now."""
        if self.per_second:
            self._next_at = max(self._next_at, now) + 1 / self.per_second

    def throttled(self, now: float, in_flight: int, wait_s: float | None) -> None:
        """The gateway had too many requests, with that many tasks in flight beside the one refused.

        Without a word on how long to wait, the wait doubles until a task is taken again; requests
        that were refused together count once.
        """
        self._limit = max(1, min(self._limit, in_flight))
        self._since_raised = 0
        if wait_s is not None:
            self.hold(now + wait_s)
        elif now >= self.held_until:
            self.hold(now + self._throttled_wait_s)
            self._throttled_wait_s = min(2 * self._throttled_wait_s, _LONGEST_THROTTLED_S)

    def accepted(self, in_flight: int) -> None:
        """The gateway took a task. After as many as the limit allows, one more is tried."""
        self._throttled_wait_s = _THROTTLED_WAIT_S
        if self._limit >= self.max_in_flight or in_flight < self._limit:
            return
        self._since_raised += 1
        if self._since_raised >= self._limit:
            self._limit += 1
            self._since_raised = 0

    def hold(self, until: float) -> None:
        """No submission before ``until``."""
        self.held_until = max(self.held_until, until)


@dataclass(slots=True)
class Reach:
    """Whether the gateway can be reached at all: how long no connection has been made."""

    _since: float | None = None
    _times: int = 0

    def answered(self) -> None:
        """A connection was made, whatever came of it."""
        self._since, self._times = None, 0

    def lost(self, now: float) -> bool:
        """No connection was made; whether that has been so for long enough to give up."""
        self._times += 1
        if self._since is None:
            self._since = now
        return now - self._since >= LOST_AFTER_S

    def wait(self, jitter: Jitter) -> float:
        """Seconds until the next attempt to connect."""
        return min(retry_wait(self._times, jitter), _LONGEST_LOST_WAIT_S)

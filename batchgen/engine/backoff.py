"""How long to wait before the same thing is tried again. Pure; chance is passed in.

One rule each. What is free (a reading, a download) is tried again after a wait that doubles up to a
minute. A submission that was refused for now is tried again after 2, 4, 8, 16 and 30 seconds, six
times in all; then the scene is left to the next run. Neither is ever shorter than what the gateway
asks for, which `batchgen.engine.throttle` keeps to for the run as a whole.
"""

from collections.abc import Callable

from batchgen.limits import FIRST_RETRY_S, FIRST_WAIT_S, LONGEST_RESULT_WAIT_S, LONGEST_RETRY_S, LONGEST_WAIT_S, SPREAD

Jitter = Callable[[], float]
"""A number from 0 to 1, drawn anew at each call."""

_MOST_DOUBLED = 20


def retry_wait(failures: int, jitter: Jitter) -> float:
    """Seconds until a reading or a download that failed ``failures`` times in a row is tried again."""
    longest = _doubled(FIRST_RETRY_S, failures, LONGEST_RETRY_S)
    return longest * (0.5 + 0.5 * jitter())


def result_wait(looks: int, interval_s: float, jitter: Jitter) -> float:
    """Seconds until a completed task that named no video ``looks`` times in a row is read again."""
    return spread(_doubled(min(interval_s, LONGEST_RESULT_WAIT_S), looks, LONGEST_RESULT_WAIT_S), jitter)


def submit_wait(refusals: int, jitter: Jitter) -> float:
    """Seconds until a scene that was refused ``refusals`` times in this run is submitted again."""
    return spread(_doubled(FIRST_WAIT_S, refusals, LONGEST_WAIT_S), jitter)


def spread(seconds: float, jitter: Jitter) -> float:
    """A time made longer or shorter by up to a fifth, so that what began together does not come back together."""
    return seconds * (1 + SPREAD * (2 * jitter() - 1))


def _doubled(first_s: float, times: int, longest_s: float) -> float:
    return min(first_s * 2.0 ** min(max(times - 1, 0), _MOST_DOUBLED), longest_s)

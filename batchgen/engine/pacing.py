"""When to look at a task again. Pure; chance is passed in.

A look costs a request; a task that is done and was not looked at costs its place at the gateway. What is known of
how long tasks of a kind take is learned in `batchgen.engine.task_lengths`, and gives a plan of looks, by age. On
average a task is looked at about as often as the interval allows: its age divided by the interval, and once more.
A look is never closer to the one before than a fifth of the interval, and never farther than two of them,
whatever was learned: what was true once and is so no more costs a few intervals, and not a batch.

Of a kind of which nothing is known, and of a task that outlasts all that is known, looks come one interval after
the other. The first ones are spread evenly over it: where fifty tasks begin together, their looks tell the length
to a fiftieth of an interval. What they tell is of use to those that wait at that moment; so the looks at a kind
are planned anew after news, for those that wait already, too. What earlier runs learned of a kind is where a run
begins.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

from batchgen.engine.backoff import Jitter, spread
from batchgen.engine.task_lengths import TaskLengths
from batchgen.limits import CLOSEST_LOOK
from batchgen.model import Lasted

EarlierLengths: TypeAlias = Mapping[str, Sequence[Lasted]]
"""How long tasks took in earlier runs, by kind, the latest last."""
_NOTHING: EarlierLengths = MappingProxyType({})
_GOLDEN = 0.6180339887
"""Steps of the golden ratio around a circle are spread evenly, however many there are."""
_SLOWER = 1.3
_MOST_SLOWED = 6.0


class Pacing:
    """Says at which age a task is looked at next. Ages and intervals are in seconds, kinds are any words."""

    def __init__(self, interval_s: float, earlier: EarlierLengths = _NOTHING) -> None:
        """``interval_s`` is what the user allows, on average; ``earlier`` is known from earlier runs."""
        self._interval_s = interval_s
        self._earlier = earlier
        self._kinds: dict[str, TaskLengths] = {}
        self._step = 0.0

    def ended(self, kind: str, lasted: Lasted, running_s: Callable[[], Iterable[float]] = tuple) -> bool:
        """A task of a kind ended between two ages; whether looks at that kind are to be planned anew.

        ``running_s`` gives the ages at which the tasks of the kind that still run were last found running.
        """
        return self._lengths(kind).add(*lasted, running_s)

    def mean_s(self, kind: str) -> float | None:
        """How long tasks of a kind took on average; None as long as nothing is known."""
        return self._lengths(kind).mean_s

    def first_look(self, kind: str) -> float:
        """The age for the first look at a task."""
        planned = self._planned(kind)
        if planned:
            return planned[0]
        self._step = (self._step + _GOLDEN) % 1.0
        return self._interval_s * (0.5 + self._step)

    def next_look(self, kind: str, looked_s: float, jitter: Jitter) -> float:
        """The age for the look after one at the age ``looked_s``."""
        planned = self._planned(kind)
        closest = CLOSEST_LOOK * self._interval_s
        # A planned look that is almost here was meant to be this one.
        later = bisect_right(planned, looked_s + closest / 2)
        if later == len(planned):
            return looked_s + spread(self._interval_s, jitter)
        return max(planned[later], looked_s + closest)

    def _planned(self, kind: str) -> Sequence[float]:
        return self._lengths(kind).looks

    def _lengths(self, kind: str) -> TaskLengths:
        if kind not in self._kinds:
            self._kinds[kind] = TaskLengths.known_from(self._earlier.get(kind, ()), self._interval_s)
        return self._kinds[kind]


def age_s(since: str, at: str) -> float:
    """Seconds between two moments of the journal; none where they are not what they should be."""
    try:
        seconds = (datetime.fromisoformat(at) - datetime.fromisoformat(since)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return max(seconds, 0.0)


def poll_wait(interval_s: float, looks: int, jitter: Jitter) -> float:
    """Seconds until a task is read again of which ``looks`` readings have said that it failed, or is not known.

    Grows from the interval to six times that: what is so once is so again, or needs time to become otherwise.
    """
    return spread(interval_s * min(_SLOWER ** min(looks, 100), _MOST_SLOWED), jitter)

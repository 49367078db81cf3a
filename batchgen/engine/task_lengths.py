"""How long tasks of one kind take, and the looks that follow from it. Pure.

Of each task that ended, it is known only that it did between the last look that found it running and the first
that found it done. So what is known is kept as weights of short spans of age: a length between two ages is shared
out over the spans between them, in proportion to what these hold already. Many vague lengths make a sharp one that
way. Each new one makes those before it count a little less, so that what was long ago is forgotten.

Of many tasks that began together the short ones are known first. So those that still run count, too, for a plan: each
is one that ends after the age at which it was last found running, in proportion to what is held there, or at any later
time where nothing is (B. Efron's way to the estimator of Kaplan and Meier).

A plan of looks are the ages at which a task is looked at as long as it is not done. From one look to the next, the
expected time that a finished task has waited for it grows, slowly where few tasks end and fast where many do; the
next look comes when it reaches a threshold. No other rule has less waiting for as many looks. The threshold is the
one with which a task is looked at about as often as its interval allows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, exp, log

from batchgen.limits import CLOSEST_LOOK, FARTHEST_LOOK, SHARE_OF_LOOKS
from batchgen.model import Lasted

SPANS = 20
"""Spans in an interval."""
_CLOSEST = round(CLOSEST_LOOK * SPANS)
_FARTHEST = round(FARTHEST_LOOK * SPANS)
_MOST_SPANS = 6_000
"""Of a task that takes longer than so many spans nothing is learned: a look an interval is often enough."""
_FORGETS = 0.97
"""What a length counts for, each time that another one is known."""
_LIGHT = 0.0005
"""A weight that is not worth keeping."""
_SMEARED = 0.05
"""The part of a length that is shared out evenly: the weights so far may be wrong."""
_DOUBT = 0.3
_DOUBTED = 40
"""In how many cases of one more than are known a task ends at any time; from 40 on that falls no more."""
_FEW_OUTLAST = 0.1
"""Where fewer tasks run that have outlasted all that is known, in weights of those that ended, one that does is
likely to end soon."""
_FEW = 20
_SURPRISING = 0.1
"""The first lengths are news, and later those to which less than a tenth of the weights gave a chance."""
_BETWEEN_NEWS = 1.02
"""News come no sooner than so many times as many lengths are known: all that wait are looked over for each."""
_GROWN = 1.2
"""Looks are planned anew once so many times as many lengths are known."""
_SHARP = 4.0
"""In intervals, between two looks that came as planned; two that are farther apart had something between them."""
_EARLIER = 10
"""As so many lengths count all that are known from earlier runs: enough to begin with, soon outweighed."""
_LEAST_THRESHOLD, _MOST_THRESHOLD = 1e-5, 2.0
"""In intervals."""
_HALVINGS = 6
_TINY = 1e-9


@dataclass(slots=True)
class TaskLengths:
    """The lengths of one kind of task; times are in seconds, ages those of a task since it was created."""

    interval_s: float
    looks: Sequence[float] = ()
    """The planned looks, by age; empty as long as nothing is known."""
    _weights: dict[int, float] = field(default_factory=dict)
    _known: int = 0
    _planned_for: int = 0
    _news_at: int = 0

    @classmethod
    def known_from(cls, lengths: Iterable[Lasted], interval_s: float) -> "TaskLengths":
        """What is known of a kind to begin with, from lengths of earlier runs, the latest last.

        A length counts where its task was seen running shortly before it was seen done, as this interval goes: where
        nobody looked for long, a machine that slept perhaps, it says nothing. All of them together count for a few.
        """
        known = cls(interval_s)
        for above_s, until_s in lengths:
            if 0 <= above_s <= until_s and until_s - above_s <= _SHARP * interval_s:
                known.add(above_s, until_s)
        if known._known > _EARLIER:
            known._fade()
        return known

    def add(self, above_s: float, until_s: float, running_s: Callable[[], Iterable[float]] = tuple) -> bool:
        """A task was found to have ended between two ages; whether that changes much.

        ``running_s`` gives the ages at which the tasks that still run were last found running.
        """
        first = int(above_s / self._span_s + _TINY)
        last = max(first, ceil(until_s / self._span_s - _TINY) - 1)
        if last >= _MOST_SPANS:
            return False
        spans = range(first, last + 1)
        is_few = self._known < _FEW
        is_due = self._known >= self._news_at * _BETWEEN_NEWS
        is_news = is_few or (is_due and self._weight_of(spans) < _SURPRISING * sum(self._weights.values()))
        self._share_out(spans)
        self._known += 1
        if is_news:
            self._news_at = self._known
        if is_news or self._known >= self._planned_for * _GROWN:
            self._plan(Counter(int(age_s / self._span_s) for age_s in running_s()))
        return is_news

    @property
    def mean_s(self) -> float | None:
        """How long tasks took on average of late; None as long as nothing is known."""
        total = sum(self._weights.values())
        weighed = sum((span + 0.5) * weight for span, weight in self._weights.items())
        return weighed / total * self._span_s if total else None

    @property
    def _span_s(self) -> float:
        return self.interval_s / SPANS

    def _weight_of(self, spans: range) -> float:
        return sum(self._weights.get(span, 0.0) for span in spans)

    def _share_out(self, spans: range) -> None:
        """Give a weight of 1 to spans, by what they hold already, and a part of it evenly."""
        weights = {span: weight * _FORGETS for span, weight in self._weights.items() if weight > _LIGHT}
        held = self._weight_of(spans)
        evenly = (held * _SMEARED + _TINY) / len(spans)
        whole = held + evenly * len(spans)
        for span in spans:
            weights[span] = weights.get(span, 0.0) + (self._weights.get(span, 0.0) + evenly) / whole
        self._weights = weights

    def _fade(self) -> None:
        total = sum(self._weights.values())
        self._weights = {span: weight * _EARLIER / total for span, weight in self._weights.items()}
        self._known = self._news_at = _EARLIER
        self._plan(Counter())

    def _plan(self, running: Counter[int]) -> None:
        """Plan looks; ``running`` is how many tasks were last found running at each age, in spans."""
        self._planned_for = self._known
        weights, later = _with_running(self._weights, running)
        total = sum(weights.values())
        mean = sum((span + 0.5) * weight for span, weight in weights.items()) / total
        allowed = SHARE_OF_LOOKS * (mean / SPANS + 1)
        ends = _Ends.of(weights, _DOUBT * total / (min(self._known, _DOUBTED) + 2) + later)
        least, most = log(_LEAST_THRESHOLD * SPANS), log(_MOST_THRESHOLD * SPANS)
        for _ in range(_HALVINGS):
            middle = (least + most) / 2
            if ends.expected(ends.looks(exp(middle))) > allowed:
                least = middle
            else:
                most = middle
        looks = ends.looks(exp(most))
        if later < _FEW_OUTLAST * total:
            # One that ends a little later than all before does not wait for a whole interval.
            looks.append(looks[-1] + _CLOSEST)
        self.looks = [age * self._span_s for age in looks]


def _with_running(weights: dict[int, float], running: Counter[int]) -> tuple[dict[int, float], float]:
    """The weights with those of tasks that still run, and the weight of those that outlast all that is known."""
    last, factor = max(weights), 1.0
    later = sum(weights.values()) + running.total()
    found: dict[int, float] = {}
    for span in sorted(span for span in weights.keys() | running.keys() if span < last):
        later -= running[span]
        factor *= 1 + running[span] / later
        if span in weights:
            found[span] = factor * weights[span]
            later -= weights[span]
    found[last] = factor * weights[last]
    return found, factor * (later - weights[last])


@dataclass(frozen=True, slots=True)
class _Ends:
    """When tasks end: the weights below each age, and their sums over the ages before it. Ages are in spans.

    ``doubt`` is the weight of tasks that may end at any time.
    """

    below: Sequence[float]
    summed: Sequence[float]
    last: int
    doubt: float

    @classmethod
    def of(cls, weights: dict[int, float], doubt: float) -> "_Ends":
        last = max(weights) + 1
        beyond = last + _FARTHEST + 2 * _CLOSEST + 1
        below = list(accumulate((weights.get(span, 0.0) for span in range(beyond)), initial=0.0))
        return cls(below, list(accumulate(below, initial=0.0)), last, doubt)

    def looks(self, threshold: float) -> list[int]:
        """The ages of all looks that are worth it, each when the expected waiting has reached a threshold."""
        looks: list[int] = []
        age = 0
        while age < self.last:
            age = self._next(age, threshold)
            looks.append(age)
        return looks

    def expected(self, looks: Sequence[int]) -> float:
        """How many of the looks a task has on average."""
        whole = self._alive(0)
        return sum(self._alive(age) for age in (0, *looks[:-1])) / whole

    def _alive(self, age: int) -> float:
        return self.below[-1] - self.below[age] + self.doubt

    def _next(self, since: int, threshold: float) -> int:
        enough = threshold * self._alive(since)
        soonest, latest = since + _CLOSEST, since + _FARTHEST
        while soonest < latest:
            middle = (soonest + latest) // 2
            if self._waiting(since, middle) >= enough:
                latest = middle
            else:
                soonest = middle + 1
        # A look shortly before many end is a look for nothing: they would wait for the one after it.
        return min(range(soonest, soonest + _CLOSEST + 1), key=lambda age: self._waiting_with_next(since, age))

    def _waiting(self, since: int, age: int) -> float:
        """What those that end between two looks have waited together, when the second one comes."""
        spans = age - since
        ended = self.summed[age + 1] - self.summed[since + 1] - spans * self.below[since]
        return ended + self.doubt / max(since, SPANS) * spans * spans / 2

    def _waiting_with_next(self, since: int, age: int) -> float:
        return self._waiting(since, age) + self._waiting(age, age + _CLOSEST)

"""How fast scenes are submitted, how many at once, and when submissions rest. Pure.

The user bounds both (``max_in_flight``, ``per_second``); what the gateway bears is learned from its 429s. Two
causes look alike. A *cap*: it has as many tasks as it takes at once. A *rate*: it was asked too often just now.
With a cap, submitting on is of no use before a task has ended; with a rate, it is after a rest.

- Where as many tasks were running before as now, or fewer than have been taken lately, the refusal is taken for
  one of the rate: submissions rest, and the number at once stays.
- Else it is taken for a cap: no more tasks at once than are running. That is tried soon, and then less and less
  often: one more task than the limit. Where it is taken the limit was none, and grows twice as fast each time,
  as TCP does; where it is refused, the next trial comes twice as late.

After a refusal one submission goes out, and twice as many under way at once for each that is taken, so that a
gateway that is still busy is asked once, and one that is ready is full again within a few answers.

A 429, and any answer with ``Retry-After``, speaks of the account and so holds back all submissions: for as long as
the gateway asks, and for no less than 1, 2, 4 … 32 s, doubled at each refusal until a task is taken again, since
``Retry-After: 0``, or a moment in the past, is no leave to ask without pause.
"""

from dataclasses import dataclass, field

from batchgen.limits import FIRST_HOLD_S, FIRST_TRIAL_S, LONGEST_HOLD_S, LONGEST_TRIAL_S

_BELIEVED = 3
"""So many refusals in a row with fewer tasks than were taken before are a cap all the same: it has fallen."""
_REST = 10
"""A trial comes no sooner than so many times the rest that the last one cost."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Submissions rest until then (seconds of the loop's clock), and what the gateway said."""

    until: float
    reason: str


@dataclass(slots=True)
class Pace:
    """When the next submission may go out. Times are seconds of the loop's clock.

    ``max_in_flight`` is how many tasks may be at the gateway, ``per_second`` how many submissions
    a second, None for no bound.
    """

    max_in_flight: int
    per_second: float | None = None
    held: Hold = Hold(0.0, "")
    _next_at: float = 0.0
    _refused_at: float = float("-inf")
    _least_hold_s: float = FIRST_HOLD_S
    _limit: int = field(init=False)
    _under_way: int = field(init=False)
    """How many submissions may be under way at once."""
    _borne: int = 0
    """The most tasks at once that the gateway has taken, and not refused since."""
    _in_a_row: int = 0
    _trial_at: float = 0.0
    _trial_s: float = 0.0
    _step: int = 1

    def __post_init__(self) -> None:
        """Begin with all that the user allows."""
        self._limit = self._under_way = self.max_in_flight

    def bound(self, max_in_flight: int) -> None:
        """Have another bound of tasks at the gateway from now on."""
        was_free = self._limit == self.max_in_flight
        self._limit = max_in_flight if was_free else min(self._limit, max_in_flight)
        if self._under_way == self.max_in_flight:
            self._under_way = max_in_flight
        self.max_in_flight = max_in_flight

    def go(self, per_second: float | None, now: float) -> None:
        """Have another rate from now on; what the one before would still have waited for is not waited for."""
        self.per_second = per_second
        self._next_at = min(self._next_at, now + 1 / per_second if per_second else now)

    def limit(self, now: float) -> int:
        """How many tasks may be in flight at this moment; now and then one more than were borne."""
        return min(self._limit + (now >= self._trial_at), self.max_in_flight)

    def allows(self, in_flight: int, sending: int, now: float) -> bool:
        """Whether one more task may be in flight, and one more submission under way, beside so many."""
        return in_flight < self.limit(now) and sending < self._under_way

    def opens_at(self) -> float:
        """The earliest time for the next submission."""
        return max(self.held.until, self._next_at)

    def trial_at(self) -> float | None:
        """When one more task than were borne is tried; None where nothing is to be found out."""
        return self._trial_at if self._limit < self.max_in_flight else None

    def sent(self, now: float) -> None:
        """A submission goes out now."""
        if self.per_second:
            self._next_at = max(self._next_at, now) + 1 / self.per_second

    def refused(self, sent_at: float, now: float, wait_s: float | None, reason: str) -> None:
        """A submission was refused, and the gateway wants rest: for ``wait_s`` where it says so.

        What was on its way already when that was first heard says nothing new.
        """
        is_news = sent_at > self._refused_at
        self.hold(now + max(wait_s or 0.0, self._least_hold_s if is_news else 0.0), reason)
        if is_news:
            self._refused_at = now
            self._in_a_row += 1
            self._least_hold_s = min(2 * self._least_hold_s, LONGEST_HOLD_S)

    def throttled(self, running: int, sent_at: float, now: float, wait_s: float | None, reason: str) -> None:
        """The same, since the gateway took no more requests, or no more tasks, with so many running there."""
        was_trial = running >= self._limit
        if was_trial:
            self._least_hold_s = FIRST_HOLD_S  # a task that ends makes room, however often that was tried
        self.refused(sent_at, now, wait_s, reason)
        self._under_way, self._step = 1, 1
        if not running or (running < self._borne and self._in_a_row < _BELIEVED):
            return  # it took more before: it was asked too often
        self._limit = self._borne = min(self._limit, running)
        if was_trial:
            self._trial_s = min(max(2 * self._trial_s, FIRST_TRIAL_S, _REST * (wait_s or 0.0)), LONGEST_TRIAL_S)
        else:
            self._trial_s = 0.0
        self._trial_at = now + self._trial_s

    def accepted(self, running: int, sent_at: float, now: float) -> None:
        """The gateway took a task, and so many are running there with it."""
        self._borne = max(self._borne, running)
        if sent_at <= self._refused_at:
            self._limit = max(self._limit, running)
            return
        self._least_hold_s, self._in_a_row = FIRST_HOLD_S, 0
        self._under_way = min(2 * self._under_way, self.max_in_flight)
        if running > self._limit:
            self._limit = min(max(running, self._limit + self._step), self.max_in_flight)
            self._step *= 2
            self._trial_s, self._trial_at = 0.0, now

    def hold(self, until: float, reason: str) -> None:
        """No submission before ``until``; a hold is never shortened."""
        if until > self.held.until:
            self.held = Hold(until, reason)

"""How fast scenes are submitted, and when submissions rest. Pure.

Three bounds come together: what the user allows (``max_in_flight``, ``per_second``), how many tasks
the gateway bears at a time, learned from its 429s, and the rest that it asks for. A 429, and any
answer with ``Retry-After``, speaks of the account and so holds back all submissions: for as long as
the gateway asks, and for no less than 1, 2, 4 … 32 s, doubled at each refusal until a task is taken
again, since ``Retry-After: 0``, or a moment in the past, is no leave to ask without pause.
"""

from dataclasses import dataclass, field

from batchgen.limits import FIRST_HOLD_S, LONGEST_HOLD_S


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
    _limit: int = field(init=False)
    _since_raised: int = 0
    _least_hold_s: float = FIRST_HOLD_S

    def __post_init__(self) -> None:
        """Begin with all that the user allows."""
        self._limit = self.max_in_flight

    @property
    def limit(self) -> int:
        """How many tasks may be in flight now."""
        return self._limit

    def opens_at(self) -> float:
        """The earliest time for the next submission."""
        return max(self.held.until, self._next_at)

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
            self._least_hold_s = min(2 * self._least_hold_s, LONGEST_HOLD_S)

    def throttled(self, in_flight: int) -> None:
        """The gateway had too many tasks, with that many in flight beside the one refused."""
        self._limit = max(1, min(self._limit, in_flight))
        self._since_raised = 0

    def accepted(self, in_flight: int) -> None:
        """The gateway took a task. After as many as the limit allows, one more is tried."""
        self._least_hold_s = FIRST_HOLD_S
        if self._limit >= self.max_in_flight or in_flight < self._limit:
            return
        self._since_raised += 1
        if self._since_raised >= self._limit:
            self._limit += 1
            self._since_raised = 0

    def hold(self, until: float, reason: str) -> None:
        """No submission before ``until``; a hold is never shortened."""
        if until > self.held.until:
            self.held = Hold(until, reason)

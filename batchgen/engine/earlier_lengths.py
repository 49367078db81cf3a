"""How long tasks took in earlier runs, out of what their journals tell. Pure."""

from collections import deque
from collections.abc import Iterable

from batchgen.engine.attempts import Attempt
from batchgen.engine.outcome_events import kind_of
from batchgen.engine.pacing import EarlierLengths
from batchgen.model import Lasted

MOST_EARLIER = 200
"""Of a kind, the latest so many are taken in; older ones would count for next to nothing."""


def earlier_lengths(attempts: Iterable[Attempt]) -> EarlierLengths:
    """By kind, between which ages its tasks ended, the latest last."""
    found: dict[str, deque[Lasted]] = {}
    for attempt in sorted(attempts, key=lambda attempt: attempt.finished_at or ""):
        if attempt.lasted:
            found.setdefault(kind_of(attempt.request), deque(maxlen=MOST_EARLIER)).append(attempt.lasted)
    return found

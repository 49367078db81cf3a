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
    ended = ((attempt.finished_at or "", attempt.lasted, kind_of(attempt)) for attempt in attempts if attempt.lasted)
    found: dict[str, deque[Lasted]] = {}
    for _, lasted, kind in sorted(ended):
        found.setdefault(kind, deque(maxlen=MOST_EARLIER)).append(lasted)
    return found

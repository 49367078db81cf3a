"""How far a run is and how long it still takes, by how long tasks took so far. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

_HARDLY = 0.05
"""How much of a task counts as done when nothing is known of its length: enough to see that it was submitted."""
_ALMOST = 0.95


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many tasks the running ones amount to, and the seconds until all are done; None where that is not known.

    ``oldest_s`` is for how long the oldest of them has been running; None where none is.
    """

    done: float = 0.0
    left_s: float | None = None
    oldest_s: float | None = None


def forecast(
    waiting: Mapping[str, int],
    running: Iterable[tuple[str, float]],
    mean_s: Callable[[str], float | None],
    at_once: int,
) -> Forecast:
    """What is to be expected of a run.

    ``waiting`` is how many tasks of each kind are still to be submitted, ``running`` the kind and the age in seconds
    of each that runs, ``mean_s`` how long tasks of a kind took on average, ``at_once`` how many run at a time. A kind
    of which nothing is known is taken to be as long as the others.
    """
    listed = list(running)
    means = {kind: mean_s(kind) for kind in {*waiting, *(kind for kind, _ in listed)}}
    known = [mean for mean in means.values() if mean]
    oldest_s = max((age for _, age in listed), default=None)
    if not known:
        return Forecast(_HARDLY * len(listed), None, oldest_s)
    usual = {kind: mean or fmean(known) for kind, mean in means.items()}
    shares = [min(age / usual[kind], _ALMOST) for kind, age in listed]
    remaining = [(1 - share) * usual[kind] for share, (kind, _) in zip(shares, listed, strict=True)]
    ahead = [usual[kind] for kind, count in waiting.items() if count]
    work = sum(remaining) + sum(count * usual[kind] for kind, count in waiting.items())
    left_s = max([work / max(at_once, 1), *remaining, *ahead], default=0.0)
    return Forecast(sum(shares), left_s, oldest_s)

"""Whether the gateway can be reached, and whether it is the one that has our tasks. Pure.

No connection for half a minute: the run ends, and the next one goes on. A 404 to a reading speaks of
that one task, and never ends it at once: it may come from a proxy or an outage. But where several
tasks were asked for and every one of them is met with 404, nobody has yet shown to know our tasks:
the address leads somewhere else, and that counts as not being reached.
"""

from dataclasses import dataclass, field

from batchgen.engine.backoff import Jitter, retry_wait
from batchgen.limits import LONGEST_LOST_WAIT_S, LOST_AFTER_S

_SEVERAL = 2


@dataclass(slots=True)
class Reach:
    """What the calls of one run tell. Times are seconds of the loop's clock."""

    _lost_since: float | None = None
    _times: int = 0
    _missing: set[str] = field(default_factory=set)
    _missing_since: float | None = None
    _knows_tasks: bool = False

    def answered(self) -> None:
        """A connection was made, whatever came of it."""
        self._lost_since, self._times = None, 0

    def lost(self, now: float) -> bool:
        """No connection was made; whether that has been so for long enough to give up."""
        self._times += 1
        if self._lost_since is None:
            self._lost_since = now
            # Whoever answers after an outage need not be the one that knew tasks before it.
            if self._knows_tasks:
                self._knows_tasks, self._missing_since = False, None
                self._missing.clear()
        return now - self._lost_since >= LOST_AFTER_S

    def knows_task(self) -> None:
        """The gateway told something of a task: from here on a 404 is about the task it was said of."""
        self._knows_tasks = True

    def missed(self, task_id: str, now: float) -> None:
        """A task was met with 404."""
        self._missing.add(task_id)
        if self.misses_all and self._missing_since is None:
            self._missing_since = now

    @property
    def elsewhere_at(self) -> float | None:
        """When it is certain enough that the address leads elsewhere; None where nothing speaks for that."""
        return self._missing_since + LOST_AFTER_S if self.misses_all and self._missing_since is not None else None

    @property
    def misses_all(self) -> bool:
        """Whether each of several tasks was met with 404, and no task with anything else."""
        return not self._knows_tasks and len(self._missing) >= _SEVERAL

    def wait(self, jitter: Jitter) -> float:
        """Seconds until the next attempt."""
        return min(retry_wait(self._times, jitter), LONGEST_LOST_WAIT_S)

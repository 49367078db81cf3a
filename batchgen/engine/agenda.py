"""What waits to be begun: a queue for each sort of act, and timers that refill them. Pure."""

import heapq
from collections import deque
from collections.abc import Iterable
from enum import IntEnum


class Sort(IntEnum):
    """The sorts of acts, in the order in which they take turns."""

    SUBMIT = 0
    POLL = 1
    FETCH = 2


class Agenda:
    """Ids of scenes, by sort of act, waiting for their turn or for their time.

    A sort that was closed takes nothing more, now or later.
    """

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._queues: dict[Sort, deque[str]] = {sort: deque() for sort in Sort}
        self._timers: list[tuple[float, int, str, Sort]] = []
        self._count = 0
        self._closed: set[Sort] = set()

    def __len__(self) -> int:
        """How much waits, for its turn or for its time."""
        return len(self._timers) + sum(map(len, self._queues.values()))

    def now(self, sort: Sort, scene_id: str) -> None:
        """Put a scene at the end of a queue."""
        if sort not in self._closed:
            self._queues[sort].append(scene_id)

    def first(self, sort: Sort, scene_id: str) -> None:
        """Put a scene at the head of a queue."""
        if sort not in self._closed:
            self._queues[sort].appendleft(scene_id)

    def at(self, when: float, sort: Sort, scene_id: str) -> None:
        """Put a scene into a queue at a later time."""
        if sort not in self._closed:
            self._count += 1
            heapq.heappush(self._timers, (when, self._count, scene_id, sort))

    def advance(self, now: float) -> None:
        """Move what is due by now into its queue."""
        while self._timers and self._timers[0][0] <= now:
            _, _, scene_id, sort = heapq.heappop(self._timers)
            self._queues[sort].append(scene_id)

    def wakes_at(self) -> float | None:
        """When the next thing is due."""
        return self._timers[0][0] if self._timers else None

    def head(self, sort: Sort) -> str | None:
        """What a queue would give next."""
        queue = self._queues[sort]
        return queue[0] if queue else None

    def take(self, sort: Sort) -> str:
        """Take the next scene out of a queue that has one."""
        return self._queues[sort].popleft()

    def waiting(self, sort: Sort) -> list[str]:
        """All that waits for a sort of act, for its turn or for its time."""
        return [*self._queues[sort], *(scene_id for _, _, scene_id, kind in sorted(self._timers) if kind is sort)]

    def has(self, sort: Sort) -> bool:
        """Whether anything waits for a sort of act, for its turn or for its time."""
        return bool(self._queues[sort]) or any(kind is sort for _, _, _, kind in self._timers)

    def is_open(self, sort: Sort) -> bool:
        """Whether a sort of act is still taken."""
        return sort not in self._closed

    def close(self, sorts: Iterable[Sort]) -> None:
        """Drop what waits for these sorts of act, and take nothing more."""
        for sort in sorts:
            self._closed.add(sort)
            self._queues[sort].clear()
        self._timers = [timer for timer in self._timers if timer[3] not in self._closed]
        heapq.heapify(self._timers)

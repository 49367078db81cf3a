"""What waits to be begun: a queue for each kind of command, and timers that refill them. Pure."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum

from batchgen.engine.scene_run import SceneRun


class CommandKind(IntEnum):
    """The kinds of commands, in the order in which they take turns."""

    SUBMIT = 0
    POLL = 1
    FETCH = 2
    PREPARE = 3
    PUBLISH = 4


BEFORE_TASKS = (CommandKind.SUBMIT, CommandKind.PREPARE, CommandKind.PUBLISH)
"""What is done with a scene until it has a task."""


class CommandQueues:
    """Scenes on their way, by kind of command, waiting for their turn or for their time.

    A scene is in one place at most; put in again, it waits for its new time only. A kind that was closed takes
    nothing more, now or later.
    """

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._queues: dict[CommandKind, deque[SceneRun]] = {kind: deque() for kind in CommandKind}
        self._timers: list[tuple[float, int, SceneRun, CommandKind]] = []
        self._timed: dict[CommandKind, dict[SceneRun, int]] = {kind: {} for kind in CommandKind}
        """The timer that counts of each scene; one that was put in anew leaves its old one behind."""
        self._standing: set[SceneRun] = set()
        """The scenes in the queues themselves, without those that wait for their time."""
        self._count = 0
        self._closed: set[CommandKind] = set()

    def __len__(self) -> int:
        """How much waits, for its turn or for its time."""
        return sum(map(len, self._timed.values())) + sum(map(len, self._queues.values()))

    def now(self, kind: CommandKind, run: SceneRun) -> None:
        """Put a scene at the end of a queue."""
        if kind not in self._closed:
            self._queues[kind].append(run)
            self._standing.add(run)

    def first(self, kind: CommandKind, run: SceneRun) -> None:
        """Put a scene at the head of a queue."""
        if kind not in self._closed:
            self._queues[kind].appendleft(run)
            self._standing.add(run)

    def behind(self, kind: CommandKind, run: SceneRun, before: Callable[[SceneRun], bool]) -> None:
        """Put a scene behind those at the head of a queue that go before it, and before all others."""
        if kind not in self._closed:
            queue = self._queues[kind]
            queue.insert(next((place for place, each in enumerate(queue) if not before(each)), len(queue)), run)
            self._standing.add(run)

    def at(self, when: float, kind: CommandKind, run: SceneRun) -> None:
        """Put a scene into a queue at a later time."""
        if kind not in self._closed:
            self._count += 1
            self._timed[kind][run] = self._count
            heapq.heappush(self._timers, (when, self._count, run, kind))

    def advance(self, now: float) -> None:
        """Move what is due by now into its queue."""
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)
            if self._counts(timer):
                _, _, run, kind = timer
                del self._timed[kind][run]
                self._queues[kind].append(run)
                self._standing.add(run)

    def wakes_at(self) -> float | None:
        """When the next thing is due."""
        while self._timers and not self._counts(self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def head(self, kind: CommandKind) -> SceneRun | None:
        """What a queue would give next."""
        queue = self._queues[kind]
        return queue[0] if queue else None

    def take(self, kind: CommandKind) -> SceneRun:
        """Take the next scene out of a queue that has one."""
        run = self._queues[kind].popleft()
        self._standing.discard(run)
        return run

    def waiting(self, kind: CommandKind) -> list[SceneRun]:
        """All that waits for a kind of command, for its turn or for its time."""
        timed = (timer for timer in sorted(self._timers) if timer[3] is kind and self._counts(timer))
        return [*self._queues[kind], *(run for _, _, run, _ in timed)]

    def holds(self, run: SceneRun) -> bool:
        """Whether a scene waits for anything."""
        return run in self._standing or any(run in timed for timed in self._timed.values())

    def count(self, kind: CommandKind) -> int:
        """How much waits for a kind of command, for its turn or for its time."""
        return len(self._queues[kind]) + len(self._timed[kind])

    def has(self, kind: CommandKind) -> bool:
        """Whether anything waits for a kind of command, for its turn or for its time."""
        return bool(self._queues[kind] or self._timed[kind])

    def is_open(self, kind: CommandKind) -> bool:
        """Whether a kind of command is still taken."""
        return kind not in self._closed

    def close(self, kinds: Iterable[CommandKind]) -> None:
        """Drop what waits for these kinds of command, and take nothing more."""
        for kind in kinds:
            self._closed.add(kind)
            self._standing.difference_update(self._queues[kind])
            self._queues[kind].clear()
            self._timed[kind].clear()

    def _counts(self, timer: tuple[float, int, SceneRun, CommandKind]) -> bool:
        _, number, run, kind = timer
        return self._timed[kind].get(run) == number

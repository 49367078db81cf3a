"""What waits to be begun: a queue for each kind of command, and timers that refill them. Pure."""

import heapq
from collections import deque
from collections.abc import Iterable
from enum import IntEnum

from batchgen.engine.scene_run import SceneRun


class CommandKind(IntEnum):
    """The kinds of commands, in the order in which they take turns."""

    SUBMIT = 0
    POLL = 1
    FETCH = 2


class CommandQueues:
    """Scenes on their way, by kind of command, waiting for their turn or for their time.

    A kind that was closed takes nothing more, now or later.
    """

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._queues: dict[CommandKind, deque[SceneRun]] = {kind: deque() for kind in CommandKind}
        self._timers: list[tuple[float, int, SceneRun, CommandKind]] = []
        self._count = 0
        self._closed: set[CommandKind] = set()

    def __len__(self) -> int:
        """How much waits, for its turn or for its time."""
        return len(self._timers) + sum(map(len, self._queues.values()))

    def now(self, kind: CommandKind, run: SceneRun) -> None:
        """Put a scene at the end of a queue."""
        if kind not in self._closed:
            self._queues[kind].append(run)

    def first(self, kind: CommandKind, run: SceneRun) -> None:
        """Put a scene at the head of a queue."""
        if kind not in self._closed:
            self._queues[kind].appendleft(run)

    def at(self, when: float, kind: CommandKind, run: SceneRun) -> None:
        """Put a scene into a queue at a later time."""
        if kind not in self._closed:
            self._count += 1
            heapq.heappush(self._timers, (when, self._count, run, kind))

    def advance(self, now: float) -> None:
        """Move what is due by now into its queue."""
        while self._timers and self._timers[0][0] <= now:
            _, _, run, kind = heapq.heappop(self._timers)
            self._queues[kind].append(run)

    def wakes_at(self) -> float | None:
        """When the next thing is due."""
        return self._timers[0][0] if self._timers else None

    def head(self, kind: CommandKind) -> SceneRun | None:
        """What a queue would give next."""
        queue = self._queues[kind]
        return queue[0] if queue else None

    def take(self, kind: CommandKind) -> SceneRun:
        """Take the next scene out of a queue that has one."""
        return self._queues[kind].popleft()

    def waiting(self, kind: CommandKind) -> list[SceneRun]:
        """All that waits for a kind of command, for its turn or for its time."""
        return [*self._queues[kind], *(run for _, _, run, waits in sorted(self._timers) if waits is kind)]

    def has(self, kind: CommandKind) -> bool:
        """Whether anything waits for a kind of command, for its turn or for its time."""
        return bool(self._queues[kind]) or any(waits is kind for _, _, _, waits in self._timers)

    def is_open(self, kind: CommandKind) -> bool:
        """Whether a kind of command is still taken."""
        return kind not in self._closed

    def close(self, kinds: Iterable[CommandKind]) -> None:
        """Drop what waits for these kinds of command, and take nothing more."""
        for kind in kinds:
            self._closed.add(kind)
            self._queues[kind].clear()
        self._timers = [timer for timer in self._timers if timer[3] not in self._closed]
        heapq.heapify(self._timers)

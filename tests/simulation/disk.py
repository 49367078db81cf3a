"""The journal's bytes, as a disk keeps them, and what everybody may rely on to be in them."""

import errno
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from simulation.mishaps import Crash, How, Mishap, Mishaps, Point

from batchgen.engine.events import Event
from batchgen.engine.states import State
from batchgen.journal.log import Tape

_PLACE = Path("state.jsonl")


class Disk:
    """Bytes as processes see them, of which only the first ``durable`` outlast a power failure.

    A `batchgen.journal.log.Medium` that breaks when it is told to.
    """

    def __init__(self, random: Random, seen: Counter[str]) -> None:
        self.content = bytearray()
        self.durable = 0
        self.mishaps: Mishaps
        self._random = random
        self._seen = seen
        self._then: Mishap | None = None

    def read(self) -> bytes:
        """All that processes see."""
        return bytes(self.content)

    def write(self, content: memoryview) -> int:
        """Append, as far as the disk goes along."""
        mishap = self.mishaps.at(Point.WRITE, len(content))
        self._then = None
        if mishap is None:
            self.content += content
            return len(content)
        self._seen[f"write {mishap.how}"] += 1
        taken = {How.BEFORE: 0, How.AFTER: len(content)}.get(mishap.how, min(mishap.byte, len(content)))
        self.content += content[:taken]
        if mishap.how in (How.BEFORE, How.TORN):
            raise Crash
        if mishap.how is How.FULL:
            raise OSError(errno.ENOSPC, "no space left on the disk")
        if mishap.how is How.AFTER:
            self._then = mishap
        return taken

    def make_durable(self) -> None:
        """Have it outlast a power failure."""
        self.durable = len(self.content)
        then, self._then = self._then, None
        if then is not None:
            raise Crash

    def cut(self, length: int) -> None:
        """Keep no more than that."""
        mishap = self.mishaps.at(Point.CUT)
        if mishap is not None:
            self._seen[f"cut {mishap.how}"] += 1
        if mishap is None or mishap.how is How.AFTER:
            del self.content[length:]
            self.durable = min(self.durable, length)
        if mishap is not None:
            raise Crash

    def power_fails(self) -> None:
        """Lose what was not durable, or some of it."""
        kept = self._random.randint(min(self.durable, len(self.content)), len(self.content))
        del self.content[kept:]
        self.durable = kept


class Witness:
    """The journal with somebody who remembers what it was told.

    ``state`` is the fold of every event of which the journal said that it is durable, and of those
    that were found in it after a crash in the middle of writing. ``told`` is called with each.
    """

    def __init__(self, disk: Disk, told: Callable[[Event], None]) -> None:
        self.disk = disk
        self.state = State()
        self._told = told
        self._lines = 0
        self._unsure: list[Event] = []
        self._tape: Tape

    def open(self) -> State:
        """The state as a new process finds it, with a torn tail cut off."""
        self._tape = Tape(self.disk, _PLACE)
        found = self.disk.content.count(b"\n") - self._lines
        assert found >= 0, "what the journal had written is lost"
        assert found <= len(self._unsure), "the journal has lines that nobody wrote"
        self._remember(self._unsure[:found])
        assert self._tape.state == self.state, "the journal does not tell what was written"
        return self._tape.state

    def is_settled(self) -> bool:
        """Whether it is certain, without opening the journal, that no submission in it is unknown."""
        return not self._unsure and not any(attempt.is_unknown for attempt in self.state.all_attempts())

    def append(self, events: Iterable[Event]) -> None:
        """Pass events on to the journal."""
        self._unsure = list(events)
        self._tape.append(self._unsure)
        self._remember(self._unsure)

    def _remember(self, events: Iterable[Event]) -> None:
        for event in events:
            self.state.apply(event)
            self._lines += 1
            self._told(event)
        self._unsure = []

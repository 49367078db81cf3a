"""The journal's bytes, as a disk keeps them, and what everybody may rely on to be in them."""

import errno
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import NoReturn

from batchgen.engine.events import Event, RunStarted
from batchgen.engine.states import State
from batchgen.errors import RunDirectoryError
from batchgen.journal.line_log import LineLog
from batchgen.journal.records import Stamp, decode, encode

from campaigns.simulation.mishaps import Crash, How, Mishap, Mishaps, Point

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
        self._intruders = 0
        self.is_dead = False
        self.intruded = False
        self.intrusions: list[bytes] = []

    def read(self) -> bytes:
        """All that processes see."""
        return bytes(self.content)

    def length(self) -> int:
        """How long it is for everybody."""
        if self.is_dead:
            raise Crash
        return len(self.content)

    def write(self, content: memoryview) -> int:
        """Append, as far as the disk goes along."""
        mishap = self.mishaps.at(Point.WRITE, len(content))
        self._then = None
        if mishap is None or (mishap.how is How.INTRUDER and self._is_within_a_line()):
            self.content += content
            return len(content)
        if mishap.how is How.INTRUDER:
            # Between the look at the length and the write, on a machine that shares no locks with this one.
            self.intrude()
            self._seen["write intruder"] += 1
            if mishap.byte % 3 == 0:
                self.content += content[: mishap.byte]
                raise OSError(errno.ENOSPC, "no space left on the disk")
            self.content += content
            return len(content)
        self._seen[f"write {mishap.how}"] += 1
        taken = {How.BEFORE: 0, How.AFTER: len(content)}.get(mishap.how, min(mishap.byte, len(content)))
        self.content += content[:taken]
        if mishap.how in (How.BEFORE, How.TORN):
            self.die()
        if mishap.how is How.FULL:
            raise OSError(errno.ENOSPC, "no space left on the disk")
        if mishap.how is How.AFTER:
            self._then = mishap
        return taken

    def intrude(self) -> None:
        """Another run writes to the journal."""
        if self._is_within_a_line():
            return
        self._intruders += 1
        begun = encode(RunStarted("2026-01-02T00:00:00.000Z", "another"), Stamp(f"intruder{self._intruders}", 1))
        self.content += begun
        self.intrusions.append(begun)
        self.intruded = True

    def _is_within_a_line(self) -> bool:
        """Whether a line is half written: whoever wrote there would leave damage that nobody could undo."""
        return bool(self.content) and not self.content.endswith(b"\n")

    def make_durable(self) -> None:
        """Have it outlast a power failure."""
        self.durable = len(self.content)
        then, self._then = self._then, None
        if then is not None:
            self.die()

    def cut(self, length: int) -> None:
        """Keep no more than that."""
        mishap = self.mishaps.at(Point.CUT)
        if mishap is not None:
            self._seen[f"cut {mishap.how}"] += 1
        if mishap is None or mishap.how is How.AFTER:
            del self.content[length:]
            self.durable = min(self.durable, length)
        if mishap is not None:
            self.die()

    def die(self) -> NoReturn:
        """The process is gone: nothing that it would still do is done."""
        self.is_dead = True
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
        self._writers = 0
        self._tape: LineLog

    def open(self) -> State:
        """The state as a new process finds it, with a torn tail cut off."""
        self.disk.is_dead = False
        self._writers += 1
        self._tape = LineLog(self.disk, _PLACE, f"w{self._writers}")
        lines = self.disk.content.splitlines(keepends=True)
        assert len(lines) >= self._lines, "what the journal had written is lost"
        for line in lines[self._lines :]:
            self._take(bytes(line))
        self._unsure = []
        self.disk.intruded = False
        self.disk.intrusions.clear()
        assert self._tape.state == self.state, "the journal does not tell what was written"
        return self._tape.state

    def _take(self, line: bytes) -> None:
        """Count in a line of which nobody was told that it is durable: of another run, or of one that was cut off."""
        event = decode(line).event
        if line not in self.disk.intrusions:
            assert self._unsure, "the journal has lines that nobody wrote"
            assert event == self._unsure.pop(0), "the journal has other lines than were written"
        self._remember(event)

    def is_settled(self) -> bool:
        """Whether it is certain, without opening the journal, that no submission in it is unknown."""
        return not self._unsure and not any(attempt.is_unknown for attempt in self.state.all_attempts())

    def append(self, events: Iterable[Event]) -> None:
        """Pass events on to the journal."""
        if self.disk.is_dead:
            raise Crash
        listed = list(events)
        if self.disk.mishaps.intrudes():
            self.disk.intrude()
        try:
            self._tape.append(listed)
        except BaseException as error:
            accused = isinstance(error, RunDirectoryError) and "another process wrote" in str(error)
            assert self.disk.intruded or not accused, "a run takes its own writing for another's"
            others = sum(line in self.disk.content for line in self.disk.intrusions)
            written = self.disk.content.count(b"\n") - self._lines - others
            self._unsure = [*self._unsure, *listed][:written]
            raise
        assert not (self.disk.intruded and listed), "another run wrote to the journal, and this one goes on"
        for event in listed:
            self._remember(event)

    def _remember(self, event: Event) -> None:
        self.state.apply(event)
        self._lines += 1
        self._told(event)

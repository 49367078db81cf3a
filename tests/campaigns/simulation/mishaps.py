"""Where a process can be cut off, and what happens there: by chance, or at one place that is named."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol


class Crash(BaseException):
    """The process is gone, at once."""


class Point(StrEnum):
    """What is about to be done when something can happen."""

    WRITE = "write"
    """Bytes are appended to the journal."""
    CUT = "cut"
    """A torn tail is cut off the journal."""
    CREATE = "create"
    READ = "read"
    FETCH = "fetch"
    PREPARE = "prepare"
    PUBLISH = "publish"


class How(StrEnum):
    """What happens there."""

    BEFORE = "before"
    """Cut off before anything was done."""
    TORN = "torn"
    """Cut off when so many bytes were written."""
    AFTER = "after"
    """Cut off when it was done, before anybody here knew."""
    FULL = "full"
    """No crash: the disk takes so many bytes and then no more."""
    INTRUDER = "intruder"
    """No crash: another run, on a machine that shares no locks with this one, writes to the journal at that moment."""
    SHORT = "short"
    """No crash: the disk takes so many bytes at first, and the rest when it is asked again."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """What happens; ``byte`` says after how many bytes of a write."""

    how: How
    byte: int = 0


class Mishaps(Protocol):
    """Asked at each point of one process."""

    def at(self, point: Point, length: int = 0) -> Mishap | None:
        """What happens here; ``length`` is how many bytes are to be written."""

    def intrudes(self) -> bool:
        """Whether another run writes to the journal before this append looks at it."""


class ByChance:
    """Something happens now and then; ``disk`` and ``calls`` say how often at each point, ``intruders`` of others."""

    def __init__(self, random: Random, disk: float = 0.0, calls: float = 0.0, intruders: float = 0.0) -> None:
        self._random = random
        self._disk = disk
        self._calls = calls
        self._intruders = intruders

    def intrudes(self) -> bool:
        """Whether it does here."""
        return bool(self._intruders) and self._random.random() < self._intruders

    def at(self, point: Point, length: int = 0) -> Mishap | None:
        """What happens here."""
        random = self._random
        if random.random() >= (self._disk if point in (Point.WRITE, Point.CUT) else self._calls):
            return None
        if point is not Point.WRITE:
            return Mishap(random.choice((How.BEFORE, How.AFTER)))
        how = random.choice(tuple(How))
        if how is How.INTRUDER and not self._intruders:
            how = How.TORN
        return Mishap(how, random.randrange(length))


FAIR = ByChance(Random(0))  # noqa: S311 - nothing ever happens


class AtOnePlace:
    """One mishap at the point of that number, counted from zero; ``passed`` tells all points that were met."""

    def __init__(self, number: int | None = None, mishap: Mishap | None = None) -> None:
        self.passed: list[tuple[Point, int]] = []
        self._number = number
        self._mishap = mishap

    def intrudes(self) -> bool:
        """Nobody else does."""
        return False

    def at(self, point: Point, length: int = 0) -> Mishap | None:
        """What happens here."""
        self.passed.append((point, length))
        return self._mishap if len(self.passed) - 1 == self._number else None

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


class ByChance:
    """Something happens now and then; ``disk`` and ``calls`` say how often at each point."""

    def __init__(self, random: Random, disk: float = 0.0, calls: float = 0.0) -> None:
        self._random = random
        self._disk = disk
        self._calls = calls

    def at(self, point: Point, length: int = 0) -> Mishap | None:
        """What happens here."""
        random = self._random
        if random.random() >= (self._disk if point in (Point.WRITE, Point.CUT) else self._calls):
            return None
        if point is not Point.WRITE:
            return Mishap(random.choice((How.BEFORE, How.AFTER)))
        return Mishap(random.choice(tuple(How)), random.randrange(length))


FAIR = ByChance(Random(0))  # noqa: S311 - nothing ever happens


class AtOnePlace:
    """One mishap at the point of that number, counted from zero; ``passed`` tells all points that were met."""

    def __init__(self, number: int | None = None, mishap: Mishap | None = None) -> None:
        self.passed: list[tuple[Point, int]] = []
        self._number = number
        self._mishap = mishap

    def at(self, point: Point, length: int = 0) -> Mishap | None:
        """What happens here."""
        self.passed.append((point, length))
        return self._mishap if len(self.passed) - 1 == self._number else None

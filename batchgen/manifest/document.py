"""A manifest as read: its data, and the place of every key and value. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchgen.model import Data, DataPath, Place, Problem

NO_KEYS: dict[str, Place] = {}
LONGEST_LINE = 4_000
"""Characters of a line that are kept with a problem."""


class Spot:
    """Where a value stands, and what stands inside it.

    ``written`` is the text of a plain scalar that YAML does not read as text. Not a dataclass: a
    large manifest has hundreds of thousands of spots, and most are scalars without insides.
    """

    __slots__ = ("inside", "keys", "place", "written")

    def __init__(self, place: Place) -> None:
        """Begin as the spot of a text."""
        self.place = place
        self.written: str | None = None
        self.keys: dict[str, Place] = NO_KEYS
        self.inside: dict[str, Spot] | list[Spot] | None = None

    def child(self, step: str | int) -> "Spot | None":
        """The spot one step further in, None where there is none."""
        if isinstance(self.inside, dict) and isinstance(step, str):
            return self.inside.get(step)
        if isinstance(self.inside, list) and isinstance(step, int) and step < len(self.inside):
            return self.inside[step]
        return None


def in_line(place: Place) -> str:
    """What a place is called where that is enough to find it."""
    return f"line {place.line}"


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest as read: its data, the places of its values, and what is wrong with its YAML."""

    data: Data
    root: Spot
    problems: tuple[Problem, ...]
    misread: Mapping[Place, tuple[DataPath, str]]
    """Values that YAML 1.1 takes for something else than what is written, and for what."""
    lines: tuple[str, ...] = field(default=(), repr=False)
    name_of_place: Callable[[Place], str] = in_line
    """How messages call the place of something else."""

    def line(self, place: Place) -> str:
        """The line that holds a place, as it is written."""
        return self.lines[place.line - 1][:LONGEST_LINE] if place.line <= len(self.lines) else ""

    def spot(self, path: DataPath) -> Spot:
        """The spot of the value at ``path``, or of the nearest value around it that exists."""
        spot = self.root
        for step in path:
            inner = spot.child(step)
            if inner is None:
                break
            spot = inner
        return spot

    def reading(self, path: DataPath) -> str | None:
        """What YAML takes the value at ``path`` for, where that is not what is written."""
        _, reading = self.misread.get(self.spot(path).place, (path, None))
        return reading

    def key_place(self, path: DataPath) -> Place:
        """The place of the key that ``path`` ends with."""
        around = self.spot(path[:-1])
        return around.keys.get(str(path[-1]), around.place)


class UnreadableManifest(Exception):  # noqa: N818 - no text came through; the problem says why
    """The text cannot be read as one YAML document; ``problem`` says where and why."""

    def __init__(self, problem: Problem) -> None:
        """Carry the one problem that stopped the reading."""
        super().__init__(problem.message)
        self.problem = problem


def stop(place: Place, rule: str, message: str) -> UnreadableManifest:
    """The error for a text that one problem keeps from being read."""
    return UnreadableManifest(Problem(place, (), rule, message))


def place_of(mark: Any) -> Place:
    """The place of one of PyYAML's marks, which count from 0."""
    return Place(mark.line + 1, mark.column + 1)

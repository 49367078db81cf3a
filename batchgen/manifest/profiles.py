"""Profiles: settings that are laid over the defaults, under a name. Pure.

A profile is checked as the manifest that it makes. What is found there is brought back to where it is written, and
what is found in some of the profiles only names them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from batchgen.manifest.document import Document, Spot
from batchgen.manifest.messages import joined
from batchgen.model import Data, DataPath, Problem
from batchgen.scenes import Manifest

KEY = "profiles"
_OVER = "defaults"
_STEPS = 2
"""Steps of a path that lead to a profile."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of checking a manifest with the profile ``name``, None for none."""

    name: str | None
    problems: tuple[Problem, ...]
    manifest: Manifest | None


def names_in(data: Mapping[str, Data]) -> tuple[str, ...]:
    """The names of the profiles of a manifest."""
    found = data.get(KEY)
    return tuple(found) if isinstance(found, dict) else ()


def laid_over(document: Document, name: str | None) -> Document:
    """The manifest with the settings of a profile over its defaults; as it is without one."""
    data = document.data
    settings = _settings(data, name)
    if not isinstance(data, dict) or not settings:
        return document
    below, root = data.get(_OVER), document.root
    over, defaults = document.spot((KEY, str(name))), root.child(_OVER)
    merged = Spot(over.place if defaults is None else defaults.place)
    merged.keys = {**(defaults.keys if defaults else {}), **over.keys}
    merged.inside = {**_inside(defaults), **_inside(over)}
    whole = Spot(root.place)
    whole.keys, whole.inside = root.keys, {**_inside(root), _OVER: merged}
    both = {**(below if isinstance(below, dict) else {}), **settings}
    return replace(document, data={**data, _OVER: both}, root=whole)


def _settings(data: Data, name: str | None) -> dict[str, Data]:
    found = data.get(KEY) if isinstance(data, dict) else None
    settings = found.get(name or "") if isinstance(found, dict) else None
    return settings if isinstance(settings, dict) else {}


def _inside(spot: Spot | None) -> dict[str, Spot]:
    return spot.inside if spot is not None and isinstance(spot.inside, dict) else {}


def over(path: DataPath, document: Document, name: str | None) -> DataPath | None:
    """Where a value stands once a profile is laid over; None for what that does not leave there."""
    settings = _settings(document.data, name)
    if path[:1] == (_OVER,):
        return None if len(path) > 1 and path[1] in settings else path
    if path[:1] != (KEY,) or len(path) <= _STEPS:
        return path
    return (_OVER, *path[_STEPS:]) if path[1] == name else None


def back(problem: Problem, document: Document, name: str | None) -> Problem:
    """What was found once a profile is laid over, with the path where it is written."""
    path = problem.path
    if name is None or path[:1] != (_OVER,) or len(path) < _STEPS or path[1] not in _settings(document.data, name):
        return problem
    return replace(problem, path=(KEY, name, *path[1:]))


def together(checked: Sequence[Checked]) -> Iterator[Problem]:
    """The problems of all profiles, each once; what some have only names them."""
    found: dict[object, tuple[Problem, list[str | None]]] = {}
    for each in checked:
        for problem in each.problems:
            key = (problem.place, problem.place.cell, problem.rule, problem.message)
            found.setdefault(key, (problem, []))[1].append(each.name)
    for problem, names in found.values():
        if len(set(names)) == len(checked):
            yield problem
        else:
            yield replace(problem, message=f"{problem.message} ({_told(dict.fromkeys(names))})")


def _told(names: Collection[str | None]) -> str:
    named = [name for name in names if name is not None]
    told = [f"profile{'s' if len(named) > 1 else ''} {joined(named, 'and')}"] if named else []
    return ", and ".join([*told, *(["without a profile"] if len(named) < len(names) else [])])


class UnknownProfile(Exception):  # noqa: N818 - who asked for it is at fault
    """A profile was asked for that the manifest does not have."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        """Say which there are."""
        there = f"there is {joined(known, 'and')}" if known else "the manifest has no profiles"
        super().__init__(f"there is no profile {name!r}; {there}")

"""How the fields of each kind of event stand in a line of the journal. Pure.

A journal of 100,000 attempts has 400,000 lines, and reading it is what each command begins with. So what a
kind of event is made of is looked up once, and `msgspec` checks the types of the fields while it reads them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from decimal import Decimal
from functools import cache, lru_cache
from operator import attrgetter
from types import GenericAlias
from typing import Any, TypeAlias, get_type_hints

import msgspec

from batchgen.engine import events as ev
from batchgen.limits import LONGEST_LENGTH_S
from batchgen.model import Asked, RequestFacts, TaskResult

_Made: TypeAlias = Callable[[Any], Any]
NAMES_INSIDE: Mapping[type, Mapping[str, str]] = {
    RequestFacts: {"sha256": "request_sha256", "document": "request"},
    Asked: {"seconds": "duration_s", "reference_seconds": "billed_reference_s"},
    TaskResult: {},
}
"""What stands among the fields of an event in its line, and the names that it has there."""
_LEFT_OUT = ("profile", "output", "sources", "built_on", "review")
"""Fields that do not stand in a line where they say nothing: without them it is the line of versions before."""
_OPTIONAL = frozenset({Asked})
"""Those whose fields came later than the lines that they stand in."""


class LineForm:
    """How a kind of event, or a scene of a manifest, stands in a line.

    ``names`` are those of its fields there, ``fields`` the same with their types, and with their defaults where they
    came later: journals of versions before do without them.
    """

    def __init__(self, kind: type) -> None:
        """Look up what the kind is made of."""
        listed = list(_fields(kind))
        self.names = tuple(name for name, _, _ in listed)
        self.fields = [
            (name, _read_as(declared)) if default is MISSING else (name, _read_as(declared), default)
            for name, declared, default in listed
        ]
        self._left_out = [name for name, _, default in listed if name in _LEFT_OUT and default is not MISSING]
        self._parts = attrgetter(*_places(kind))
        self._made = [(name, _MADE[each]) for name, each, _ in listed if each in _MADE]
        self._written = [(name, _WRITTEN[each]) for name, each, _ in listed if each in _WRITTEN]
        self._build = _builder(kind)

    def read(self, line: Any) -> Any:
        """What the fields of a line say. Raises ValueError and InvalidOperation for an amount that is none."""
        for name, made in self._made:
            said = getattr(line, name)
            if said is not None:
                setattr(line, name, made(said))
        return self._build(line)

    def as_json(self, value: Any) -> dict[str, Any]:
        """The fields of a value, as they stand in its line; an amount of money as a text."""
        found = dict(zip(self.names, self._parts(value), strict=True))
        for name, written in self._written:
            found[name] = written(found[name])
        for name in self._left_out:
            if not found[name]:
                del found[name]
        return found


@cache
def form_of(kind: type) -> LineForm:
    """The form of a kind of event."""
    return LineForm(kind)


def _fields(kind: type) -> Iterator[tuple[str, Any, Any]]:
    """Name in the line, type and default of each field; those of a value in it stand among its own."""
    types = get_type_hints(kind)
    is_required = kind in NAMES_INSIDE and kind not in _OPTIONAL
    for entry in fields(kind):
        if types[entry.name] in NAMES_INSIDE:
            yield from _fields(types[entry.name])
        else:
            name = NAMES_INSIDE.get(kind, {}).get(entry.name, entry.name)
            yield name, types[entry.name], MISSING if is_required else entry.default


def _places(kind: type, inside: str = "") -> Iterator[str]:
    """Where each field is found from a value, in the order of the names in the line."""
    types = get_type_hints(kind)
    for entry in fields(kind):
        if types[entry.name] in NAMES_INSIDE:
            yield from _places(types[entry.name], f"{inside}{entry.name}.")
        else:
            yield inside + entry.name


def _builder(kind: type) -> _Made:
    """What makes a value of a line. One field at most is a value with fields of its own."""
    types = get_type_hints(kind)
    declared, renamed = [types[entry.name] for entry in fields(kind)], NAMES_INSIDE.get(kind, {})
    names = [renamed.get(entry.name, entry.name) for entry in fields(kind)]
    within = next((place for place, each in enumerate(declared) if each in NAMES_INSIDE), None)
    if within is None:
        values = _getter(names)
        return lambda line: kind(*values(line))
    before, inside, after = _getter(names[:within]), _builder(declared[within]), _getter(names[within + 1 :])
    return lambda line: kind(*before(line), inside(line), *after(line))


def _getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What takes fields out of a line, however many."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda line: tuple(getattr(line, name) for name in names)


def _read_as(declared: Any) -> Any:
    """The type that a field has in a line, by its type in the event."""
    if declared == _SCENES:
        scene = msgspec.defstruct("Scene", form_of(ev.SceneFacts).fields, kw_only=True)
        return GenericAlias(tuple, (scene, ...))
    return _READ_AS.get(declared, declared)


@lru_cache(maxsize=1024)
def _money(text: str) -> Decimal:
    """An amount of money; there are few different ones in a journal."""
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(f"{text!r} is not an amount of money")
    return amount


def _money_text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def _seconds(value: Any) -> float | None:
    """A length of time; whatever else stands there counts as not known, since only the pace of a run rests on it."""
    is_length = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_LENGTH_S
    return float(value) if is_length else None


def _amounts(texts: Mapping[str, str | None]) -> dict[str, Decimal | None]:
    return {name: None if text is None else _money(text) for name, text in texts.items()}


_SCENES = tuple[ev.SceneFacts, ...]
_READ_AS: Mapping[Any, Any] = {
    Decimal | None: str | None,
    float | None: Any,
    Mapping[str, Decimal | None]: Mapping[str, str | None],
}
"""The types in a line that are others than those in the event."""
_MADE: Mapping[Any, _Made] = {
    Decimal | None: _money,
    float | None: _seconds,
    Mapping[str, Decimal | None]: _amounts,
    _SCENES: lambda scenes: tuple(map(form_of(ev.SceneFacts).read, scenes)),
}
"""What makes a field of what stands in a line, by the type in the event; None stays None."""
_WRITTEN: Mapping[Any, _Made] = {
    Decimal | None: _money_text,
    Mapping[str, Decimal | None]: lambda amounts: {name: _money_text(amount) for name, amount in amounts.items()},
    _SCENES: lambda scenes: [form_of(ev.SceneFacts).as_json(scene) for scene in scenes],
}
"""What is written of a field, where that is not the field itself."""

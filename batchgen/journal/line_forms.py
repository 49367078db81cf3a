"""How the fields of each kind of event stand in a line of the journal. Pure.

A journal of 100,000 attempts has 400,000 lines, and reading it is what each command begins with. So what a
kind of event is made of is looked up once, and whether fields have the right types once for each
combination of types that occurs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from decimal import Decimal
from functools import cache, lru_cache
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias, get_type_hints

from batchgen.engine import events as ev
from batchgen.limits import LONGEST_LENGTH_S
from batchgen.model import Asked, RequestFacts, TaskResult

_Decoder: TypeAlias = Callable[[Any], Any]
_Build: TypeAlias = Callable[[Sequence[Any]], Any]
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
    """How a kind of event, or a scene of a manifest, stands in a line; ``names`` are those of its fields there."""

    def __init__(self, kind: type) -> None:
        """Look up what the kind is made of."""
        listed = list(_fields(kind))
        self.names = tuple(name for name, _, _ in listed)
        self._decoders = tuple(_DECODERS[declared] for _, declared, _ in listed)
        # A field that came later has a default: journals of versions before do without it.
        later = ((name, _DECODERS[declared], default) for name, declared, default in listed if default is not MISSING)
        self._defaults = {name: _written(decoder, default) for name, decoder, default in later}
        self._left_out = tuple(name for name in _LEFT_OUT if name in self._defaults)
        self._values = itemgetter(*self.names)
        self._parts = attrgetter(*_places(kind))
        self._made_anew = [(number, each) for number, each in enumerate(self._decoders) if each in _WRITTEN]
        self._known: set[tuple[type, ...]] = set()
        self._build, _ = _builder(kind)

    def read(self, record: Mapping[str, Any]) -> Any:
        """What a line says. Raises KeyError, TypeError, ValueError and InvalidOperation for what is none."""
        try:
            values = self._values(record)
        except KeyError:
            values = self._values({**self._defaults, **record})
        types = tuple(map(type, values))
        if types not in self._known:
            for decoder, value in zip(self._decoders, values, strict=True):
                decoder(value)
            self._known.add(types)
        if not self._made_anew:
            return self._build(values)
        parts = list(values)
        for number, decoder in self._made_anew:
            parts[number] = decoder(parts[number])
        return self._build(parts)

    def as_json(self, value: Any) -> dict[str, Any]:
        """The fields of a value, as they stand in its line; an amount of money as a text."""
        parts = list(self._parts(value))
        for number, decoder in self._made_anew:
            parts[number] = _written(decoder, parts[number])
        found = dict(zip(self.names, parts, strict=True))
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


def _builder(kind: type, start: int = 0) -> tuple[_Build, int]:
    """What makes a value of its fields, which begin at ``start`` of those of a line, and where they end there.

    One field at most is a value with fields of its own.
    """
    types = [get_type_hints(kind)[entry.name] for entry in fields(kind)]
    within = next((number for number, declared in enumerate(types) if declared in NAMES_INSIDE), None)
    if within is None:
        end = start + len(types)
        return (lambda parts: kind(*parts[start:end])), end
    first = start + within
    inside, last = _builder(types[within], first)
    end = last + len(types) - within - 1
    return (lambda parts: kind(*parts[start:first], inside(parts), *parts[last:end])), end


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _money(value: Any) -> Decimal | None:
    return None if value is None else _amount(_text(value))


def _money_text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


@lru_cache(maxsize=1024)
def _amount(text: str) -> Decimal:
    """An amount of money; there are few different ones in a journal."""
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(f"{text!r} is not an amount of money")
    return amount


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _whole_or_none(value: Any) -> int | None:
    return None if value is None else _whole(value)


def _seconds_or_none(value: Any) -> float | None:
    """A length of time; whatever else stands there counts as not known, since only the pace of a run rests on it."""
    is_length = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_LENGTH_S
    return float(value) if is_length else None


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not a mapping")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _scenes(value: Any) -> tuple[ev.SceneFacts, ...]:
    form = form_of(ev.SceneFacts)
    return tuple(form.read(_mapping(item)) for item in _list(value))


def _amounts(value: Any) -> dict[str, Decimal | None]:
    return {name: _money(amount) for name, amount in _mapping(value).items()}


_DECODERS: Mapping[Any, _Decoder] = {
    bool: _truth,
    int: _whole,
    int | None: _whole_or_none,
    str: _text,
    str | None: _text_or_none,
    Decimal | None: _money,
    float | None: _seconds_or_none,
    Mapping[str, Any]: _mapping,
    Mapping[str, Decimal | None]: _amounts,
    tuple[str, ...]: _texts,
    tuple[ev.SceneFacts, ...]: _scenes,
}
"""What reads a field, by its type."""
_WRITTEN: Mapping[_Decoder, _Decoder] = {
    _money: _money_text,
    _seconds_or_none: lambda seconds: seconds,
    _amounts: lambda amounts: {name: _money_text(amount) for name, amount in amounts.items()},
    _texts: list,
    _scenes: lambda scenes: [form_of(ev.SceneFacts).as_json(scene) for scene in scenes],
}
"""Those that look into a value and make another one of it, and how that is written; the others look at its type."""


def _written(decoder: _Decoder, value: Any) -> Any:
    """A value as it stands in a line."""
    return _WRITTEN[decoder](value) if decoder in _WRITTEN else value

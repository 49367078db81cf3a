"""What holds for any event: written and read back it is the same, and no flipped bit passes for another."""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, get_type_hints

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchgen.engine import events as ev
from batchgen.journal.records import KINDS, DamagedRecord, Record, Stamp, decode, encode
from batchgen.limits import LONGEST_LENGTH_S
from batchgen.model import Asked, RequestFacts, TaskResult

texts = st.text(st.characters(), max_size=30)
amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


def _tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.tuples(), st.tuples(of), st.tuples(of, of))


OF_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(),
    int | None: st.none() | st.integers(),
    bool: st.booleans(),
    str | None: st.none() | texts,
    int | None: st.none() | st.integers(),
    Decimal | None: st.none() | amounts,
    float | None: st.none() | st.floats(0, LONGEST_LENGTH_S),
    tuple[str, ...]: _tuples(texts),
    Mapping[str, Decimal | None]: st.dictionaries(texts, st.none() | amounts, max_size=3),
}


def built(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a class of events, from the types of its fields."""
    hints = get_type_hints(kind)
    found = {}
    for entry in fields(kind):
        if entry.name == "document":
            found[entry.name] = st.dictionaries(texts, values, max_size=4)
        elif entry.name == "scenes":
            found[entry.name] = _tuples(built(ev.SceneFacts))
        elif hints[entry.name] in (Asked, RequestFacts, TaskResult):
            found[entry.name] = built(hints[entry.name])
        else:
            found[entry.name] = OF_TYPE[hints[entry.name]]
    return st.builds(kind, **found)


events = st.one_of([built(kind) for kind in KINDS.values()])


@given(events)
@example(ev.RunStarted("\n", '","crc":"'))
@example(ev.RunStarted("\ud800", "\r\u2028\x00"))
@example(ev.RequestMade("t", "s", RequestFacts("x", {}), None, ()))
@example(ev.Completed("", "", 1, TaskResult("", None, Decimal("0.10"), Decimal("1E-30"))))
def test_an_event_survives_being_written(event: ev.Event) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert b"\r" not in line
    assert decode(line) == decode(line[:-1]) == Record(event)
    assert encode(decode(line).event) == line
    stamped = encode(event, Stamp("5f0c91ab", 7))
    assert decode(stamped) == Record(event, "5f0c91ab", 7)


@given(events, st.data())
def test_no_changed_byte_passes(event: ev.Event, data: st.DataObject) -> None:
    line = bytearray(encode(event))
    position = data.draw(st.integers(0, len(line) - 2))
    line[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedRecord):
        decode(bytes(line))


@given(events, st.data())
def test_no_part_of_a_line_passes_for_a_line(event: ev.Event, data: st.DataObject) -> None:
    line = encode(event)[:-1]
    with pytest.raises(DamagedRecord):
        decode(line[: data.draw(st.integers(0, len(line) - 1))])


@given(st.binary(max_size=100))
def test_any_bytes_are_an_event_or_damaged(line: bytes) -> None:
    with pytest.raises(DamagedRecord):
        decode(line)


def test_every_event_has_a_name() -> None:
    assert set(KINDS.values()) == {
        value for value in vars(ev).values() if isinstance(value, type) and value.__module__ == ev.__name__
    } - {ev.SceneFacts}

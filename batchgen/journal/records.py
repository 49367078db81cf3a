"""Events ⇄ lines of the journal. Pure.

A line is one JSON object with the version of the format, the kind of event, the event's fields, who
wrote it, and last a CRC-32 of everything before it: a digit that changed on the disk must not pass
for a price. Each process that opens a journal for writing is a writer, and counts its lines: a line
that is missing, or one that somebody else put between, can be seen. docs/state.md describes the lines,
schemas/journal.schema.json holds for each of them.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import cache, partial
from typing import Any, get_type_hints

from batchgen.engine import events as ev
from batchgen.engine.events import Event
from batchgen.limits import LONGEST_LENGTH_S
from batchgen.model import Asked, RequestFacts, TaskResult

VERSION = 1

KINDS: Mapping[str, type] = {
    "run_started": ev.RunStarted,
    "manifest_read": ev.ManifestRead,
    "submitting": ev.Submitting,
    "submitted": ev.Submitted,
    "refused": ev.Refused,
    "outcome_unknown": ev.OutcomeUnknown,
    "task_seen": ev.TaskSeen,
    "completed": ev.Completed,
    "failed": ev.Failed,
    "task_timed_out": ev.TaskTimedOut,
    "task_not_found": ev.TaskNotFound,
    "downloaded": ev.Downloaded,
    "download_failed": ev.DownloadFailed,
    "resolved": ev.Resolved,
    "reused": ev.Reused,
    "adopted": ev.Adopted,
    "wanted_again": ev.WantedAgain,
    "picked": ev.Picked,
    "picks_cleared": ev.PicksCleared,
    "held_back": ev.HeldBack,
    "run_ended": ev.RunEnded,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_NAMES_INSIDE: Mapping[type, Mapping[str, str]] = {
    RequestFacts: {"sha256": "request_sha256", "document": "request"},
    Asked: {"seconds": "duration_s", "reference_seconds": "billed_reference_s"},
    TaskResult: {},
}
"""What stands among the fields of an event in its line, and the names that it has there."""
_OPTIONAL = frozenset({Asked})
"""Those whose fields came later than the lines that they stand in."""
_FIELDS = {
    kind: tuple(entry.name for entry in fields(kind)) for kind in (*KINDS.values(), ev.SceneFacts, *_NAMES_INSIDE)
}
_CRC = ',"crc":"'
_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


class DamagedRecord(ValueError):  # noqa: N818 - the record is at fault
    """A line that is not a record; the text says why."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who wrote a line, and as which of its lines, counted from 1."""

    writer: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the journal; versions before stamped none."""

    event: Event
    stamp: Stamp | None


class Lines:
    """Counts the lines of each writer, to see whether one is missing."""

    def __init__(self) -> None:
        """Begin before the first line."""
        self._last: dict[str, int] = {}

    def take(self, record: Record) -> None:
        """Count a line. Raises `DamagedRecord` where lines are missing before it."""
        if record.stamp is None:
            return
        last = self._last.get(record.stamp.writer, 0)
        if record.stamp.number != last + 1:
            raise DamagedRecord(
                f"line {last + 1} of the process that wrote it is missing, and this is its line {record.stamp.number}"
            )
        self.restart(record)

    def restart(self, record: Record) -> None:
        """Go on counting from a line, whatever came before it."""
        if record.stamp is not None:
            self._last[record.stamp.writer] = record.stamp.number


def encode(event: Event, stamp: Stamp | None = None) -> bytes:
    """An event as one line, with its newline."""
    record = {"v": VERSION, "event": _NAMES[type(event)], **_as_json(event)}
    if stamp is not None:
        record |= {"writer": stamp.writer, "line": stamp.number}
    text = _JSON.encode(record)[:-1]
    return f'{text}{_CRC}{zlib.crc32(text.encode()):08x}"}}\n'.encode()


def decode(line: bytes) -> Record:
    """What a line says, with or without its newline. Raises `DamagedRecord`."""
    try:
        text = line.decode("ascii").rstrip("\n")
        content, _, crc = text.rpartition(_CRC)
        record = json.loads(text) if crc == f'{zlib.crc32(content.encode()):08x}"}}' else None
    except (ValueError, RecursionError):
        raise DamagedRecord("it is not JSON") from None
    if record is None:
        raise DamagedRecord("its checksum does not fit")
    return _record(record)


def line_fields(kind: type) -> tuple[str, ...]:
    """The names under which the fields of a kind of event stand in its line."""
    names: list[str] = []
    for name, inside in get_type_hints(kind).items():
        names += line_fields(inside) if inside in _NAMES_INSIDE else [_NAMES_INSIDE.get(kind, {}).get(name, name)]
    return tuple(names)


def _as_json(value: Any) -> dict[str, Any]:
    """The fields of a dataclass; those of a `RequestFacts` or a `TaskResult` in it stand among its own."""
    flat: dict[str, Any] = {}
    names = _NAMES_INSIDE.get(type(value), {})
    for name in _FIELDS[type(value)]:
        field = getattr(value, name)
        flat |= _as_json(field) if type(field) in _NAMES_INSIDE else {names.get(name, name): _value(field)}
    return flat


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, tuple):
        return [_as_json(item) if isinstance(item, ev.SceneFacts) else item for item in value]
    return value


def _record(record: Any) -> Record:
    if not isinstance(record, dict) or record.get("v") != VERSION:
        raise DamagedRecord(f"it is not of version {VERSION}; a newer batchgen may have written it")
    kind = KINDS.get(str(record.get("event")))
    if kind is None:
        raise DamagedRecord(f"there is no event {record.get('event')!r}")
    return Record(_built(kind, record), _stamp(record))


def _stamp(record: Mapping[str, Any]) -> Stamp | None:
    if "writer" not in record:
        return None
    try:
        return Stamp(_text(record["writer"]), _whole(record["line"]))
    except (KeyError, TypeError) as error:
        raise DamagedRecord(f"it does not say who wrote it: {error}") from None


def _built(kind: Any, record: Mapping[str, Any]) -> Any:
    try:
        return _read(kind, record)
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise DamagedRecord(f"its fields are not those of the event: {error}") from None


def _read(kind: Any, record: Mapping[str, Any]) -> Any:
    return kind(*[read(record) for read in _readers(kind)])


@cache
def _readers(kind: type) -> tuple[Callable[[Mapping[str, Any]], Any], ...]:
    """What reads each field of a kind of event from its line, in their order."""
    types = get_type_hints(kind)
    return tuple(_reader(kind, entry, types[entry.name]) for entry in fields(kind))


def _reader(owner: type, entry: Field[Any], kind: Any) -> Callable[[Mapping[str, Any]], Any]:
    if kind in _NAMES_INSIDE:
        return partial(_read, kind)
    decoder = _DECODERS[kind]
    name = _NAMES_INSIDE.get(owner, {}).get(entry.name, entry.name)
    if entry.default is MISSING or (owner in _NAMES_INSIDE and owner not in _OPTIONAL):
        return lambda record: decoder(record[name])
    # A field that came later has a default: journals of versions before do without it.
    return lambda record: decoder(record.get(name, entry.default))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _money(value: Any) -> Decimal | None:
    if value is None:
        return None
    amount = Decimal(_text(value))
    if not amount.is_finite():
        raise ValueError(f"{value!r} is not an amount of money")
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


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(item) for item in value)


def _scenes(value: Any) -> tuple[ev.SceneFacts, ...]:
    return tuple(_read(ev.SceneFacts, _mapping(item)) for item in value)


_DECODERS: Mapping[Any, Callable[[Any], Any]] = {
    bool: _truth,
    int: _whole,
    int | None: _whole_or_none,
    str: _text,
    str | None: _text_or_none,
    Decimal | None: _money,
    float | None: _seconds_or_none,
    Mapping[str, Any]: _mapping,
    tuple[str, ...]: _texts,
    tuple[ev.SceneFacts, ...]: _scenes,
}
"""What reads a field, by its type."""

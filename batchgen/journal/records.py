"""Events ⇄ lines of the journal. Pure.

A line is one JSON object with the version of the format, the kind of event, the event's fields, who
wrote it, and last a CRC-32 of everything before it: a digit that changed on the disk must not pass
for a price. Each process that opens a journal for writing is a writer, and counts its lines: a line
that is missing, or one that somebody else put between, can be seen. docs/state.md describes the lines,
schemas/journal.schema.json holds for each of them.
"""

import json
from collections.abc import Callable, Mapping
from decimal import InvalidOperation
from functools import cache, reduce
from operator import or_
from typing import Any, Literal
from zlib import crc32

import msgspec

from batchgen.engine import events as ev
from batchgen.engine.events import Event
from batchgen.journal.field_faults import fault_of_field
from batchgen.journal.line_forms import LineForm, form_of
from batchgen.values import value

VERSION = 1
LATER_VERSIONS: Mapping[str, int] = {
    "manifest_changed": 2,
    "request_made": 2,
    "published": 2,
    "submitting_again": 2,
}
"""The version of the format that first had an event, where it is not the first one.

A line says the version that it takes to read it. So an older batchgen refuses a journal from the first line that
it does not know, as of a newer one, and reads any other.
"""
KINDS: Mapping[str, type] = {
    "run_started": ev.RunStarted,
    "manifest_read": ev.ManifestRead,
    "manifest_changed": ev.ManifestChanged,
    "request_made": ev.RequestMade,
    "submitting": ev.Submitting,
    "submitting_again": ev.SubmittingAgain,
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
    "published": ev.Published,
    "steered": ev.Steered,
    "run_ended": ev.RunEnded,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_CRC = b',"crc":"%08x"}'
_CRC_BYTES = len(_CRC % 0)
_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What `msgspec` raises: its own errors, which are no ValueError in 0.20, and ValueError for half a character."""


class DamagedRecord(ValueError):  # noqa: N818 - the record is at fault
    """A line that is not a record; the text says why."""


@value
class Stamp:
    """Who wrote a line, and as which of its lines, counted from 1."""

    writer: str
    number: int


class Record(msgspec.Struct):
    """A line of the journal, and as which of its lines a writer wrote it; versions before named none."""

    event: Event
    writer: str | None = None
    number: int = 0


class Lines:
    """Counts the lines of each writer, to see whether one is missing."""

    def __init__(self) -> None:
        """Begin before the first line."""
        self._last: dict[str, int] = {}

    def take(self, record: Record) -> None:
        """Count a line. Raises `DamagedRecord` where lines are missing before it."""
        if record.writer is None:
            return
        last = self._last.get(record.writer, 0)
        if record.number != last + 1:
            raise DamagedRecord(
                f"line {last + 1} of the process that wrote it is missing, and this is its line {record.number}"
            )
        self._last[record.writer] = record.number

    def restart(self, record: Record) -> None:
        """Go on counting from a line, whatever came before it."""
        if record.writer is not None:
            self._last[record.writer] = record.number


def encode(event: Event, stamp: Stamp | None = None) -> bytes:
    """An event as one line, with its newline."""
    kind: type = type(event)
    name = _NAMES[kind]
    record = {"v": LATER_VERSIONS.get(name, VERSION), "event": name, **form_of(kind).as_json(event)}
    if stamp is not None:
        record |= {"writer": stamp.writer, "line": stamp.number}
    content = _JSON.encode(record)[:-1].encode()
    return content + _CRC % crc32(content) + b"\n"


def decode(line: bytes) -> Record:
    """What a line says, with or without its newline. Raises `DamagedRecord`."""
    line = line.removesuffix(b"\n")
    if line[-_CRC_BYTES:] != _CRC % crc32(line[:-_CRC_BYTES]):
        raise DamagedRecord("its checksum does not fit")
    reader = _reader()
    try:
        found = reader.decode(line) if line.isascii() else reader.read_slowly(line)
    except _UNREADABLE:
        found = reader.read_slowly(line)
    try:
        event = reader.forms[type(found)].read(found)
    except (ValueError, InvalidOperation) as error:
        raise DamagedRecord(f"its fields are not those of the event: {error}") from None
    writer, number = found.writer, found.line
    if isinstance(writer, str) and isinstance(number, int):
        return Record(event, writer, number)
    if writer is not msgspec.UNSET:
        raise DamagedRecord(f"it does not say who wrote it: {writer!r}, line {number!r}")
    return Record(event)


class _Reader:
    """Reads lines of all kinds, each as a value of a class of its own; ``forms`` says how its fields stand in it."""

    def __init__(self) -> None:
        self.forms: Mapping[type, LineForm] = {_line_type(name): form_of(kind) for name, kind in KINDS.items()}
        self._lines: Any = reduce(or_, self.forms)
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(self._lines).decode

    def read_slowly(self, line: bytes) -> Any:
        """What `json` has written and `msgspec` does not take: half a character, a number without an end.

        Raises `DamagedRecord`, with the reason in words.
        """
        try:
            record = json.loads(line.decode("ascii"))
        except (ValueError, RecursionError):
            raise DamagedRecord("it is not JSON") from None
        try:
            return msgspec.convert(record, self._lines)
        except _UNREADABLE as error:
            raise DamagedRecord(_fault(record, error)) from None


@cache
def _reader() -> _Reader:
    return _Reader()


def _line_type(name: str) -> type:
    """The class of the lines of an event: its fields, the version of the format, and who wrote it."""
    version = Literal[LATER_VERSIONS.get(name, VERSION)]  # type: ignore[valid-type] # known when it is made
    stamp = ("writer", Any, msgspec.UNSET), ("line", Any, None)
    listed = [("v", version), *form_of(KINDS[name]).fields, *stamp]
    return msgspec.defstruct(name, listed, tag_field="event", tag=name, kw_only=True, gc=False)


def _fault(record: Any, error: Exception) -> str:
    """Why something is not a line, in words."""
    if not isinstance(record, dict):
        return "it is not JSON of one object"
    name = str(record.get("event"))
    version = LATER_VERSIONS.get(name, VERSION)
    if record.get("v") != version:
        return f"it is not of version {version}; a newer batchgen may have written it"
    if name not in KINDS:
        return f"there is no event {record.get('event')!r}"
    return f"its fields are not those of the event: {fault_of_field(record, error)}"


def line_fields(kind: type) -> tuple[str, ...]:
    """The names under which the fields of a kind of event stand in its line."""
    return form_of(kind).names

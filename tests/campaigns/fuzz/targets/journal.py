"""Any bytes are a journal or told to be damaged; a torn end costs the torn line only; no changed byte passes.

Mutated lines hardly ever have the right checksum. Therefore the input is read twice: as it is, and
as lines that get their checksums here.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

from batchgen.engine.states import State
from batchgen.errors import RunDirectoryError
from batchgen.journal.records import decode
from batchgen.journal.replay import replayed
from batchgen.report.as_csv import as_csv
from batchgen.report.rows import LEDGER_COLUMNS, REPORT_COLUMNS, ledger_rows, report_rows

PATH = Path("state.jsonl")
CRC = b',"crc":"'
TRIALS = 6


def check(data: bytes) -> None:
    """Replay the input as it is, and mended; where that is a journal, show it, tear it, change bytes in it."""
    _state(data)
    journal = _mended(data)
    state = _state(journal)
    if state is None:
        return
    as_csv(report_rows(state), REPORT_COLUMNS)
    as_csv(ledger_rows(state), LEDGER_COLUMNS)
    for where in _places(data, len(journal)):
        _check_torn(journal, where)
        _check_changed(journal, where, zlib.crc32(data, where) % 255 + 1)


def _state(content: bytes) -> State | None:
    """The state, None for a journal that is damaged; nothing else may come."""
    try:
        state, whole = replayed(PATH, content)
    except RunDirectoryError as error:
        assert str(PATH) in str(error)  # noqa: PT017 - a promise about the error, beside others
        return None
    assert whole == content.rfind(b"\n") + 1
    return state


def _mended(data: bytes) -> bytes:
    """Every line that ends like a record, ended with the checksum that it should have."""
    lines = []
    for line in data.split(b"\n"):
        text = line.partition(CRC)[0].rstrip(b"}\r")
        if text:
            lines.append(text + CRC + b'%08x"}\n' % zlib.crc32(text))
    return b"".join(lines)


def _places(data: bytes, length: int) -> Iterator[int]:
    """Some places of a journal, drawn from the input, so that it shows the same each time."""
    for number in range(TRIALS if length else 0):
        yield zlib.crc32(data, number) % length


def _check_torn(journal: bytes, length: int) -> None:
    """A journal that ends anywhere holds its whole lines, no more and no fewer."""
    whole = journal.rfind(b"\n", 0, length) + 1
    expected = State()
    for line in journal[:whole].split(b"\n")[:-1]:
        expected.apply(decode(line).event)
    torn, kept = replayed(PATH, journal[:length])
    assert kept == whole
    assert torn == expected


def _check_changed(journal: bytes, where: int, change: int) -> None:
    changed = bytearray(journal)
    changed[where] ^= change
    assert _state(bytes(changed)) is None, f"byte {where} changed by {change} is not noticed"

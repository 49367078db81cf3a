"""Rows → CSV (RFC 4180, UTF-8), safe to open in a spreadsheet. Pure."""

import csv
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO

from batchgen.report.rows import Row

_STEERING = re.compile(r"[\x01-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters other than blanks, and what turns the direction of text: a terminal obeys them."""
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width forms count, too


def as_csv(rows: Iterable[Row], columns: Sequence[str]) -> str:
    """The rows under a header; unknown values are empty cells."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return buffer.getvalue()


def _cell(value: str | float | Decimal | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int | float):
        return str(value)
    return harmless(value)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: a quote goes before what would begin one.

    Zero bytes, which some readers stumble over, are dropped; halves of characters, which no file can
    hold, become question marks, and what could steer a terminal an escape. Blank and invisible
    characters before a formula do not hide it.
    """
    text = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    text = _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    first_seen = next((char for char in text if char.isprintable() and not char.isspace()), "")
    return f"'{text}" if first_seen in _FORMULA or text.lstrip(" ").startswith(("\t", "\r", "\n")) else text

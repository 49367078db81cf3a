"""Rows → CSV (RFC 4180, UTF-8), safe to open in a spreadsheet. Pure."""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO

from batchgen.report.rows import Row

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width forms count, too


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
    hold, become question marks. Blank and invisible characters before a formula do not hide it.
    """
    text = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    begin = text.lstrip(" ")
    hidden = text.strip().lstrip(_INVISIBLE + " \t\r\n\xa0")
    return f"'{text}" if begin.startswith(_FORMULA) or hidden.startswith(_FORMULA) else text

"""The bytes of a CSV file → a table, whatever program wrote them. Pure."""

import codecs
import csv
import re
from collections.abc import Iterator
from io import StringIO
from itertools import islice

from batchgen.errors import Remedy
from batchgen.model import Place
from batchgen.sheets.table import LOOKED_AT, Cell, Recognised, Row, Table, UnreadableTable, not_empty, tidied

_DELIMITERS = (",", ";", "\t")
_SAID = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
"""A first line that tells the delimiter; the spreadsheet does not count it."""
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HARMLESS = re.compile(r"'(?=\s*[=+\-@＝＋－＠]| *[\t\n])")  # noqa: RUF001 - full-width forms count, too


def read_csv(content: bytes, encoding: str | None, recognised: Recognised) -> Table:
    """Read a list with the delimiter under which its header has the most known names.

    Raises `UnreadableTable` for what is not text in the encoding, and for quotes that do not close. Raises
    LookupError for an encoding that is not known.
    """
    text = _decoded(content, encoding)
    said = _SAID.match(text)
    if said:
        text = text[said.end() :]
    delimiters = (said[1],) if said else _DELIMITERS
    delimiter = max(delimiters, key=lambda each: _score(text, each, recognised))
    return Table(not_empty(_rows(text, delimiter)), delimiter=delimiter)


def _decoded(content: bytes, encoding: str | None) -> str:
    found = encoding or ("utf-16" if content.startswith(_UTF_16) else "utf-8")
    try:
        text = content.decode(found).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"byte 0x{content[error.start]:02x} in line {line} is not {found.upper()}"
        raise UnreadableTable(f"{message}; save the list as CSV in UTF-8", remedy=Remedy.SAY_ENCODING) from None
    except UnicodeError:
        raise UnreadableTable(f"this is not {found.upper()}", remedy=Remedy.SAY_ENCODING) from None
    if "\0" in text:
        raise UnreadableTable(
            "there are zero bytes in the text; save the list as CSV in UTF-8", remedy=Remedy.SAY_ENCODING
        )
    return text


def _score(text: str, delimiter: str, recognised: Recognised) -> tuple[int, int]:
    """How many names the best row has, then how few rows are longer or shorter than it."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [row for row in islice(reader, LOOKED_AT) if any(row)]
    except csv.Error:
        return -1, 0
    header = max(rows, key=recognised, default=[])
    return recognised(header), -sum(len(row) != len(header) for row in rows)


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """The records, numbered as a spreadsheet numbers its rows: a record with line breaks in it is one."""
    number = 0
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, record in enumerate(reader, 1):
            yield Row(number, tuple(Cell(_unharmed(tidied(field))) for field in record))
    except csv.Error as error:
        raise UnreadableTable(_remedy(str(error)), Place(number + 1, 1)) from None


def _remedy(said: str) -> str:
    if "end of data" in said:
        return 'a quote " opens in this row and is never closed; close it, or write two for one within a text'
    if "expected after" in said:
        return 'more text stands behind a closing quote "; write two quotes for one within a text'
    return f'this row cannot be read ({said}); look for a quote " that is not closed'


def _unharmed(text: str) -> str:
    """The text of a cell that batchgen made harmless for spreadsheets, as it was before."""
    return text[1:] if _HARMLESS.match(text) else text

"""A list as a table: cells as the spreadsheet shows them, rows and columns as it counts them. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from batchgen.errors import Remedy
from batchgen.model import CellPlace, Place

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of a list, and of what is packed in a workbook: as many as a manifest may have."""
MARK = b"PK\x03\x04"
"""How a workbook begins, as any ZIP file."""
OLD_MARK = b"\xd0\xcf\x11\xe0"
"""How a workbook of Excel before 2007 begins, and one that is locked with a password."""
LOOKED_AT = 20
"""Rows among which the header is looked for: titles and dates often stand above it."""
Recognised: TypeAlias = Callable[[Sequence[str]], int]
"""How many of the cells of a row are names of columns."""
_LETTERS = 26
_COLUMN = re.compile(r"[A-Z]{1,3}\Z")
_INVISIBLE = "\ufeff\u200b\u2060"
"""Characters without width, which spreadsheets and web pages leave at the ends of texts."""


class Kind(Enum):
    """What a spreadsheet takes the value of a cell for, where that is no text and no number."""

    TEXT = auto()
    DATE = auto()
    TIME = auto()
    FORMULA = auto()
    """A formula whose result is not in the file."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, numbers and truth values included."""

    text: str = ""
    kind: Kind = Kind.TEXT

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands in it."""
        return not self.text and self.kind is not Kind.FORMULA


EMPTY = Cell()


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not empty; ``number`` counts from 1, empty and hidden rows included.

    ``covered`` are the columns, from 0, that lie under a merged cell which begins in another column.
    """

    number: int
    cells: tuple[Cell, ...]
    covered: frozenset[int] = frozenset()

    def cell(self, index: int) -> Cell:
        """The cell in a column, counted from 0."""
        return self.cells[index] if index < len(self.cells) else EMPTY

    def place(self, index: int) -> Place:
        """The place of the cell in a column, counted from 0."""
        return Place(self.number, index + 1)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a list, and what of the file was left out or chosen.

    ``delimiter`` is what cuts the rows of a CSV file: one that is longer than the header was cut within a text.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    delimiter: str | None = None


class UnreadableTable(Exception):  # noqa: N818 - no table came through; the message says why
    """A file that is no shot list; ``place`` is where that was seen, ``remedy`` what can be said to help."""

    def __init__(self, message: str, place: Place | None = None, remedy: Remedy | None = None) -> None:
        """Carry what stopped the reading."""
        super().__init__(message)
        self.place = place
        self.remedy = remedy


def tidied(text: str) -> str:
    """The text of a cell without what a spreadsheet adds to it."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    return plain.strip().strip(_INVISIBLE).strip()


def column_name(index: int) -> str:
    """The letters of a column, counted from 0: A, …, Z, AA, …."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, _LETTERS)
        name = chr(ord("A") + letter) + name
    return name


def column_index(name: str) -> int | None:
    """The column with these letters, counted from 0; None for what is no column."""
    letters = name.upper()
    if not _COLUMN.match(letters):
        return None
    index = 0
    for letter in letters:
        index = index * _LETTERS + ord(letter) - ord("A") + 1
    return index - 1


def cell_name(place: Place) -> str:
    """The name of a cell as a spreadsheet writes it: B7."""
    return f"{column_name(place.column - 1)}{place.line}"


def show_cell(cell: CellPlace) -> str:
    """A cell as ``FILE:ROW:COLUMN``, the column in letters."""
    return f"{cell.file}:{cell.row}:{column_name(cell.column - 1)}"


def not_empty(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows in which anything stands."""
    return tuple(row for row in rows if not all(cell.is_empty for cell in row.cells))

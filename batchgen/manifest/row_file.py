"""The CSV file that ``for_each`` names: its columns, its rows, and what is wrong with either."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from batchgen.manifest.messages import show_value
from batchgen.manifest.path_remedies import path_remedy
from batchgen.manifest.yaml_reader import MOST_PROBLEMS
from batchgen.media.decoding import UnusableMedia
from batchgen.media.references import declared_mime, is_url, open_reference
from batchgen.model import CellPlace
from batchgen.sheets.csv_table import read_csv
from batchgen.sheets.table import MARK, MAX_BYTES, OLD_MARK, Row, Table, UnreadableTable, column_name

_MOST_FAULTS = 100
"""Faults of a header that are told; more are let be."""
MOST_CELLS = 2_000_000
"""Cells of a list, counted by the marks that may be between them, so that reading it stays bounded."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """Something wrong with a list; ``cell`` is where, None where it is the file itself."""

    rule: str
    message: str
    cell: CellPlace | None = None


@dataclass(frozen=True, slots=True)
class RowFile:
    """A list as far as it can be used: ``columns`` by name, counted from 0, and the rows that fit the header.

    ``titles`` are the names by column, ``header`` is the number of the row that has them.
    """

    name: str
    columns: dict[str, int]
    rows: tuple[Row, ...]
    faults: tuple[RowFault, ...]
    titles: tuple[str, ...] = ()
    header: int = 1

    def cell(self, row: int, column: int) -> CellPlace:
        """The place of a cell in a row, counted from 1, and a column, counted from 0."""
        return CellPlace(self.name, row, column + 1)


def reader_in(folder: Path) -> Callable[[str, Collection[str]], RowFile]:
    """Reads lists relative to ``folder``, each once."""
    known: dict[str, RowFile] = {}

    def read_once(name: str, used: Collection[str]) -> RowFile:
        if name not in known:
            known[name] = read_rows(name, folder, used)
        return known[name]

    return read_once


def read_rows(name: str, folder: Path, used: Collection[str]) -> RowFile:
    """Read the list ``name``, relative to ``folder``.

    ``used`` are the names in braces that shots have: they tell which mark is between the cells.
    """
    try:
        table = read_csv(_content(name, folder), None, lambda texts: sum(text in used for text in texts))
    except UnusableMedia as error:
        return _unusable(name, "for_each.unusable", f"{show_value(name)} {error}")
    except UnreadableTable as error:
        cell = None if error.place is None else CellPlace(name, error.place.line, error.place.column)
        return _unusable(name, "for_each.unusable", f"{show_value(name)} cannot be read: {error}", cell)
    if not table.rows:
        return _unusable(name, "for_each.empty", f"{show_value(name)} is empty; write names of columns into its row 1")
    return _checked(name, table)


def _unusable(name: str, rule: str, message: str, cell: CellPlace | None = None) -> RowFile:
    return RowFile(name, {}, (), (RowFault(rule, message, cell),))


def _content(name: str, folder: Path) -> bytes:
    """The bytes of the file. Raises `UnusableMedia` with what stands behind its name in the message."""
    if is_url(name) or declared_mime(name) is not None:
        raise UnusableMedia("is an address; save the list in a file and name that")
    advice = path_remedy(name, folder)
    if advice:
        raise UnusableMedia(f"does not exist; {advice}")
    file, _ = open_reference(name, folder)
    try:
        with file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnusableMedia(f"cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise UnusableMedia(f"has more than {MAX_BYTES} bytes, which is the most for a list; split it")
    if sum(content.count(mark) for mark in (b",", b";", b"\t", b"\n", b"\r")) > MOST_CELLS:
        raise UnusableMedia(f"has more than {MOST_CELLS} cells, which is the most for a list; split it")
    if content.startswith((MARK, OLD_MARK)):
        raise UnusableMedia("is a workbook; save its sheet as CSV in UTF-8 and name that file")
    return content


def _checked(name: str, table: Table) -> RowFile:
    header, *below = table.rows
    names = [cell.text for cell in header.cells]
    while names and not names[-1]:
        names.pop()
    columns = {text: index for index, text in reversed(list(enumerate(names))) if text}
    fitting = [row for row in below if _is_as_wide(row, len(names))]
    of_rows = (fault for row in below for fault in _of_width(name, row, len(names), table.delimiter))
    faults = [*islice(_of_header(name, header, names, below), _MOST_FAULTS), *islice(of_rows, MOST_PROBLEMS)]
    if not below:
        message = f"{show_value(name)} has no rows below its header; write a row for each scene"
        faults.append(RowFault("for_each.empty", message, CellPlace(name, header.number, 1)))
    return RowFile(name, columns, tuple(fitting), tuple(faults), tuple(names), header.number)


def _of_header(name: str, header: Row, names: Sequence[str], below: Sequence[Row]) -> Iterator[RowFault]:
    """Names that stand there twice, and columns without a name in which something stands."""
    first: dict[str, int] = {}
    for index, text in enumerate(names):
        if text and first.setdefault(text, index) != index:
            message = f"the column {text} stands there twice, first in {column_name(first[text])}; rename one"
            yield RowFault("for_each.header", message, CellPlace(name, header.number, index + 1))
    unnamed = {index for index, text in enumerate(names) if not text}
    for row in below if unnamed else ():
        for index in (index for index, cell in enumerate(row.cells) if index in unnamed and not cell.is_empty):
            unnamed.remove(index)
            message = f"column {column_name(index)} has no name, and something stands in row {row.number}; name it"
            yield RowFault("for_each.header", message, CellPlace(name, header.number, index + 1))


def _is_as_wide(row: Row, width: int) -> bool:
    return len(row.cells) >= width and all(cell.is_empty for cell in row.cells[width:])


def _of_width(name: str, row: Row, width: int, delimiter: str | None) -> Iterator[RowFault]:
    if _is_as_wide(row, width):
        return
    mark = "a tab" if delimiter == "\t" else str(delimiter)
    count = len(row.cells)
    if count < width:
        has = f"row {row.number} has {count} cell{'' if count == 1 else 's'}"
        message = f"{has} and the header {width}; write {mark} for each empty one, too"
        yield RowFault("for_each.cells", message, CellPlace(name, row.number, count))
    else:
        beyond = next(index for index in range(width, count) if not row.cells[index].is_empty)
        message = (
            f"row {row.number} has more cells than the header, which has {width}; put a text that has {mark} in it in "
            'double quotes: "…"'
        )
        yield RowFault("for_each.cells", message, CellPlace(name, row.number, beyond + 1))

"""A workbook → a table: what its first visible sheet shows."""

import re
import warnings
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from batchgen.sheets.table import (
    EMPTY,
    LOOKED_AT,
    MAX_BYTES,
    Cell,
    Kind,
    Recognised,
    Row,
    Table,
    UnreadableTable,
    column_index,
    not_empty,
    tidied,
)

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_DIGITS = re.compile(r"(0+)(?:\.(0+))?\Z")
_LINE_END = "_x000D_"
"""How a workbook writes a carriage return in a text."""
_DAMAGED = "this is not a workbook, or it is damaged; save the list as .xlsx or as CSV"
_FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
_AREA = re.compile(rb'<(?:\w+:)?(?:mergeCell|hyperlink)\b[^>]*?\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_MOST_MERGED = 1_000_000


def read_xlsx(content: bytes, sheet: str | None, recognised: Recognised) -> Table:
    """Read a sheet by its name, or of those that are not hidden the one whose header has the most known names.

    Raises `UnreadableTable` for what is no workbook, and for a sheet that is not there.
    """
    has_formulas = _looked_over(content)
    book = _opened(content, values=True)
    found = _sheet(book, sheet, recognised)
    typed = _opened(content, values=False)[found.title] if has_formulas else None
    others = [each.title for each in book.worksheets if each.sheet_state == "visible" and each is not found]
    notes = [f"read from the sheet {found.title}; there are others: {', '.join(others)}"] if others else []
    hidden = _hidden(found)
    if hidden:
        notes.append(f"left out, since hidden: row{'s' if len(hidden) > 1 else ''} {_ranges(hidden)}")
    return Table(not_empty(_rows(found, typed)), tuple(notes))


def _looked_over(content: bytes) -> bool:
    """Whether a workbook has formulas. Raises `UnreadableTable` for one that would take too much to open."""
    try:
        with ZipFile(BytesIO(content)) as packed:
            parts = packed.infolist()
            if sum(part.file_size for part in parts) > MAX_BYTES:
                raise UnreadableTable(f"the workbook holds more than {MAX_BYTES} bytes; save the list as CSV")
            sheets = [packed.read(part) for part in parts if part.filename.startswith("xl/worksheets/")]
    except (BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, zlib.error):
        raise UnreadableTable(_DAMAGED) from None
    if sum(_area(match) for part in sheets for match in _AREA.finditer(part)) > _MOST_MERGED:
        raise UnreadableTable(f"merged cells or links cover more than {_MOST_MERGED} cells; save the list as CSV")
    return any(_FORMULA.search(part) for part in sheets)


def _area(match: re.Match[bytes]) -> int:
    """How many cells an area has; opening a workbook makes each of them."""
    left, right = (column_index(match[group].decode()) or 0 for group in (1, 3))
    return (abs(right - left) + 1) * (abs(int(match[4]) - int(match[2])) + 1)


def _opened(content: bytes, *, values: bool) -> "Workbook":
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            # Of what it cannot keep when it writes: nothing is written here.
            warnings.simplefilter("ignore")
            return load_workbook(BytesIO(content), data_only=values, keep_links=False)
    except Exception:  # noqa: BLE001 - a damaged workbook fails in as many ways as it has parts
        raise UnreadableTable(_DAMAGED) from None


def _sheet(book: "Workbook", name: str | None, recognised: Recognised) -> "Worksheet":
    if name is None:
        visible = [each for each in book.worksheets if each.sheet_state == "visible"]
        if not visible:
            raise UnreadableTable("the workbook has no sheet that can be seen")
        return max(visible, key=lambda each: _score(each, recognised))
    for each in book.worksheets:
        if each.title.casefold() == name.casefold():
            return each
    titles = ", ".join(each.title for each in book.worksheets)
    raise UnreadableTable(f"the workbook has no sheet {name!r}; it has {titles}")


def _score(sheet: "Worksheet", recognised: Recognised) -> int:
    """How many names the best of the first rows has: a cover has none."""
    rows = islice(_rows(sheet, None), LOOKED_AT)
    return max((recognised([cell.text for cell in row.cells]) for row in rows), default=0)


def _hidden(sheet: "Worksheet") -> list[int]:
    return sorted(number for number, row in sheet.row_dimensions.items() if row.hidden)


def _ranges(numbers: list[int]) -> str:
    """``3, 5-7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _rows(sheet: "Worksheet", typed: "Worksheet | None") -> Iterator[Row]:
    """The rows that are seen, with what a cell that is merged over several rows says in each of them."""
    filled, covered = _merged(sheet)
    hidden = frozenset(_hidden(sheet))
    # The cells that there are: one that is formatted in the last corner would make iter_rows go through billions.
    known = sorted(sheet._cells.items())  # noqa: SLF001
    for number, cells in groupby(known, lambda item: item[0][0]):
        own = {index - 1: _cell(cell, typed) for (_, index), cell in cells}
        if number in hidden or all(cell.is_empty for cell in own.values()):
            continue
        shown = {**own, **filled.get(number, {})}
        row = tuple(shown.get(index, EMPTY) for index in range(max(shown) + 1))
        yield Row(number, row, frozenset(covered.get(number, ())))


def _merged(sheet: "Worksheet") -> tuple[dict[int, dict[int, Cell]], dict[int, set[int]]]:
    """By row: what merged cells say below their first row, and the columns that they cover beside their first."""
    filled: dict[int, dict[int, Cell]] = {}
    covered: dict[int, set[int]] = {}
    for area in sheet.merged_cells.ranges:
        first = _cell(sheet.cell(area.min_row, area.min_col), None)
        for row in range(area.min_row, area.max_row + 1):
            covered.setdefault(row, set()).update(range(area.min_col, area.max_col))
            if row > area.min_row:
                filled.setdefault(row, {})[area.min_col - 1] = first
    return filled, covered


def _cell(cell: Any, typed: "Worksheet | None") -> Cell:
    if cell.value is None:
        is_formula = typed is not None and typed.cell(cell.row, cell.column).data_type == "f"
        return Cell("", Kind.FORMULA) if is_formula else EMPTY
    return _shown(cell.value, cell.number_format)


def _shown(value: Any, form: str) -> Cell:
    """A value as the sheet shows it, as far as that matters for names and numbers."""
    if isinstance(value, bool):
        return Cell("true" if value else "false")
    if isinstance(value, datetime):
        return Cell((value.date() if value.time() == time() else value).isoformat(), Kind.DATE)
    if isinstance(value, date):
        return Cell(value.isoformat(), Kind.DATE)
    if isinstance(value, time | timedelta):
        return Cell(str(value), Kind.TIME)
    if isinstance(value, int | float):
        return Cell(_number(Decimal(repr(value)), form))
    return Cell(tidied(str(value).replace(_LINE_END, "")))


def _number(value: Decimal, form: str) -> str:
    """A number with the zeros that its format adds: 010 is a usual number of a shot."""
    if "%" in form:
        return f"{_plain(value * 100)}%"
    digits = _DIGITS.match(form)
    if digits is None:
        return _plain(value)
    decimals = len(digits[2] or "")
    if value != round(value, decimals):
        return _plain(value)
    width = len(digits[1]) + (decimals + 1 if decimals else 0)
    return f"{value:0{width}.{decimals}f}"


def _plain(value: Decimal) -> str:
    whole = value.to_integral_value()
    return f"{whole:f}" if value == whole else f"{value.normalize():f}"

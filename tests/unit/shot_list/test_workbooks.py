"""Workbooks: what a sheet shows is what is imported."""

import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from batchgen.sheets.table import column_index, column_name

from helpers.shot_lists import imported, places, scenes

HEADER = ["Shot", "Prompt", "Refs", "Duration"]


def workbook(change: Callable[[Worksheet], None], *rows: list[Any]) -> bytes:
    """A workbook with these rows below the header, changed by hand."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in ([*HEADER], *rows):
        sheet.append(row)
    change(sheet)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def unchanged(_: Worksheet) -> None:
    """Leave a sheet as it is."""


def row(shot: Any = 1, prompt: Any = "character1 walks", refs: Any = "hero.png", duration: Any = 5) -> list[Any]:
    return [shot, prompt, refs, duration]


def test_numbers_in_a_workbook_are_what_they_look_like(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        for cell, form in {"A3": "000", "A4": "0.00", "A5": '"SH"0', "A7": "0.0", "D2": "0.0"}.items():
            sheet[cell].number_format = form

    content = workbook(change, row(1.0, duration=5.0), row(10), row(2.1), row(7), row(" 2.50\u00a0"), row(2.125))
    ended = imported(tmp_path, content, name="shots.xlsx")
    assert ended.code == 0, ended.err
    assert [scene["id"] for scene in scenes(tmp_path)] == ["1", "010", "2.10", "7", "2.50", "2.125"]
    assert [scene["duration"] for scene in scenes(tmp_path)] == [5] * 6


def test_texts_of_a_workbook(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet["E1"], sheet["E2"], sheet["E3"], sheet["E4"] = "Note", 0.5, True, datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001
        sheet["E2"].number_format = "0%"
        checked = DataValidation(type="list", formula1='"a,b"')
        sheet.add_data_validation(checked)

    rows = [row(1, "character1 says:\r\nno"), row(2, "_x000D_\ncharacter1"), row(3)]
    assert imported(tmp_path, workbook(change, *rows), name="shots.xlsx").code == 0
    written = scenes(tmp_path)
    assert [scene["note"] for scene in written] == ["50%", "true", "2026-03-01T09:30:00"]
    assert [scene["prompt"] for scene in written] == ["character1 says:\nno", "character1", "character1 walks"]


def test_what_a_spreadsheet_made_of_other_numbers(tmp_path: Path) -> None:
    rows = [row(date(2026, 1, 3)), row(2, duration=time(0, 5)), row(3, duration="=2+3"), row(4, duration="#REF!")]
    ended = imported(tmp_path, workbook(unchanged, *rows), name="shots.xlsx")
    assert places(ended) == ["A2 id.date", "D3 duration.date", "D4 cell.formula", "D5 cell.error"]
    assert "id is a date, 2026-01-03; spreadsheets make a date of a text such as 3-1" in ended.err
    assert "duration is a time of day, 00:05:00; " in ended.err


def test_merged_cells_headings_and_hidden_rows(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet.insert_rows(1)
        sheet["A1"] = "The film"
        sheet["A2"], sheet["E2"] = "Scene", "Shot"
        for number, shot in enumerate("ABXC", 3):
            sheet[f"E{number}"] = shot
        sheet["A5"], sheet["B5"], sheet["E5"] = "PART TWO", None, None
        for area in ("A1:E1", "A3:A4", "A5:E5"):
            sheet.merge_cells(area)
        sheet.row_dimensions[7].hidden = True
        sheet["XFD9000"].number_format = "0%"

    rows = [row(12), row(None), row("PART TWO"), row(13), row(14, prompt="")]
    ended = imported(tmp_path, workbook(change, *rows), name="shots.xlsx")
    assert ended.code == 0, ended.err
    assert [scene["id"] for scene in scenes(tmp_path)] == ["12-A", "12-B", "13-C"]
    assert "left out, since hidden: row 7\n" in ended.err
    assert "left out, since headings: row 5\n" in ended.err


def test_hidden_rows_are_told_in_runs(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        for number in (2, 3, 4, 6):
            sheet.row_dimensions[number].hidden = True

    ended = imported(tmp_path, workbook(change, *map(row, range(1, 7))), name="shots.xlsx")
    assert "left out, since hidden: rows 2-4, 6\n" in ended.err
    assert [scene["id"] for scene in scenes(tmp_path)] == ["4", "6"]


def test_sheets(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        book = sheet.parent
        assert isinstance(book, Workbook)
        sheet.title = "Old"
        sheet.sheet_state = "hidden"
        new = book.create_sheet("Plan")
        for values in (HEADER, row("new")):
            new.append(values)
        book.create_sheet("Budget")
        book.active = 1

    content = workbook(change, row("old"))
    ended = imported(tmp_path, content, name="shots.xlsx")
    assert "read from the sheet Plan; there are others: Budget\n" in ended.err
    assert scenes(tmp_path)[0]["id"] == "new"
    assert imported(tmp_path, content, "--sheet", "old", "--force", name="shots.xlsx").code == 0
    assert scenes(tmp_path)[0]["id"] == "old"
    missing = imported(tmp_path, content, "--sheet", "x", "--force", name="shots.xlsx")
    assert (missing.code, "no sheet 'x'; it has Old, Plan, Budget" in missing.err) == (3, True)
    assert imported(tmp_path, b"Prompt\n", "--sheet", "x", "--force").code == 2


def test_a_cover_and_a_stray_cell_far_away(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        book = sheet.parent
        assert isinstance(book, Workbook)
        cover = book.create_sheet("Cover", 0)
        cover["C3"] = "Prompt: see the list"
        sheet["XFD1048576"] = "stray"
        del sheet["XFD1048576"]
        sheet["A1048576"].number_format = "0%"

    assert imported(tmp_path, workbook(change, row()), name="shots.xlsx").code == 0
    assert [scene["id"] for scene in scenes(tmp_path)] == ["1"]


def repacked(content: bytes, part: str, before: bytes, after: bytes) -> bytes:
    """A workbook with one of its parts changed."""
    result = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(before, after) if name == part else old.read(name))
    return result.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("part", "before", "after", "said"),
    [
        (
            SHEET,
            b"</sheetData>",
            b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>',
            "merged cells",
        ),
        (SHEET, b"</sheetData>", b"</sheetData>" + b" " * 70_000_000, "holds more than"),
        (SHEET, b"</sheetData>", b"", "damaged"),
        ("xl/workbook.xml", b"<sheets>", b"<sheats>", "damaged"),
        ("xl/workbook.xml", b'state="visible"', b'state="hidden"', "no sheet that can be seen"),
    ],
)
def test_workbooks_that_would_break_something(
    tmp_path: Path, part: str, before: bytes, after: bytes, said: str
) -> None:
    content = repacked(workbook(unchanged, row()), part, before, after)
    ended = imported(tmp_path, content, name="shots.xlsx")
    assert (ended.code, said in ended.err) == (3, True), ended.err


def test_what_the_library_says_of_parts_it_does_not_know_is_not_shown(tmp_path: Path) -> None:
    extension = b'<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
    content = repacked(workbook(unchanged, row()), SHEET, b"</worksheet>", extension)
    ended = imported(tmp_path, content, name="shots.xlsx")
    assert (ended.code, "extension" in ended.err) == (0, False), ended.err


@pytest.mark.parametrize(
    ("index", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16383, "XFD")]
)
def test_columns_have_the_letters_of_the_spreadsheet(index: int, name: str) -> None:
    assert (column_name(index), column_index(name.lower())) == (name, index)

"""Whatever a text holds, a terminal is not steered by it, and no spreadsheet calculates with it."""

import csv
import unicodedata
from io import StringIO

from batchgen.report.as_csv import as_csv
from batchgen.text import on_one_line, printable

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of characters that steer, reorder or stand for nothing."""
STEERING = {chr(code) for code in (*range(32), *range(0x7F, 0xA0))} - set("\t\n\v\f\r")
FORMULA = set("=+-@\uff1d\uff0b\uff0d\uff20")


def check(data: bytes) -> None:
    """Show the input as text: read as UTF-8, and as UTF-16 so that halves of characters come up, too."""
    for text in (data.decode("utf-8", "surrogateescape"), data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")):
        _check_terminal(text)
        _check_cell(text)


def _check_terminal(text: str) -> None:
    shown = printable(text)
    assert not {char for char in shown if char != "\n" and unicodedata.category(char) in UNSEEN}
    assert shown.count("\n") == text.count("\n")
    line = on_one_line(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1
    line.encode()


def _check_cell(text: str) -> None:
    """The text comes out of the file as one cell, with nothing in front but what makes it harmless."""
    written = as_csv([{"a": text, "b": "end"}], ("a", "b"))
    written.encode()
    assert not STEERING & set(written), written
    head, (cell, end), *more = list(csv.reader(StringIO(written, newline="")))
    assert (head, end, more) == (["a", "b"], "end", [])
    begins = next((char for char in cell if char.isprintable() and not char.isspace()), "")
    assert begins not in FORMULA, cell

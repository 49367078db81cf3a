"""Text that fits a terminal: lines wrapped between words, tables whose last column wraps, lists cut short. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from shlex import quote
from unicodedata import combining, east_asian_width

from batchgen.text import on_one_line

WIDTH = 80
"""Columns of a terminal, where nothing says how many there are."""
_GAP = "  "
_BELOW = "    "
"""What stands before a line that goes on with the one above it."""
_LONGEST_NAME = 24
"""A longer name in the first column gets a line of its own, so that it does not take the room of the others."""
_LEAST_ROOM = 24
"""With less room than that, the last column stands below the others."""
_WIDE = "\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
_PIECE = re.compile(rf" *(?:[{_WIDE}]|[^ {_WIDE}]+)")
"""What stays on one line: a word, or one character of a script that has no blanks between words."""
_MOST_SPANS = 6


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 1 + (east_asian_width(char) in "WF") for char in text)


def wrapped(text: str, width: int = WIDTH, indent: str = "") -> list[str]:
    """The lines of a text; those after the first begin with ``indent``. A word that is too long stays whole."""
    text = on_one_line(text)
    lines = [text[: len(text) - len(text.lstrip(" "))]]
    for piece in _PIECE.findall(text):
        is_begun = bool(lines[-1].strip())
        if is_begun and columns_of(lines[-1] + piece) > width:
            lines.append(indent + piece.lstrip(" "))
        else:
            lines[-1] += piece if is_begun else piece.lstrip(" ")
    return lines


def command_lines(words: Sequence[str], width: int, indent: str = "") -> list[str]:
    """A command as it is typed, over several lines where it is long; an option stays with its value."""
    parts: list[str] = []
    for word in map(quote, words):
        if parts and not word.startswith("-") and parts[-1].startswith("-") and " " not in parts[-1]:
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    lines = [indent + parts[0]]
    for part in parts[1:]:
        if len(f"{lines[-1]} {part} \\") <= width:
            lines[-1] += f" {part}"
        else:
            lines[-1] += " \\"
            lines.append(f"{indent}{_BELOW}{part}")
    return lines


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int = WIDTH,
    right: Collection[int] = (),
    below: Mapping[int, Sequence[str]] | None = None,
) -> list[str]:
    """A line a row under a header, with the columns in ``right`` aligned to that side.

    The last column wraps, and stands below the others where there is little room for it; where these do not
    fit either, a row is told in words. ``below`` holds lines that belong under a row, by its number.
    """
    # What comes from elsewhere may hold line breaks, and must not begin a line of its own.
    cells = [[on_one_line(cell) for cell in row] for row in rows]
    made = _Table(header, cells, width, right)
    lines = made.line(header)
    for number, row in enumerate(cells):
        lines += made.line(row)
        lines += [line for text in (below or {}).get(number, ()) for line in wrapped(_BELOW + text, width, _BELOW * 2)]
    return lines


class _Table:
    """Knows the widths of the columns, and with that how a row is laid out."""

    def __init__(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], width: int, right: Collection[int]
    ) -> None:
        self._header, self._width, self._right = header, width, right
        listed = [header, *rows]
        self._widths = [max(columns_of(row[column]) for row in listed) for column in range(len(header))]
        self._widths[0] = max(columns_of(row[0]) for row in listed if row is header or not self._is_long(row[0]))
        self._taken = sum(self._widths[:-1]) + len(_GAP) * (len(header) - 1)
        self._fits = self._taken + self._widths[-1] <= width
        self._is_stacked = not self._fits and width - self._taken < _LEAST_ROOM

    def line(self, row: Sequence[str]) -> list[str]:
        """The lines of a row."""
        if self._taken > self._width:
            return self._in_words(row)
        if row is not self._header and self._is_long(row[0]):
            return [row[0], *self._beside(["", *row[1:]])]
        return self._beside(row)

    def _is_long(self, name: str) -> bool:
        return columns_of(name) > _LONGEST_NAME

    def _beside(self, row: Sequence[str]) -> list[str]:
        if self._fits:
            return ["".join(self._padded(row)).rstrip()]
        first = "".join(self._padded(row[:-1]))
        if self._is_stacked and row is self._header:
            return [first.rstrip()]
        if self._is_stacked:
            return [first.rstrip(), *(wrapped(_BELOW + row[-1], self._width, _BELOW) if row[-1] else [])]
        lines = wrapped(row[-1], self._width - self._taken)
        return [(first + lines[0]).rstrip(), *(" " * self._taken + line for line in lines[1:])]

    def _padded(self, row: Sequence[str]) -> list[str]:
        return [self._cell(cell, column) + _GAP for column, cell in enumerate(row)]

    def _cell(self, cell: str, column: int) -> str:
        blanks = " " * (self._widths[column] - columns_of(cell))
        return blanks + cell if column in self._right else cell + blanks

    def _in_words(self, row: Sequence[str]) -> list[str]:
        if row is self._header:
            return []
        named = [f"{_BELOW}{name} {cell}" for name, cell in zip(self._header[1:], row[1:], strict=True) if cell]
        return [row[0], *(line for told in named for line in wrapped(told, self._width, _BELOW * 2))]


def some_of(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def spans(names: Sequence[str], chosen: Collection[str]) -> str:
    """Those of the names that are chosen; three and more in a row are told by the first and the last."""
    runs: list[list[str]] = [[]]
    for name in names:
        if name in chosen:
            runs[-1].append(name)
        elif runs[-1]:
            runs.append([])
    told = [_span(run) for run in runs if run]
    hidden = sum(map(len, runs[_MOST_SPANS:]))
    return ", ".join(told[:_MOST_SPANS]) + (f" and {hidden} more" if hidden else "")


def _span(run: Sequence[str]) -> str:
    return ", ".join(run) if len(run) <= 2 else f"{run[0]} … {run[-1]}"  # noqa: PLR2004 - a pair is told whole

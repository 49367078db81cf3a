"""Text and JSON on the standard streams."""

import json
import logging
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import click

from batchgen.report.plan import Outlook
from batchgen.report.price_notes import price_notes
from batchgen.report.tables import WIDTH, command_lines, wrapped
from batchgen.text import on_one_line

_NARROWEST = 60


def show_json(document: object) -> None:
    """One JSON object on stdout; amounts of money as text."""
    click.echo(json.dumps(document, ensure_ascii=True, indent=2, default=str))


def width_of(stream: TextIO) -> int:
    """How many columns what is shown may take: those of the terminal, where there is one."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else WIDTH
    except (OSError, ValueError):  # closed, or no file at all
        columns = WIDTH
    return max(columns or WIDTH, _NARROWEST)


def edge_of(stream: TextIO) -> int | None:
    """The column at which lines are broken between words; None where there is no terminal, and none is broken."""
    return width_of(stream) if stream.isatty() else None


def fitted(line: str, edge: int | None, indent: str = "  ") -> str:
    """A line broken between words before the column ``edge``, where there is one; the rest of it is indented."""
    return on_one_line(line) if edge is None else "\n".join(wrapped(line, edge, indent))


def labelled(label: str, words: Sequence[str], edge: int | None, *, has_own_line: bool = False) -> list[str]:
    """A command beside its label or under it; one that is longer than ``edge`` is broken where a shell goes on."""
    line = f"{label}  {shlex.join(words)}"
    if not has_own_line and (edge is None or len(line) <= edge):
        return [line]
    lines = [f"  {shlex.join(words)}"] if edge is None else command_lines(words, edge, "  ")
    return [fitted(label, edge), *lines]


def show_notes(notes: Iterable[str]) -> None:
    """Say it on stderr, a note a line; on a terminal no word is broken at its edge."""
    edge = edge_of(sys.stderr)
    for note in notes:
        click.echo(fitted(note, edge), err=True)


class _OnStderr(logging.Handler):
    """Shows what is logged as a warning."""

    def emit(self, record: logging.LogRecord) -> None:
        show_notes([record.getMessage()])


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Show the warnings of a command that keeps no log."""
    handler = _OnStderr(logging.WARNING)
    logger = logging.getLogger("batchgen")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def show_price_notes(outlook: Outlook, *, rehearsal: bool) -> None:
    """Say on stderr where prices were learned, and where they contradict the manifest."""
    show_notes(price_notes(outlook, rehearsal=rehearsal))

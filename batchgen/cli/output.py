"""Text and JSON on the standard streams."""

import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from batchgen.app.notices import Notice, ProblemsFound, Warned
from batchgen.report.plan import Outlook
from batchgen.report.price_notes import price_notes
from batchgen.report.tables import WIDTH, wrapped
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


def show_notes(notes: Iterable[str]) -> None:
    """Say it on stderr, a note a line; on a terminal no word is broken at its edge."""
    for note in notes:
        lines = wrapped(note, width_of(sys.stderr), "  ") if sys.stderr.isatty() else [on_one_line(note)]
        click.echo("\n".join(lines), err=True)


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


def show_notice(notice: Notice) -> None:
    """Say on stderr what was found in a manifest, and what is worth a warning."""
    if isinstance(notice, ProblemsFound):
        from batchgen.cli import problems

        click.echo(problems.as_text(str(notice.manifest), notice.problems), err=True)
    elif isinstance(notice, Warned):
        show_notes([f"warning: {notice.text}"])

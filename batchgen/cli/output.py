"""Text and JSON on the standard streams."""

import json

import click

from batchgen.app.notices import Notice, ProblemsFound, Warned
from batchgen.report.plan import Outlook, price_notes
from batchgen.text import printable


def show_json(document: object) -> None:
    """One JSON object on stdout; amounts of money as text."""
    click.echo(json.dumps(document, ensure_ascii=True, indent=2, default=str))


def show_price_notes(outlook: Outlook) -> None:
    """Say on stderr where prices were learned, and where they contradict the manifest."""
    for note in price_notes(outlook):
        click.echo(printable(note), err=True)


def show_notice(notice: Notice) -> None:
    """Say on stderr what was found in a manifest, and what is worth a warning."""
    if isinstance(notice, ProblemsFound):
        from batchgen.cli import problems

        click.echo(problems.as_text(str(notice.manifest), notice.problems), err=True)
    elif isinstance(notice, Warned):
        click.echo(printable(f"warning: {notice.text}"), err=True)

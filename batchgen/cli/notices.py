"""What a use case notices while it works, on stderr."""

import sys

import click

from batchgen.app.notices import Notice, ProblemsFound, Warned
from batchgen.cli.output import edge_of, show_notes


def show_notice(notice: Notice) -> None:
    """Say on stderr what was found in a manifest, and what is worth a warning."""
    if isinstance(notice, ProblemsFound):
        from batchgen.cli import problems

        click.echo(problems.as_text(str(notice.manifest), notice.problems, edge_of(sys.stderr)), err=True)
    elif isinstance(notice, Warned):
        show_notes([f"warning: {notice.text}"])

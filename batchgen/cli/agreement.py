"""What is shown of a plan before money is spent, and whether it is agreed to."""

import sys

import click

from batchgen.app.planning import Plan
from batchgen.app.saved_plan import SavedPlan, verify_plan
from batchgen.cli.output import show_notes, show_price_notes, width_of
from batchgen.cli.run_options import Options
from batchgen.errors import UsageError
from batchgen.report.plan import Outlook, question
from batchgen.report.plan_table import as_table
from batchgen.report.tables import wrapped
from batchgen.text import printable


def show(made: Plan, options: Options, saved: SavedPlan | None) -> None:
    """Show the plan on stdout. Raises `RefusedRun` where a saved one does not hold any more."""
    outlook = _outlook(made, options, saved)
    show_notes(f"warning: {note}" for note in made.notes())
    click.echo(printable(as_table(outlook, width_of(sys.stdout), full=options.full)))


def is_agreed(made: Plan, options: Options, saved: SavedPlan | None) -> bool:
    """Whether it may be spent. Raises `UsageError` where nobody can be asked and nothing says so."""
    outlook = _outlook(made, options, saved)
    if not outlook.purchases or options.yes or options.emulator or saved is not None:
        return True
    width = width_of(sys.stderr)
    click.echo(printable(as_table(outlook, width, full=options.full)), err=True)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "nothing was submitted: there is no terminal to ask at. Add --yes to buy what the plan shows, or save "
            "a plan with plan --out and carry it out with --plan"
        )
    return click.confirm("\n".join(wrapped(question(outlook), width - len(" [y/N]: "))), err=True)


def _outlook(made: Plan, options: Options, saved: SavedPlan | None) -> Outlook:
    """The plan with the budget that holds; what there is to say of its prices is said."""
    if saved is not None and options.plan_file is not None:
        verify_plan(options.plan_file, saved, made)
    outlook = made.outlook(options.budget)
    show_price_notes(outlook, rehearsal=made.batch.rehearsal)
    return outlook

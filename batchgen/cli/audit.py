"""``batchgen audit``: what was charged, over runs and attempts, and whether the invoice agrees."""

from pathlib import Path

import click

_GROUPS = ["size", "status", "error_code", "model", "day", "run", "scene", "character"]


@click.command("audit")
@click.argument(
    "run_dirs",
    nargs=-1,
    required=True,
    metavar="RUN_DIR...",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--by", type=click.Choice(_GROUPS), help="Also in groups.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option(
    "--invoice",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The provider's statement as CSV, to hold against the ledger; exit code 1 where they differ.",
)
@click.option("--task-column", help="Column of the invoice with the task id.")
@click.option("--amount-column", help="Column of the invoice with the amount in US dollars.")
@click.option("--time-column", help="Column of the invoice with the time, to find unknown submissions by.")
def command(
    run_dirs: tuple[Path, ...],
    by: str | None,
    form: str,
    invoice: Path | None,
    task_column: str | None,
    amount_column: str | None,
    time_column: str | None,
) -> int:
    """Add up what was charged in one or many run directories."""
    from batchgen.cli.auditing import Columns, audit
    from batchgen.errors import UsageError

    if (invoice is None) != (task_column is None) or (invoice is None) != (amount_column is None):
        raise UsageError("--invoice, --task-column and --amount-column go together")
    columns = Columns(task_column or "", amount_column or "", time_column)
    return audit(run_dirs, by, form, invoice, columns)

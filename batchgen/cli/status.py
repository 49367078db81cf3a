"""``batchgen status``: where each scene stands."""

import sys
from pathlib import Path

import click

from batchgen.cli.options import PlacedCommand
from batchgen.garbage import unsearched


@click.command("status", cls=PlacedCommand)
@click.argument(
    "run_dir", required=False, metavar="[RUN_DIR]", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@unsearched()
def command(run_dir: Path | None, form: str) -> int:
    """Show where each scene of a run directory stands; asks nobody, and works while a run goes on.

    Without RUN_DIR it is that of BATCHGEN_RUN_DIR, else the only one under runs/ or named by a manifest
    here; where there are several, a line for each.
    """
    from batchgen.app.finding import found_from, only_one
    from batchgen.app.reporting import documented_codes
    from batchgen.app.run_directory import RunDirectory
    from batchgen.cli.output import show_json, width_of
    from batchgen.report.rows import report_rows
    from batchgen.report.status import as_json, as_line, as_table
    from batchgen.text import printable

    directories = [RunDirectory(run_dir)] if run_dir is not None else found_from()
    if len(directories) > 1 and form == "table":
        for each in directories:
            state = each.state()
            line = as_line(report_rows(state, each.missing(state)), state, str(each))
            click.echo(f"{printable(line)}{' (a rehearsal)' if each.is_rehearsal() else ''}")
        return 0
    directory = only_one(directories)
    state = directory.state()
    missing = directory.missing(state)
    rows = report_rows(state, missing)
    if form == "json":
        show_json(as_json(rows, state))
    else:
        if directory.is_rehearsal():
            click.echo("a rehearsal: the amounts are the emulator's, and nothing was charged\n")
        shown = as_table(rows, state, str(directory), documented_codes(state), width_of(sys.stdout))
        click.echo(printable(shown))
    return 0

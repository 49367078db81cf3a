"""``batchgen status``: where each scene stands."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchgen.cli.options import RUN_DIRECTORY, PlacedCommand
from batchgen.garbage import unsearched

if TYPE_CHECKING:
    from batchgen.app.run_directory import RunDirectory


@click.command("status", cls=PlacedCommand)
@click.argument("run_dir", required=False, metavar="[RUN_DIR]", type=RUN_DIRECTORY)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--watch", is_flag=True, help="Follow a run until it ends, from any terminal.")
def command(run_dir: Path | None, form: str, *, watch: bool) -> int:
    """Show where each scene of a run directory stands; asks nobody, and works while a run goes on.

    Without RUN_DIR it is that of BATCHGEN_RUN_DIR, else the only one under runs/ or named by a manifest
    here; where there are several, a line for each.
    """
    from batchgen.app.finding import found_from, only_one
    from batchgen.app.run_directory import RunDirectory

    directories = [RunDirectory(run_dir)] if run_dir is not None else found_from()
    if watch:
        from batchgen.cli.status_watch import follow

        return follow(only_one(directories))
    with unsearched():
        if len(directories) > 1 and form == "table":
            _show_each(directories)
        else:
            _show(only_one(directories), form)
    return 0


def _show_each(directories: "list[RunDirectory]") -> None:
    from batchgen.cli.output import edge_of, fitted
    from batchgen.report.status import as_line

    for each in directories:
        state = each.state_from_outside()
        line = as_line(each.rows(state), state, str(each))
        line += " (a rehearsal)" if each.is_rehearsal() else ""
        line += ", under way" if state.is_under_way else ""
        click.echo(fitted(line, edge_of(sys.stdout)))


def _show(directory: "RunDirectory", form: str) -> None:
    from batchgen.app.reporting import documented_codes
    from batchgen.cli.going_on import lines_to_go_on
    from batchgen.cli.output import edge_of, fitted, show_json, show_notes, width_of
    from batchgen.journal.journal import is_in_use
    from batchgen.report.status import as_json, as_table, is_left_to_a_run
    from batchgen.text import printable

    edge, state = edge_of(sys.stdout), directory.state_from_outside()
    rows = directory.rows(state)
    if state.output and not directory.output:
        told = f"it is not known here which results lie at {state.output}, so that they count as not fetched yet"
        show_notes([f"warning: {told}; batchgen report {shlex.quote(str(directory))} looks there"])
    if form == "json":
        show_json(as_json(rows, state))
        return
    if directory.is_rehearsal():
        told = "a rehearsal: the amounts are the emulator's, and nothing was charged"
        click.echo(fitted(told, edge) + "\n")
    shown = as_table(rows, state, str(directory), documented_codes(state), width_of(sys.stdout))
    click.echo(printable(shown))
    if state.is_under_way:
        told = f"A run is under way; to follow it: batchgen status {shlex.quote(str(directory))} --watch"
        click.echo(printable("\n" + fitted(told, edge)))
    elif (state.cut_off or is_left_to_a_run(rows, state)) and not is_in_use(directory.path):
        told = "No run is under way: the last one was cut off. What it bought is kept."
        lines = [*([fitted(told, edge, "")] if state.cut_off else []), *lines_to_go_on(directory, state, edge)]
        click.echo(printable("\n".join(["", *lines])))

"""``batchgen report``: writes the reports again from the state, and saves what can be saved of a damaged one."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchgen.cli.options import RUN_DIRECTORY, PlacedCommand
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.text import on_one_line, printable

if TYPE_CHECKING:
    from batchgen.app.run_directory import RunDirectory

_ASIDE = "state.damaged.jsonl"


@click.command("report", cls=PlacedCommand)
@click.argument("run_dir", nargs=-1, metavar="[RUN_DIR]...", type=RUN_DIRECTORY)
@click.option(
    "--salvage", is_flag=True, help="Say what a damaged journal still tells; write a sound one if that is certain."
)
@click.option("--merge", is_flag=True, help="One report on several run directories of one manifest, into --out.")
@click.option("--out", type=click.Path(path_type=Path), help="New folder that --merge writes into.")
def command(run_dir: tuple[Path, ...], out: Path | None, *, salvage: bool, merge: bool) -> int:
    """Write report.html, report.csv and ledger.csv of a run directory again, from its journal alone.

    Without RUN_DIR it is that of BATCHGEN_RUN_DIR, else the only one under runs/ or named by a manifest
    here.

    With --merge, reports, ledger and storyboard of several run directories are written into a new
    folder, each task counted once: those of machines or jobs that ran parts of one manifest, the
    first of which says which scenes there are.

    With --salvage nothing is reported: a journal that two runs wrote at once, or that lost lines, is
    looked through, and where it is certain which submissions it tells of, a new journal is written
    beside it.
    """
    from batchgen.app.finding import found_from, only_one
    from batchgen.app.merging import merge_reports
    from batchgen.app.reporting import write_reports
    from batchgen.app.run_directory import RunDirectory
    from batchgen.cli.output import warnings_shown

    _see_that_they_go_together(run_dir, out, salvage=salvage, merge=merge)
    if merge and out is not None:
        with warnings_shown():
            return _say_what_is_written(merge_reports(run_dir, out))
    directory = RunDirectory(run_dir[0]) if run_dir else only_one(found_from())
    if salvage:
        return _salvage(directory.path)
    with warnings_shown():
        write_reports(directory.path)
    return _say_what_is_written(directory)


def _see_that_they_go_together(run_dir: tuple[Path, ...], out: Path | None, *, salvage: bool, merge: bool) -> None:
    """Raise `UsageError` for options and run directories that do not."""
    if merge and salvage:
        raise UsageError("--merge and --salvage exclude each other")
    if merge != (out is not None):
        raise UsageError("--merge and --out go together")
    if merge and not run_dir:
        raise UsageError("--merge needs the run directories that it is to put together")
    if len(run_dir) > 1 and not merge:
        raise UsageError("a report is of one run directory; for one on several add --merge --out FOLDER")


def _say_what_is_written(directory: "RunDirectory") -> int:
    click.echo(printable(f"wrote {directory.report} and {directory.ledger}"), err=True)
    if directory.storyboard.is_file():
        click.echo(printable(f"look at: {directory.storyboard}"), err=True)
    if directory.output:
        click.echo(printable(f"results are at: {directory.output}"), err=True)
    return 0


def _salvage(run_dir: Path) -> int:
    from batchgen.app.reporting import salvage
    from batchgen.layout import JOURNAL

    journal = run_dir / JOURNAL
    result = salvage(run_dir)
    lines = [f"{journal}: {result.found.lines} lines"]
    if not result.found.wrong:
        click.echo(printable("\n".join([*lines, "Nothing is wrong with it."])))
        return 0
    lines += ["What is wrong:", *_indented(result.found.wrong), "What it tells:", *_indented(result.found.means)]
    if result.written is None:
        lines += ["No journal is made of it, since it is not certain what was paid for:"]
        click.echo(printable("\n".join([*lines, *_indented(result.found.doubts)])))
        raise RunDirectoryError(
            f"{journal} is damaged; restore it from a copy, or ask your provider about the tasks above"
        )
    moves = [[journal, run_dir / _ASIDE], [result.written, journal]]
    commands = (shlex.join(["mv", *map(str, move)]) for move in moves)
    lines += [f"Wrote {result.written}, in which each of these tasks is kept and read again. To go on with it:"]
    click.echo(printable("\n".join([*lines, *(f"  {command}" for command in commands)])))
    return 0


def _indented(lines: list[str]) -> list[str]:
    return [f"  {on_one_line(line)}" for line in lines]

"""``batchgen status``: where each scene stands."""

from pathlib import Path

import click


@click.command("status")
@click.argument("run_dir", metavar="RUN_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(run_dir: Path, form: str) -> int:
    """Show where each scene of a run directory stands; asks nobody, and works while a run goes on."""
    from batchgen.app.run_directory import RunDirectory
    from batchgen.cli.output import show_json
    from batchgen.report.rows import report_rows
    from batchgen.report.status import as_json, as_table
    from batchgen.text import printable

    directory = RunDirectory(run_dir)
    state = directory.state()
    missing = directory.missing(state)
    rows = report_rows(state, missing)
    if form == "json":
        show_json(as_json(rows, state))
    else:
        click.echo(printable(as_table(rows, state, str(run_dir), missing)))
    return 0

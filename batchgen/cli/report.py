"""``batchgen report``: writes the reports again from the state."""

from pathlib import Path

import click


@click.command("report")
@click.argument("run_dir", metavar="RUN_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(run_dir: Path) -> int:
    """Write report.csv and ledger.csv of a run directory again, from its journal alone."""
    from batchgen.cli.batch import write_reports
    from batchgen.journal.log import read
    from batchgen.text import printable

    write_reports(run_dir, read(run_dir))
    click.echo(printable(f"wrote {run_dir / 'report.csv'} and {run_dir / 'ledger.csv'}"), err=True)
    return 0

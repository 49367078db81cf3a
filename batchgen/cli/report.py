"""``batchgen report``: writes the reports again from the state, and saves what can be saved of a damaged one."""

from pathlib import Path

import click


@click.command("report")
@click.argument("run_dir", metavar="RUN_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--salvage", is_flag=True, help="Say what a damaged journal still tells; write a sound one if that is certain."
)
def command(run_dir: Path, *, salvage: bool) -> int:
    """Write report.csv and ledger.csv of a run directory again, from its journal alone.

    With --salvage nothing is reported: a journal that two runs wrote at once, or that lost lines, is
    looked through, and where it is certain which submissions it tells of, a new journal is written
    beside it.
    """
    from batchgen.cli.batch import write_reports
    from batchgen.cli.salvaging import salvage_journal
    from batchgen.journal.log import read
    from batchgen.text import printable

    if salvage:
        return salvage_journal(run_dir)
    write_reports(run_dir, read(run_dir))
    click.echo(printable(f"wrote {run_dir / 'report.csv'} and {run_dir / 'ledger.csv'}"), err=True)
    return 0

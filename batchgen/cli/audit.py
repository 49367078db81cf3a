"""``batchgen audit``: what was charged, over runs and attempts, and whether the invoice agrees."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from batchgen.errors import UsageError
from batchgen.text import on_one_line, printable

_EXIT_DIFFERS = 1
_GROUPS = ["size", "status", "error_code", "model", "day", "run", "scene", "character"]


@click.command("audit")
@click.argument(
    "run_dirs",
    nargs=-1,
    required=True,
    metavar="RUN_DIR...",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--rehearsals", is_flag=True, help="Sum up rehearsals, too, apart from real money.")
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
    *,
    rehearsals: bool,
) -> int:
    """Add up what was charged in one or many run directories.

    Rehearsals are left out: what they cost is the emulator's invention.
    """
    from batchgen.app.auditing import Columns, audit
    from batchgen.cli.output import show_json
    from batchgen.report import invoice as statement
    from batchgen.report.as_csv import as_csv

    if (invoice is None) != (task_column is None) or (invoice is None) != (amount_column is None):
        raise UsageError("--invoice, --task-column and --amount-column go together")
    columns = None if invoice is None else Columns(task_column or "", amount_column or "", time_column)
    found = audit(run_dirs, by, invoice, columns, rehearsals=rehearsals)
    if found.rehearsals and not rehearsals:
        many = "1 rehearsal is" if found.rehearsals == 1 else f"{found.rehearsals} rehearsals are"
        click.echo(f"{many} left out; --rehearsals shows what the emulator charged", err=True)
    if found.repeated:
        tasks = f"{found.repeated} task{'' if found.repeated == 1 else 's'}"
        warning = f"warning: {tasks} in more than one of these run directories (a copy?); each is counted once"
        click.echo(warning, err=True)
    compared = found.comparison
    if form == "json":
        apart = {} if found.rehearsal is None else {"rehearsal": found.rehearsal}
        against = {} if compared is None else {"invoice": statement.as_json(compared)}
        show_json({**found.sums, **apart, **against})
    elif form == "csv":
        rows = [{"key": "total", **found.sums["total"]}, *found.sums["groups"]]
        if found.rehearsal is not None:
            rows += [{"key": "rehearsal", **found.rehearsal["total"]}]
        click.echo(as_csv(rows, list(rows[0])), nl=False)
    else:
        click.echo(printable(_table(found.sums, by)))
        if found.rehearsal is not None:
            click.echo(printable(f"\nrehearsals, apart from real money:\n{_table(found.rehearsal, by)}"))
    if compared is not None and form != "json":
        click.echo(printable(statement.as_text(compared)), err=form == "csv")
    return 0 if found.agrees else _EXIT_DIFFERS


_LABELS = {
    "attempts": "paid attempts",
    "cost_usd": "charged, USD",
    "cost_unknown": "perhaps charged, cost not told",
    "failed_charged": "failed, and charged",
    "failed_uncharged": "failed, and told to be free",
    "failed_not_told": "failed, charge not told",
    "wasted_usd": "wasted, USD (superseded, failed, or not what was asked for)",
    "in_flight": "tasks in flight",
    "exposure_usd": "may still come, USD (in flight, unknown, or not told)",
    "exposure_unknown": "  attempts without an estimate",
    "unknown": "submissions of unknown outcome",
    "unknown_exposure_usd": "  may have cost, USD",
    "unknown_without_estimate": "  without an estimate",
    "finished_seconds": "finished seconds of video",
    "cost_per_finished_second_usd": "charged per finished second, USD",
}
_GROUP_COLUMNS = ("key", "attempts", "cost_usd", "wasted_usd", "exposure_usd", "cost_per_finished_second_usd")


def _table(document: Mapping[str, Any], by: str | None) -> str:
    total = document["total"]
    width = max(len(label) for label in _LABELS.values())
    lines = [f"{label:{width}}  {_cell(total[name])}" for name, label in _LABELS.items()]
    if not by:
        return "\n".join(lines)
    rows = [[by, *(name.removesuffix("_usd") for name in _GROUP_COLUMNS[1:])]]
    rows += [_group(group) for group in document["groups"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_GROUP_COLUMNS))]
    return "\n".join([*lines, "", *(_aligned(row, widths) for row in rows)])


def _group(group: Mapping[str, Any]) -> list[str]:
    """A line of a group; what nobody knows of its cost is no zero."""
    cells = {name: _cell(group[name]) for name in _GROUP_COLUMNS}
    if group["cost_unknown"] or group["in_flight"] or group["unknown"]:
        cells["cost_usd"] = f"{cells['cost_usd']} + ?" if group["cost_usd"] != "0" else "?"
    return list(cells.values())


def _cell(value: object) -> str:
    return "-" if value is None else on_one_line(str(value))


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """The first cell to the left, the numbers to the right."""
    first, *numbers = zip(row, widths, strict=True)
    return "  ".join([f"{first[0]:{first[1]}}", *(f"{cell:>{width}}" for cell, width in numbers)]).rstrip()

"""``batchgen audit``: what was charged, over runs and attempts, and whether the invoice agrees."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchgen.cli.options import RUN_DIRECTORY
from batchgen.errors import UsageError
from batchgen.text import on_one_line, printable

if TYPE_CHECKING:
    from batchgen.app.auditing import AuditResult

_EXIT_DIFFERS = 1
_GROUPS = ["size", "status", "error_code", "model", "day", "run", "scene", "character"]


@click.command("audit")
@click.argument(
    "run_dirs",
    nargs=-1,
    required=True,
    metavar="RUN_DIR...",
    type=RUN_DIRECTORY,
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
    from batchgen.cli.output import show_json, show_notes
    from batchgen.report import invoice as statement
    from batchgen.report.as_csv import as_csv

    if (invoice is None) != (task_column is None) or (invoice is None) != (amount_column is None):
        raise UsageError("--invoice, --task-column and --amount-column go together")
    columns = None if invoice is None else Columns(task_column or "", amount_column or "", time_column)
    found = audit(run_dirs, by, invoice, columns, rehearsals=rehearsals)
    if found.rehearsals and not rehearsals:
        show_notes([_left_out(found)])
    if found.repeated:
        tasks = f"{found.repeated} task{'' if found.repeated == 1 else 's'}"
        warning = f"warning: {tasks} in more than one of these run directories (a copy?); each is counted once"
        show_notes([warning])
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
        # Zeros say nothing where there are rehearsals alone.
        real = [_table(found.sums, by)] if found.real else []
        which = "rehearsals, apart from real money" if found.real else "rehearsals alone, and no real money"
        rehearsed = [] if found.rehearsal is None else [f"{which}:\n{_table(found.rehearsal, by)}"]
        if real or rehearsed:
            click.echo(printable("\n\n".join([*real, *rehearsed])))
    if compared is not None and form != "json":
        click.echo(printable(statement.as_text(compared)), err=form == "csv")
    return 0 if found.agrees else _EXIT_DIFFERS


def _left_out(found: "AuditResult") -> str:
    """That there are rehearsals, and how to see them."""
    many = "1 rehearsal is" if found.rehearsals == 1 else f"{found.rehearsals} rehearsals are"
    nothing = "" if found.real else ", and there is nothing else: no real money was spent"
    return f"{many} left out{nothing}; --rehearsals shows what the emulator charged"


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
_GAP = "  "
_GROUP_COLUMNS = {
    "attempts": "attempts",
    "cost_usd": "charged USD",
    "wasted_usd": "wasted",
    "exposure_usd": "may come",
    "cost_per_finished_second_usd": "per second",
}


def _table(document: Mapping[str, Any], by: str | None) -> str:
    from batchgen.cli.output import width_of
    from batchgen.report.tables import table

    width, total = width_of(sys.stdout), {name: _cell(document["total"][name]) for name in _LABELS}
    room = min(max(map(len, _LABELS.values())), width - len(_GAP) - max(map(len, total.values())))
    lines = [line for name, label in _LABELS.items() for line in _sum(label, total[name], room)]
    if not by:
        return "\n".join(lines)
    header = [by, *_GROUP_COLUMNS.values()]
    groups = table(header, [_group(group) for group in document["groups"]], width, right=range(1, len(header)))
    return "\n".join([*lines, "", *groups])


def _sum(label: str, value: str, room: int) -> list[str]:
    """A label with its sum beside it; one that is too long goes on below."""
    from batchgen.report.tables import wrapped

    first, *more = wrapped(label, room, "    ")
    return [f"{first:{room}}{_GAP}{value}", *more]


def _group(group: Mapping[str, Any]) -> list[str]:
    """A line of a group; what nobody knows of its cost is no zero."""
    cells = {name: _cell(group[name]) for name in ("key", *_GROUP_COLUMNS)}
    if group["cost_unknown"] or group["in_flight"] or group["unknown"]:
        cells["cost_usd"] = f"{cells['cost_usd']} + ?" if group["cost_usd"] != "0" else "?"
    return list(cells.values())


def _cell(value: object) -> str:
    return "-" if value is None else on_one_line(str(value))

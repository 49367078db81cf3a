"""What ``batchgen audit`` does once its options are read."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from batchgen.cli.batch import show_json
from batchgen.errors import UsageError
from batchgen.journal.log import read
from batchgen.money import amount
from batchgen.report import invoice as statement
from batchgen.report.as_csv import as_csv
from batchgen.report.audit import Entry, as_json, entries
from batchgen.text import on_one_line, printable

_EXIT_DIFFERS = 1


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of an invoice."""

    task: str
    amount: str
    time: str | None


def audit(run_dirs: Sequence[Path], by: str | None, form: str, invoice: Path | None, columns: Columns) -> int:
    """Show the audit, and the comparison with an invoice where there is one; the exit code."""
    listed: list[Entry] = []
    folders: dict[Path, Path] = {}
    for path in run_dirs:
        folders.setdefault(path.resolve(), path)
    for folder in folders.values():
        listed += entries(str(folder), read(folder))
    listed = _once(listed)
    document = as_json(listed, by)
    found = None if invoice is None else statement.compare(_lines(invoice, columns), listed)
    if form == "json":
        show_json(document if found is None else {**document, "invoice": statement.as_json(found)})
    elif form == "csv":
        rows = [{"key": "total", **document["total"]}, *document["groups"]]
        click.echo(as_csv(rows, list(rows[0])), nl=False)
    else:
        click.echo(printable(_table(document, by)))
    if found is not None and form != "json":
        click.echo(printable(statement.as_text(found)), err=form == "csv")
    return 0 if found is None or found.agrees else _EXIT_DIFFERS


def _once(listed: Sequence[Entry]) -> list[Entry]:
    """Each task once: a copy of a run directory beside it tells of the same ones."""
    seen: dict[str, Entry] = {}
    distinct = []
    for entry in listed:
        first = seen.setdefault(entry.attempt.task_id or "", entry)
        if entry.attempt.task_id is None or first is entry:
            distinct.append(entry)
    if len(distinct) < len(listed):
        times = f"{len(listed) - len(distinct)} task{'' if len(listed) - len(distinct) == 1 else 's'}"
        warning = f"warning: {times} in more than one of these run directories (a copy?); each is counted once"
        click.echo(warning, err=True)
    return distinct


_LABELS = {
    "attempts": "paid attempts",
    "cost_usd": "charged, USD",
    "cost_unknown": "perhaps charged, cost not told",
    "discount": "discount, as told",
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
    rows += [[_cell(group[name]) for name in _GROUP_COLUMNS] for group in document["groups"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_GROUP_COLUMNS))]
    return "\n".join([*lines, "", *(_aligned(row, widths) for row in rows)])


def _cell(value: object) -> str:
    return "-" if value is None else on_one_line(str(value))


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """The first cell to the left, the numbers to the right."""
    first, *numbers = zip(row, widths, strict=True)
    return "  ".join([f"{first[0]:{first[1]}}", *(f"{cell:>{width}}" for cell, width in numbers)]).rstrip()


def _lines(path: Path, columns: Columns) -> list[statement.Line]:
    """The lines of an invoice. Raises `UsageError`, with the line, for what cannot be understood."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            wanted = [columns.task, columns.amount, *([columns.time] if columns.time else [])]
            absent = [name for name in wanted if name not in (reader.fieldnames or [])]
            if absent:
                has = ", ".join(reader.fieldnames or [])
                raise UsageError(f"{path} has no column {absent[0]!r}; it has: {has}")
            return [_line(path, reader.line_num, row, columns) for row in reader if any(row.values())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as CSV in UTF-8: {error}") from None


def _line(path: Path, number: int, row: Mapping[str, str | None], columns: Columns) -> statement.Line:
    written = (row.get(columns.amount) or "").strip()
    try:
        usd = amount(written)
    except ValueError:
        raise UsageError(f"{path}:{number}: {written!r} in column {columns.amount!r} is no plain amount") from None
    when = row.get(columns.time) if columns.time else None
    return statement.Line(number, (row.get(columns.task) or "").strip(), usd, (when or "").strip())

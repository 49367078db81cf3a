"""Where each scene stands, as a table and as JSON. Pure."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from batchgen.engine.states import State
from batchgen.report.rows import REPORT_COLUMNS, Row, SceneStatus, totals
from batchgen.report.summary import as_text
from batchgen.text import on_one_line

_LONGEST_MESSAGE = 60


def as_json(rows: Sequence[Row], state: State) -> dict[str, Any]:
    """The document that schemas/status.schema.json describes; amounts of money as text."""
    scenes = [{name: _plain(row[name]) for name in REPORT_COLUMNS} for row in rows]
    return {"scenes": scenes, "totals": {name: _plain(value) for name, value in totals(rows, state).items()}}


def as_table(rows: Sequence[Row], state: State, run_dir: str, missing: Collection[str] = ()) -> str:
    """A line a scene, then the summary."""
    cells = [
        (str(row["scene_id"]), str(row["status"]), _money(row["cost_usd"]), str(row["task_id"] or ""), _error(row))
        for row in rows
    ]
    widths = [max((len(line[column]) for line in cells), default=0) for column in range(4)]
    lines = ["  ".join(f"{line[column]:{widths[column]}}" for column in range(4)) + "  " + line[4] for line in cells]
    return "\n".join([*(line.rstrip() for line in lines), "", as_text(state, {}, run_dir, missing)])


def as_line(rows: Sequence[Row], state: State, run_dir: str) -> str:
    """A run directory on one line: how many scenes stand where, and what was charged."""
    sums = totals(rows, state)
    counted = ", ".join(f"{sums[status]} {status}" for status in SceneStatus if sums[status])
    return on_one_line(f"{run_dir}: {counted or 'no scenes'}, {sums['cost_usd']:f} USD")


def _error(row: Row) -> str:
    if not row["error_code"]:
        return ""
    message = str(row["error_message"] or "")
    shown = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"
    return on_one_line(f"{row['error_code']}: {shown}")


def _money(value: object) -> str:
    return f"{value:f} USD" if isinstance(value, Decimal) else ""


def _plain(value: object) -> object:
    return format(value, "f") if isinstance(value, Decimal) else value

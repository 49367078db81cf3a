"""Where each scene stands, as a table and as JSON. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from batchgen.engine.sources import WAITS_FOR
from batchgen.engine.states import State
from batchgen.money import readable
from batchgen.report.meanings import Codes
from batchgen.report.rows import REPORT_COLUMNS, Row, SceneStatus, totals
from batchgen.report.summary import of_rows
from batchgen.report.tables import WIDTH, table
from batchgen.text import on_one_line

_LONGEST_MESSAGE = 200
NO_CODES: Codes = MappingProxyType({})


def as_json(rows: Sequence[Row], state: State) -> dict[str, Any]:
    """The document that schemas/status.schema.json describes; amounts of money as text."""
    scenes = [{name: _plain(row[name]) for name in REPORT_COLUMNS} for row in rows]
    sums = {name: _plain(value) for name, value in totals(rows, state).items()}
    return {"scenes": scenes, "totals": {**sums, **({"profile": state.profile} if state.profile else {})}}


def as_table(rows: Sequence[Row], state: State, run_dir: str, codes: Codes = NO_CODES, width: int = WIDTH) -> str:
    """A line a scene, then the summary; ``codes`` are the error codes that the model documents."""
    cells = [
        (str(row["scene_id"]), str(row["status"]), _money(row["cost_usd"]), str(row["task_id"] or ""), note_of(row))
        for row in rows
    ]
    lines = table(("scene", "status", "paid USD", "task", ""), cells, width, right=(2,)) if cells else []
    return "\n".join([*lines, "", of_rows(rows, state, codes, run_dir, width)])


def as_line(rows: Sequence[Row], state: State, run_dir: str) -> str:
    """A run directory on one line: how many scenes stand where, and what was charged."""
    sums = totals(rows, state)
    counted = ", ".join(f"{sums[status]} {status}" for status in SceneStatus if sums[status])
    profile = f"profile {state.profile}, " if state.profile else ""
    return on_one_line(f"{run_dir}: {profile}{counted or 'no scenes'}, {readable(sums['cost_usd'])} USD")


def is_left_to_a_run(rows: Sequence[Row], state: State) -> bool:
    """Whether the next run would go on by itself, and not be held back as the last one was.

    What was refused in passing holds no run back, nor does what waits for a result or a look.
    """
    is_held = any(held.code != WAITS_FOR for held in state.held.values())
    return not is_held and any(
        row["status"] == SceneStatus.RUNNING or (row["status"] == SceneStatus.PENDING and not row["error_code"])
        for row in rows
    )


def note_of(row: Row) -> str:
    """What else there is to know of a scene: its error, its pick, whose result it has, its title."""
    notes = [_error(row), "picked" if row["picked"] else ""]
    notes += [f"the result of {row['reused_from']}" if row["reused_from"] else "", str(row["title"] or "")]
    return "; ".join(note for note in notes if note)


def _error(row: Row) -> str:
    if not row["error_code"]:
        return ""
    message = str(row["error_message"] or "")
    shown = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"
    return f"{row['error_code']}: {shown}"


def _money(value: object) -> str:
    return readable(value) if isinstance(value, Decimal) else ""


def _plain(value: object) -> object:
    return format(value, "f") if isinstance(value, Decimal) else value

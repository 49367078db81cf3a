"""Problems as text and as JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from unicodedata import combining, east_asian_width

from batchgen.cli.output import fitted
from batchgen.manifest.messages import show_path
from batchgen.model import Place, Problem, counted
from batchgen.sheets.table import cell_name, column_name, show_cell
from batchgen.text import on_one_line

MOST_SHOWN = 50
_WIDTH = 76
"""Characters of a line of the manifest that are shown, so that it fits 80 columns with its indentation."""
_MOST_BEFORE = 50
_INDENT = "    "


def as_text(file: str, problems: Sequence[Problem], edge: int | None = None) -> str:
    """One line a problem, and below it where it is, which rule and which value; then the sum.

    Lines are broken between words at the column ``edge``, where there is one.
    """
    return _listed(file, problems, _line, edge)


def in_table(file: str, problems: Sequence[Problem], edge: int | None = None) -> str:
    """As `as_text`, for problems whose places are cells of a spreadsheet."""
    return _listed(file, problems, _cell_line, edge)


def _listed(
    file: str, problems: Sequence[Problem], line: Callable[[str, Problem, int | None], str], edge: int | None
) -> str:
    lines = [line(file, problem, edge) for problem in problems[:MOST_SHOWN]]
    hidden = problems[MOST_SHOWN:]
    if hidden:
        lines.append(f"{on_one_line(file)}: {counted(hidden)} more, not shown")
    return "\n".join(lines)


def _line(file: str, problem: Problem, edge: int | None) -> str:
    shown = _with_caret(problem.source, problem.place.column, edge) if problem.source else ""
    return _told(file, problem, str(problem.place.column), f"at {show_path(problem.path)}", edge, shown)


def _cell_line(file: str, problem: Problem, edge: int | None) -> str:
    return _told(file, problem, column_name(problem.place.column - 1), f"in cell {cell_name(problem.place)}", edge)


def _told(file: str, problem: Problem, column: str, where: str, edge: int | None, shown: str = "") -> str:
    kind = "warning: " if problem.severity == "warning" else ""
    value = "" if problem.value is None else f", value {problem.value}"
    cell = f" {show_cell(problem.place.cell)}:" if problem.place.cell else ""
    head = f"{file}:{problem.place.line}:{column}:{cell} {kind}{problem.message}"
    scene = "" if problem.scene_id is None else f" (scene {problem.scene_id})"
    below = f"{_INDENT}{where}{scene}, rule {problem.rule}{value}"
    return f"{fitted(head, edge)}{shown}\n{fitted(below, edge, f'{_INDENT}  ')}"


def _with_caret(line: str, column: int, edge: int | None) -> str:
    """The line of a manifest, and a caret below the character that is meant; a long line is cut around it."""
    plain = line.replace("\t", " ")
    before, rest = on_one_line(plain[: column - 1]), on_one_line(plain[column - 1 :])
    room = _WIDTH if edge is None else min(_WIDTH, edge - len(_INDENT))
    most = min(_MOST_BEFORE, room * 2 // 3)
    if len(before) > most and len(before) + len(rest) > room:
        before = f"…{before[1 - most :]}"
    if len(before) + len(rest) > room:
        rest = f"{rest[: room - len(before) - 1]}…"
    return f"\n    {before}{rest}\n    {' ' * _cells(before)}^"


def _cells(text: str) -> int:
    """How many cells of a terminal a text fills: Chinese characters fill two."""
    return sum(0 if combining(char) else 1 + (east_asian_width(char) in "WF") for char in text)


def _cell_of(place: Place) -> dict[str, dict[str, str | int]]:
    """The cell that a value comes from, under its name in the document."""
    if not place.cell:
        return {}
    return {"cell": {**place.cell._asdict(), "column": column_name(place.cell.column - 1)}}


def as_json(found: Mapping[str, Sequence[Problem]]) -> str:
    """The document that schemas/findings.schema.json describes."""
    findings = [
        {
            "file": file,
            "line": problem.place.line,
            "column": problem.place.column,
            "path": show_path(problem.path),
            **_cell_of(problem.place),
            **({} if problem.scene_id is None else {"scene_id": problem.scene_id}),
            "rule": problem.rule,
            "message": problem.message,
            **({} if problem.value is None else {"value": problem.value}),
            "severity": problem.severity,
        }
        for file, problems in found.items()
        for problem in problems
    ]
    return json.dumps({"findings": findings}, ensure_ascii=True, indent=2)

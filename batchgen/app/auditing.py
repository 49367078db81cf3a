"""What was charged over runs and attempts, and whether an invoice agrees."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchgen.app.keywords import StrPath, paths
from batchgen.app.run_directory import RunDirectory
from batchgen.engine.merging import counting
from batchgen.errors import UsageError
from batchgen.money import amount
from batchgen.report import invoice as statement
from batchgen.report.audit import GROUPINGS, Entry, as_json, entries


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of an invoice."""

    task: str
    amount: str
    time: str | None = None


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The sums of real money; ``rehearsal`` has those of rehearsals, None where they are left out.

    ``rehearsals`` is how many of the run directories are rehearsals, ``real`` how many are not, ``repeated`` how many
    tasks are in more than one directory, ``comparison`` is with an invoice.
    """

    sums: Mapping[str, Any]
    rehearsal: Mapping[str, Any] | None
    rehearsals: int
    real: int
    repeated: int
    comparison: statement.Comparison | None

    @property
    def agrees(self) -> bool:
        """Whether there is nothing in which an invoice differs."""
        return self.comparison is None or self.comparison.agrees


def audit(
    run_dirs: StrPath | Iterable[StrPath],
    by: str | None = None,
    invoice: StrPath | None = None,
    columns: Columns | None = None,
    *,
    rehearsals: bool = False,
) -> AuditResult:
    """Add up what was charged in run directories, each task once, and hold an invoice against it.

    ``by`` is one of size, status, error_code, model, day, run, scene and character. What a rehearsal costs
    is the emulator's invention and never added to real money: it is left out, or with ``rehearsals``
    summed up apart. Raises `UsageError` where an invoice cannot be understood, with its line,
    `RunDirectoryError` where a journal cannot be read.
    """
    if by is not None and by not in GROUPINGS:
        raise UsageError(f"there is no group {by!r}; there is {', '.join(GROUPINGS)}")
    if (invoice is None) != (columns is None):
        raise UsageError("an invoice and its columns go together")
    folders: dict[Path, Path] = {}
    for path in paths(run_dirs, "run_dirs"):
        folders.setdefault(path.resolve(), path)
    found = [RunDirectory(folder) for folder in folders.values()]
    rehearsed = [directory for directory in found if directory.is_rehearsal()]
    distinct, repeated = _entries([directory for directory in found if directory not in rehearsed])
    compared = None
    if invoice is not None and columns is not None:
        compared = statement.compare(_lines(Path(invoice), columns), distinct)
    apart = as_json(_entries(rehearsed)[0], by) if rehearsals else None
    counts = len(rehearsed), len(found) - len(rehearsed), repeated
    return AuditResult(as_json(distinct, by), apart, *counts, compared)


def _entries(directories: Sequence[RunDirectory]) -> tuple[list[Entry], int]:
    """The paid attempts, each once, and how often more they are told of.

    A copy of a run directory beside it tells of the same ones, and of some perhaps less: what was under way or
    unknown when it was made.
    """
    states = [directory.state() for directory in directories]
    counted = {(which, one.key) for which, one in counting(states)}
    listed = [
        (which, entry)
        for which, (directory, state) in enumerate(zip(directories, states, strict=True))
        for entry in entries(str(directory), state)
    ]
    distinct = [entry for which, entry in listed if (which, entry.attempt.key) in counted]
    return distinct, len(listed) - len(distinct)


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
        raise UsageError(f"{path}:{number}: {written!r} in column {columns.amount!r} is not a plain amount") from None
    when = row.get(columns.time) if columns.time else None
    return statement.Line(number, (row.get(columns.task) or "").strip(), usd, (when or "").strip())

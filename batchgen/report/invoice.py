"""Holds a provider's statement against the ledger, task by task. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from shlex import quote
from typing import Any

from batchgen.money import plus, readable
from batchgen.report.audit import Entry
from batchgen.text import on_one_line


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the statement: ``number`` is its line in the file, ``when`` whatever it says of the time.

    A line without ``task_id`` is of no task, as a sum at the end is.
    """

    number: int
    task_id: str
    amount_usd: Decimal
    when: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What agrees and what does not. Lines of one task are added up before they are compared."""

    matched: tuple[Entry, ...]
    different: tuple[tuple[Entry, Decimal], ...]
    unexpected: tuple[Line, ...]
    """Tasks of the statement that no ledger knows."""
    missing: tuple[Entry, ...]
    """Tasks of the ledger that the statement does not have, though they were charged."""
    unknown: tuple[Entry, ...]
    """Submissions without a known task: an unexpected task may be one of theirs."""

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to look into."""
        return not (self.different or self.unexpected or self.missing)


def compare(lines: Sequence[Line], listed: Iterable[Entry]) -> Comparison:
    """Match lines and attempts by task id."""
    entries = list(listed)
    known = {entry.attempt.task_id: entry for entry in entries if entry.attempt.task_id is not None}
    stated = _added_up(lines)
    both = [(known[line.task_id], line.amount_usd) for line in stated if line.task_id in known]
    listed_ids = {line.task_id for line in stated}
    return Comparison(
        matched=tuple(entry for entry, amount in both if entry.attempt.result.cost_usd == amount),
        different=tuple((entry, amount) for entry, amount in both if entry.attempt.result.cost_usd != amount),
        unexpected=tuple(line for line in stated if line.task_id not in known),
        missing=tuple(
            entry for task_id, entry in known.items() if task_id not in listed_ids and entry.attempt.result.cost_usd
        ),
        unknown=tuple(entry for entry in entries if entry.attempt.is_unknown),
    )


def _added_up(lines: Iterable[Line]) -> list[Line]:
    """One line a task, where its first one stands; what is of no task stays as it is."""
    found: dict[str | int, Line] = {}
    for line in lines:
        first = found.setdefault(line.task_id or line.number, line)
        if first is not line:
            found[line.task_id] = replace(first, amount_usd=plus(first.amount_usd, line.amount_usd))
    return list(found.values())


def candidates(line: Line, unknown: Sequence[Entry]) -> list[Entry]:
    """Unknown submissions that a task of the statement may belong to, the nearest in time first."""
    if not line.task_id:
        return []
    when = _time(line.when)
    if when is None:
        return list(unknown)
    return sorted(unknown, key=lambda entry: abs((_time(entry.attempt.submitted_at) or when) - when))


def _time(text: str) -> datetime | None:
    """A time in ISO 8601, taken for UTC where it does not say; None for anything else."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def as_json(found: Comparison) -> dict[str, Any]:
    """The comparison as JSON; amounts of money as text."""
    return {
        "agrees": found.agrees,
        "matched": len(found.matched),
        "different": [
            {**_named(entry), "ledger_usd": _told(entry), "invoice_usd": format(amount, "f")}
            for entry, amount in found.different
        ],
        "unexpected": [
            {
                "line": line.number,
                "task_id": line.task_id,
                "invoice_usd": format(line.amount_usd, "f"),
                "when": line.when,
                "candidates": [_named(entry) for entry in candidates(line, found.unknown)],
            }
            for line in found.unexpected
        ],
        "missing": [{**_named(entry), "ledger_usd": _told(entry)} for entry in found.missing],
    }


def as_text(found: Comparison) -> str:
    """The comparison in sentences, and how to settle an unknown submission with it."""
    lines = [_count(len(found.matched), "task") + " with the same amount on the invoice and in the ledger"]
    lines += [
        f"  differs: {_task(entry)}: ledger {_told(entry) or 'not told'}, invoice {readable(amount)} USD"
        for entry, amount in found.different
    ]
    for line in found.unexpected:
        task, when = on_one_line(line.task_id), on_one_line(f", {line.when}" if line.when else "")
        which = f"task {task}" if task else "without a task id"
        lines.append(f"  not in a ledger: line {line.number}, {which}, {readable(line.amount_usd)} USD{when}")
        lines += [
            f"    perhaps scene {entry.attempt.scene_id}, submitted {entry.attempt.submitted_at}, outcome unknown:\n"
            f"      batchgen resolve {quote(entry.run)} {quote(entry.attempt.scene_id)} --task-id {quote(task)}"
            for entry in candidates(line, found.unknown)
        ]
    lines += [f"  not on the invoice: {_task(entry)}: {_told(entry)} USD" for entry in found.missing]
    lines.append("the invoice agrees with the ledger" if found.agrees else "the invoice does not agree with the ledger")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _task(entry: Entry) -> str:
    return f"task {entry.attempt.task_id} (scene {entry.attempt.scene_id}, {entry.run})"


def _named(entry: Entry) -> dict[str, Any]:
    attempt = entry.attempt
    return {
        "run": entry.run,
        "scene_id": attempt.scene_id,
        "attempt": attempt.number,
        "task_id": attempt.task_id,
        "submitted_at": attempt.submitted_at,
    }


def _told(entry: Entry) -> str | None:
    cost = entry.attempt.result.cost_usd
    return None if cost is None else format(cost, "f")

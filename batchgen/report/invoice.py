"""Holds a provider's statement against the ledger, task by task. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from batchgen.engine.states import Attempt
from batchgen.money import plus
from batchgen.report.audit import Entry


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the statement: ``number`` is its line in the file, ``when`` whatever it says of the time."""

    number: int
    task_id: str
    amount_usd: Decimal
    when: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What agrees and what does not. Lines of one task are added up before they are compared."""

    matched: tuple[Attempt, ...]
    different: tuple[tuple[Attempt, Decimal], ...]
    unexpected: tuple[Line, ...]
    """Tasks of the statement that no ledger knows."""
    missing: tuple[Attempt, ...]
    """Tasks of the ledger that the statement does not have, though they were charged."""
    unknown: tuple[Attempt, ...]
    """Submissions without a known task: an unexpected task may be one of theirs."""

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to look into."""
        return not (self.different or self.unexpected or self.missing)


def compare(lines: Sequence[Line], listed: Iterable[Entry]) -> Comparison:
    """Match lines and attempts by task id."""
    attempts = [entry.attempt for entry in listed]
    known = {attempt.task_id: attempt for attempt in attempts if attempt.task_id is not None}
    stated: dict[str, Decimal] = {}
    for line in lines:
        stated[line.task_id] = plus(stated.get(line.task_id, Decimal(0)), line.amount_usd)
    agreed, different = [], []
    for task_id, amount in stated.items():
        attempt = known.get(task_id)
        if attempt is not None and attempt.cost_usd == amount:
            agreed.append(attempt)
        elif attempt is not None:
            different.append((attempt, amount))
    return Comparison(
        matched=tuple(agreed),
        different=tuple(different),
        unexpected=tuple(line for line in lines if line.task_id not in known),
        missing=tuple(attempt for task_id, attempt in known.items() if task_id not in stated and attempt.cost_usd),
        unknown=tuple(attempt for attempt in attempts if attempt.is_unknown),
    )


def candidates(line: Line, unknown: Sequence[Attempt]) -> list[Attempt]:
    """Unknown submissions that a task of the statement may belong to, the nearest in time first."""
    when = _time(line.when)
    if when is None:
        return list(unknown)
    return sorted(unknown, key=lambda attempt: abs((_time(attempt.submitted_at) or when) - when))


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
            {**_named(attempt), "ledger_usd": _text(attempt.cost_usd), "invoice_usd": format(amount, "f")}
            for attempt, amount in found.different
        ],
        "unexpected": [
            {
                "line": line.number,
                "task_id": line.task_id,
                "invoice_usd": format(line.amount_usd, "f"),
                "when": line.when,
                "candidates": [_named(attempt) for attempt in candidates(line, found.unknown)],
            }
            for line in found.unexpected
        ],
        "missing": [{**_named(attempt), "ledger_usd": _text(attempt.cost_usd)} for attempt in found.missing],
    }


def as_text(found: Comparison) -> str:
    """The comparison in sentences, and how to settle an unknown submission with it."""
    lines = [f"{len(found.matched)} tasks agree with the invoice"]
    lines += [
        f"  {attempt.task_id} (scene {attempt.scene_id}): ledger {_text(attempt.cost_usd)} USD, invoice {amount:f} USD"
        for attempt, amount in found.different
    ]
    for line in found.unexpected:
        when = f", {line.when}" if line.when else ""
        lines.append(f"  line {line.number}: task {line.task_id}, {line.amount_usd:f} USD{when}, is in no ledger")
        lines += [
            f"    perhaps scene {attempt.scene_id}, submitted {attempt.submitted_at}, outcome unknown"
            for attempt in candidates(line, found.unknown)
        ]
    if found.unexpected and found.unknown:
        lines.append("  once you are sure: batchgen resolve RUN_DIR SCENE --task-id ID")
    lines += [
        f"  {attempt.task_id} (scene {attempt.scene_id}): {_text(attempt.cost_usd)} USD, is not on the invoice"
        for attempt in found.missing
    ]
    return "\n".join(lines)


def _named(attempt: Attempt) -> dict[str, Any]:
    return {"scene_id": attempt.scene_id, "task_id": attempt.task_id, "submitted_at": attempt.submitted_at}


def _text(amount: Decimal | None) -> str:
    return "?" if amount is None else format(amount, "f")

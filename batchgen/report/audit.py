"""What was charged, over runs and attempts, whole and in groups. Pure; sums are exact.

Whatever the gateway did not say is counted as unknown and never taken for zero. Whether a failure
was charged is read from what the gateway said of it, and not assumed. Discounts are added to nothing:
some are amounts, some are factors; the ledger has each as it came.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.budget import charged, exposure
from batchgen.engine.states import State
from batchgen.money import ratio
from batchgen.report.rows import paid_attempts, status_of

_PLACES = 10
_NONE = "(none)"


@dataclass(frozen=True, slots=True)
class Entry:
    """A paid attempt of a run directory, ``run`` as the user named it; ``superseded``: its result counts no more."""

    run: str
    attempt: Attempt
    superseded: bool
    status: str


def entries(run: str, state: State) -> list[Entry]:
    """The paid attempts of a run directory; unknown ones may have been paid and are among them.

    What was linked in from another run directory was paid for there.
    """
    return [
        Entry(run, attempt, superseded, status_of(attempt, state))
        for attempt, superseded in paid_attempts(state)
        if not attempt.reused_from
    ]


def as_json(listed: Sequence[Entry], by: str | None) -> dict[str, Any]:
    """The document that schemas/audit.schema.json describes; amounts of money as text."""
    groups = [{"key": key, **_sums(group)} for key, group in grouped(listed, by).items()] if by else []
    return {"total": _sums(listed), "groups": groups}


def grouped(listed: Iterable[Entry], by: str) -> dict[str, list[Entry]]:
    """The entries by a property, in the order of their keys.

    By character, an attempt stands under each of its characters: those groups overlap, and their
    sums are not meant to add up to the total.
    """
    found: dict[str, list[Entry]] = {}
    for entry in listed:
        for key in GROUPINGS[by](entry) or [_NONE]:
            found.setdefault(key or _NONE, []).append(entry)
    return dict(sorted(found.items()))


GROUPINGS: Mapping[str, Callable[[Entry], Sequence[str]]] = {
    "size": lambda entry: [entry.attempt.request.size or ""],
    "status": lambda entry: [entry.status],
    "error_code": lambda entry: [entry.attempt.code],
    "model": lambda entry: [entry.attempt.request.model or ""],
    "day": lambda entry: [entry.attempt.submitted_at[:10]],
    "run": lambda entry: [entry.run],
    "scene": lambda entry: [entry.attempt.scene_id],
    "character": lambda entry: entry.attempt.request.characters,
}


def _sums(listed: Sequence[Entry]) -> dict[str, Any]:
    attempts = [entry.attempt for entry in listed]
    failed = [attempt.result.cost_usd for attempt in attempts if attempt.state is AttemptState.FAILED]
    wasted = charged(
        entry.attempt
        for entry in listed
        if entry.attempt.result.cost_usd is not None
        and (entry.superseded or entry.attempt.state in (AttemptState.MISMATCHED, AttemptState.FAILED))
    )
    unknown = exposure(attempt for attempt in attempts if attempt.is_unknown)
    paid, out = charged(attempts), exposure(attempts)
    seconds = _finished_seconds(entry.attempt for entry in listed if not entry.superseded)
    return {
        "attempts": len(attempts),
        "cost_usd": format(paid.usd, "f"),
        "cost_unknown": paid.unknown,
        "failed_charged": sum(bool(cost) for cost in failed),
        "failed_uncharged": sum(cost is not None and not cost for cost in failed),
        "failed_not_told": sum(cost is None for cost in failed),
        "wasted_usd": format(wasted.usd, "f"),
        "in_flight": sum(attempt.is_in_flight for attempt in attempts),
        "exposure_usd": format(out.usd, "f"),
        "exposure_unknown": out.unknown,
        "unknown": sum(attempt.is_unknown for attempt in attempts),
        "unknown_exposure_usd": format(unknown.usd, "f"),
        "unknown_without_estimate": unknown.unknown,
        "finished_seconds": seconds,
        "cost_per_finished_second_usd": _rate(paid.usd, seconds),
    }


def _finished_seconds(attempts: Iterable[Attempt]) -> int:
    """Seconds of video that were delivered as they were asked for, or are ready to be fetched, and still count."""
    good = (AttemptState.DELIVERED, AttemptState.COMPLETED, AttemptState.DOWNLOAD_FAILED)
    return sum(attempt.request.seconds or 0 for attempt in attempts if attempt.state in good)


def _rate(cost: Decimal, seconds: int) -> str | None:
    """US dollars per finished second, everything paid divided by what came of it, to ten places."""
    return format(ratio(cost, seconds, _PLACES), "f") if seconds else None

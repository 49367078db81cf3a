"""State → the rows of report.csv and ledger.csv. Pure.

A row is a mapping of column to value, where a value is a text, a number, a Decimal, a truth or None
for unknown; how it looks is up to the format.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from batchgen.engine.budget import charged, exposure
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import PAID, Attempt, AttemptState, State
from batchgen.model import RequestFacts, TaskResult

Row: TypeAlias = Mapping[str, str | int | float | bool | Decimal | None]

REPORT_COLUMNS = (
    "scene_id", "status", "error_code", "error_message", "task_id", "job_id", "model", "size", "tier", "duration_s",
    "seed", "attempts", "estimated_cost_usd", "cost_usd", "discount", "submitted_at", "finished_at", "elapsed_s",
    "video_url", "video_path", "video_sha256", "request_sha256",
)  # fmt: skip
LEDGER_COLUMNS = (
    "scene_id", "attempt", "outcome", "task_id", "request_sha256", "model", "size", "duration_s", "seed",
    "submitted_at", "finished_at", "estimated_cost_usd", "cost_usd", "discount", "error_code", "error_message",
    "superseded",
)  # fmt: skip


class SceneStatus(StrEnum):
    """Where a scene stands, in a report's words."""

    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Submitted, and whether a task was created is not known."""
    RUNNING = "running"
    PENDING = "pending"


STATUSES: Mapping[AttemptState, SceneStatus] = {
    AttemptState.SUBMITTING: SceneStatus.UNKNOWN,
    AttemptState.UNKNOWN: SceneStatus.UNKNOWN,
    AttemptState.RESOLVED: SceneStatus.RUNNING,
    AttemptState.RUNNING: SceneStatus.RUNNING,
    AttemptState.NOT_FOUND: SceneStatus.FAILED,
    AttemptState.COMPLETED: SceneStatus.COMPLETED,
    AttemptState.DELIVERED: SceneStatus.COMPLETED,
    AttemptState.DOWNLOAD_FAILED: SceneStatus.FAILED,
    AttemptState.MISMATCHED: SceneStatus.FAILED,
    AttemptState.FAILED: SceneStatus.FAILED,
    AttemptState.REFUSED: SceneStatus.FAILED,
}
_CUT_OFF = "the run was cut off while this was being submitted; whether a task was created is not known"


def report_rows(state: State, missing: Collection[str] = ()) -> list[Row]:
    """One row a scene of the manifest, in its order; ``missing`` are the scenes whose delivered file is gone."""
    return [_report_row(state, scene, missing) for scene in state.scenes]


def ledger_rows(state: State) -> list[Row]:
    """One row a paid attempt over all runs, in the order of submission; unknown ones are paid, too."""
    paid = sorted(paid_attempts(state), key=lambda one: one[0].submitted_at)
    return [_ledger_row(attempt, state, superseded=superseded) for attempt, superseded in paid]


def paid_attempts(state: State) -> list[tuple[Attempt, bool]]:
    """Every attempt that was paid for or may have been, and whether its result counts no more.

    It does not once the scene was paid for again, was changed, or is not in the manifest any more.
    """
    current = {scene.scene_id: scene.request.sha256 for scene in state.scenes}
    paid = [attempt for attempt in state.all_attempts() if attempt.state in PAID]
    last = {attempt.scene_id: attempt.number for attempt in paid}
    return [
        (attempt, attempt.number != last[attempt.scene_id] or attempt.request.sha256 != current.get(attempt.scene_id))
        for attempt in paid
    ]


def status_of(attempt: Attempt, state: State, missing: Collection[str] = ()) -> SceneStatus:
    """The status of an attempt in a report's words; it is completed once its file is here, if files are wanted."""
    if attempt.state is AttemptState.REFUSED and attempt.again:
        return SceneStatus.PENDING
    if attempt.state is AttemptState.DOWNLOAD_FAILED and not state.downloads:
        return SceneStatus.COMPLETED
    is_here = attempt.state is not AttemptState.COMPLETED and attempt.scene_id not in missing
    status = STATUSES[attempt.state]
    return SceneStatus.RUNNING if status is SceneStatus.COMPLETED and state.downloads and not is_here else status


def totals(rows: Iterable[Row], state: State) -> dict[str, Any]:
    """Counts of rows by status, and sums over all attempts, those at scenes that are gone included.

    What is not known is counted and never taken for zero.
    """
    listed, attempts = list(rows), list(state.all_attempts())
    paid, out = charged(attempts), exposure(attempts)
    return {
        "scenes": len(listed),
        **{str(status): sum(row["status"] == status for row in listed) for status in SceneStatus},
        "cost_usd": paid.usd,
        "cost_unknown": paid.unknown,
        "exposure_usd": out.usd,
        "exposure_unknown": out.unknown,
    }


def _report_row(state: State, scene: SceneFacts, missing: Collection[str]) -> Row:
    attempts = state.attempts.get(scene.scene_id, [])
    paid = [attempt for attempt in attempts if attempt.state in PAID]
    latest = state.current_attempt(scene)
    if latest is not None and not _speaks_for(latest, scene):
        latest = None
    held = state.held.get(scene.scene_id)
    error = (latest.code, latest.message) if latest else (held.code, held.message) if held else ("", "")
    if latest is not None and latest.state is AttemptState.SUBMITTING:
        error = ("submit_unknown", _CUT_OFF)
    if latest is not None and held is not None and latest.state is AttemptState.REFUSED:
        error = (held.code, held.message)
    was_told = any(attempt.result.cost_usd is not None for attempt in paid)
    request = scene.request if latest is None else latest.request
    result = TaskResult() if latest is None else latest.result
    return {
        "scene_id": scene.scene_id,
        "status": SceneStatus.PENDING if latest is None else status_of(latest, state, missing),
        "error_code": error[0],
        "error_message": error[1],
        "task_id": latest.task_id if latest else None,
        "job_id": result.job_id,
        **_asked_for(request),
        "tier": request.tier,
        "attempts": len(paid),
        "estimated_cost_usd": scene.estimated_cost_usd if latest is None else latest.estimated_cost_usd,
        "cost_usd": charged(paid).usd if was_told else None,
        "discount": result.discount,
        "submitted_at": latest.submitted_at if latest else None,
        "finished_at": latest.finished_at if latest else None,
        "elapsed_s": _elapsed_s(latest) if latest else None,
        "video_url": result.video_url,
        "video_path": latest.video_path if latest else None,
        "video_sha256": latest.video_sha256 if latest else None,
        "request_sha256": request.sha256,
    }


def _speaks_for(attempt: Attempt, scene: SceneFacts) -> bool:
    """Whether the last attempt says where the scene stands: not once the scene was changed after it."""
    return attempt.request.sha256 == scene.request.sha256 or attempt.is_open or attempt.is_unknown


def _ledger_row(attempt: Attempt, state: State, *, superseded: bool) -> Row:
    cut_off = attempt.state is AttemptState.SUBMITTING
    return {
        "scene_id": attempt.scene_id,
        "attempt": attempt.number,
        "outcome": STATUSES[attempt.state] if superseded else status_of(attempt, state),
        "task_id": attempt.task_id,
        "request_sha256": attempt.request.sha256,
        **_asked_for(attempt.request),
        "submitted_at": attempt.submitted_at,
        "finished_at": attempt.finished_at,
        "estimated_cost_usd": attempt.estimated_cost_usd,
        "cost_usd": attempt.result.cost_usd,
        "discount": attempt.result.discount,
        "error_code": "submit_unknown" if cut_off else attempt.code,
        "error_message": _CUT_OFF if cut_off else attempt.message,
        "superseded": superseded,
    }


def _asked_for(request: RequestFacts) -> dict[str, str | int | None]:
    return {"model": request.model, "size": request.size, "duration_s": request.seconds, "seed": request.seed}


def _elapsed_s(attempt: Attempt) -> float | None:
    if attempt.finished_at is None:
        return None
    try:
        spent = datetime.fromisoformat(attempt.finished_at) - datetime.fromisoformat(attempt.submitted_at)
    except (ValueError, TypeError):  # a journal from somebody else may hold times that are none
        return None
    return round(spent.total_seconds(), 3)

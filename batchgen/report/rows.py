"""State → the rows of report.csv and ledger.csv. Pure.

A row is a mapping of column to value, where a value is a text, a number, a Decimal, a truth or None
for unknown; how it looks is up to the format.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from typing import Any, TypeAlias

from batchgen.engine.attempts import PAID, Attempt, AttemptState
from batchgen.engine.budget import charged, exposure
from batchgen.engine.events import SceneFacts
from batchgen.engine.sources import REVIEW, WAITS_FOR, Source, lacking
from batchgen.engine.sources import is_picked as is_chosen
from batchgen.engine.states import State
from batchgen.layout import video_path
from batchgen.model import RequestFacts, TaskResult

Row: TypeAlias = Mapping[str, str | int | float | bool | Decimal | None]
UrlOf: TypeAlias = Callable[[str, str | None], str | None]
"""The URL of a file of a run directory in an object store, by its name and hash; None where it is not there."""

REPORT_COLUMNS = (
    "scene_id", "status", "error_code", "error_message", "task_id", "job_id", "model", "size", "tier", "duration_s",
    "seed", "attempts", "estimated_cost_usd", "cost_usd", "discount", "submitted_at", "finished_at", "elapsed_s",
    "video_url", "video_path", "video_sha256", "request_sha256", "shot", "take", "picked", "reused_from", "title",
    "prompt",
)  # fmt: skip
LEDGER_COLUMNS = (
    "scene_id", "attempt", "outcome", "task_id", "request_sha256", "model", "size", "duration_s", "seed",
    "submitted_at", "finished_at", "estimated_cost_usd", "cost_usd", "discount", "error_code", "error_message",
    "superseded", "result_path", "result_sha256",
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
    AttemptState.NO_RESULT: SceneStatus.FAILED,
    AttemptState.COMPLETED: SceneStatus.COMPLETED,
    AttemptState.DELIVERED: SceneStatus.COMPLETED,
    AttemptState.DOWNLOAD_FAILED: SceneStatus.FAILED,
    AttemptState.MISMATCHED: SceneStatus.FAILED,
    AttemptState.FAILED: SceneStatus.FAILED,
    AttemptState.REFUSED: SceneStatus.FAILED,
}
_CUT_OFF = "the run was cut off while this was being submitted; whether a task was created is not known"


def nowhere_else(_: str, __: str | None) -> None:
    """Results lie in the run directory alone."""


def report_rows(state: State, missing: Collection[str] = (), url_of: UrlOf = nowhere_else) -> list[Row]:
    """One row a scene of the manifest, in its order; ``missing`` are the scenes whose delivered file is gone."""
    return [report_row(state, scene, missing, url_of) for scene in state.scenes]


def ledger_rows(state: State, url_of: UrlOf = nowhere_else) -> list[Row]:
    """One row a paid attempt over all runs, in the order of submission; unknown ones are paid, too."""
    paid = sorted(paid_attempts(state), key=lambda one: one[0].submitted_at)
    return [_ledger_row(attempt, state, url_of, superseded=superseded) for attempt, superseded in paid]


def paid_attempts(state: State) -> list[tuple[Attempt, bool]]:
    """Every attempt that was paid for or may have been, or linked in, and whether no scene of the manifest uses it.

    Of a manifest with profiles, the scenes of each count as it was run last.
    """
    listed = chain(state.scenes, *state.others.values())
    used = {attempt.key for scene in listed for attempt in _in_use(state, scene)}
    return [(attempt, attempt.key not in used) for attempt in state.all_attempts() if attempt.state in PAID]


def _in_use(state: State, scene: SceneFacts) -> Iterator[Attempt]:
    """What says where a scene stands, and what may yet do so in its place."""
    current = state.current_attempt(scene)
    if current is not None and (current.asks_for(scene) or is_picked(current, state, scene.scene_id)):
        yield current
    made = state.attempts_for(scene)
    if current is not None and current.state is AttemptState.REFUSED:
        yield from [attempt for attempt in made if attempt.state in PAID][-1:]
    yield from (attempt for attempt in made if attempt.is_in_flight or attempt.is_unknown)


def is_picked(attempt: Attempt, state: State, scene_id: str) -> bool:
    """Whether the user picked that attempt for the scene."""
    return state.picked_attempts.get(scene_id) == attempt.key


def counts(attempt: Attempt, state: State, scene_id: str) -> bool:
    """Whether the file of an attempt is the video of a scene: it is what was asked for, or was picked all the same."""
    return attempt.state is AttemptState.DELIVERED or (attempt.has_file and is_picked(attempt, state, scene_id))


def is_on_its_way(attempt: Attempt, state: State) -> bool:
    """Whether an attempt is being submitted by a run that goes on, so that its answer may still come."""
    is_sent = state.is_under_way and state.cut_off and attempt.state is AttemptState.SUBMITTING
    return is_sent and attempt.key not in state.left_in_sending


def scene_status(attempt: Attempt | None, state: State, scene_id: str, missing: Collection[str] = ()) -> SceneStatus:
    """Where a scene stands by the attempt that says so, in a report's words."""
    if attempt is None:
        return SceneStatus.PENDING
    if attempt.state is AttemptState.MISMATCHED and counts(attempt, state, scene_id):
        return SceneStatus.RUNNING if scene_id in missing and state.downloads else SceneStatus.COMPLETED
    return status_of(attempt, state, is_gone=scene_id in missing)


def status_of(attempt: Attempt, state: State, *, is_gone: bool = False) -> SceneStatus:
    """The status of an attempt in a report's words; it is completed once its file is here, if files are wanted."""
    if attempt.state is AttemptState.REFUSED and attempt.again:
        return SceneStatus.PENDING
    if is_on_its_way(attempt, state):
        return SceneStatus.RUNNING
    if attempt.state is AttemptState.DOWNLOAD_FAILED and not state.downloads:
        return SceneStatus.COMPLETED
    is_here = attempt.state is not AttemptState.COMPLETED and not is_gone
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


def report_row(state: State, scene: SceneFacts, missing: Collection[str] = (), url_of: UrlOf = nowhere_else) -> Row:
    """The row of one scene, as in `report_rows`."""
    own = state.attempts.get(scene.scene_id, [])
    paid = [attempt for attempt in own if attempt.state in PAID]
    current = state.current_attempt(scene)
    is_other = current is not None and current.scene_id != scene.scene_id
    is_reused = current is not None and (is_other or bool(current.reused_from))
    was_told = any(attempt.result.cost_usd is not None for attempt in paid)
    request = scene.request if current is None else current.request
    result = TaskResult() if current is None else current.result
    is_shown = current is not None and counts(current, state, scene.scene_id)
    shot = scene.shot or scene.scene_id
    code, message = _error(state, scene, current, missing)
    return {
        "scene_id": scene.scene_id,
        "status": scene_status(current, state, scene.scene_id, missing),
        "error_code": code,
        "error_message": message,
        "task_id": current.task_id if current else None,
        "job_id": result.job_id,
        **_asked_for(request),
        "tier": request.tier,
        "attempts": sum(not attempt.reused_from for attempt in paid),
        "estimated_cost_usd": scene.estimated_cost_usd if current is None else current.estimated_cost_usd,
        "cost_usd": charged(paid).usd if was_told else Decimal(0) if is_reused else None,
        "discount": result.discount,
        "submitted_at": current.submitted_at if current else None,
        "finished_at": current.finished_at if current else None,
        "elapsed_s": _elapsed_s(current) if current else None,
        "video_url": result.video_url,
        "video_path": _place_of(current, scene.scene_id, url_of) if current and is_shown else None,
        "video_sha256": current.video_sha256 if current and is_shown else None,
        "request_sha256": request.sha256 if scene.has_request or current is not None else None,
        "shot": shot,
        "take": scene.take,
        "picked": "yes" if is_chosen(scene, state) else "",
        "reused_from": (current.reused_from or current.name) if current and is_reused else "",
        "title": scene.title,
        "prompt": request.prompt,
    }


def _place_of(attempt: Attempt, scene_id: str, url_of: UrlOf) -> str:
    """Where the video of a scene is to be found: its URL, else its path in the run directory."""
    shown, sha256 = video_path(scene_id), attempt.video_sha256
    return url_of(shown, sha256) or url_of(str(attempt.video_path), sha256) or shown


def _error(state: State, scene: SceneFacts, current: Attempt | None, missing: Collection[str]) -> tuple[str, str]:
    """What keeps a scene from being there: a code, and what it means."""
    held = state.held.get(scene.scene_id)
    if held is not None and (current is None or current.state is AttemptState.REFUSED):
        return held.code, held.message
    if current is None:
        return _waits(state, scene, missing)
    if counts(current, state, scene.scene_id) or is_on_its_way(current, state):
        return "", ""
    return _error_of(current)


def _waits(state: State, scene: SceneFacts, missing: Collection[str]) -> tuple[str, str]:
    """What a scene that was never submitted waits for, where it is built on the results of others."""
    source = next(iter(lacking(scene, state, missing)), None)
    if source is None or source.scene is None:
        return "", ""
    if source.attempt is not None and source.is_held:
        return REVIEW, f"waits until {_pickable(source, state)} is picked"
    if source.attempt is not None:
        return WAITS_FOR, f"waits for {source.name}, whose file is gone"
    current, held = state.current_attempt(source.scene), state.held.get(source.name)
    status = scene_status(current, state, source.name)
    if status is SceneStatus.COMPLETED:
        return WAITS_FOR, f"waits for {source.name}, whose file has not been fetched"
    code = held.code if held is not None else current.code if current is not None else _code_of(source, state)
    return WAITS_FOR, f"waits for {source.name}, which is {status}{f' ({code})' if code else ''}"


def _pickable(source: Source, state: State) -> str:
    """What has to be picked: a take of a shot that has several, else the scene."""
    takes = state.takes_of(source.reference.scene)
    return f"a take of {source.reference.scene}" if len(takes) > 1 else source.name


def _code_of(source: Source, state: State) -> str:
    """Why a source that was never submitted waits itself."""
    before = [] if source.scene is None else lacking(source.scene, state)
    return "" if not before else REVIEW if before[0].attempt is not None else WAITS_FOR


def _error_of(attempt: Attempt) -> tuple[str, str]:
    """What is known of the error of an attempt; of an unknown submission, what support can find it by."""
    cut_off = attempt.state is AttemptState.SUBMITTING
    code, message = ("submit_unknown", _CUT_OFF) if cut_off else (attempt.code, attempt.message)
    return code, f"{message}; request id {attempt.request_id}" if attempt.is_unknown and attempt.request_id else message


def _ledger_row(attempt: Attempt, state: State, url_of: UrlOf, *, superseded: bool) -> Row:
    error_code, error_message = ("", "") if is_on_its_way(attempt, state) else _error_of(attempt)
    path = str(attempt.video_path)
    outcome = STATUSES[attempt.state] if superseded else status_of(attempt, state)
    return {
        "scene_id": attempt.scene_id,
        "attempt": attempt.number,
        "outcome": "reused" if attempt.reused_from else outcome,
        "task_id": attempt.task_id,
        "request_sha256": attempt.request.sha256,
        **_asked_for(attempt.request),
        "submitted_at": attempt.submitted_at,
        "finished_at": attempt.finished_at,
        "estimated_cost_usd": attempt.estimated_cost_usd,
        "cost_usd": attempt.result.cost_usd,
        "discount": attempt.result.discount,
        "error_code": error_code,
        "error_message": error_message,
        "superseded": superseded,
        "result_path": (url_of(path, attempt.video_sha256) or path) if attempt.has_file else None,
        "result_sha256": attempt.video_sha256 if attempt.has_file else None,
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

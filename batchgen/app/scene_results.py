"""Where the scenes of a run directory stand, as typed values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchgen.engine.budget import Sum, charged, exposure
from batchgen.engine.states import State
from batchgen.layout import video_path
from batchgen.object_stores import is_stored
from batchgen.report.rows import Row, SceneStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneResult:
    """Where one scene of the manifest stands: its row in report.csv, with ``video`` as the path of the file.

    Where results go to an object store, ``output_url`` is the URL of the video once it is there, and ``video`` is None
    where the file is not on this disk as well.

    ``attempts`` counts the paid ones, ``cost_usd`` is what was charged for all of them. What is not known is None,
    as a text empty; times are ISO 8601 in UTC.
    """

    scene_id: str
    status: SceneStatus
    error_code: str
    error_message: str
    task_id: str | None
    job_id: str | None
    model: str | None
    size: str | None
    tier: str | None
    duration_s: int | None
    seed: int | None
    attempts: int
    estimated_cost_usd: Decimal | None
    cost_usd: Decimal | None
    discount: Decimal | None
    submitted_at: str | None
    finished_at: str | None
    elapsed_s: float | None
    video_url: str | None
    video: Path | None
    video_sha256: str | None
    request_sha256: str
    shot: str
    take: int | None
    picked: bool
    reused_from: str
    title: str
    prompt: str
    output_url: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """How many scenes stand where, and sums over every attempt that was ever made in a run directory.

    ``charged`` is what was charged, ``exposure`` what may still be.
    """

    scenes: Mapping[SceneStatus, int]
    charged: Sum
    exposure: Sum


def scene_results(rows: Iterable[Row], folder: Path) -> tuple[SceneResult, ...]:
    """The rows of a report as typed values; ``folder`` is the run directory."""
    return tuple(_scene(row, folder) for row in rows)


def totals_of(scenes: Iterable[SceneResult], state: State) -> Totals:
    """The totals of a run directory."""
    statuses = [scene.status for scene in scenes]
    counted = {status: statuses.count(status) for status in SceneStatus}
    return Totals(counted, charged(state.all_attempts()), exposure(state.all_attempts()))


def _scene(row: Row, folder: Path) -> SceneResult:
    values: dict[str, Any] = dict(row)
    place = values.pop("video_path")
    values |= {"status": SceneStatus(values["status"]), "picked": bool(values["picked"])}
    if place is None or not is_stored(place):
        return SceneResult(**values, video=None if place is None else folder / place)
    video = folder / video_path(values["scene_id"])
    return SceneResult(**values, video=video if video.is_file() else None, output_url=place)

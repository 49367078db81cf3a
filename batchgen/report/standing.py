"""What stands for each shot: its picked take, else the one that scenes are built on, else its first. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from batchgen.engine.attempts import Attempt
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import State
from batchgen.report.rows import Row, SceneStatus, counts, report_rows


@dataclass(frozen=True, slots=True)
class Standing:
    """A shot, and the scene that stands for it with its row of the report.

    ``attempt`` is the one whose result is here; None where there is none. Of a shot without a completed take that
    is not picked, the first take stands for it.
    """

    shot: str
    scene: SceneFacts
    row: Row
    attempt: Attempt | None


def standing(state: State, missing: Collection[str] = ()) -> list[Standing]:
    """What stands for each shot, in the order of the manifest; ``missing`` are the scenes whose file is gone."""
    shots: dict[str, list[tuple[SceneFacts, Row]]] = {}
    for scene, row in zip(state.scenes, report_rows(state, missing), strict=True):
        shots.setdefault(str(row["shot"]), []).append((scene, row))
    return [_of_shot(shot, takes, state, missing) for shot, takes in shots.items()]


def _of_shot(shot: str, takes: Sequence[tuple[SceneFacts, Row]], state: State, missing: Collection[str]) -> Standing:
    scene, row = _chosen(takes, (state.picked_scenes.get(shot), state.chosen_scenes.get(shot)))
    attempt = state.current_attempt(scene)
    is_here = attempt is not None and counts(attempt, state, scene.scene_id) and scene.scene_id not in missing
    return Standing(shot, scene, row, attempt if is_here else None)


def _chosen(takes: Iterable[tuple[SceneFacts, Row]], stands: Sequence[str | None]) -> tuple[SceneFacts, Row]:
    """The take that was picked, else the one that other scenes are built on, else the first that is completed."""
    listed = list(takes)
    of_picked = (take for scene_id in stands for take in listed if take[0].scene_id == scene_id)
    completed = (take for take in listed if take[1]["status"] == SceneStatus.COMPLETED)
    return next(of_picked, None) or next(completed, listed[0])

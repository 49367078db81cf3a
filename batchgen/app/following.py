"""Follows a run from outside: reads its journal while it goes on, and changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import nlargest

from batchgen.app.notices import Standing
from batchgen.app.run_directory import RunDirectory
from batchgen.app.steering import said_in
from batchgen.app.tally import Tally
from batchgen.engine.attempts import AttemptState
from batchgen.engine.events import AttemptEvent, Event, SceneFacts
from batchgen.engine.pacing import age_s
from batchgen.engine.states import State
from batchgen.journal.journal import is_held_here, is_in_use
from batchgen.journal.replay import Follower
from batchgen.providers.registry import asked_before
from batchgen.report.rows import Row, SceneStatus, report_row
from batchgen.runner.clock import RealClock

_AT_WORK, _WRONG, _DONE = 3, 2, 1
_INTEREST: Mapping[AttemptState, int] = {
    AttemptState.SUBMITTING: _AT_WORK,
    AttemptState.RUNNING: _AT_WORK,
    AttemptState.RESOLVED: _AT_WORK,
    AttemptState.COMPLETED: _AT_WORK,
    AttemptState.DELIVERED: _DONE,
}
"""What is looked at first where not all scenes have room; whatever is not named went wrong."""


@dataclass(frozen=True, slots=True)
class Line:
    """A scene that is followed: its row, and for how many seconds its task has been running, None where none has."""

    row: Row
    seconds: float | None


class Followed:
    """A run directory that is followed."""

    def __init__(self, directory: RunDirectory) -> None:
        """Read what there is. Raises `RunDirectoryError`."""
        self._clock = RealClock()
        self._path = directory.path
        self._follower = Follower(directory.path, asked_before)
        self._take_in()
        self._moved_as: dict[str, int] = {}
        self._moves = 0
        self._count_scenes()

    @property
    def state(self) -> State:
        """The state, as far as it was read."""
        return self._follower.state

    def read_on(self) -> list[Event]:
        """What has happened since. Raises `RunDirectoryError`."""
        events = self._take_in()
        moved = [event for event in events if isinstance(event, AttemptEvent)]
        for event in moved:
            self._moves += 1
            self._moved_as[event.scene_id] = self._moves
        if self.state.scenes is not self._scenes:
            self._count_scenes()
        else:
            self._tally.look_again(events)
        return events

    def _take_in(self) -> list[Event]:
        is_under_way = is_held_here(self._path)  # asked first: a run that ends in between has written down the answers
        events = self._follower.read_on()
        self.state.is_under_way = is_under_way
        return events

    def is_under_way(self) -> bool:
        """Whether somebody has the run directory: a run that was killed holds it no more, and wrote no end."""
        return is_in_use(self._path)

    def waits_for(self) -> str:
        """Why the run submits nothing, in a few words; empty where it does, or does not say."""
        return said_in(self._path)

    def standing(self) -> Standing:
        """Where the scenes stand."""
        return self._tally.standing()

    def lines(self, most: int) -> Iterator[Line]:
        """The scenes of most interest, in manifest order."""
        at = self._clock.at()
        chosen = nlargest(most, self._places, key=self._interest)
        for scene in sorted(chosen, key=lambda scene_id: self._places[scene_id]):
            row = report_row(self.state, self._scenes[self._places[scene]])
            runs = row["status"] is SceneStatus.RUNNING and row["submitted_at"]
            lasted = _seconds(row["elapsed_s"]) if row["task_id"] else None  # what was refused had no task
            yield Line(row, age_s(str(row["submitted_at"]), at) if runs else lasted)

    def _interest(self, scene_id: str) -> tuple[int, int, int]:
        """What goes on, then what went wrong, then what is done; of each the latest, of what waits the first."""
        state = self._tally.states.get(scene_id)
        interest = 0 if state is None else _INTEREST.get(state, _WRONG)
        return interest, self._moved_as.get(scene_id, 0), -self._places[scene_id]

    def _count_scenes(self) -> None:
        self._scenes: tuple[SceneFacts, ...] = self.state.scenes
        self._places = {scene.scene_id: number for number, scene in enumerate(self._scenes)}
        self._tally = Tally(self.state, self._scenes, self._clock)


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None

"""The scenes of a run that wait for the results of others, by what each waits for. Pure.

A scene waits for one of its sources at a time: one that is still on its way in this run. When that has come to its
end, well or not, the next one is looked for. A scene whose sources are all there is ready; one that lacks a source
which does not come in this run has itself come to its end, and those that wait for it are looked at.
"""

from collections.abc import Callable
from itertools import chain

from batchgen.engine.attempts import AttemptKey
from batchgen.engine.events import SceneFacts
from batchgen.engine.scene_run import SceneRun
from batchgen.engine.sources import may_come_later, sources_of
from batchgen.engine.states import State


class Followers:
    """Knows every scene of a run, and which of them wait for which."""

    def __init__(
        self, state: State, is_under_way: Callable[[SceneRun], bool], go_on: Callable[[SceneRun], None]
    ) -> None:
        """Begin with no scene.

        ``is_under_way`` tells of one whether anything is still to happen with it; ``go_on`` is called with each whose
        sources are all there, and puts it under way.
        """
        self._state = state
        self._go_on = go_on
        self._is_under_way = is_under_way
        self._by_scene: dict[str, SceneRun] = {}
        self._by_attempt: dict[AttemptKey, SceneRun] = {}
        self._by_request: dict[str, list[SceneRun]] = {}
        self._waiting: dict[SceneRun, list[SceneRun]] = {}
        self._all: set[SceneRun] = set()

    def know(self, run: SceneRun) -> None:
        """Take note of a scene of the run, or of an attempt that no scene needs; others may wait for it."""
        if not run.removed:
            self._by_scene[run.scene.scene_id] = run
        self._by_request.setdefault(run.scene.request.sha256, []).append(run)

    def follow(self, attempt: AttemptKey, run: SceneRun) -> SceneRun:
        """The one that waits for a task or fetches its file: the first that wants to."""
        return self._by_attempt.setdefault(attempt, run)

    def hand_over(self, run: SceneRun) -> None:
        """Have one fetch the file of its attempt from now on; who waits for that attempt may wait for this one."""
        self._by_attempt[run.attempt] = run

    def expect(self, run: SceneRun) -> None:
        """Take note of a scene that is to wait; others may wait for it before it is known what for."""
        self.know(run)
        self._all.add(run)

    def wait(self, run: SceneRun) -> None:
        """Have a scene wait for what is to come of its sources, or go on where all of them are there."""
        self._all.discard(run)
        sources = list(sources_of(run.scene, self._state, self._may_come))
        for source in sources:
            on_its_way = None if source.scene is None else self._on_its_way(source.scene)
            if on_its_way is not None:
                self._waiting.setdefault(on_its_way, []).append(run)
                self._all.add(run)
                return
        if all(source.attempt is not None and not source.is_held for source in sources):
            self._go_on(run)

    def ended(self, run: SceneRun) -> None:
        """Look at the scenes that wait for one with which nothing more happens; one that lost its source ends, too."""
        ends = [run]
        while ends:
            for follower in self._waiting.pop(ends.pop(), ()):
                self.wait(follower)
                if not self.is_on_its_way(follower):
                    ends.append(follower)

    def is_on_its_way(self, run: SceneRun) -> bool:
        """Whether anything is still to happen with a scene, be it that it waits."""
        return run in self._all or self._is_under_way(run)

    def _on_its_way(self, scene: SceneFacts) -> SceneRun | None:
        """What brings the result of a scene: the scene itself, one that asks for the same, or one that asked for it."""
        own, alike = self._by_scene.get(scene.scene_id), self._by_request.get(scene.request.sha256, [])
        followed = (self._by_attempt.get(attempt.key) for attempt in self._state.attempts_for(scene))
        runs = (run for run in chain([own], alike, followed) if run is not None)
        return next((run for run in runs if self.is_on_its_way(run)), None)

    def _may_come(self, scene: SceneFacts) -> bool:
        return self._on_its_way(scene) is not None or may_come_later(scene, self._state)

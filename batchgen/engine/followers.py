"""The scenes of a run that wait for the results of others, by what each waits for. Pure.

A scene waits for one of its sources at a time: one that is still on its way in this run. When that has come to its
end, well or not, the next one is looked for. A scene whose sources are all there is ready; one that lacks a source
which does not come in this run has itself come to its end, and those that wait for it are looked at.
"""

from collections.abc import Callable, Iterator

from batchgen.engine.events import SceneFacts
from batchgen.engine.scene_run import SceneRun
from batchgen.engine.sources import may_come_later, sources_of
from batchgen.engine.states import State


class Followers:
    """Knows every scene of a run, and which of them wait for which."""

    def __init__(self, state: State, is_under_way: Callable[[SceneRun], bool]) -> None:
        """Begin with no scene; ``is_under_way`` tells of one whether anything is still to happen with it."""
        self._state = state
        self._is_under_way = is_under_way
        self._by_scene: dict[str, SceneRun] = {}
        self._by_request: dict[str, SceneRun] = {}
        self._waiting: dict[SceneRun, list[SceneRun]] = {}
        self._all: set[SceneRun] = set()

    def know(self, run: SceneRun) -> None:
        """Take note of a scene of the run; later ones may wait for it."""
        self._by_scene[run.scene.scene_id] = run
        self._by_request.setdefault(run.scene.request.sha256, run)

    def expect(self, run: SceneRun) -> None:
        """Take note that a scene is going to wait; what is built on it may stand before it in the manifest."""
        self._all.add(run)

    def wait(self, run: SceneRun) -> bool:
        """Have a scene wait for what is to come of its sources; whether all of them are there."""
        self._all.discard(run)
        sources = list(sources_of(run.scene, self._state, self._may_come))
        for source in sources:
            on_its_way = None if source.scene is None else self._on_its_way(source.scene)
            if on_its_way is not None:
                self._waiting.setdefault(on_its_way, []).append(run)
                self._all.add(run)
                return False
        return all(source.attempt is not None and not source.is_held for source in sources)

    def ended(self, run: SceneRun) -> Iterator[SceneRun]:
        """The scenes that are ready, now that nothing more happens with this one.

        Each has to be taken up before the next is asked for: that may wait for it.
        """
        ends = [run]
        while ends:
            for follower in self._waiting.pop(ends.pop(), ()):
                if self.wait(follower):
                    yield follower
                elif follower not in self._all:
                    ends.append(follower)

    def is_on_its_way(self, run: SceneRun) -> bool:
        """Whether anything is still to happen with a scene, be it that it waits."""
        return run in self._all or self._is_under_way(run)

    def _on_its_way(self, scene: SceneFacts) -> SceneRun | None:
        """What brings the result of a scene: the scene itself, or one that asks for the same."""
        runs = (self._by_scene.get(scene.scene_id), self._by_request.get(scene.request.sha256))
        return next((run for run in runs if run is not None and self.is_on_its_way(run)), None)

    def _may_come(self, scene: SceneFacts) -> bool:
        return self._on_its_way(scene) is not None or may_come_later(scene, self._state)

"""Steps of scenes that are made of the results of others: what each waits for, and whether that comes. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import TypeAlias

from batchgen.engine.events import SceneFacts
from batchgen.engine.sources import Source, may_come_later, sources_of
from batchgen.engine.states import State
from batchgen.engine.steps import Action, Choice, Step
from batchgen.references import ResultReference

_Steps: TypeAlias = dict[str, Step]


def with_waits(steps: Sequence[Step], state: State, choice: Choice) -> list[Step]:
    """The steps, those among them as waiting that are made of what is not there, or is about to become another."""
    if not any(step.scene.sources for step in steps):
        return list(steps)
    found = _Waiting(state, choice, {step.scene.scene_id: step for step in steps})
    return [found.steps[step.scene.scene_id] for step in steps]


def in_order(scenes: Sequence[SceneFacts], state: State) -> Iterator[SceneFacts]:
    """The scenes, each behind those that it may be made of. Raises `graphlib.CycleError` for a circle."""
    graph: dict[str, list[str]] = {scene.scene_id: [] for scene in scenes}
    for scene in scenes:
        for name in (ResultReference.from_text(source).scene for source in scene.sources):
            takes = [name] if state.scene(name) is not None else [take.scene_id for take in state.takes_of(name)]
            graph[scene.scene_id] += [take for take in takes if take in graph]
    listed = {scene.scene_id: scene for scene in scenes}
    return (listed[scene_id] for scene_id in TopologicalSorter(graph).static_order())


class _Waiting:
    """Goes through the steps in the order of their sources."""

    def __init__(self, state: State, choice: Choice, steps: _Steps) -> None:
        self._state = state
        self._choice = choice
        self.steps: _Steps = dict(steps)
        for scene in in_order([step.scene for step in steps.values()], state):
            if scene.sources:
                self.steps[scene.scene_id] = self._waiting(self.steps[scene.scene_id])

    def _waiting(self, step: Step) -> Step:
        if step.action is Action.UNKNOWN:
            return step
        sources = list(sources_of(step.scene, self._state, self._may_come))
        renewed = [source for source in sources if self._is_renewed(source)]
        lacking = [source for source in sources if self._lacks(source)]
        is_twin = step.action is Action.WAIT and step.attempt is None
        if not renewed and not (lacking and (step.buys or is_twin)):
            return step
        return self._waits(step, lacking, renewed, is_twin=is_twin)

    def _waits(self, step: Step, lacking: Sequence[Source], renewed: Sequence[Source], *, is_twin: bool) -> Step:
        is_blocked = any(source.is_held or not self._comes(source) for source in lacking)
        names = tuple(dict.fromkeys(source.name for source in lacking))
        reason = self._reason(step, lacking, renewed, is_twin=is_twin)
        waiting = replace(step, reason=reason, then_submits=not (is_blocked or is_twin), waits_for=names)
        waiting = replace(waiting, blocked=is_blocked)
        # A task of what it was made of before is waited for all the same.
        return waiting if step.action is Action.RESUME else replace(waiting, action=Action.WAIT)

    def _reason(self, step: Step, lacking: Sequence[Source], renewed: Sequence[Source], *, is_twin: bool) -> str:
        whole = "; ".join(dict.fromkeys(self._said_of(source) for source in lacking))
        if is_twin:
            return f"{step.reason}, and {whole}"
        changes = ", ".join(dict.fromkeys(source.name for source in renewed))
        if step.paid_before and renewed:
            return f"{whole}; paid for again, since {changes} {'changes' if len(renewed) == 1 else 'change'}"
        return f"{whole}; then it is paid for again" if step.paid_before else whole

    def _said_of(self, source: Source) -> str:
        if source.is_held:
            return f"waits until {source.name} is picked"
        if self._comes(source):
            return f"waits for {source.name}"
        return f"waits for {source.name}, which does not come in this run"

    def _lacks(self, source: Source) -> bool:
        """Whether it is not there to be built on, or is about to become another."""
        return source.is_held or self._is_renewed(source) or not self._is_there(source)

    def _is_there(self, source: Source) -> bool:
        step = self.steps.get(source.name)
        if step is not None and step.elsewhere is not None:
            return True
        return source.attempt is not None and (step is None or step.action is not Action.DOWNLOAD)

    def _is_renewed(self, source: Source) -> bool:
        """Whether there is a result, and another one is to come in its place."""
        step = self.steps.get(source.name)
        if source.attempt is None or step is None:
            return False
        follows_other = step.follows and step.attempt is not None and step.attempt.key != source.attempt.key
        return step.buys or follows_other or (bool(step.waits_for) and not step.blocked)

    def _comes(self, source: Source) -> bool:
        """Whether it is there, or comes in this run."""
        step = self.steps.get(source.name)
        return self._is_there(source) if step is None else self._is_there(source) or self._brings(step)

    def _brings(self, step: Step) -> bool:
        """Whether a step brings a result here, as far as can be known before it is done."""
        if step.blocked or not self._choice.download:
            return False
        return step.buys or step.follows or (step.action is Action.WAIT and step.attempt is None)

    def _may_come(self, scene: SceneFacts) -> bool:
        step = self.steps.get(scene.scene_id)
        return (step is not None and self._brings(step)) or may_come_later(scene, self._state)


def _never(_: SceneFacts) -> bool:
    return False


def stale(state: State) -> list[SceneFacts]:
    """The scenes that are built on another result than stands for their source now, and those built on these."""
    found: dict[str, SceneFacts] = {}
    for scene in in_order(state.scenes, state):
        for source, name in zip(sources_of(scene, state, _never), scene.built_on, strict=False):
            is_other = source.attempt is not None and source.attempt.name != name
            if is_other or source.name in found:
                found[scene.scene_id] = scene
    return list(found.values())

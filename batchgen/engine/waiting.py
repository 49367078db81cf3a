"""Steps of scenes that are made of the results of others: what each waits for, and whether that comes. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from batchgen.engine.attempts import Attempt
from batchgen.engine.commands import SourceFile
from batchgen.engine.events import SceneFacts
from batchgen.engine.sources import Source, is_renewing, lacking, may_come_later, sources_of
from batchgen.engine.states import State
from batchgen.engine.steps import Action, Choice, Step
from batchgen.references import ResultReference

_COMES, _DOES_NOT = "waits for {}", "waits for {}, not to come in this run"
_PICKED = "waits for a pick of {}"


def with_waits(steps: Sequence[Step], state: State, choice: Choice, missing: Collection[str] = ()) -> list[Step]:
    """The steps, those among them as waiting that are made of what is not there, or is about to become another.

    ``missing`` holds the ids of scenes whose delivered file is gone.
    """
    if not any(step.scene.sources for step in steps):
        return list(steps)
    found = Waiting(state, choice, steps, missing)
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


class Waiting:
    """Goes through the steps in the order of their sources."""

    def __init__(self, state: State, choice: Choice, steps: Iterable[Step], missing: Collection[str] = ()) -> None:
        """Find out what each of the scenes waits for; ``steps`` are those of scenes of the manifest."""
        self._state = state
        self._choice = choice
        self._missing = missing
        self._first: dict[tuple[str, tuple[str, ...]], str] = {}
        self.steps: dict[str, Step] = {step.scene.scene_id: step for step in steps}
        for scene in in_order([step.scene for step in self.steps.values()], state):
            if scene.sources:
                self.steps[scene.scene_id] = self._waiting(self.steps[scene.scene_id])

    def files_of(self, scene: SceneFacts) -> tuple[SourceFile, ...] | None:
        """The results that a scene is made of by now, linked in from elsewhere among them; None while one is lacking.

        Whether others are to come in their place, and whether they may be built on yet, is another question.
        """
        sources = sources_of(scene, self._state, self._may_come)
        files = [self._file_of(source) for source in sources]
        found = tuple(file for file in files if file is not None)
        return found if len(found) == len(scene.sources) else None

    def _file_of(self, source: Source) -> SourceFile | None:
        step, attempt, text = self.steps.get(source.name), source.attempt, str(source.reference)
        if attempt is not None:
            return SourceFile(text, attempt.name, str(attempt.video_path), str(attempt.video_sha256))
        if step is None or step.elsewhere is None:
            return None
        name = f"{source.name}@{self._state.next_number(source.name)}"
        return SourceFile(text, name, step.elsewhere.path, step.elsewhere.sha256)

    def _waiting(self, step: Step) -> Step:
        if step.action is Action.UNKNOWN or (not step.buys and self._is_picked(step.scene.scene_id, step.attempt)):
            return step
        sources = list(sources_of(step.scene, self._state, self._may_come))
        renewed = [source for source in sources if self._is_renewed(source)]
        lacking = [source for source in sources if self._lacks(source)]
        is_twin = self._is_twin(step)
        if not renewed and not (lacking and (step.buys or is_twin)):
            return step
        return self._waits(step, lacking, renewed, is_twin=is_twin)

    def _is_twin(self, step: Step) -> bool:
        """Whether another scene is built on the same in the same way, so that one of them is submitted."""
        scene = step.scene
        if scene.any_seed == scene.request.sha256:
            return False  # without a seed their results differ
        kind = scene.request.sha256, scene.sources
        return self._first.setdefault(kind, scene.scene_id) != scene.scene_id

    def _waits(self, step: Step, lacking: Sequence[Source], renewed: Sequence[Source], *, is_twin: bool) -> Step:
        is_blocked = any(source.is_held or not self._comes(source) for source in lacking)
        names = tuple(dict.fromkeys(source.name for source in lacking))
        reason = self._reason(step, lacking, renewed, is_twin=is_twin)
        waiting = replace(step, reason=reason, then_submits=not (is_blocked or is_twin), waits_for=names)
        waiting = replace(waiting, blocked=is_blocked)
        # A task of what it was made of before is waited for all the same.
        return waiting if step.action is Action.RESUME else replace(waiting, action=Action.WAIT)

    def _reason(self, step: Step, lacking: Sequence[Source], renewed: Sequence[Source], *, is_twin: bool) -> str:
        whole = "; ".join(self._said_of(lacking))
        if is_twin:
            first = self._first[step.scene.request.sha256, step.scene.sources]
            return f"asks for the same as {first}, and {whole}"
        were_there = [one for one in lacking if one not in renewed and self._was_there(one)]
        changed = list(dict.fromkeys(source.name for source in (*renewed, *were_there)))
        if step.paid_before and changed:
            return f"{whole}; paid for again, since {', '.join(changed)} {'changes' if len(changed) == 1 else 'change'}"
        return f"{whole}; then it is paid for again" if step.paid_before else whole

    def _was_there(self, source: Source) -> bool:
        """Whether a source that is lacking has brought a result before, when it was asked for otherwise."""
        return source.attempt is None and any(one.has_file for one in self._state.attempts.get(source.name, ()))

    def _said_of(self, sources: Sequence[Source]) -> Iterator[str]:
        unlike: dict[str, dict[str, None]] = {}
        for source in sources:
            how = _PICKED if source.is_held else _COMES if self._comes(source) else _DOES_NOT
            name = source.reference.scene if source.is_held else source.name
            unlike.setdefault(how, {})[name] = None
        for how, named in unlike.items():
            *others, last = named
            yield how.format(f"{', '.join(others)} and {last}" if others else last)

    def _lacks(self, source: Source) -> bool:
        """Whether it is not there to be built on, or is about to become another."""
        return source.is_held or self._is_renewed(source) or not self._is_there(source)

    def _is_there(self, source: Source) -> bool:
        step = self.steps.get(source.name)
        if step is not None and step.elsewhere is not None:
            return True
        is_here = source.attempt is not None and source.name not in self._missing
        return is_here and (step is None or step.action is not Action.DOWNLOAD)

    def _is_renewed(self, source: Source) -> bool:
        """Whether there is a result, and another one is to come in its place."""
        step = self.steps.get(source.name)
        if source.attempt is None or source.scene is None:
            return False
        if self._is_picked(source.name, source.attempt):
            return False
        is_bought = step is not None and (step.buys or (bool(step.waits_for) and not step.blocked))
        return is_bought or is_renewing(source.scene, self._state)

    def _is_picked(self, scene_id: str, attempt: Attempt | None) -> bool:
        """Whether an attempt stands for a scene whatever else comes."""
        return attempt is not None and self._state.picked_attempts.get(scene_id) == attempt.key

    def _comes(self, source: Source) -> bool:
        """Whether it is there, or comes in this run."""
        step = self.steps.get(source.name)
        if step is None:
            return self._is_there(source) and not self._is_renewed(source)
        return self._is_there(source) or self._brings(step)

    def _brings(self, step: Step) -> bool:
        """Whether a step brings a result here, as far as can be known before it is done."""
        if step.blocked or not self._choice.download:
            return False
        return step.buys or step.follows or step.action is Action.WAIT

    def _may_come(self, scene: SceneFacts) -> bool:
        step = self.steps.get(scene.scene_id)
        return (step is not None and self._brings(step)) or may_come_later(scene, self._state)


def held_for_review(state: State) -> set[str]:
    """The scenes that wait for nothing but that somebody picks what they are built on, or what that is built on."""
    held: set[str] = set()
    for scene in in_order(state.scenes, state) if any(one.review for one in state.scenes) else ():
        sources = lacking(scene, state) if state.current_attempt(scene) is None else []
        if sources and all((one.is_held and one.attempt is not None) or one.name in held for one in sources):
            held.add(scene.scene_id)
    return held


def _never(_: SceneFacts) -> bool:
    return False


def stale(state: State) -> list[SceneFacts]:
    """The scenes that are built on another result than stands for their source now, and those built on these."""
    found: dict[str, SceneFacts] = {}
    for scene in in_order(state.scenes, state):
        if scene.scene_id in state.picked_attempts:
            continue  # what was picked stands whatever it is built on
        for source, name in zip(sources_of(scene, state, _never), scene.built_on, strict=False):
            is_other = source.attempt is not None and source.attempt.name != name
            if is_other or source.name in found:
                found[scene.scene_id] = scene
    return list(found.values())

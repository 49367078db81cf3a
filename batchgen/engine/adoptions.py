"""What scenes that are gone have left, and which scenes of the manifest take it over. Pure.

Where any seed will do, a result serves one scene at a time, once the scene that it was bought for is gone.
"""

from collections.abc import Iterator

from batchgen.engine.attempts import RESULT_IS_HERE, WEIGHTS, Attempt, AttemptKey
from batchgen.engine.attempts import AttemptState as S
from batchgen.engine.events import Adopted, SceneFacts
from batchgen.engine.states import State

_OF_USE = RESULT_IS_HERE | {S.RUNNING}


def adoptions(state: State, at: str) -> Iterator[Adopted]:
    """For each scene that has nothing, the attempt of a scene that is gone, where there is one that fits."""
    taken = {state.adopted_by(scene) for scene in state.scenes if _has_what_it_adopted(state, scene)}
    left: dict[str, list[AttemptKey]] = {}
    for scene in state.scenes:
        made = state.attempts_for(scene)
        if scene.any_seed is None or any(attempt.state is not S.REFUSED for attempt in made):
            continue
        if scene.any_seed not in left:
            left[scene.any_seed] = [key for key in _heirless(state, scene.any_seed) if key not in taken]
        heirless = left[scene.any_seed]
        # What is about to be submitted under its own name does not fail for what failed under another.
        least = 1 if made else 0
        found = next((key for key in heirless if WEIGHTS[state.attempt(key).state] >= least), None)
        if found is not None:
            heirless.remove(found)
            yield Adopted(at, scene.scene_id, *found)


def left_for(state: State, scene: SceneFacts) -> AttemptKey | None:
    """What a scene that is gone has left and nobody has, and would do for this one; None where nothing is."""
    left = [key for key in _heirless(state, scene.any_seed or "") if state.attempt(key).state in _OF_USE]
    # All scenes are looked through only where something is left.
    taken = {state.adopted_by(each) for each in state.scenes if _has_what_it_adopted(state, each)} if left else set()
    return next((key for key in left if key not in taken), None)


def _heirless(state: State, any_seed: str) -> Iterator[AttemptKey]:
    """Of each scene that is gone, the attempt that says how such a request stands, then the other results of all.

    So takes that were renamed have one another's results only where there are more takes now than before.
    """
    made: dict[str, list[Attempt]] = {}
    for key in state.by_request.get(any_seed, ()):
        if not state.is_claimed(attempt := state.attempt(key)) and attempt.state is not S.REFUSED:
            made.setdefault(key[0], []).append(attempt)
    rest: list[Attempt] = []
    for listed in made.values():
        best, *others = sorted(listed, key=lambda one: (WEIGHTS[one.state], one.number), reverse=True)
        yield best.key
        rest += others
    yield from (other.key for other in rest if other.state is S.DELIVERED)


def _has_what_it_adopted(state: State, scene: SceneFacts) -> bool:
    """Whether a scene is shown as what it took over, and not by now as something of its own."""
    current = state.current_attempt(scene)
    return current is not None and current.key == state.adopted_by(scene)

"""Which result a reference to a scene means, and whether it may be built on. Pure.

What stands for a shot with takes is the one that was picked, or the one that scenes are built on already. Before
there is such a one, it is the first that has a result, once no earlier one can still bring one: so nothing that is
built on it has to be paid for again because a later take was done first.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from batchgen.engine.attempts import TO_FETCH, Attempt, AttemptState
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import State
from batchgen.references import ResultReference

WAITS_FOR = "waits_for"
"""The code of a scene that is not submitted for want of what it is made of."""
REVIEW = "review"
"""The code of a scene that waits until somebody has picked what it is built on."""
MayCome: TypeAlias = Callable[[SceneFacts], bool]
"""Whether a scene that has no result may get one by what is under way, or by what the user is to settle."""


@dataclass(frozen=True, slots=True)
class Source:
    """A result that a scene is made of: the scene that it is of, None where the manifest has none, and its attempt.

    ``attempt`` is None while there is no result. ``is_held`` says that somebody has to look at it first.
    """

    reference: ResultReference
    scene: SceneFacts | None
    attempt: Attempt | None = None
    is_held: bool = False

    @property
    def name(self) -> str:
        """The id of its scene."""
        return self.reference.scene if self.scene is None else self.scene.scene_id


def sources_of(scene: SceneFacts, state: State, may_come: MayCome) -> Iterator[Source]:
    """What a scene is made of, in the order of its references."""
    for reference in map(ResultReference.from_text, scene.sources):
        source = scene_for(reference.scene, state, may_come)
        if source is None:
            yield Source(reference, None)
        else:
            is_held = source.review and not _is_looked_at(source, state)
            yield Source(reference, source, result_of(source, state), is_held)


def scene_for(name: str, state: State, may_come: MayCome) -> SceneFacts | None:
    """The scene of that id, or the take that stands for the shot of that id."""
    listed = state.scene(name)
    if listed is not None:
        return listed
    takes = state.takes_of(name)
    stands = (state.picked_scenes.get(name), state.chosen_scenes.get(name))
    known = [take for scene_id in stands for take in takes if take.scene_id == scene_id]
    open_ones = (take for take in takes if may_come(take) or result_of(take, state) is not None)
    return next(iter(known), None) or next(open_ones, None) or next(iter(takes), None)


def result_of(scene: SceneFacts, state: State) -> Attempt | None:
    """The attempt whose file is the result of a scene: what was asked for, or was picked all the same."""
    attempt = state.current_attempt(scene)
    if attempt is None or not attempt.has_file:
        return None
    picked = state.picked_attempts.get(scene.scene_id) == attempt.key
    return attempt if picked or attempt.state is AttemptState.DELIVERED else None


def is_picked(scene: SceneFacts, state: State) -> bool:
    """Whether the user picked a scene for its shot, or an attempt for it."""
    shot = scene.shot or scene.scene_id
    return state.picked_scenes.get(shot) == scene.scene_id or scene.scene_id in state.picked_attempts


def _is_looked_at(scene: SceneFacts, state: State) -> bool:
    """Whether the user picked anything of a shot: who builds on another of its takes has named that in the manifest.

    A take of another profile is another video, and was looked at for that one.
    """
    shot = scene.shot or scene.scene_id
    takes = {take.scene_id for take in state.takes_of(shot)}
    return state.picked_scenes.get(shot) in takes or any(take in state.picked_attempts for take in takes)


def scenes_of_all_profiles(state: State) -> list[SceneFacts]:
    """The scenes of the manifest, and those that it has with other profiles alone, as these were run last."""
    found = {scene.scene_id: scene for scene in state.scenes}
    for scene in (one for listed in state.others.values() for one in listed):
        found.setdefault(scene.scene_id, scene)
    return list(found.values())


def lacking(scene: SceneFacts, state: State, missing: Collection[str] = ()) -> list[Source]:
    """The sources of a scene that are not there, or that somebody has to look at first.

    ``missing`` holds the ids of scenes whose delivered file is gone.
    """
    if not scene.sources:
        return []
    sources = sources_of(scene, state, lambda one: may_come_later(one, state))
    return [source for source in sources if source.attempt is None or source.is_held or source.name in missing]


def is_renewing(scene: SceneFacts, state: State) -> bool:
    """Whether what is under way for a scene, or is to be fetched, may come in place of the result that it has."""
    return any(attempt.is_open or attempt.state in TO_FETCH for attempt in state.attempts_for(scene))


def may_come_later(scene: SceneFacts, state: State) -> bool:
    """Whether what was submitted for a scene may bring its result yet; what is called failed may not."""
    attempt = state.current_attempt(scene)
    return attempt is not None and (attempt.is_in_flight or attempt.is_unknown or attempt.state in TO_FETCH)

"""The seed of a picked take, for the scene that its shot is in the profile in force. Pure.

A draft has several takes of a shot, one of them is picked, and the final is made with its seed. The pick goes before
whatever seed the manifest gives the shot, for as long as it is not cleared.
"""

from collections.abc import Iterable
from dataclasses import replace

from batchgen.engine.attempts import Attempt
from batchgen.engine.states import TAKE, State
from batchgen.scenes import Manifest, Scene


def with_picked_seeds(manifest: Manifest, state: State) -> tuple[Manifest, dict[str, str]]:
    """The manifest with the seeds of picked takes, and by scene the name of what each is from.

    Only where there are profiles: without them there is nothing that a take was a draft of.
    """
    if not manifest.profiles or not state.picked_scenes:
        return manifest, {}
    found = {name: one for name, one in _picked_takes(manifest, state).items() if one.request.seed is not None}
    scenes = tuple(_seeded(scene, found.get(scene.id)) for scene in manifest.scenes)
    return replace(manifest, scenes=scenes), {name: _name(one, state) for name, one in found.items()}


def unknown_seeds(manifest: Manifest, state: State) -> dict[str, str]:
    """By scene the picked take that has no seed to give: none was sent, and the API does not tell which it drew."""
    found = _picked_takes(manifest, state) if manifest.profiles else {}
    return {name: _name(one, state) for name, one in found.items() if one.request.seed is None}


def takes_without_seed(scene_ids: Iterable[str], state: State) -> list[str]:
    """Those of some picked takes that have no seed to give to a scene of another profile."""
    found = [one for name in scene_ids if TAKE.search(name) and (one := _standing(name, state)) is not None]
    has_profiles = bool(state.profile or state.others)
    return [_name(one, state) for one in found if one.request.seed is None and has_profiles]


def _picked_takes(manifest: Manifest, state: State) -> dict[str, Attempt]:
    return {scene.id: one for scene in manifest.scenes if (one := _picked_take(scene, state)) is not None}


def _seeded(scene: Scene, attempt: Attempt | None) -> Scene:
    seed = None if attempt is None else attempt.request.seed
    if scene.with_seed is None or seed is None:
        return scene
    return replace(scene, request=scene.with_seed(seed), alike=None)


def _picked_take(scene: Scene, state: State) -> Attempt | None:
    """The attempt whose seed a scene has: of the take that is picked of its shot, where it has none itself."""
    picked = state.picked_scenes.get(scene.shot)
    if scene.take is not None or scene.with_seed is None or picked is None:
        return None
    attempt = _standing(picked, state)
    if picked == scene.id:
        # The final itself is picked: it keeps the seed that a take gave it, or the pick would have it made anew.
        return None if attempt is None else _take_with(attempt.request.seed, scene.shot, state)
    return attempt


def _standing(scene_id: str, state: State) -> Attempt | None:
    """The attempt that is picked with a scene, or else its newest result."""
    picked = state.find(state.picked_attempts.get(scene_id, ("", 0)))
    made = [attempt for attempt in state.attempts.get(scene_id, ()) if attempt.has_file]
    return picked or (made[-1] if made else None)


def _take_with(seed: int | None, shot: str, state: State) -> Attempt | None:
    """A result of one of the takes of a shot that has this seed."""
    takes = (
        attempt
        for name, made in state.attempts.items()
        if name != shot and TAKE.sub("", name) == shot
        for attempt in made
    )
    return next((one for one in takes if seed is not None and one.request.seed == seed and one.has_file), None)


def _name(attempt: Attempt, state: State) -> str:
    """What is called picked: the take, or one of its attempts."""
    is_one = state.picked_attempts.get(attempt.scene_id) == attempt.key
    return attempt.name if is_one else attempt.scene_id

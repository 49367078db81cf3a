"""Several states of one film as one, to be reported on: what one directory would hold had it made all attempts. Pure.

Coordinators that share no disk have a run directory each, of the same manifest. The scenes are those of the first one;
what others made of scenes that it does not have, or has otherwise by now, is superseded, as after an edit. A scene
that is in several has the attempts of each, numbered anew in the order of their submission: each was paid for, and
where they stand alike the newest one counts. What a directory and a copy of it tell of counts once, and so does a
result that one directory has linked in from another one among them.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from batchgen.engine.attempts import WEIGHTS, Attempt, AttemptKey
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import State
from batchgen.layout import result_path


@dataclass(frozen=True, slots=True)
class Merged:
    """One state of several; ``origins`` says of each attempt in which of them it was made, and as which one."""

    state: State
    origins: Mapping[AttemptKey, tuple[int, Attempt]]


def merged(states: Sequence[State]) -> Merged:
    """The states as one; that of the first one goes before the others where they differ in what cannot be added up."""
    first = states[0]
    origins = _numbered(states)
    keys = {(which, one.key): key for key, (which, one) in origins.items()}
    state = State(first.name, first.model, downloads=any(each.downloads for each in states))
    state.gateway = next((each.gateway for each in states if each.gateway), "")
    state._list(tuple(_scene(scene, states, keys) for scene in first.scenes))  # noqa: SLF001 - its own kind
    for key, (_, one) in sorted(origins.items()):
        path = result_path(*key) if one.has_file else one.video_path
        _add(state, replace(one, number=key[1], video_path=path))
    _take_over_choices(state, states, keys)
    return Merged(state, origins)


def _numbered(states: Sequence[State]) -> dict[AttemptKey, tuple[int, Attempt]]:
    """Each attempt that counts, under its new number."""
    by_scene: dict[str, list[tuple[int, Attempt]]] = {}
    for which, one in counting(states):
        by_scene.setdefault(one.scene_id, []).append((which, one))
    return {
        (scene_id, number): found
        for scene_id, made in by_scene.items()
        for number, found in enumerate(sorted(made, key=lambda one: one[1].submitted_at), start=1)
    }


def counting(states: Sequence[State]) -> list[tuple[int, Attempt]]:
    """Attempts with the number of their state, each once, as the one tells of it that knows most."""
    listed = [(which, one) for which, state in enumerate(states) for one in state.all_attempts()]
    bought = {one.video_sha256 for _, one in listed if one.has_file and not one.reused_from}
    own = [found for found in listed if not (found[1].reused_from and found[1].video_sha256 in bought)]
    # Two directories in which the user gave one task to a submission of each: it was paid for once.
    return _best_known(_best_known(own, _identity), lambda one: one.task_id or _identity(one))


def _best_known(
    listed: Iterable[tuple[int, Attempt]], identity: Callable[[Attempt], Hashable]
) -> list[tuple[int, Attempt]]:
    """Of attempts with the same identity, the one that knows most; of equals, the first."""
    known: dict[Hashable, tuple[int, Attempt]] = {}
    for found in listed:
        before = known.setdefault(identity(found[1]), found)
        if _knowledge(found[1]) > _knowledge(before[1]):
            known[identity(found[1])] = found
    return list(known.values())


def _identity(one: Attempt) -> Hashable:
    """What an attempt and its copies have in common: one may know its task, and another one not yet."""
    if one.reused_from:
        return one.scene_id, one.video_sha256
    return one.request_id or one.task_id or (one.scene_id, one.submitted_at)


def _knowledge(one: Attempt) -> tuple[bool, bool, int]:
    return one.finished_at is not None, one.has_file, WEIGHTS[one.state]


def _scene(scene: SceneFacts, states: Sequence[State], keys: Mapping[tuple[int, AttemptKey], AttemptKey]) -> SceneFacts:
    """A scene with its request, which only the directory may know that made what the scene is built on."""
    for which, state in enumerate(states):
        found = state.scene(scene.scene_id)
        if found is not None and found.sources == scene.sources and found.has_request:
            made = replace(scene, request=found.request, any_seed=found.any_seed)
            return replace(made, built_on=tuple(_renamed(name, which, keys) for name in found.built_on))
    return scene


def _renamed(name: str, which: int, keys: Mapping[tuple[int, AttemptKey], AttemptKey]) -> str:
    scene_id, _, number = name.rpartition("@")
    new = keys.get((which, (scene_id, int(number))))
    return name if new is None else f"{new[0]}@{new[1]}"


def _add(state: State, attempt: Attempt) -> None:
    state.attempts.setdefault(attempt.scene_id, []).append(attempt)
    state._index(None, attempt, attempt.key)  # noqa: SLF001 - its own kind


def _take_over_choices(
    state: State, states: Sequence[State], keys: Mapping[tuple[int, AttemptKey], AttemptKey]
) -> None:
    """What was picked, chosen and held back: of the first that says something of a scene."""
    for which, each in reversed(list(enumerate(states))):
        for chosen, of_each in ((state.picked_attempts, each.picked_attempts), (state.adopted, each.adopted)):
            chosen |= {name: keys[which, key] for name, key in of_each.items() if (which, key) in keys}
        state.picked_scenes |= each.picked_scenes
        state.chosen_scenes |= each.chosen_scenes
        state.frames |= each.frames
        state.held |= each.held

"""Says which take stands for a shot, and which attempt for a scene."""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchgen.app.keywords import StrPath
from batchgen.app.output_places import warn_of, write_reports
from batchgen.app.run_directory import RunDirectory, picked_names
from batchgen.engine.attempts import Attempt
from batchgen.engine.events import Event, Picked, PicksCleared, SceneFacts
from batchgen.engine.picked_seeds import takes_without_seed
from batchgen.engine.sources import lacking, scenes_of_all_profiles, sources_of
from batchgen.engine.states import State
from batchgen.engine.waiting import stale
from batchgen.errors import UsageError
from batchgen.journal.journal import Journal
from batchgen.layout import JOURNAL
from batchgen.providers.registry import asked_before
from batchgen.report.standing import Standing, standing
from batchgen.runner.clock import RealClock

_HEAD = "# batchgen picks "
_WITHOUT_SEED = "what its shot is in another profile is made with a seed of its own"
_log = logging.getLogger("batchgen")


def pick(run_dir: StrPath, names: str | Sequence[str], *, replace: bool = False) -> None:
    """Pick scenes, as ``SCENE``, or attempts, as ``SCENE@N``; with ``replace`` in place of all picks of before.

    A scene that is picked stands for its shot and follows its edits; an attempt stands for its scene for as
    long as it is not cleared. All of it is taken, or none. The reports are written again; of a scene without a
    result, or with a seed that nobody knows, a warning goes to the log. Raises `UsageError` for a name that picks
    nothing, `RunDirectoryError` where the journal cannot be written.
    """
    directory = _begun(run_dir)
    with Journal(directory.path, asked_before) as journal:
        at = RealClock().at()
        events = list(_events(journal.state, [names] if isinstance(names, str) else names, at))
        journal.record(*([PicksCleared(at, "")] if replace else []), *events)
        warn_of(write_reports(directory, journal.state, holds_journal=True))
        picked = {event.scene_id for event in events if isinstance(event, Picked)}
        _tell_of_empty(picked, journal.state, directory.missing(journal.state))
        for name in takes_without_seed(sorted(picked), journal.state):
            _log.warning("%s was made with seed: random, and nobody knows which that was: %s", name, _WITHOUT_SEED)


def _tell_of_empty(picked: Collection[str], state: State, missing: Collection[str]) -> None:
    """Warn of picked scenes without a result: no other take stands for their shot from now on."""
    for one in standing(state, missing):
        if one.scene.scene_id in picked and one.attempt is None:
            _log.warning("%s is picked, %s", one.scene.scene_id, _about_empty(one, state))


def _about_empty(one: Standing, state: State) -> str:
    attempt = state.current_attempt(one.scene)
    if attempt is not None and attempt.has_file:
        return f"and what it has is not what was asked for: to take it as it is, pick {attempt.name}"
    return f"and is {one.row['status']}: until it has a result, shot {one.shot} is missing in film and exports"


def pick_from(run_dir: StrPath, path: StrPath) -> int:
    """Replace all picks by those of a file, as `picks` gives them; how many they are. Raises as `pick` does."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    head, *names = [line.strip() for line in lines if line.strip()] or [""]
    if not head.startswith(_HEAD):
        raise UsageError(f"{path} is not a file of picks: its first line has to be {_HEAD}NAME")
    name = _begun(run_dir).state().name
    if head.removeprefix(_HEAD).strip() != name:
        raise UsageError(f"{path} has the picks of {head.removeprefix(_HEAD).strip()!r}, and {run_dir} holds {name!r}")
    pick(run_dir, names, replace=True)
    return len(names)


def clear_picks(run_dir: StrPath, shot: str) -> None:
    """Let a shot stand without picks again, its own and those of its scenes. Raises as `pick` does."""
    directory = _begun(run_dir)
    with Journal(directory.path, asked_before) as journal:
        state = journal.state
        shots = {state.shot_of(scene.scene_id) for scene in state.scenes} | state.picked_scenes.keys()
        if shot not in shots:
            raise UsageError(f"there is no shot {shot!r} in the manifest of {run_dir}")
        journal.record(PicksCleared(RealClock().at(), shot))
        warn_of(write_reports(directory, state, holds_journal=True))


@dataclass(frozen=True, slots=True)
class Renewed:
    """What the next run makes of the picks; ``scenes`` are built on something else than stands for their sources now.

    A run with ``profile`` pays for them again, unless what they ask for now was bought before: the next one, or
    where ``waits_for_look`` the first one after somebody has picked. ``opened`` are those that were never submitted
    and wait for no look any more.
    """

    scenes: tuple[SceneFacts, ...]
    profile: str
    waits_for_look: bool
    opened: tuple[SceneFacts, ...]


def built_on_others(run_dir: StrPath) -> Renewed:
    """The scenes that were paid for and would be built on other results now. Raises `RunDirectoryError`."""
    state = _begun(run_dir).state()
    renewed = {one.scene_id for one in stale(state) if _is_paid(one, state)}
    scenes = tuple(scene for scene in state.scenes if scene.scene_id in renewed)
    is_held = any(source.is_held for scene in scenes for source in lacking(scene, state))
    return Renewed(scenes, state.profile, is_held, tuple(scene for scene in state.scenes if _is_opened(scene, state)))


def _is_opened(scene: SceneFacts, state: State) -> bool:
    """Whether nothing was submitted for it, it is built on a result to be looked at first, and all of that is there."""
    sources = sources_of(scene, state, lambda _: False)
    is_new = bool(scene.sources) and state.current_attempt(scene) is None and not lacking(scene, state)
    return is_new and any(source.scene is not None and source.scene.review for source in sources)


def _is_paid(scene: SceneFacts, state: State) -> bool:
    return any(attempt.is_paid for attempt in state.attempts.get(scene.scene_id, ()))


def picks(run_dir: StrPath) -> list[str]:
    """The lines of a file of picks: what it is, then a pick each. Raises `RunDirectoryError`."""
    state = _begun(run_dir).state()
    return [f"{_HEAD}{state.name}", *picked_names(state)]


def _begun(run_dir: StrPath) -> RunDirectory:
    directory = RunDirectory(Path(run_dir))
    if not directory.is_begun():
        raise UsageError(f"{run_dir} is not a run directory: it has no {JOURNAL}")
    return directory


def _events(state: State, names: Sequence[str], at: str) -> Iterator[Event]:
    """The picks. Raises `UsageError` for a name that picks nothing, and for two that pick the same."""
    picked: dict[str, str] = {}
    for name in names:
        scene_id, mark, number = name.partition("@")
        attempt = _attempt(state, name, scene_id, number) if mark else None
        scene = _scene(state, scene_id) if attempt is None else _scene_of(state, name, attempt)
        shot = state.shot_of(scene.scene_id)
        if shot in picked:
            raise UsageError(f"{picked[shot]} and {name} are of one shot, {shot}; pick one of them")
        picked[shot] = name
        yield Picked(at, scene.scene_id, None, None)
        if attempt is not None:
            yield Picked(at, scene.scene_id, *attempt.key)


def _scene(state: State, scene_id: str) -> SceneFacts:
    """The scene of that id: what is picked of a draft is picked from wherever the last run was."""
    known = scenes_of_all_profiles(state)
    found = next((scene for scene in known if scene.scene_id == scene_id), None)
    if found is not None:
        return found
    takes = [scene.scene_id for scene in known if scene.shot == scene_id]
    if takes:
        raise UsageError(f"{scene_id} has takes; pick one of them: {', '.join(takes)}")
    raise UsageError(f"there is no scene {scene_id!r} in the manifest that was run last; see batchgen status")


def _attempt(state: State, name: str, scene_id: str, number: str) -> Attempt:
    made = state.attempts.get(scene_id, [])
    attempt = state.find((scene_id, int(number))) if number.isascii() and number.isdigit() else None
    if attempt is None:
        there = ", ".join(one.name for one in made) or "none at all"
        raise UsageError(f"there is no attempt {name}; of {scene_id} there is {there}{_bought_as(state, scene_id)}")
    if not attempt.has_file:
        raise UsageError(f"{name} has no result that could be picked: it is {attempt.state}")
    return attempt


def _bought_as(state: State, scene_id: str) -> str:
    """Where a scene has the result of another one: that attempt, since exports show it under the scene's own name."""
    scene = state.scene(scene_id)
    current = None if scene is None else state.current_attempt(scene)
    return "" if current is None or current.scene_id == scene_id else f"; what it has was bought as {current.name}"


def _scene_of(state: State, name: str, attempt: Attempt) -> SceneFacts:
    """The scene for which an attempt is picked: its own, or, once that is gone, the one that has it."""
    own = next((scene for scene in scenes_of_all_profiles(state) if scene.scene_id == attempt.scene_id), None)
    heirs = [scene for scene in state.scenes if attempt in state.attempts_for(scene)]
    if own is None and len(heirs) != 1:
        whose = (
            f"several scenes have it: {', '.join(scene.scene_id for scene in heirs)}" if heirs else "no scene has it"
        )
        raise UsageError(f"{name} was made for a scene that is not in the manifest any more, and {whose}")
    return own or heirs[0]

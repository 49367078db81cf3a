"""Results that are here already: those of other run directories, and those that versions before kept otherwise."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from batchgen.app.output_places import look_where_unknown
from batchgen.app.run_directory import RunDirectory
from batchgen.app.sources import SceneMaker
from batchgen.engine import events as ev
from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.commands import Link, LinkResult, Prepare, PrepareResult
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import State
from batchgen.engine.steps import Elsewhere, Lent, Step
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.layout import JOURNAL, VIDEOS, result_path
from batchgen.store.cache import brought_back
from batchgen.store.links import digest
from batchgen.store.local import LocalStore

GONE = "its file is gone, or is not the one that was delivered"
_log = logging.getLogger("batchgen")


def to_reuse(folder: Path, *, rehearsal: bool) -> RunDirectory:
    """A run directory whose results may be linked in. Raises `UsageError` where it has none for such a run."""
    directory = RunDirectory(folder)
    if not directory.is_begun():
        raise UsageError(f"nothing can be reused of {directory}: there is no {JOURNAL} in it")
    if directory.is_rehearsal() != rehearsal:
        holds = "a rehearsal, whose videos are the emulator's" if directory.is_rehearsal() else "a real run"
        raise UsageError(f"nothing can be reused of {directory}: it holds {holds}")
    return directory


class Lenders:
    """Run directories whose results may be linked in. Their journals and files are read once, where one is asked for.

    What a method raises is `RunDirectoryError`, where a journal cannot be read.
    """

    def __init__(self, directories: Iterable[RunDirectory]) -> None:
        """Touch nothing yet."""
        self._directories = tuple(directories)
        self._is_whole: dict[tuple[Path, str], bool] = {}

    @cached_property
    def _states(self) -> list[tuple[RunDirectory, State]]:
        states = [(directory, directory.state()) for directory in self._directories]
        for directory, state in states:
            look_where_unknown(directory, state)
        return states

    def lent(self, request: str, any_seed: str | None) -> Lent:
        """What they have of a request, whole and with the right hash, by its hashes; the newest first."""
        hashes = [one for one in dict.fromkeys((request, any_seed)) if one]
        whole = {one: [_lent(*each) for each in self._told(one) if self._holds(*each)] for one in hashes}
        return {one: lent for one, lent in whole.items() if lent}

    def lent_to(self, scenes: Iterable[SceneFacts]) -> Lent:
        """What they have of the requests of scenes."""
        found: dict[str, Sequence[Elsewhere]] = {}
        for scene in scenes if self._directories else ():
            found |= self.lent(scene.request.sha256, scene.any_seed)
        return found

    def lost(self, request: str, any_seed: str | None) -> list[Elsewhere]:
        """What their journals tell of a request and is gone by now, or is another file."""
        told = (each for one in dict.fromkeys((request, any_seed)) if one for each in self._told(one))
        gone = (_lent(*each) for each in told if not self._holds(*each))
        return list({each.name: each for each in gone}.values())

    def _told(self, sha256: str) -> Iterator[tuple[RunDirectory, Attempt]]:
        for directory, state in self._states:
            for attempt in map(state.attempt, reversed(state.by_request.get(sha256, []))):
                if attempt.state is AttemptState.DELIVERED:
                    yield directory, attempt

    def _holds(self, directory: RunDirectory, attempt: Attempt) -> bool:
        key = directory.path, attempt.name
        if key not in self._is_whole:
            self._is_whole[key] = directory.lends(attempt)
        return self._is_whole[key]


def _lent(directory: RunDirectory, attempt: Attempt) -> Elsewhere:
    # Who makes requests of it looks for it from another run directory.
    path = str(directory.path.absolute() / str(attempt.video_path))
    return Elsewhere(f"{directory}:{attempt.name}", attempt.request, path, str(attempt.video_sha256))


def prepared(maker: SceneMaker, lenders: Lenders, command: Prepare) -> PrepareResult:
    """Make the request of a scene, and look up what other run directories have of it."""
    made = maker.prepare(command)
    if made.request is None:
        return made
    asked = made.request.sha256, made.any_seed
    found = lenders.lent(*asked)
    for each in () if found else lenders.lost(*asked):
        _log.warning("scene %s: %s is what it asks for and is not linked in: %s", command.scene_id, each.name, GONE)
    return replace(made, elsewhere=found)


def link(store: LocalStore, command: Link) -> LinkResult:
    """Have a result of another run directory here."""
    try:
        source = brought_back(Path(command.path), command.sha256)
    except OSError as error:  # the other directory, or its object store, is at fault: no reason to end this run
        return LinkResult(command, f"{command.path} cannot be fetched back to be linked in: {error.strerror}")
    try:
        is_whole = store.link(source, result_path(command.scene_id, command.attempt), command.sha256)
    except OSError as error:
        return LinkResult(command, f"{command.path} cannot be linked in: {error.strerror}", unstorable=True)
    if is_whole:
        _log.info("scene %s: linked in from %s", command.scene_id, command.path)
    return LinkResult(command, "" if is_whole else f"not submitted: {command.path} is to be linked in, and {GONE}")


def linked(steps: Iterable[Step], state: State, store: LocalStore, at: str) -> Iterator[ev.Reused]:
    """Link in what the plan takes from other run directories. Raises `RunDirectoryError` where it cannot be done."""
    for step in steps:
        found, scene = step.elsewhere, step.scene
        if found is None:
            continue
        number = state.next_number(scene.scene_id)
        path = result_path(scene.scene_id, number)
        if not _has(store, Path(found.path), path, found.sha256):
            raise RunDirectoryError(f"{found.path} is not the result that its journal tells of any more; look at it")
        yield ev.Reused(at, scene.scene_id, number, found.request, found.name, path, found.sha256, scene.any_seed)


def taken_over(state: State, store: LocalStore, at: str) -> Iterator[ev.Downloaded | ev.DownloadFailed]:
    """Have the results that versions before kept as ``videos/SCENE.mp4`` under the names of their attempts.

    What such a version wrote over with a later result is to be fetched again. May be cut off at any point, and
    done again. Raises `RunDirectoryError` where a result cannot be kept.
    """
    for attempt in [one for one in state.all_attempts() if one.has_file and _is_of_before(one)]:
        path, held = result_path(*attempt.key), str(attempt.video_sha256)
        if _has(store, store.folder / str(attempt.video_path), path, held):
            wrong = attempt.message if attempt.state is AttemptState.MISMATCHED else None
            yield ev.Downloaded(at, *attempt.key, path, held, wrong)
        else:
            reason = "a version of batchgen before this one put a later result in its place"
            yield ev.DownloadFailed(at, *attempt.key, reason)


def restore(state: State, directory: RunDirectory) -> None:
    """Have results that were taken away from where they are kept back from the view, which has them still."""
    store = directory.store()
    kept = (one for one in state.all_attempts() if one.has_file)
    has_result = directory.result_finder()
    gone = {str(one.video_sha256): one for one in kept if not has_result(one)}
    for video in sorted(directory.videos.glob("*.mp4")) if gone else []:
        attempt = gone.get(digest(video) or "")
        if attempt is not None and not _is_of_before(attempt):
            _has(store, video, str(attempt.video_path), str(attempt.video_sha256))


def _is_of_before(attempt: Attempt) -> bool:
    return str(attempt.video_path).startswith(f"{VIDEOS}/")


def _has(store: LocalStore, source: Path, path: str, sha256: str) -> bool:
    try:
        return store.link(brought_back(source, sha256), path, sha256)
    except OSError as error:
        raise RunDirectoryError(f"{source} cannot be kept as {path}: {error.strerror}") from None

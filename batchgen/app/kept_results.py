"""Results that are here already: those of other run directories, and those that versions before kept otherwise."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from batchgen.app.output_places import look_where_unknown
from batchgen.app.run_directory import RunDirectory
from batchgen.engine import events as ev
from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import State
from batchgen.engine.steps import Elsewhere, Lent, Step
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.layout import JOURNAL, VIDEOS, result_path
from batchgen.store.cache import brought_back
from batchgen.store.links import digest
from batchgen.store.local import LocalStore


def to_reuse(folder: Path, *, rehearsal: bool) -> RunDirectory:
    """A run directory whose results may be linked in. Raises `UsageError` where it has none for such a run."""
    directory = RunDirectory(folder)
    if not directory.is_begun():
        raise UsageError(f"nothing can be reused of {directory}: there is no {JOURNAL} in it")
    if directory.is_rehearsal() != rehearsal:
        holds = "a rehearsal, whose videos are the emulator's" if directory.is_rehearsal() else "a real run"
        raise UsageError(f"nothing can be reused of {directory}: it holds {holds}")
    return directory


def elsewhere(directories: Iterable[RunDirectory], scenes: Sequence[SceneFacts]) -> Lent:
    """What other run directories have of the scenes, whole and with the right hash; the newest first.

    Raises `RunDirectoryError` where a journal cannot be read.
    """
    wanted = {scene.request.sha256 for scene in scenes} | {scene.any_seed for scene in scenes if scene.any_seed}
    found: dict[str, list[Elsewhere]] = {}
    for directory in directories:
        state = directory.state()
        look_where_unknown(directory, state)
        for name in wanted & state.by_request.keys():
            for attempt in map(state.attempt, reversed(state.by_request[name])):
                path, held = str(attempt.video_path), str(attempt.video_sha256)
                if attempt.state is AttemptState.DELIVERED and directory.lends(attempt):
                    whose = f"{directory}:{attempt.name}"
                    # Who makes requests of it looks for it from another run directory.
                    lent = Elsewhere(whose, attempt.request, str(directory.path.absolute() / path), held)
                    found.setdefault(name, []).append(lent)
    return found


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

"""One report on several run directories of one manifest."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from batchgen.app.keywords import StrPath, path_of, paths
from batchgen.app.output_places import look_where_unknown
from batchgen.app.run_directory import RunDirectory
from batchgen.engine.merging import Merged, merged
from batchgen.engine.states import State
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.layout import EMULATOR, JOURNAL, result_path
from batchgen.store.cache import brought_back


def merge_reports(run_dirs: StrPath | Iterable[StrPath], out: StrPath) -> RunDirectory:
    """Write report.csv, ledger.csv, report.html and the videos of several run directories into a new folder.

    Nothing is changed in the run directories, and what is written is no run directory: it has no journal. Results are
    linked, or copied from another disk. What happens to a scene that is in several: `batchgen.engine.merging`.
    Raises `UsageError` where they are not of one batch, or the folder holds something, and `RunDirectoryError`.
    """
    directories = [RunDirectory(path) for path in dict.fromkeys(path.resolve() for path in paths(run_dirs, "run_dirs"))]
    target = path_of(out, "out")
    states = [directory.state() for directory in directories]
    rehearsal = _see_that_they_fit(directories, states)
    _see_that_it_is_free(target)
    for directory, state in zip(directories, states, strict=True):
        look_where_unknown(directory, state)
    made = merged(states)
    try:
        target.mkdir(parents=True, exist_ok=True)
        if rehearsal:
            (target / EMULATOR).mkdir()
        _link_results(made, directories, states, RunDirectory(target))
    except OSError as error:
        raise RunDirectoryError(f"the results cannot be linked into {target}: {error.strerror}") from None
    RunDirectory(target).write_reports(made.state)
    return RunDirectory(target)


def _see_that_they_fit(directories: Sequence[RunDirectory], states: Sequence[State]) -> bool:
    """Whether they are rehearsals. Raises `UsageError` where they have nothing in common, or too little."""
    kinds = {directory.is_rehearsal() for directory in directories}
    if len(kinds) > 1:
        raise UsageError("a rehearsal and a real run are not added up: what a rehearsal costs is the emulator's")
    for directory, state in zip(directories, states, strict=True):
        if not state.name:
            raise UsageError(f"{directory} holds nothing: no run has begun there; leave it out")
        if (state.name, state.model) != (states[0].name, states[0].model):
            raise UsageError(
                f"{directory} holds {state.name}, of {state.model}, and {directories[0]} holds {states[0].name}, of "
                f"{states[0].model}: one report is of one manifest"
            )
    return kinds.pop()


def _see_that_it_is_free(target: Path) -> None:
    if (target / JOURNAL).exists():
        raise UsageError(f"{target} is a run directory, which has reports of its own; name a new folder")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} holds something already; name a new folder")


def _link_results(
    made: Merged, directories: Sequence[RunDirectory], states: Sequence[State], target: RunDirectory
) -> None:
    """Have the results that lie where any of the journals says: a copy may have lost its own. Raises OSError."""
    held = dict[str, list[Path]]()
    for directory, state in zip(directories, states, strict=True):
        for one in state.all_attempts():
            if one.has_file and directory.has_result(one):
                held.setdefault(str(one.video_sha256), []).append(directory.path / str(one.video_path))
    store = target.store()
    for key, (_, attempt) in made.origins.items():
        sha256 = str(attempt.video_sha256)
        for source in held.get(sha256, ()) if attempt.has_file else ():
            if store.link(brought_back(source, sha256), result_path(*key), sha256):
                break

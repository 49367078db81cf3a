"""One run directory: its state, its results, its reports."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from batchgen.app.scene_results import SceneResult, Totals, scene_results, totals_of
from batchgen.app.sidecars import write_sidecars
from batchgen.engine.attempts import Attempt
from batchgen.engine.events import SceneFacts
from batchgen.engine.sources import scenes_of_all_profiles
from batchgen.engine.states import State
from batchgen.errors import Remedy, RunDirectoryError, UsageError
from batchgen.files import write_atomically
from batchgen.journal.journal import is_held_here
from batchgen.journal.replay import read
from batchgen.layout import EMULATOR, JOURNAL, LEDGER, LOG, REPORT, RESULTS, STORYBOARD, VIDEOS
from batchgen.providers.registry import asked_before
from batchgen.report.as_csv import as_csv
from batchgen.report.rows import LEDGER_COLUMNS, REPORT_COLUMNS, Row, counts, ledger_rows, nowhere_else, report_row
from batchgen.store.local import Limits, LocalStore
from batchgen.store.output_index import OutputIndex
from batchgen.store.view import show
from batchgen.text import on_one_line

RUNS = "runs"
"""The folder that run directories lie in by default, beside the manifest."""
REHEARSAL = "-rehearsal"
"""What the name of a rehearsal's run directory ends with."""


def usual_place(manifest: Path, name: str, *, rehearsal: bool) -> Path:
    """Where the run directory of a batch lies, if nothing says otherwise."""
    return manifest.parent / RUNS / f"{name}{REHEARSAL if rehearsal else ''}"


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """A folder that holds, or will hold, the journal and the results of one batch.

    It asks nobody, and what it tells is read anew each time, also while a run goes on. May be given wherever a
    path is wanted.
    """

    path: Path

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Take the path; nothing need be there."""
        object.__setattr__(self, "path", Path(path))

    def __str__(self) -> str:
        return str(self.path)

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def report(self) -> Path:
        """The CSV with one row a scene."""
        return self.path / REPORT

    @property
    def storyboard(self) -> Path:
        """The page that shows all scenes."""
        return self.path / STORYBOARD

    @property
    def ledger(self) -> Path:
        """The CSV with one row a paid attempt."""
        return self.path / LEDGER

    @property
    def videos(self) -> Path:
        """The folder with the result that counts for each scene."""
        return self.path / VIDEOS

    @property
    def results(self) -> Path:
        """The folder of all results, each under the name of its attempt."""
        return self.path / RESULTS

    @property
    def log(self) -> Path:
        """The log that the command writes."""
        return self.path / LOG

    @property
    def journal(self) -> Path:
        """The file that the state is replayed from."""
        return self.path / JOURNAL

    @property
    def output(self) -> str:
        """The URL below which results and reports lie in an object store, too; empty where they do not."""
        index = OutputIndex.of(self.path)
        return "" if index is None else index.url

    def is_begun(self) -> bool:
        """Whether a run was ever begun here. Raises `RunDirectoryError` where that cannot be seen."""
        with self._looked_at():
            return self.journal.exists()

    def is_rehearsal(self) -> bool:
        """Whether it was made with the embedded emulator. Raises `RunDirectoryError` where that cannot be seen."""
        with self._looked_at():
            return (self.path / EMULATOR).is_dir()

    @contextmanager
    def _looked_at(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:  # a name that is too long, or a folder that may not be entered
            raise RunDirectoryError(f"{self} cannot be used: {error.strerror}") from None

    def state(self) -> State:
        """What the journal tells; works while a run goes on. Raises `RunDirectoryError` where there is none."""
        try:
            return read(self.path, asked_before)
        except RunDirectoryError as error:
            inside = self._run_directories_below()
            if not inside:
                raise
            raise RunDirectoryError(f"{error}; under {self.path / RUNS} there is {', '.join(inside)}") from None

    def state_from_outside(self) -> State:
        """The same, for whoever does not hold the journal: what a run that goes on is submitting is not cut off."""
        is_under_way = is_held_here(self.path)  # asked first: a run that ends in between has written down the answers
        state = self.state()
        state.is_under_way = is_under_way and state.cut_off
        return state

    def _run_directories_below(self) -> list[str]:
        """The names of those of a manifest in this folder, where somebody has given that in place of one of them."""
        with suppress(OSError):  # a name that is too long, or a folder that may not be entered
            if not self.journal.exists():
                return sorted(on_one_line(journal.parent.name) for journal in self.path.glob(f"{RUNS}/*/{JOURNAL}"))
        return []

    def scenes(self) -> tuple[SceneResult, ...]:
        """Where each scene of the manifest stands, in its order. Raises `RunDirectoryError`."""
        return self._scenes(self.state_from_outside())

    def _scenes(self, state: State) -> tuple[SceneResult, ...]:
        return scene_results(self.each_row(state), self.path)

    def rows(self, state: State) -> list[Row]:
        """The rows of report.csv: where each scene of the manifest stands, and where its video is."""
        return list(self.each_row(state))

    def each_row(self, state: State) -> Iterator[Row]:
        """The same, one after the other: of a large manifest, all of them take as much memory as its state."""
        index, missing = OutputIndex.of(self.path), self.missing(state)
        url_of = nowhere_else if index is None else index.url_of
        return (report_row(state, scene, missing, url_of) for scene in state.scenes)

    def totals(self) -> Totals:
        """How many scenes stand where, and what was charged. Raises `RunDirectoryError`."""
        state = self.state_from_outside()
        return totals_of(self._scenes(state), state)

    def picks(self) -> tuple[str, ...]:
        """What is picked, as ``SCENE`` and ``SCENE@N``. Raises `RunDirectoryError`."""
        return picked_names(self.state())

    def state_or_empty(self) -> State:
        """The same, and an empty state where no run was ever begun."""
        return self.state() if self.is_begun() else State()

    def refuse_strangers(self, state: State, gateway: str | None, *, rehearsal: bool) -> None:
        """Send nothing to a gateway that knows none of the tasks here. Raises `UsageError`.

        ``gateway`` is the name of the one that a run talks to, None where it is not to be compared.
        """
        rehearsed = self.is_rehearsal()
        if rehearsed and not rehearsal:
            raise UsageError(
                f"{self} holds a rehearsal with the embedded emulator, whose scenes were never really made; "
                "give the real run a directory of its own, or delete the rehearsal",
                Remedy.OTHER_RUN_DIR,
            )
        if rehearsal and state.attempts and not rehearsed:
            raise UsageError(
                f"{self} holds a real run, which the emulator knows nothing of; rehearse elsewhere",
                Remedy.OTHER_RUN_DIR,
            )
        if gateway is not None and state.bound_to not in ("", gateway):
            raise UsageError(
                f"{self} belongs to the gateway {state.bound_to}, and this is {gateway}, which knows nothing of "
                "its tasks",
                Remedy.OTHER_GATEWAY,
                state.bound_to,
            )

    def missing(self, state: State, scenes: Iterable[SceneFacts] | None = None) -> set[str]:
        """Scenes whose result was here and is gone; ``scenes`` are those of a manifest of today."""
        has_result = self.result_finder()
        return {
            scene.scene_id
            for scene in (state.scenes if scenes is None else scenes)
            if (attempt := state.current_attempt(scene)) and attempt.has_file and not has_result(attempt)
        }

    def has_result(self, attempt: Attempt) -> bool:
        """Whether the result of an attempt is where the journal says, or in the object store that results go to."""
        return self.result_finder()(attempt)

    def result_finder(self) -> Callable[[Attempt], bool]:
        """`has_result`, for many attempts.

        Under a name that versions before gave to the newest result of a scene, another one may lie by now.
        """
        store, index = self.store(), OutputIndex.of(self.path)

        def has_result(attempt: Attempt) -> bool:
            path, sha256 = str(attempt.video_path), str(attempt.video_sha256)
            is_here = store.holds(path, sha256) if path.startswith(f"{VIDEOS}/") else store.has(path)
            return is_here or (index is not None and index.has(path, sha256))

        return has_result

    def lends(self, attempt: Attempt) -> bool:
        """Whether the result of an attempt, and no other file, can be had: from here, or from where results go."""
        path, sha256 = str(attempt.video_path), str(attempt.video_sha256)
        index = OutputIndex.of(self.path)
        return self.store().holds(path, sha256) or (index is not None and index.has(path, sha256))

    def store(self, limits: Limits = Limits()) -> LocalStore:  # noqa: B008 - frozen
        """Where its results lie."""
        return LocalStore(self.path, limits)

    def write_reports(self, state: State) -> None:
        """Write report.csv, ledger.csv, the folder of videos, the origin of each result, and the storyboard.

        From the state alone. Raises `RunDirectoryError`; of the storyboard a failure is a warning in the log.
        """
        from batchgen.app.storyboard import write_storyboard

        try:
            for path, content in self._tables(state):
                write_atomically(path, content.encode())
            self._show_videos(state)
        except OSError as error:
            raise RunDirectoryError(f"the reports cannot be written into {self}: {error.strerror}") from None
        write_sidecars(self.path, state, rehearsal=self.is_rehearsal())
        has_result, missing = self.result_finder(), self.missing(state)
        files = {one.key for one in state.all_attempts() if one.has_file and has_result(one)}
        write_storyboard(self.path, state, missing=missing, files=files, is_rehearsal=self.is_rehearsal())

    def _tables(self, state: State) -> Iterator[tuple[Path, str]]:
        """The CSV files and what stands in them."""
        index = OutputIndex.of(self.path)
        yield self.report, as_csv(self.each_row(state), REPORT_COLUMNS)
        yield self.ledger, as_csv(ledger_rows(state, nowhere_else if index is None else index.url_of), LEDGER_COLUMNS)

    def _show_videos(self, state: State) -> None:
        """Have the results that count under the names of their scenes. Raises OSError."""
        if any(one.has_file and str(one.video_path).startswith(f"{VIDEOS}/") for one in state.all_attempts()):
            return  # of a version before: they are no view, and the next run takes them over
        counting = {scene_id: str(one.video_path) for scene_id, one in self.counting(state).items()}
        store = self.store()
        kept = (one for one in state.all_attempts() if one.has_file and str(one.video_path).startswith(f"{RESULTS}/"))
        hashes = {str(one.video_sha256) for one in kept if store.has(str(one.video_path))}
        show(self.path, counting, self.known_scenes(state), hashes)

    @staticmethod
    def counting(state: State) -> Mapping[str, Attempt]:
        """The attempt whose result is the video of each scene that has one."""
        standing = ((scene.scene_id, state.current_attempt(scene)) for scene in state.scenes)
        return {scene_id: one for scene_id, one in standing if one and counts(one, state, scene_id)}

    @staticmethod
    def known_scenes(state: State) -> Collection[str]:
        """The ids of all scenes that there ever were."""
        return state.attempts.keys() | {scene.scene_id for scene in state.scenes}


def picked_names(state: State) -> tuple[str, ...]:
    """The picks of a state, as ``SCENE`` and ``SCENE@N``; an attempt stands for its scene, too."""
    listed = {scene.scene_id for scene in scenes_of_all_profiles(state)}
    attempts = {name: f"{key[0]}@{key[1]}" for name, key in state.picked_attempts.items() if name in listed}
    scenes = [scene_id for scene_id in state.picked_scenes.values() if scene_id in listed and scene_id not in attempts]
    return tuple(sorted([*scenes, *attempts.values()]))

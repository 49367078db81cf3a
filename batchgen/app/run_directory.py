"""One run directory: its state, its results, its reports."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from batchgen.engine.events import SceneFacts
from batchgen.engine.states import AttemptState, State
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.files import write_atomically
from batchgen.journal.replay import read
from batchgen.layout import EMULATOR, JOURNAL, LEDGER, REPORT, VIDEOS
from batchgen.providers.registry import asked_before
from batchgen.report.as_csv import as_csv
from batchgen.report.rows import LEDGER_COLUMNS, REPORT_COLUMNS, ledger_rows, report_rows
from batchgen.store.local import Limits, LocalStore

RUNS = "runs"
"""The folder that run directories lie in by default, beside the manifest."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """A folder that holds, or will hold, the journal and the results of one batch."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def report(self) -> Path:
        """The CSV with one row a scene."""
        return self.path / REPORT

    @property
    def ledger(self) -> Path:
        """The CSV with one row a paid attempt."""
        return self.path / LEDGER

    @property
    def videos(self) -> Path:
        """The folder of the results."""
        return self.path / VIDEOS

    @property
    def journal(self) -> Path:
        """The file that the state is replayed from."""
        return self.path / JOURNAL

    def is_begun(self) -> bool:
        """Whether a run was ever begun here."""
        return self.journal.exists()

    def is_rehearsal(self) -> bool:
        """Whether it was made with the embedded emulator."""
        return (self.path / EMULATOR).is_dir()

    def state(self) -> State:
        """What the journal tells; works while a run goes on. Raises `RunDirectoryError` where there is none."""
        return read(self.path, asked_before)

    def state_or_empty(self) -> State:
        """The same, and an empty state where no run was ever begun."""
        return self.state() if self.is_begun() else State()

    def missing(self, state: State, scenes: Iterable[SceneFacts] | None = None) -> set[str]:
        """Scenes that were delivered and whose file is gone; ``scenes`` are those of a manifest of today."""
        store = self.store()
        return {
            attempt.scene_id
            for attempt in map(state.current_attempt, state.scenes if scenes is None else scenes)
            if attempt and attempt.state is AttemptState.DELIVERED and not store.has(str(attempt.video_path))
        }

    def store(self, limits: Limits = Limits()) -> LocalStore:  # noqa: B008 - frozen
        """Where its results lie."""
        return LocalStore(self.path, limits)

    def write_reports(self, state: State) -> None:
        """Write report.csv and ledger.csv from the state. Raises `RunDirectoryError`."""
        reports = {
            self.report: as_csv(report_rows(state, self.missing(state)), REPORT_COLUMNS),
            self.ledger: as_csv(ledger_rows(state), LEDGER_COLUMNS),
        }
        try:
            for path, content in reports.items():
                write_atomically(path, content.encode())
        except OSError as error:
            raise RunDirectoryError(f"the reports cannot be written into {self}: {error.strerror}") from None


def found_in(folder: Path) -> list[RunDirectory]:
    """The run directories in a folder, by name. Raises `UsageError` where there is none."""
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [directory for directory in map(RunDirectory, inside) if directory.is_begun()]
    if not found:
        raise UsageError(f"there is no run directory in {folder}; name one, or go where the manifest lies")
    return found

"""Wiring that several commands share: a manifest that is fit to run, its state, its reports."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from batchgen.cli import findings
from batchgen.engine.estimate import scene_facts
from batchgen.engine.events import SceneFacts
from batchgen.engine.planner import Choice, Step, plan
from batchgen.engine.states import AttemptState, State
from batchgen.errors import RefusedRun, RunDirectoryError, UsageError
from batchgen.files import write_atomically
from batchgen.journal import log
from batchgen.manifest.check import check
from batchgen.model import Manifest, Request
from batchgen.report.as_csv import as_csv
from batchgen.report.rows import LEDGER_COLUMNS, REPORT_COLUMNS, ledger_rows, report_rows
from batchgen.schemas import shipped

RUNS = Path("runs")


@dataclass(frozen=True, slots=True)
class Batch:
    """A manifest without errors, and what the engine needs of it."""

    manifest: Manifest
    facts: tuple[SceneFacts, ...]

    @property
    def requests(self) -> Mapping[str, Request]:
        """The requests by scene id."""
        return {scene.id: scene.request for scene in self.manifest.scenes}

    @property
    def codes(self) -> Mapping[str, Mapping[str, str]]:
        """The error codes that the model documents."""
        errors: Mapping[str, Mapping[str, str]] = shipped().for_model(self.manifest.model, "model.json")["errors"]
        return errors


def load(path: Path, *, strict: bool) -> Batch:
    """Check a manifest, and show what was found. Raises `RefusedRun` where there are errors."""
    try:
        checked = check(path, shipped(), strict=strict)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if checked.problems:
        click.echo(findings.as_text(str(path), checked.problems), err=True)
    if checked.manifest is None:
        raise RefusedRun(f"{path}: {findings.count(checked.problems)}; nothing was submitted")
    return Batch(checked.manifest, scene_facts(checked.manifest))


def run_dir_of(batch: Batch, chosen: Path | None) -> Path:
    """The run directory: the one that was chosen, or runs/NAME here."""
    return chosen or RUNS / batch.manifest.name


def state_in(folder: Path) -> State:
    """The state of a run directory, an empty one where no run has begun yet."""
    return log.read(folder) if (folder / log.FILE).exists() else State()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch with what would happen to each of its selected scenes."""

    batch: Batch
    folder: Path
    choice: Choice
    state: State
    steps: tuple[Step, ...]


def prepare(batch: Batch, folder: Path, choice: Choice, state: State) -> Prepared:
    """Plan. Raises `UsageError` where nothing is selected, or the folder holds another batch."""
    if state.name and state.name != batch.manifest.name:
        raise UsageError(f"{folder} holds the batch {state.name!r}, and the manifest is {batch.manifest.name!r}")
    steps = plan(batch.facts, state, choice, _missing(state, folder))
    if not steps:
        raise UsageError(f"no scene matches {', '.join(choice.globs)}")
    return Prepared(batch, folder, choice, state, tuple(steps))


def _missing(state: State, folder: Path) -> set[str]:
    """Scenes that were delivered and whose file is not there any more."""
    latest = (state.latest(scene_id) for scene_id in state.attempts)
    return {
        attempt.scene_id
        for attempt in latest
        if attempt and attempt.state is AttemptState.DELIVERED and not (folder / str(attempt.video_path)).is_file()
    }


def write_reports(folder: Path, state: State) -> None:
    """Write report.csv and ledger.csv from the state. Raises `RunDirectoryError`."""
    reports = {
        "report.csv": as_csv(report_rows(state), REPORT_COLUMNS),
        "ledger.csv": as_csv(ledger_rows(state), LEDGER_COLUMNS),
    }
    try:
        for name, content in reports.items():
            write_atomically(folder / name, content.encode())
    except OSError as error:
        raise RunDirectoryError(f"the reports cannot be written into {folder}: {error.strerror}") from None


def show_json(document: object) -> None:
    """One JSON object on stdout; amounts of money as text."""
    click.echo(json.dumps(document, ensure_ascii=True, indent=2, default=str))

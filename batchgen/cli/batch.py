"""Wiring that several commands share: a manifest that is fit to run, its state, its reports."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from pathlib import Path

import click

from batchgen.cli import findings
from batchgen.engine.estimate import scene_facts
from batchgen.engine.events import SceneFacts
from batchgen.engine.planner import Choice, Step, plan
from batchgen.engine.prices import Prices, learn
from batchgen.engine.states import Attempt, AttemptState, State
from batchgen.errors import RefusedRun, RunDirectoryError, UsageError
from batchgen.files import write_atomically
from batchgen.journal import log
from batchgen.manifest.check import check
from batchgen.model import Manifest, Request
from batchgen.report.as_csv import as_csv
from batchgen.report.plan import Outlook, price_notes
from batchgen.report.rows import LEDGER_COLUMNS, REPORT_COLUMNS, ledger_rows, report_rows
from batchgen.schemas import shipped
from batchgen.text import printable

RUNS = Path("runs")
REHEARSAL = "emulator"
"""The folder in a run directory where an embedded emulator keeps its tasks."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A manifest without errors, where it is run, and the earlier runs that its prices are learned from."""

    manifest: Manifest
    folder: Path
    history: tuple[State, ...]

    @property
    def requests(self) -> Mapping[str, Request]:
        """The requests by scene id."""
        return {scene.id: scene.request for scene in self.manifest.scenes}

    @property
    def codes(self) -> Mapping[str, Mapping[str, str]]:
        """The error codes that the model documents."""
        errors: Mapping[str, Mapping[str, str]] = shipped().for_model(self.manifest.model, "model.json")["errors"]
        return errors


def load(
    path: Path, *, strict: bool, run_dir: Path | None, history: Sequence[Path] = (), rehearsal: bool = False
) -> Batch:
    """Check a manifest, and show what was found.

    The run directory is runs/NAME here where none is given. Raises `RefusedRun` where there are
    errors, `UsageError` and `RunDirectoryError` where a manifest or a history cannot be read.
    """
    folders = {folder.resolve(): folder for folder in history}

    def earlier(place: Path) -> tuple[State, ...]:
        lenient = rehearsal or is_rehearsal(place)
        others = [folder for resolved, folder in folders.items() if resolved != place.resolve()]
        return tuple(_history(folder, rehearsal=lenient) for folder in others)

    def priced(name: str, model: str) -> Collection[str]:
        place = run_dir or RUNS / name
        return learn(_attempts(state_in(place), earlier(place)), model)

    try:
        checked = check(path, shipped(), strict=strict, priced=priced)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if checked.problems:
        click.echo(findings.as_text(str(path), checked.problems), err=True)
    if checked.manifest is None:
        raise RefusedRun(f"{path}: {findings.count(checked.problems)}; nothing was submitted")
    place = run_dir or RUNS / checked.manifest.name
    return Batch(checked.manifest, place, earlier(place))


def is_rehearsal(folder: Path) -> bool:
    """Whether a run directory was made with the embedded emulator."""
    return (folder / REHEARSAL).is_dir()


def _history(folder: Path, *, rehearsal: bool) -> State:
    if not (folder / log.FILE).exists():
        raise UsageError(f"--history {folder}: there is no {log.FILE} in it, so it is not a run directory")
    if is_rehearsal(folder) and not rehearsal:
        raise UsageError(f"--history {folder}: it holds a rehearsal, whose prices are the emulator's own")
    return log.read(folder)


def _attempts(state: State, history: Sequence[State]) -> Iterator[Attempt]:
    return chain.from_iterable(each.all_attempts() for each in (state, *history))


def state_in(folder: Path) -> State:
    """The state of a run directory, an empty one where no run has begun yet."""
    return log.read(folder) if (folder / log.FILE).exists() else State()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch with what would happen to each of its selected scenes."""

    batch: Batch
    prices: Prices
    facts: tuple[SceneFacts, ...]
    choice: Choice
    state: State
    steps: tuple[Step, ...]

    def outlook(self, budget_usd: Decimal | None) -> Outlook:
        """The plan for people and programs, held against a budget."""
        return Outlook(self.steps, self.state, self.prices, budget_usd)


def prepare(batch: Batch, choice: Choice, state: State) -> Prepared:
    """Plan. Raises `UsageError` where nothing is selected, or the folder holds another batch."""
    manifest, folder = batch.manifest, batch.folder
    if state.name and state.name != manifest.name:
        raise UsageError(f"{folder} holds the batch {state.name!r}, and the manifest is {manifest.name!r}")
    prices = Prices(manifest.pricing, learn(_attempts(state, batch.history), manifest.model))
    facts = scene_facts(manifest, prices)
    steps = plan(facts, state, choice, missing_files(state, folder, facts))
    if not steps:
        raise UsageError(f"no scene matches {', '.join(choice.globs)}")
    return Prepared(batch, prices, facts, choice, state, tuple(steps))


def missing_files(state: State, folder: Path, facts: Iterable[SceneFacts] | None = None) -> set[str]:
    """Scenes that were delivered and whose file is not there any more; ``facts`` are those of a manifest of today."""
    return {
        attempt.scene_id
        for attempt in map(state.current_attempt, state.scenes if facts is None else facts)
        if attempt and attempt.state is AttemptState.DELIVERED and not (folder / str(attempt.video_path)).is_file()
    }


def show_price_notes(outlook: Outlook) -> None:
    """Say on stderr where prices were learned, and where they contradict the manifest."""
    for note in price_notes(outlook):
        click.echo(printable(note), err=True)


def write_reports(folder: Path, state: State) -> None:
    """Write report.csv and ledger.csv from the state. Raises `RunDirectoryError`."""
    reports = {
        "report.csv": as_csv(report_rows(state, missing_files(state, folder)), REPORT_COLUMNS),
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

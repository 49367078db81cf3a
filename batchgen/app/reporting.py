"""Reports of a run directory, and what can be saved of a damaged journal."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchgen.app import output_places
from batchgen.app.keywords import StrPath
from batchgen.app.run_directory import RunDirectory
from batchgen.engine.states import State
from batchgen.errors import RunDirectoryError
from batchgen.files import write_atomically
from batchgen.journal.journal import held_still
from batchgen.journal.records import encode
from batchgen.journal.salvage import Salvage
from batchgen.journal.salvage import salvage as salvaged
from batchgen.providers.registry import asked_before
from batchgen.report.rows import Row
from batchgen.report.tables import some_of
from batchgen.schemas import shipped

SALVAGED_JOURNAL = "state.salvaged.jsonl"
_log = logging.getLogger("batchgen")


def write_reports(run_dir: StrPath) -> Sequence[Row]:
    """Write report.csv, ledger.csv and report.html again, from the journal alone; the rows of the first.

    Works while a run goes on. A report.html that cannot be written is a warning in the log. Where results go to an
    object store, reports and what is missing there go up; not while a run goes on, which does that itself.

    Raises `RunDirectoryError`.
    """
    directory = RunDirectory(Path(run_dir))
    state = directory.state_from_outside()
    reason = output_places.write_reports(directory, state, holds_journal=False)
    if reason:
        raise RunDirectoryError(f"the reports are written here, and not all went up: {reason}")
    _tell_of_lost(directory, state)
    return directory.rows(state)


def _tell_of_lost(directory: RunDirectory, state: State) -> None:
    """Say in the log whose results are neither here nor where results go to: their scenes are reported as running."""
    missing = directory.missing(state)
    lost = [scene.scene_id for scene in state.scenes if scene.scene_id in missing]
    if lost:
        again = "the next run fetches it from the gateway again, free, if that still has it"
        _log.warning("warning: the result is gone of %s; %s", some_of(lost), again)


def documented_codes(state: State) -> Mapping[str, Mapping[str, str]]:
    """The error codes that the model of a run documents; none where the model is not known here any more."""
    catalogue = shipped()
    known = state.model in catalogue.models()
    codes: Mapping[str, Mapping[str, str]] = catalogue.for_model(state.model, "model.json")["errors"] if known else {}
    return codes


@dataclass(frozen=True, slots=True)
class SalvageResult:
    """What a damaged journal still tells; ``written`` is the sound one that was made of it, None where none was."""

    found: Salvage
    written: Path | None


def salvage(run_dir: StrPath) -> SalvageResult:
    """Look through a journal, and where it is damaged and certain what it tells, write a sound one beside it.

    Raises `RunDirectoryError` where a run is under way, or the new journal cannot be written.
    """
    run_dir = Path(run_dir)
    with held_still(run_dir) as content:
        found = salvaged(content, asked_before)
    if not found.wrong or found.doubts:
        return SalvageResult(found, None)
    target = run_dir / SALVAGED_JOURNAL
    try:
        write_atomically(target, b"".join(map(encode, found.events)))
    except OSError as error:
        raise RunDirectoryError(f"{target} cannot be written: {error.strerror}") from None
    return SalvageResult(found, target)

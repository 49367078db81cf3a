"""The object store that a run directory's results go to: which it is, and what commands besides a run bring there."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from batchgen.app.output import Output
from batchgen.app.run_directory import RunDirectory
from batchgen.engine.states import State
from batchgen.errors import Remedy, RunDirectoryError, UsageError
from batchgen.journal.journal import held_still, is_in_use
from batchgen.object_stores import is_stored, place_in_store
from batchgen.store.output import OutputFailed, folder_of
from batchgen.store.output_index import OutputIndex

_REHEARSAL = "-rehearsal"
NO_STORE = "results can go to s3://, gs:// or abfs://, and to no other address"
_log = logging.getLogger("batchgen")


def checked_output(url: str) -> str:
    """The URL of a place for results, without a slash at its end. Raises `UsageError` for what is none."""
    if not is_stored(url):
        raise UsageError(NO_STORE)
    return place_in_store(url, "write results to")


def output_of(  # noqa: PLR0913 - what a place is made of
    directory: RunDirectory, state: State, url: str | None, cache_bytes: int | None, *, name: str, rehearsal: bool
) -> Output | None:
    """Where the results of a run directory go, looked at; None where they stay here.

    ``url`` is what the user says, as `checked_output` gives it, ``name`` that of the manifest. Raises `UsageError`
    where it is another place than that of earlier results, or that of another run directory, and `RunDirectoryError`
    where it cannot be reached.
    """
    place = url or state.output
    if not place:
        if cache_bytes is not None:
            raise UsageError(
                f"there is no cache that could be bounded: that needs an output, and results of {directory} have none"
            )
        return None
    if state.attempts and state.output not in ("", place):
        raise UsageError(
            f"the results of {directory} are at {state.output}, and {place} is another place; leave it out",
            Remedy.REUSE_FROM,
            str(directory),
        )
    index, folder = OutputIndex.of(directory.path), f"{place}/{name}{_REHEARSAL if rehearsal else ''}"
    with reached():
        known = index if index is not None and index.url == folder else OutputIndex(folder)
        made = Output(directory, state, folder_of(known), cache_bytes)
        made.look()
    return made


@contextmanager
def reached() -> Iterator[None]:
    """What keeps results from going where they are to go, as `RunDirectoryError`."""
    try:
        yield
    except OutputFailed as error:
        raise RunDirectoryError(str(error)) from None
    except OSError as error:
        raise RunDirectoryError(f"what lies in the object store cannot be noted here: {error.strerror}") from None


def write_reports(directory: RunDirectory, state: State, *, holds_journal: bool) -> str:
    """Write the reports here, and have all that is missing go up; why the latter did not succeed, empty where it did.

    While a run is under way in another process, that brings up what there is. Raises `RunDirectoryError` where the
    reports cannot be written here.
    """
    if state.output and holds_journal:
        return _written_everywhere(directory, state)
    if state.output and not is_in_use(directory.path):
        with held_still(directory.path):
            return _written_everywhere(directory, state)
    directory.write_reports(state)
    return ""


def look_where_unknown(directory: RunDirectory, state: State) -> None:
    """Look at the place of results where nothing is known of it here; that it cannot be reached is a warning."""
    if state.output and not directory.output:
        try:
            output_of(directory, state, None, None, name=state.name, rehearsal=directory.is_rehearsal())
        except (RunDirectoryError, UsageError) as error:
            warn_of(f"it is not known which results lie at {state.output}: {error}")


def warn_of(reason: str) -> None:
    """Say in the log what could not be done where results go; nothing of an empty reason."""
    if reason:
        _log.warning("warning: %s; batchgen report tries again", reason)


def _written_everywhere(directory: RunDirectory, state: State) -> str:
    try:
        output = output_of(directory, state, None, None, name=state.name, rehearsal=directory.is_rehearsal())
        if output is None:  # pragma: no cover - who calls this has one
            return ""
        with reached():
            output.claim()
    except (RunDirectoryError, UsageError) as error:
        directory.write_reports(state)
        return str(error)
    output.bring_up()
    directory.write_reports(state)
    output.write_reports()
    return output.trouble

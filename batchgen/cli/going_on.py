"""How to go on with a run of which nothing says any more with which options it was begun."""

from batchgen.app.finding import manifest_of
from batchgen.app.run_directory import RunDirectory, usual_place
from batchgen.cli.output import labelled
from batchgen.engine.states import State


def lines_to_go_on(directory: RunDirectory, state: State, edge: int | None) -> list[str]:
    """The command that goes on with a run directory; a word stands for a manifest that is not found for certain."""
    return labelled("To go on (add the options that the run had):", _words(directory, state), edge)


def _words(directory: RunDirectory, state: State) -> list[str]:
    rehearsal, path = directory.is_rehearsal(), manifest_of(directory, state.name)
    usual = None if path is None else usual_place(path, state.name, rehearsal=rehearsal).resolve()
    return [
        *("batchgen", "run", "MANIFEST" if path is None else str(path)),
        *(["--emulator"] if rehearsal else []),
        *(["--profile", state.profile] if state.profile else []),
        *([] if usual == directory.path.resolve() else ["--run-dir", str(directory)]),
    ]

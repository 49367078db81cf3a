"""Reading a journal: its lines, folded into the state. Changes nothing and takes no lock."""

from io import BytesIO
from pathlib import Path

from batchgen.engine.attempts import IllegalTransition
from batchgen.engine.states import State
from batchgen.errors import Remedy, RunDirectoryError
from batchgen.garbage import unsearched
from batchgen.journal.checks import checked
from batchgen.journal.records import DamagedRecord, Lines, decode
from batchgen.journal.stored_requests import with_asked
from batchgen.layout import JOURNAL
from batchgen.model import AskedOf, unread


def read(folder: Path, asked_of: AskedOf = unread) -> State:
    """The state of a run directory, without a lock and without changing anything.

    ``asked_of`` reads requests of versions before. Raises `RunDirectoryError` where there is no journal, or
    where it is damaged.
    """
    path = folder / JOURNAL
    try:
        # A pipe would be waited for until somebody writes into it.
        if path.exists() and not path.is_file():
            raise RunDirectoryError(f"{path} cannot be read: it is not a regular file")
        content = path.read_bytes()
    except FileNotFoundError:
        raise RunDirectoryError(f"{folder} is not a run directory: it has no {JOURNAL}") from None
    except OSError as error:
        raise RunDirectoryError(f"{path} cannot be read: {error.strerror}") from None
    return replayed(path, content, asked_of)[0]


def replayed(path: Path, content: bytes, asked_of: AskedOf = unread) -> tuple[State, int]:
    """The state, and the length of the journal up to its last whole line.

    A last line without its end was being written when the program was cut off: what it guards was
    never begun, and it counts as not written. Anything else that is wrong is damage, a whole line
    that ends in another byte than a newline, too. Raises `RunDirectoryError`.
    """
    whole = content.rfind(b"\n") + 1
    if _is_whole(content[whole:-1]):
        raise _damaged(path, content.count(b"\n") + 1, "its newline has become something else")
    state, lines = State(), Lines()
    with unsearched():
        for number, line in enumerate(BytesIO(content[:whole]), start=1):
            try:
                record = decode(line)
                lines.take(record)
                state.apply(with_asked(checked(record.event), asked_of))
            except (DamagedRecord, IllegalTransition) as error:
                raise _damaged(path, number, error) from None
    return state, whole


def _is_whole(line: bytes) -> bool:
    try:
        decode(line)
    except DamagedRecord:
        return False
    return True


def _damaged(path: Path, number: int, why: object) -> RunDirectoryError:
    return RunDirectoryError(
        f"{path}:{number}: the journal is damaged: {why}. Nothing was changed and nothing submitted. "
        f"Restore {path.name} from a copy; do not delete lines from it, they say what was paid",
        Remedy.SALVAGE,
        str(path.parent),
    )

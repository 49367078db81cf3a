"""Reading a journal: its lines, folded into the state. Changes nothing and takes no lock."""

import re
from collections.abc import Iterator
from graphlib import CycleError
from io import BytesIO
from pathlib import Path

from batchgen.engine.attempts import IllegalTransition
from batchgen.engine.events import Event, ManifestChanged, ManifestRead
from batchgen.engine.states import State
from batchgen.engine.waiting import in_order
from batchgen.errors import Remedy, RunDirectoryError
from batchgen.garbage import unsearched
from batchgen.journal.checks import checked
from batchgen.journal.records import DamagedRecord, Lines, decode
from batchgen.journal.stored_requests import HAVE_REQUESTS, with_asked
from batchgen.layout import JOURNAL
from batchgen.model import AskedOf, unread

_END = re.compile(rb'"crc":"[0-9a-f]{8}"\}')
"""How each line ends, before its newline."""


def read(folder: Path, asked_of: AskedOf = unread) -> State:
    """The state of a run directory, without a lock and without changing anything.

    ``asked_of`` reads requests of versions before. Raises `RunDirectoryError` where there is no journal, or
    where it is damaged.
    """
    path = folder / JOURNAL
    return replayed(path, _content(path), asked_of)[0]


def _content(path: Path, since: int = 0) -> bytes:
    """The bytes of a journal from one on. Raises `RunDirectoryError`."""
    try:
        # A pipe would be waited for until somebody writes into it.
        if path.exists() and not path.is_file():
            raise RunDirectoryError(f"{path} cannot be read: it is not a regular file")
        with path.open("rb") as file:
            file.seek(since)
            return file.read()
    except FileNotFoundError:
        raise RunDirectoryError(f"{path.parent} is not a run directory: it has no {JOURNAL}") from None
    except OSError as error:
        raise RunDirectoryError(f"{path} cannot be read: {error.strerror}") from None


def replayed(path: Path, content: bytes, asked_of: AskedOf = unread) -> tuple[State, int]:
    """The state, and the length of the journal up to its last whole line.

    A last line without its end was being written when the program was cut off: what it guards was
    never begun, and it counts as not written. Anything else that is wrong is damage, a whole line
    that ends in another byte than a newline, too. Raises `RunDirectoryError`.
    """
    replay = _Replay(path, asked_of)
    whole = content.rfind(b"\n") + 1
    if _begins_with_whole_line(content[whole:]):
        raise _damaged(path, content.count(b"\n") + 1, "its newline has become something else")
    with unsearched():
        for _ in replay.take(content[:whole]):
            pass
    return replay.state, whole


class _Replay:
    """Folds the lines of a journal into a state."""

    def __init__(self, path: Path, asked_of: AskedOf) -> None:
        self.state = State()
        self._path = path
        self._asked_of = asked_of
        self._lines = Lines()
        self._number = 0

    def take(self, whole_lines: bytes) -> Iterator[Event]:
        """Take in the next lines, one after the other; their events. Raises `RunDirectoryError`."""
        for line in BytesIO(whole_lines):
            self._number += 1
            try:
                record = decode(line)
                self._lines.take(record)
                event = checked(record.event)
                if type(event) in HAVE_REQUESTS:
                    event = with_asked(event, self._asked_of)
                self.state.apply(event)
                if isinstance(event, (ManifestRead, ManifestChanged)):
                    _refuse_circle(event, self.state)
            except (DamagedRecord, IllegalTransition) as error:
                raise _damaged(self._path, self._number, error) from None
            yield event


def _refuse_circle(event: ManifestRead | ManifestChanged, state: State) -> None:
    """Raise `DamagedRecord` for scenes that are built on one another: no manifest has such, and no order would end."""
    if any(scene.sources for scene in event.scenes):
        try:
            list(in_order(state.scenes, state))
        except CycleError:
            raise DamagedRecord("scenes are built on one another in a circle") from None


class Follower:
    """Reads a journal while a run writes it, without a lock and without changing anything."""

    def __init__(self, folder: Path, asked_of: AskedOf = unread) -> None:
        """Read nothing yet."""
        self._path = folder / JOURNAL
        self._replay = _Replay(self._path, asked_of)
        self._length = 0

    @property
    def state(self) -> State:
        """The state, as far as it was read."""
        return self._replay.state

    def read_on(self) -> list[Event]:
        """The events that were written since. Raises `RunDirectoryError`.

        What stands behind the last newline is still being written.
        """
        content = _content(self._path, self._length)
        whole_lines = content[: content.rfind(b"\n") + 1]
        self._length += len(whole_lines)
        with unsearched():
            return list(self._replay.take(whole_lines))


def _begins_with_whole_line(tail: bytes) -> bool:
    """Whether a line that was whole stands before something else than its newline."""
    ends = (match.end() for match in _END.finditer(tail))
    return any(end < len(tail) and _is_whole(tail[:end]) for end in ends)


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

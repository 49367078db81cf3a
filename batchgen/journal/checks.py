"""What the events of a journal may say, beyond being well formed. Pure.

A checksum is not a signature: a journal that somebody else hands over may say anything, and what it
says becomes names of files. schemas/journal.schema.json says the same.
"""

import re
from collections.abc import Iterator

from batchgen.engine import events as ev
from batchgen.engine.events import Event
from batchgen.journal.records import DamagedRecord
from batchgen.layout import is_result_path

_SCENE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def checked(event: Event) -> Event:
    """The event, if it makes sense and no name in it leads out of the run directory.

    Raises `DamagedRecord`.
    """
    for wrong, message in _faults(event):
        if wrong:
            raise DamagedRecord(message)
    return event


def _faults(event: Event) -> Iterator[tuple[bool, str]]:
    if isinstance(event, ev.ManifestRead):
        yield not all(_SCENE_ID.fullmatch(scene.scene_id) for scene in event.scenes), _NO_ID
        yield not all(_is_shot(scene.shot) for scene in event.scenes), _NO_ID
    elif isinstance(event, ev.PicksCleared):
        yield not _is_shot(event.shot), _NO_ID
    elif not isinstance(event, ev.RunStarted | ev.Steered | ev.RunEnded):
        yield not _SCENE_ID.fullmatch(event.scene_id), _NO_ID
    if isinstance(event, ev.Downloaded | ev.Reused):
        yield not is_result_path(event.path), "a video lies where batchgen puts none"
    if isinstance(event, ev.Picked):
        yield (event.of_scene_id is None) != (event.of_attempt is None), "an attempt is named by half"


def _is_shot(shot: str) -> bool:
    """Whether a shot has a name that it can have; in journals of versions before it has none."""
    return not shot or _SCENE_ID.fullmatch(shot) is not None


_NO_ID = "a scene has an id that no scene can have"

"""What the events of a journal may say, beyond being well formed. Pure.

A checksum is not a signature: a journal that somebody else hands over may say anything, and what it
says becomes names of files. schemas/journal.schema.json says the same.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from batchgen.engine import events as ev
from batchgen.engine.events import Event
from batchgen.journal.records import DamagedRecord
from batchgen.layout import is_result_path

_NUMBER = re.compile(r"[0-9]{1,50}(\.[0-9]{1,50})?")
_URL = re.compile(r"https?://[!-~]{1,8000}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_is_scene_id = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*").fullmatch


def checked(event: Event) -> Event:
    """The event, if it makes sense and no name in it leads out of the run directory.

    Raises `DamagedRecord`.
    """
    fault = _FAULTS.get(type(event), _of_scene)(event)
    if fault:
        raise DamagedRecord(fault)
    return event


def _of_scene(event: ev.AttemptEvent) -> str:
    return "" if _is_scene_id(event.scene_id) else _NO_ID


def _of_result(event: ev.Downloaded | ev.Reused) -> str:
    return _of_scene(event) or ("" if is_result_path(event.path) else "a video lies where batchgen puts none")


def _of_pick(event: ev.Picked) -> str:
    is_half = (event.of_scene_id is None) != (event.of_attempt is None)
    return ("" if _is_scene_id(event.scene_id) else _NO_ID) or ("an attempt is named by half" if is_half else "")


def _of_manifest(event: ev.ManifestRead | ev.ManifestChanged) -> str:
    good = all(_is_scene_id(scene.scene_id) and _is_shot(scene.shot) for scene in event.scenes)
    return "" if good else _NO_ID


def _of_shot(event: ev.PicksCleared) -> str:
    return "" if _is_shot(event.shot) else _NO_ID


def _of_setting(event: ev.Steered) -> str:
    return "" if not event.value or _NUMBER.fullmatch(event.value) else "a setting has a value that is no number"


def _of_publication(event: ev.Published) -> str:
    is_good = _URL.fullmatch(event.url) and _MOMENT.fullmatch(event.good_until) and _SHA256.fullmatch(event.sha256)
    return "" if is_good else "a file is published in a way that none can be"


def _nothing(_: object) -> str:
    return ""


def _is_shot(shot: str) -> bool:
    """Whether a shot has a name that it can have; in journals of versions before it has none."""
    return not shot or _is_scene_id(shot) is not None


_NO_ID = "a scene has an id that no scene can have"
_FAULTS: Mapping[type, Callable[[Any], str]] = {
    ev.RunStarted: _nothing,
    ev.Steered: _of_setting,
    ev.Published: _of_publication,
    ev.RunEnded: _nothing,
    ev.ManifestRead: _of_manifest,
    ev.ManifestChanged: _of_manifest,
    ev.PicksCleared: _of_shot,
    ev.Picked: _of_pick,
    ev.Downloaded: _of_result,
    ev.Reused: _of_result,
}
"""What finds the fault of an event by its kind; of all others, the id of the scene is looked at."""

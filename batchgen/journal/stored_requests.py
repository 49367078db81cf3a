"""What the requests of a journal ask for, where its lines do not say so. Pure.

Versions before wrote down the document of a request alone, whose layout is its provider's business, or
left out what it asks for in reference videos. Whoever reads such a journal passes in what reads that.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from batchgen.engine import events as ev
from batchgen.engine.events import Event
from batchgen.journal.records import DamagedRecord
from batchgen.model import Asked, AskedOf, RequestFacts

_NOT_SAID = Asked()


def with_asked(event: Event, asked_of: AskedOf) -> Event:
    """The event, with what its requests ask for. Raises `DamagedRecord`."""
    filled = HAVE_REQUESTS.get(type(event))
    if filled is None:
        return event
    try:
        return filled(event, asked_of)
    except ValueError as error:
        raise DamagedRecord(str(error)) from None


def _of_submission(event: ev.Submitting, asked_of: AskedOf) -> ev.Submitting:
    return event if _is_said(event.request) else replace(event, request=_filled(event.request, asked_of))


def _of_manifest(event: ev.ManifestRead, asked_of: AskedOf) -> ev.ManifestRead:
    return replace(event, scenes=tuple(_filled_scene(scene, asked_of) for scene in event.scenes))


def _filled_scene(scene: ev.SceneFacts, asked_of: AskedOf) -> ev.SceneFacts:
    return scene if _is_said(scene.request) else replace(scene, request=_filled(scene.request, asked_of))


def _is_said(request: RequestFacts) -> bool:
    """Whether the lines say all that a request asks for, as today's do but for references of which nothing is known."""
    return request.asked.reference_videos is not None


def _filled(request: RequestFacts, asked_of: AskedOf) -> RequestFacts:
    if request.asked == _NOT_SAID:
        return replace(request, asked=asked_of(request.document))
    return _with_references(request, asked_of)


def _with_references(request: RequestFacts, asked_of: AskedOf) -> RequestFacts:
    """The request with what its document tells of reference videos; nothing where it is laid out in another way."""
    try:
        read = asked_of(request.document)
    except ValueError:
        return request
    videos, seconds = read.reference_videos, read.reference_seconds
    return replace(request, asked=replace(request.asked, reference_videos=videos, reference_seconds=seconds))


HAVE_REQUESTS: Mapping[type, Callable[[Any, AskedOf], Event]] = {
    ev.Submitting: _of_submission,
    ev.ManifestRead: _of_manifest,
}
"""The events that versions before wrote with requests, and what fills in what these ask for."""

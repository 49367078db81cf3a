"""What the requests of a journal ask for, where its lines do not say so. Pure.

Versions before wrote down the document of a request alone, whose layout is its provider's business, or
left out what it asks for in reference videos. Whoever reads such a journal passes in what reads that.
"""

from dataclasses import replace

from batchgen.engine import events as ev
from batchgen.engine.events import Event
from batchgen.journal.records import DamagedRecord
from batchgen.model import Asked, AskedOf, RequestFacts

_NOT_SAID = Asked()


def with_asked(event: Event, asked_of: AskedOf) -> Event:
    """The event, with what its requests ask for. Raises `DamagedRecord`."""
    try:
        if isinstance(event, ev.Submitting):
            return event if _is_said(event.request) else replace(event, request=_filled(event.request, asked_of))
        if isinstance(event, ev.ManifestRead):
            return replace(event, scenes=tuple(_filled_scene(scene, asked_of) for scene in event.scenes))
    except ValueError as error:
        raise DamagedRecord(str(error)) from None
    return event


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

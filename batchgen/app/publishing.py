"""Publishes the files that requests name by URL, each content once, and puts their URLs into what is sent.

The request stays what it is: known by the content of its files. What was published is known over runs, from the
journal; a URL that is old is not used, and a signed one is tried before it is used first.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

from batchgen.app.planning import Plan
from batchgen.app.publish_places import Place
from batchgen.contents import PublishFailed
from batchgen.engine.commands import Publication, Publish, PublishResult
from batchgen.engine.events import Published
from batchgen.errors import RefusedRun, Remedy
from batchgen.limits import TRIED_S
from batchgen.model import Request
from batchgen.providers.json_body import JsonBody
from batchgen.references import Content, Reference
from batchgen.report.file_notes import long_bodies, open_bodies
from batchgen.report.tables import some_of
from batchgen.runner.clock import as_text

_log = logging.getLogger("batchgen")
_MOST_TEXT = 100_000
"""Bytes that a body has besides files, at the most: prompt and settings, and URLs, of which there are a few."""
_BYTES_A_PIXEL = 3
"""Of a still, which is a PNG without transparency."""
_SOME_URL = "https://" + "u" * 400
"""In place of a URL that is not known yet, to know how long a body is."""


class _Sent(Mapping[str, Request]):
    """Requests as they are sent, by scene id; one that a scene has no more is not sent in place of its new one."""

    def __init__(self, requests: Mapping[str, Request]) -> None:
        self._requests = requests
        self._with_urls: dict[str, tuple[Request, Request]] = {}

    def put(self, scene_id: str, request: Request, sent: Request) -> None:
        """Send a request in another form."""
        self._with_urls[scene_id] = request, sent

    def __getitem__(self, scene_id: str) -> Request:
        request = self._requests[scene_id]
        known, sent = self._with_urls.get(scene_id, (None, request))
        return sent if known is request else request

    def __iter__(self) -> Iterator[str]:
        return iter(self._requests)

    def __len__(self) -> int:
        return len(self._requests)


class Publisher:
    """Publishes for one run.

    ``requests`` are those of all scenes by id, as they are known by now; ``most_body_bytes`` is how long a body may
    be with pictures in it, None for any length. ``sent`` are the same requests as they are sent: with URLs in them,
    where files were published for the very request that a scene has now.
    """

    def __init__(
        self,
        place: Place,
        known: Iterable[Published],
        requests: Mapping[str, Request],
        most_body_bytes: int | None,
    ) -> None:
        """Take what earlier runs have published."""
        self.sent = _Sent(requests)
        self._place = place
        self._requests = requests
        self._most_body_bytes = most_body_bytes
        listed = (Publication(one.sha256, one.place, one.url, one.good_until) for one in known)
        self._known = {one.sha256: one for one in listed if one.place == place.place}
        self._tried: dict[str, datetime] = {}
        self._up: dict[str, tuple[Request, dict[str, Content]]] = {}
        self._busy: dict[str, Lock] = {}
        self._looking = Lock()

    def publishes(self, scene_id: str) -> bool:
        """Whether any file of a scene goes up."""
        return bool(self._going_up(scene_id))

    def upload_bytes(self, scene_id: str) -> int:
        """How many bytes of local files go into the body of a scene."""
        return self._requests[scene_id].upload_bytes_without(self._going_up(scene_id))

    def publish(self, command: Publish) -> PublishResult:
        """Have the files of a scene published, and its request with their URLs among those that are sent."""
        request, made = self._requests[command.scene_id], list[Publication]()
        try:
            up = self._going_up(command.scene_id)
            found = {sha256: self._published(content, made) for sha256, content in up.items()}
        except PublishFailed as error:
            _log.warning("scene %s: %s", command.scene_id, error)
            return PublishResult(command, tuple(made), failure=str(error), again=error.again, denied=error.denied)
        except Exception as error:  # noqa: BLE001 - a bug must not end the run
            _log.exception("scene %s: unexpected error while its files were published", command.scene_id)
            return PublishResult(command, tuple(made), failure=f"publishing failed: {type(error).__name__}")
        self.sent.put(command.scene_id, request, request.with_references(lambda each: _by_url(each, found)))
        return PublishResult(command, tuple(made), min(map(self._good_until, found.values()), default=""))

    def _going_up(self, scene_id: str) -> dict[str, Content]:
        """What goes up of a scene; looked up once for each of its requests."""
        request, known = self._requests[scene_id], self._up.get(scene_id)
        if known is None or known[0] is not request:
            known = self._up[scene_id] = request, going_up(request, self._most_body_bytes)
        return known[1]

    def _lock_of(self, sha256: str) -> Lock:
        with self._looking:
            return self._busy.setdefault(sha256, Lock())

    def _published(self, content: Content, made: list[Publication]) -> Publication:
        """A publication that can be used; one that is made anew is added to ``made``. Raises `PublishFailed`."""
        with self._lock_of(content.sha256):
            known = self._known.get(content.sha256)
            if known is not None and self._is_usable(known, content):
                return known
            url = self._place.publish(content)
            self._place.try_out(url, content)
            self._tried[url] = _now()
            until = as_text(_now() + timedelta(seconds=self._place.works_s))
            publication = Publication(content.sha256, self._place.place, url, until)
            self._known[content.sha256] = publication
            made.append(publication)
            _log.info("published %s.%s, %d bytes", content.sha256[:16], content.facts.format, content.facts.bytes)
            return publication

    def _is_usable(self, known: Publication, content: Content) -> bool:
        """Whether a URL is young enough, and known to work: it is tried where that was not in this run, or long ago."""
        if as_text(_now()) >= known.good_until:
            return False
        if as_text(_now()) >= self._good_until(known):
            try:
                self._place.try_out(known.url, content)
            except PublishFailed as error:
                _log.info("published %s anew: %s", content.sha256[:16], error)
                return False
            self._tried[known.url] = _now()
        return True

    def _good_until(self, known: Publication) -> str:
        tried = self._tried.get(known.url)
        if tried is None:
            return ""
        if not self._place.ends_unannounced(known.url):
            return known.good_until
        return min(known.good_until, as_text(tried + timedelta(seconds=TRIED_S)))


def _now() -> datetime:
    return datetime.now(UTC)


def _by_url(reference: Reference, found: Mapping[str, Publication]) -> Reference:
    publication = None if reference.content is None else found.get(reference.content.sha256)
    return reference if publication is None else Reference(publication.url)


def going_up(request: Request, most_body_bytes: int | None) -> dict[str, Content]:
    """The files of a request that are published, by hash: video and sound, and pictures where the body is too long."""
    found = {one.content.sha256: one.content for one in request.references if one.content is not None and _is_file(one)}
    films = {sha256: one for sha256, one in found.items() if one.facts.kind != "image"}
    if most_body_bytes is None or len(films) == len(found) or not is_longer(request, films, most_body_bytes):
        return films
    return found


def is_longer(request: Request, published: Mapping[str, Content], most_bytes: int) -> bool:
    """Whether the body of a request is longer than so many bytes; most need not be written down to know that."""
    contents = (one.content for one in request.references if one.content is not None)
    files = sum(one.facts.bytes for one in contents if one.sha256 not in published)
    return files * 4 // 3 + _MOST_TEXT > most_bytes and body_bytes(request, published) > most_bytes


def _is_file(reference: Reference) -> bool:
    return reference.content is not None and reference.content.is_file


def body_bytes(request: Request, published: Mapping[str, Content]) -> int:
    """How long the body of a request is, with URLs in place of what is published."""

    def sent(each: Reference) -> Reference:
        return Reference(_SOME_URL) if each.content is not None and each.content.sha256 in published else each

    return JsonBody(request.with_references(sent).document).length


def has_sound(request: Request) -> bool:
    """Whether a file of a request can be sent by URL alone."""
    files = (one.content for one in request.references if _is_file(one))
    return any(content is not None and content.facts.kind == "audio" for content in files)


def refuse_sounds(made: Plan) -> None:
    """Raise `RefusedRun` where a scene has a sound in a file, which nobody is told to publish."""
    lost = [scene_id for scene_id in _to_submit(made) if has_sound(made.maker.requests[scene_id])]
    if lost:
        said = "is a file, and the API takes sound by http URL alone; nothing was submitted"
        raise RefusedRun(f"the sound of {some_of(lost)} {said}", Remedy.PUBLISH)


def body_notes(made: Plan) -> list[str]:
    """What to say of requests with files in them that are longer than the gateway may take."""
    most = most_body_bytes(made)
    if most is None:
        return []
    requests = {scene_id: made.maker.requests[scene_id] for scene_id in _to_submit(made)}
    long = [scene_id for scene_id, request in requests.items() if is_longer(as_found(request), {}, most)]
    others = {} if made.batch.rehearsal else {name: one for name, one in requests.items() if name not in long}
    open_ones = [scene_id for scene_id, request in others.items() if may_be_longer(request, most)]
    return [*([long_bodies(long, most)] if long else []), *([open_bodies(open_ones, most)] if open_ones else [])]


def as_found(request: Request, *, at_most: bool = False) -> Request:
    """A request with the sizes of the results that it is built on, as far as these are here.

    A still that is not is counted at nothing; ``at_most``, as a picture that cannot be compressed.
    """

    def sized(each: Reference) -> Reference:
        content = each.content
        if each.result is None or content is None:
            return each
        path, facts = content.path or Path(each.source), content.facts
        pixels = (facts.width or 0) * (facts.height or 0) if at_most and facts.kind == "image" else 0
        size = path.stat().st_size if path.is_file() else pixels * _BYTES_A_PIXEL
        return replace(each, content=replace(content, path=path, facts=replace(facts, bytes=size)))

    return request.with_references(sized)


def may_be_longer(request: Request, most_bytes: int) -> bool:
    """Whether it is known only later how long a request is, since a result is not here yet: of a video nobody knows."""
    films = (one.content for one in request.references if one.result is not None and one.still is None)
    is_open = any(one and one.facts.kind == "video" and not (one.path and one.path.is_file()) for one in films)
    return is_open or is_longer(as_found(request, at_most=True), {}, most_bytes)


def most_body_bytes(made: Plan) -> int | None:
    """How long a request to the model of a plan should be at most; None where nothing is known of that."""
    most = made.batch.model.get("most_body_bytes")
    return most if isinstance(most, int) else None


def _to_submit(made: Plan) -> list[str]:
    return [step.scene.scene_id for step in made.steps if step.buys or step.waits_for]

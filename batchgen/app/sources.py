"""Makes the requests of scenes that are built on the results of others, once these are there.

A request is known by the hash of the result, and for a still by the number of its frame. So what a run would do can be
told before any still is taken out; the files that go along are made and measured when the scene is submitted.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

from jsonschema.protocols import Validator

from batchgen.engine.commands import Prepare, PrepareResult, SourceFile
from batchgen.engine.events import RequestMade, SceneFacts
from batchgen.engine.states import State
from batchgen.files import write_atomically
from batchgen.layout import FRAMES, frame_path
from batchgen.manifest.media_limits import beyond
from batchgen.media.probe import UnusableMedia, probe
from batchgen.media.references import sha256
from batchgen.model import Request
from batchgen.object_stores import StoredFile
from batchgen.references import Content, Reference, ResultReference, Still
from batchgen.scenes import Scene
from batchgen.store.cache import brought_back
from batchgen.store.links import digest

Frames: TypeAlias = Mapping[tuple[str, str], int]
"""The numbers of frames that are known, by the hash of the result and the moment."""
TakeStill: TypeAlias = Callable[[Path, int], bytes]
"""A frame of a video as a PNG. Raises `UnusableMedia`."""
Hold: TypeAlias = Callable[[Mapping[str, str]], AbstractContextManager[None]]
"""Has results in the run directory, hashes by their names, for as long as the context lasts. Raises OSError."""
Stored: TypeAlias = Callable[[str, str], StoredFile | None]
"""A result in the object store that results go to, by name and hash; None where it is not there."""
_VIDEO = "video/mp4"
_STILL = "image/png"
_log = logging.getLogger("batchgen")


def _still(video: Path, number: int) -> bytes:
    from batchgen.media.stills import still

    return still(video, number)


@contextmanager
def _brought(folder: Path, files: Mapping[str, str]) -> Iterator[None]:
    for name, held in files.items():
        brought_back(folder / name, held)
    yield


class UnusableSource(Exception):  # noqa: N818 - the result is at fault
    """A result cannot be a reference; the text says which one and why."""


class SceneMaker:
    """Makes scenes of a manifest whole; ``requests`` are those of all scenes by id, as they are known by now.

    ``take_still`` may be replaced by one that has it done elsewhere, ``hold`` and ``stored`` where results go to an
    object store.
    """

    def __init__(self, folder: Path, scenes: Iterable[Scene], limit: Validator) -> None:
        """Take the run directory, and what the model says of references."""
        self._folder = folder
        self._limit = limit
        self._scenes = {scene.id: scene for scene in scenes}
        self._taken_out: dict[Path, str | None] = {}
        """The hashes of the stills that this process took out: others may have been changed since."""
        self.take_still: TakeStill = _still
        self.hold: Hold = partial(_brought, folder)
        self.stored: Stored = lambda _, __: None
        self.requests: dict[str, Request] = {scene_id: scene.request for scene_id, scene in self._scenes.items()}

    def make(self, scene: SceneFacts, files: tuple[SourceFile, ...], state: State) -> RequestMade | None:
        """The request of a scene for a plan: nothing is written, and the facts of files are those that were asked for.

        None where a result cannot be read; the run tells why.
        """
        try:
            made = self.made(scene.scene_id, files, state.frames)
        except UnusableSource as error:
            _log.info("scene %s: waits, since %s", scene.scene_id, error)
            return None
        self.requests[made.id] = made.request
        return RequestMade("", made.id, made.facts(), made.any_seed, made.built_on)

    def made(self, scene_id: str, files: Iterable[SourceFile], frames: Frames) -> Scene:
        """A scene with its request, as far as that is known without taking stills out. Raises `UnusableSource`."""
        listed = {ResultReference.from_text(one.source): one for one in files}
        scene = self._scenes[scene_id]
        asked = {one.result: one for one in scene.request.references if one.result is not None}
        found = {result: self._found(one, listed[result], frames) for result, one in asked.items()}
        return scene.made_of(found, tuple(one.attempt for one in listed.values()))

    def _found(self, asked: Reference, file: SourceFile, frames: Frames) -> Reference:
        moment, content = ResultReference.from_text(file.source).moment, asked.content
        if content is None:  # pragma: no cover - what is asked of a result is always known
            return asked
        if not moment:
            return replace(asked, content=replace(content, sha256=file.sha256, path=self._folder / file.path))
        known = frames.get((file.sha256, moment))
        frame = self._frame(file, moment) if known is None else known
        still = Still(file.sha256, frame)
        return replace(asked, content=replace(content, path=self._folder / frame_path(still.key)), still=still)

    def _frame(self, file: SourceFile, moment: str) -> int:
        from batchgen.media.stills import frame_number

        try:
            return frame_number(brought_back(self._folder / file.path, file.sha256), moment)
        except UnusableMedia as error:
            raise UnusableSource(f"{file.attempt}, {file.path}, {error}") from None
        except OSError as error:
            raise UnusableSource(f"{file.attempt}, {file.path}, cannot be fetched back: {error.strerror}") from None

    def prepare(self, command: Prepare) -> PrepareResult:
        """Make the request of a scene, and have the files that go along with it."""
        try:
            with self.hold({one.path: one.sha256 for one in command.sources}):
                return self._prepared(command)
        except OSError as error:
            reason = f"what it is built on cannot be fetched back: {error.strerror}"
            _log.warning("scene %s: %s", command.scene_id, reason)
            return PrepareResult(command, failure=reason)

    def _prepared(self, command: Prepare) -> PrepareResult:
        try:
            scene = self.made(command.scene_id, command.sources, {})
            files = {ResultReference.from_text(one.source): one for one in command.sources}
            known = (one for one in scene.request.references if one.result is not None)
            measured = {one.result: self._measured(one, files[one.result]) for one in known if one.result in files}
        except UnusableSource as error:
            _log.warning("scene %s: %s", command.scene_id, error)
            return PrepareResult(command, failure=str(error))
        scene = self._scenes[command.scene_id].made_of(measured, scene.built_on)
        self.requests[command.scene_id] = scene.request
        _log.info("scene %s: is built on %s", command.scene_id, ", ".join(scene.built_on))
        return PrepareResult(command, scene.facts(), scene.any_seed)

    def _measured(self, reference: Reference, file: SourceFile) -> Reference:
        """The reference with what its file is, really. Raises `UnusableSource` where it cannot be one."""
        whole = self._folder / file.path
        if digest(whole) != file.sha256:
            raise UnusableSource(
                f"{file.attempt}: {file.path} is gone, or is not the file that was delivered; put that back, or "
                "move what lies there away, and the next run fetches it"
            )
        path = whole if reference.content is None or reference.content.path is None else reference.content.path
        try:
            if reference.still is not None:
                self._take_out(whole, reference.still.frame, path)
            with path.open("rb") as opened:
                facts = probe(opened)
                sent = sha256(opened)
        except UnusableMedia as error:
            raise UnusableSource(f"{file.attempt}, {file.path}, cannot be built on: {error}") from None
        except OSError as error:
            raise UnusableSource(
                f"{file.attempt}, {file.path}, cannot be built on: {path.parent.name}/{path.name}: {error.strerror}"
            ) from None
        for problem in beyond(f"{file.source}, which is {file.attempt}", facts.as_json(), self._limit):
            raise UnusableSource(problem.message)
        if reference.still is not None:
            return replace(reference, content=Content(sent, _STILL, facts, path))
        stored = self.stored(file.path, file.sha256)
        return replace(reference, content=Content(sent, _VIDEO, facts, path, stored))

    def _take_out(self, video: Path, frame: int, path: Path) -> None:
        """Have a still as a file, as it is in the video. Raises `UnusableMedia`, and `UnusableSource` for the disk."""
        found = digest(path)
        if found is not None and found == self._taken_out.get(path):
            return
        content = self.take_still(video, frame)
        self._taken_out[path] = sha256(BytesIO(content))
        if found == self._taken_out[path]:
            return
        try:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, content)
        except OSError as error:
            raise UnusableSource(
                f"the still {FRAMES}/{path.name} cannot be written: {error.strerror}; once it can be, the next run "
                "goes on"
            ) from None

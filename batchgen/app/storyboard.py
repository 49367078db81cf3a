"""The storyboard of a run directory: its pictures are made once, its page is written from the state."""

import hashlib
import logging
from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import Any, TypeAlias

from batchgen.engine.attempts import AttemptKey
from batchgen.engine.states import State
from batchgen.files import write_atomically
from batchgen.layout import JOURNAL, POSTERS, SENT_STORYBOARD, STORYBOARD, frame_path, is_frame_key
from batchgen.media.probe import UnusableMedia
from batchgen.media.references import open_reference
from batchgen.media.stored import picture_of
from batchgen.model import Request
from batchgen.references import Content
from batchgen.report.for_others import for_others
from batchgen.report.page import Pictures, as_html
from batchgen.report.storyboard import Storyboard, storyboard
from batchgen.runner.clock import RealClock
from batchgen.schemas import shipped
from batchgen.store.cache import brought_back
from batchgen.store.posters import Posters

OnKept: TypeAlias = Callable[[str, str, str], None]
"""Told of a result that was kept: its scene, its name in the run directory, its hash."""
_MOST_BYTES = 20_000_000
"""Of the page. Pictures beyond it are shown from posters/."""
_MARKUP_BYTES = 3_500
"""What a scene takes of the page, without its prompt and its pictures."""
_MIME = {".webp": "image/webp", ".jpeg": "image/jpeg"}
_LONGEST_NAME = 80
_SHORT = 16
_log = logging.getLogger("batchgen")
_log.addHandler(logging.NullHandler())  # a library prints nothing, be it for want of a handler


def write_storyboard(
    folder: Path,
    state: State,
    *,
    missing: Collection[str],
    files: Collection[AttemptKey],
    is_rehearsal: bool,
) -> None:
    """Write report.html, with what pictures of results are still missing.

    It is to be looked at, and nothing hangs on it: a failure, be it a bug, is logged as a warning and is no error.
    """
    try:
        board = _board(state, missing, files, is_rehearsal=is_rehearsal)
        posters = Posters(folder)
        _make_missing(folder, board, posters)
        written_at = RealClock().at()
        page = as_html(board, _pictures(board, posters), identity=_identity(folder), written_at=written_at)
        write_atomically(folder / STORYBOARD, page)
    except Exception as error:  # noqa: BLE001 - whatever it is, the course of a run must not hang on it
        said = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        _log.warning("warning: %s cannot be written, and nothing else is wrong: %s", folder / STORYBOARD, said)


def write_for_others(  # noqa: PLR0913 - what such a folder is made of
    run_dir: Path,
    state: State,
    folder: Path,
    *,
    missing: Collection[str],
    files: Collection[AttemptKey],
    sent: Collection[AttemptKey],
    is_rehearsal: bool,
    costs: bool,
) -> None:
    """Write the storyboard into a folder for somebody else, beside which the results of ``sent`` lie.

    ``costs`` says whether money, seeds and errors are in it. Nothing is written into the run directory: pictures
    that are missing are made for that folder alone. Raises OSError.
    """
    board, posters = _board(state, missing, files, is_rehearsal=is_rehearsal), Posters(folder)
    _bring(board, Posters(run_dir), posters)
    _make_missing(run_dir, board, posters)
    videos = {str(one.video_path) for one in state.all_attempts() if one.key in sent}
    handed, pictures = for_others(board, videos, costs=costs), _pictures(board, posters)
    page = as_html(handed, pictures, identity=_identity(run_dir), written_at=RealClock().at())
    write_atomically(folder / SENT_STORYBOARD, page)
    _tidy(folder / POSTERS, {*pictures.stills.values(), *pictures.strips.values()})


def _bring(board: Storyboard, kept: Posters, posters: Posters) -> None:
    """Have the pictures that were made already."""
    shown = (take.shown.sha256 for take in board.takes if take.shown is not None)
    references = (one.picture for take in board.takes for one in take.references if one.picture)
    for sha256 in {*shown, *references}:
        posters.take_over(sha256, kept)


def _tidy(folder: Path, addresses: Collection[str]) -> None:
    """Leave the pictures that the page does not hold itself."""
    for path in [path for path in folder.glob("*") if f"{POSTERS}/{path.name}" not in addresses]:
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _board(state: State, missing: Collection[str], files: Collection[AttemptKey], *, is_rehearsal: bool) -> Storyboard:
    description = _description(state.model)
    return storyboard(
        state,
        description.get("errors", {}),
        missing=missing,
        files=files,
        is_rehearsal=is_rehearsal,
        names_characters=description.get("characters", True),
    )


def illustrator(folder: Path, requests: Mapping[str, Request]) -> OnKept:
    """Makes pictures of the references that each result was made of, once it is kept; never raises."""

    def on_kept(scene_id: str, _: str, __: str) -> None:
        request = requests.get(scene_id)  # what a scene of an earlier manifest asked for is fetched, too
        picture_references(folder, [] if request is None else [request])

    return on_kept


def picture_references(folder: Path, requests: Iterable[Request]) -> None:
    """Have the pictures of references that are not there yet; never raises."""
    posters = Posters(folder)
    for one in {one.source: one for each in requests for one in each.references}.values():
        if one.content is not None and one.is_there:
            opened = partial(_opened, one.source, one.content)
            make = partial(posters.of_reference, one.picture, opened)
            if (stored := one.content.stored) is not None:  # which is not fetched once more
                make = partial(posters.keep_picture, one.picture, picture_of(stored))
            _make(one.source[:_LONGEST_NAME], make)


def _opened(source: str, content: Content) -> BufferedIOBase:
    return content.path.open("rb") if content.path is not None else open_reference(source, Path())[0]


def _result(path: Path) -> BufferedIOBase:
    return path.open("rb")


def _result_of(path: Path, sha256: str) -> BufferedIOBase:
    return brought_back(path, sha256).open("rb")


def _make(what: str, make: Callable[[], None]) -> None:
    """Make a picture; what cannot be shown is left out of the storyboard, and the log says why."""
    try:
        make()
    except (UnusableMedia, OSError) as error:
        _log.info("%s: there is no picture of it: %s", what, error)
    except Exception:  # noqa: BLE001 - it is told in the log, and a run goes on without a picture
        _log.exception("%s: unexpected error while making a picture of it", what)


def _make_missing(folder: Path, board: Storyboard, posters: Posters) -> None:
    for take in board.takes:
        if (shown := take.shown) is not None and shown.path:
            _make(
                shown.name,
                partial(posters.of_result, shown.sha256, partial(_result_of, folder / shown.path, shown.sha256)),
            )
        for one in take.references:
            path = folder / frame_path(one.picture)
            if is_frame_key(one.picture) and path.is_file():
                _make(one.source, partial(posters.of_reference, one.picture, partial(_result, path)))


def _pictures(board: Storyboard, posters: Posters) -> Pictures:
    """Where the page finds its pictures: in itself while there is room, beyond that in posters/."""
    takes = list(board.takes)
    prompts = sum(len(str(take.row["prompt"]).encode(errors="replace")) for take in takes)
    room = _Room(_MOST_BYTES - prompts - _MARKUP_BYTES * len(takes))
    references = [one.picture for take in takes for one in take.references if one.picture]
    shown = [take.shown.sha256 for take in takes if take.shown is not None]
    stills = room.addresses(posters, [*references, *shown], posters.still)
    return Pictures(stills, room.addresses(posters, shown, posters.strip))


class _Room:
    """How many bytes of pictures the page still takes."""

    def __init__(self, left: int) -> None:
        self._left = left

    def addresses(self, posters: Posters, hashes: Iterable[str], place: Callable[[str], Path]) -> dict[str, str]:
        """Of each picture that there is, its address by the hash of what it shows."""
        found = {sha256: self._address(posters, place(sha256)) for sha256 in dict.fromkeys(hashes)}
        return {sha256: address for sha256, address in found.items() if address}

    def _address(self, posters: Posters, path: Path) -> str:
        content = posters.content(path)
        if content is None:
            return ""
        inside = f"data:{_MIME[path.suffix]};base64,{b64encode(content).decode()}"
        if len(inside) > self._left:
            return f"{POSTERS}/{path.name}"
        self._left -= len(inside)
        return inside


def _identity(folder: Path) -> str:
    """What tells this run directory from others, wherever it lies: the first line of its journal.

    A report on several run directories has none, and is known by where it lies.
    """
    try:
        with (folder / JOURNAL).open("rb") as file:
            begins = file.readline()
    except FileNotFoundError:
        begins = str(folder.resolve()).encode(errors="surrogateescape")
    return hashlib.sha256(begins).hexdigest()[:_SHORT]


def _description(model: str) -> Mapping[str, Any]:
    """What is known of a model; nothing where it is not known here any more."""
    catalogue = shipped()
    return catalogue.for_model(model, "model.json") if model in catalogue.models() else {}

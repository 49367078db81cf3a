"""A folder for a client: the storyboard, and copies of the results that stand for shots."""

import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from batchgen.app.run_directory import RunDirectory
from batchgen.app.storyboard import write_for_others
from batchgen.engine.attempts import Attempt
from batchgen.engine.states import State
from batchgen.errors import UsageError
from batchgen.layout import JOURNAL, POSTERS, RESULTS, SENT_STORYBOARD, VIDEOS, is_result_path
from batchgen.store.cache import brought_back

_FOLDERS = (RESULTS, VIDEOS, POSTERS)
_MARK = b'<meta name="generator" content="batchgen">'
_MARKED_BYTES = 1_024
"""How far into a page the mark stands."""
_PAGES = (".html", ".htm")


def check_folder(out: Path) -> None:
    """Raise `UsageError` where a folder cannot be that of a client; nothing is written."""
    if out.suffix.lower() in _PAGES:
        raise UsageError(f"{out} would be a folder, with the page and its videos; name it without {out.suffix}")
    try:
        if out.exists() and not out.is_dir():
            raise UsageError(f"{out} is a file, and html is a folder with the page and its videos")
        is_free = not out.exists() or _is_earlier(out) or not any(out.iterdir())
    except OSError as error:
        raise UsageError(f"{out} cannot be used: {error.strerror}") from None
    if not is_free:
        raise UsageError(f"{out} holds something else than an earlier export; name a new or an empty folder")


def _is_earlier(out: Path) -> bool:
    """Whether a folder is an earlier export, none of whose folders leads out of it."""
    page = out / SENT_STORYBOARD
    if not page.is_file() or (out / JOURNAL).exists() or any((out / name).is_symlink() for name in _FOLDERS):
        return False
    with page.open("rb") as file:
        return _MARK in file.read(_MARKED_BYTES)


def write_folder(directory: RunDirectory, state: State, sent: Sequence[Attempt], out: Path, *, costs: bool) -> None:
    """Write the folder, in the place of an earlier one; what else lies in that stays. Raises OSError."""
    place, has_result = out.resolve(), directory.result_finder()
    made = place.with_name(f".batchgen-{secrets.token_hex(8)}")
    try:
        made.mkdir()
        for one in sent:
            _copy(str(one.video_path), str(one.video_sha256), directory.path, made)
        write_for_others(
            directory.path,
            state,
            made,
            missing=directory.missing(state),
            files={one.key for one in state.all_attempts() if one.has_file and has_result(one)},
            sent={one.key for one in sent},
            is_rehearsal=directory.is_rehearsal(),
            costs=costs,
        )
        _put(made, place)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _copy(path: str, sha256: str, source: Path, folder: Path) -> None:
    """A copy, not a second name of it: whoever writes to it must not reach the result."""
    (folder / path).parent.mkdir(exist_ok=True)
    shutil.copyfile(brought_back(source / path, sha256), folder / path)


def _put(made: Path, place: Path) -> None:
    """Move all into its place; the page goes last, so that an export cut off leaves the mark of the earlier one."""
    place.mkdir(exist_ok=True)
    for path in list(_of_earlier(place)):
        path.unlink()
    for path in sorted(made.glob("*/*")):
        (place / path.parent.name).mkdir(exist_ok=True)
        path.replace(place / path.parent.name / path.name)
    (made / SENT_STORYBOARD).replace(place / SENT_STORYBOARD)


def _of_earlier(place: Path) -> Iterator[Path]:
    """The results and pictures of an earlier export."""
    yield from (place / POSTERS).glob("*.webp")
    yield from (place / POSTERS).glob("*.jpeg")
    for name in (RESULTS, VIDEOS):
        yield from (path for path in (place / name).glob("*") if is_result_path(f"{name}/{path.name}"))

"""The names that batchgen writes in a run directory, and what may stand in their place."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from batchgen.errors import RunDirectoryError

_FILES = (
    "state.jsonl",
    "state.lock",
    "state.lock.holder",
    "batchgen.log",
    *(f"batchgen.log.{number}" for number in range(1, 6)),
    ".__batchgen.lock",
    "emulator/tasks.jsonl",
    "emulator/lock",
)
"""Files that are written as they stand. What is made elsewhere and renamed into its place (reports,
results, the holder of the lock) replaces a link and never follows it."""
_FOLDERS = ("videos", "emulator", "emulator/pictures")


def refuse_traps(folder: Path) -> None:
    """Refuse a run directory in which something waits to be written through. Raises `RunDirectoryError`, OSError.

    That is a link, a pipe or a device in the place of a file, and a link in the place of a folder that
    leads to a folder of another user. A folder of the user's own may lie on another disk.
    """
    for name in _FILES:
        path = folder / name
        if _is(path, stat.S_ISREG) is False:
            raise RunDirectoryError(
                f"{path} is a link, or something else that is not a regular file; nothing is written through it. "
                "Move it out of the run directory; to keep runs elsewhere, give another --run-dir"
            )
    for name in _FOLDERS:
        _refuse_folder(folder / name)
    for path in _parts(folder / "videos"):
        if _is(path, stat.S_ISREG) is False:
            raise RunDirectoryError(f"{path} is a link, or something else that is not a regular file; take it away")


def _parts(folder: Path) -> Iterator[Path]:
    """Results that an earlier run left half fetched, to be gone on with."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (Path(entry.path) for entry in entries if entry.name.endswith((".part", ".part.json")))


def _refuse_folder(path: Path) -> None:
    if _is(path, stat.S_ISDIR) is not False:
        return
    if not path.is_symlink() or not path.is_dir():
        raise RunDirectoryError(f"{path} is not a folder, nor a link to one; move it out of the run directory")
    owner = path.stat().st_uid
    if os.name == "posix" and owner != os.geteuid():
        raise RunDirectoryError(
            f"{path} is a link to a folder of another user (id {owner}); nothing is written there. "
            "Link a folder of your own, or take the link away"
        )


def _is(path: Path, test: Callable[[int], bool]) -> bool | None:
    """Whether what stands there, links not followed, is of that kind; None where nothing does."""
    try:
        return test(path.lstat().st_mode)
    except FileNotFoundError:
        return None

"""The names that batchgen writes in a run directory, and what may stand in their place."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from batchgen.errors import Remedy, RunDirectoryError
from batchgen.layout import (
    CONTROL,
    EMULATOR,
    JOURNAL,
    LEDGER,
    LOCK,
    LOCK_HOLDER,
    LOG,
    POSTERS,
    REPORT,
    RESULTS,
    VIDEOS,
)

_FILES = (
    JOURNAL,
    LOCK,
    LOCK_HOLDER,
    LOG,
    *(f"{LOG}.{number}" for number in range(1, 6)),
    ".__batchgen.lock",
    f"{EMULATOR}/tasks.jsonl",
    f"{EMULATOR}/lock",
)
"""Files that are written as they stand. What is made elsewhere and renamed into its place (reports,
results, the holder of the lock) replaces a link and never follows it."""
_FOLDERS = (RESULTS, VIDEOS, CONTROL, POSTERS, EMULATOR, f"{EMULATOR}/pictures")


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
                "Move it out of the run directory, or keep runs elsewhere",
                Remedy.OTHER_RUN_DIR,
            )
    for name in _FOLDERS:
        _refuse_folder(folder / name)
    for path in _entries(folder / RESULTS, ".part", ".part.json"):
        if _is(path, stat.S_ISREG) is False:
            raise RunDirectoryError(f"{path} is a link, or something else that is not a regular file; take it away")
    for path in (
        folder / REPORT,
        folder / LEDGER,
        *_entries(folder / VIDEOS, ".mp4"),
        *_entries(folder / RESULTS, ".mp4"),
    ):
        if _is(path, stat.S_ISDIR):
            raise RunDirectoryError(f"{path} is a folder, where a file is to be written; move it out of the way")


def _entries(folder: Path, *endings: str) -> Iterator[Path]:
    """What lies in a folder under such names."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (Path(entry.path) for entry in entries if entry.name.endswith(endings))


def _refuse_folder(path: Path) -> None:
    if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
        raise RunDirectoryError(f"{path} cannot be written into; give yourself the right to, or move it away")
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

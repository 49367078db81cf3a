"""The results of a run directory that are here, where all of them lie in an object store: fetched back, and removed."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from batchgen.layout import RESULTS, VIDEOS
from batchgen.store.links import digest, make_read_only
from batchgen.store.output import OutputFailed, folder_of
from batchgen.store.output_index import OutputIndex

_ROOM = 0.9
"""How full the cache is, as a part of its bound, once results were removed: not one is looked for each time."""


def brought_back(path: Path, sha256: str, index: OutputIndex | None = None) -> Path:
    """The file of a result below a run directory, fetched from its output where it is not here any more.

    ``index`` says what lies there, where a run knows more than its file does. What is in neither place is left to
    whoever opens the file. Raises OSError where it is there and cannot be fetched, or is not the file of that hash.
    """
    if path.is_file():
        _mark_as_used(path)
        return path
    folder, name = path.parent.parent, f"{path.parent.name}/{path.name}"
    known = OutputIndex.of(folder) if index is None else index
    if known is not None and known.has(name, sha256):
        found = _fetched(known, name, path, sha256)
        known.files[name] = replace(known.files[name], sha256=found)
        if found != sha256:
            known.save(folder)
            raise OSError(None, f"{known.url}/{name} is not the file that was delivered")
    return path


def _fetched(index: OutputIndex, name: str, path: Path, sha256: str) -> str:
    """Have the file here if it is the one of that hash; the hash that it has. Raises OSError."""
    temporary = path.with_name(f".batchgen-{secrets.token_hex(8)}")
    try:
        pieces = folder_of(index).pieces(name)
        path.parent.mkdir(exist_ok=True)
        with temporary.open("xb") as file:
            file.writelines(pieces)
        found = str(digest(temporary))
        if found == sha256:
            make_read_only(temporary)
            temporary.replace(path)
    except OutputFailed as error:
        raise OSError(None, str(error)) from None
    finally:
        temporary.unlink(missing_ok=True)
    return found


def _mark_as_used(path: Path) -> None:
    """Say that a result was used now: file systems write that down late, or never. Its other time stays."""
    try:
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    except OSError:
        return


def taken_up(folder: Path) -> int:
    """How many bytes results and videos take up on this disk."""
    return sum(size for size, _ in _on_disk(folder).values())


def make_room(folder: Path, bound: int, may_go: Callable[[str], bool]) -> int:
    """Remove the results that were used least lately, until they take up less than a bound; how much they do then.

    ``bound`` is in bytes; ``may_go`` is asked, by the name of a result, whether it may be removed. Names in
    ``videos/`` of what is removed go as well. Raises OSError.
    """
    kept = _on_disk(folder)
    total = sum(size for size, _ in kept.values())
    if total <= bound:
        return total
    shown = _shown(folder)
    for path in sorted(_files(folder / RESULTS), key=lambda each: each.stat().st_atime_ns):
        if total <= bound * _ROOM:
            break
        if may_go(f"{RESULTS}/{path.name}"):
            total -= _remove(path, shown)
    return total


def _remove(path: Path, shown: Mapping[tuple[int, int], list[Path]]) -> int:
    """Remove a result, and first the names that it has in the view; how many bytes become free."""
    found = path.stat()
    links = shown.get((found.st_size, found.st_mtime_ns), [])
    copies = sum(link.stat().st_ino != found.st_ino for link in links if link.is_file())
    for link in links:
        link.unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return found.st_size * (1 + copies)


def _shown(folder: Path) -> dict[tuple[int, int], list[Path]]:
    """The files in the view by size and time, which a copy has of its result as well."""
    found: dict[tuple[int, int], list[Path]] = {}
    for path in _files(folder / VIDEOS):
        about = path.stat()
        found.setdefault((about.st_size, about.st_mtime_ns), []).append(path)
    return found


def _on_disk(folder: Path) -> dict[tuple[int, int], tuple[int, Path]]:
    """Each file once, however many names it has."""
    paths = [*_files(folder / RESULTS), *_files(folder / VIDEOS)]
    return {(about.st_dev, about.st_ino): (about.st_size, path) for path in paths for about in (path.stat(),)}


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.glob("*.mp4") if path.is_file())

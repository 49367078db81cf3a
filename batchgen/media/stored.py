"""Fetches a reference from an object store to be measured: once, while it is hashed; what was found is remembered.

A small picture for the storyboard is made on that occasion. What is remembered lies in the user's folder of caches, a
small file for each object. It is known by URL, size and ETag, so that an object that changes is fetched again; the
folder may be deleted at any time.
"""

import hashlib
import json
import os
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from batchgen.errors import BatchgenError
from batchgen.files import write_atomically
from batchgen.media.decoding import UnusableMedia
from batchgen.media.posters import thumbnail
from batchgen.object_stores import StoredFile, look_up, open_stored, reason_in
from batchgen.references import Facts
from batchgen.version import __version__

MOST_BYTES = 1024**3
"""A larger file is not fetched: no reference may be as large."""
_CHUNK = 1024 * 1024
_FOLDER = Path("batchgen", "measured")


def measured(url: str, probe: Callable[[BufferedIOBase], Facts]) -> tuple[StoredFile, str, Facts]:
    """What a store has under a URL, the hash of its content, and what ``probe`` makes of it. Raises `UnusableMedia`."""
    try:
        file = look_up(url)
        kept = _kept(file)
        if kept is not None:
            return file, *kept
        sha256, facts, picture = _fetched(file, probe)
    except (UnusableMedia, BatchgenError) as error:
        raise UnusableMedia(str(error)) from None
    except Exception as error:  # noqa: BLE001 - each package raises what it likes
        raise UnusableMedia(f"cannot be read: {_words(error)}") from None
    _keep(file, {"url": file.url, "sha256": sha256, "facts": asdict(facts), "picture": b64encode(picture).decode()})
    return file, sha256, facts


def picture_of(file: StoredFile) -> bytes:
    """The small picture that was made of a file when it was measured; empty where none is kept."""
    try:
        return b64decode(json.loads(_place(file).read_bytes())["picture"])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return b""


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file, or no such bucket"
    reason = reason_in(error)
    return f"{reason} (expired credentials look like that)" if "Bad Request" in reason else reason


def _fetched(file: StoredFile, probe: Callable[[BufferedIOBase], Facts]) -> tuple[str, Facts, bytes]:
    """Fetch a file to a place that is gone with this call; its hash, what it is, and its picture."""
    if file.bytes > MOST_BYTES:
        raise UnusableMedia(f"has {file.bytes} bytes, more than any reference may have; it was not fetched")
    digest = hashlib.sha256()
    with open_stored(file) as source, tempfile.TemporaryFile() as copy:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
        if look_up(file.url) != file:  # else the hash of another one, or of parts of both, is remembered for this one
            raise UnusableMedia("changed while it was read; try again")
        opened = cast("BufferedIOBase", copy)
        return digest.hexdigest(), probe(opened), _picture(opened)


def _picture(file: BufferedIOBase) -> bytes:
    try:
        return thumbnail(file)
    except Exception:  # noqa: BLE001 - sound has none, and no picture is no reason to refuse a file that was measured
        return b""


def _place(file: StoredFile) -> Path:
    named = f"{file.url}\n{file.bytes}\n{file.etag}\n{__version__}"
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _FOLDER
    return folder / f"{hashlib.sha256(named.encode()).hexdigest()}.json"


def _kept(file: StoredFile) -> tuple[str, Facts] | None:
    """What was found of a file before; None where that is not known, or cannot be read."""
    try:
        kept = json.loads(_place(file).read_bytes())
        return str(kept["sha256"]), Facts(**kept["facts"])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return None


def _keep(file: StoredFile, found: Mapping[str, object]) -> None:
    """Remember what was found; where that cannot be written, it is found again."""
    try:
        place = _place(file)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, json.dumps(found).encode())
    except (OSError, RuntimeError):  # no home
        return

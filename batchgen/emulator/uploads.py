"""Files that clients have uploaded, in a temporary folder: bounded, known by their content, gone in the end.

`find` may be called from any thread, `add` from one at a time.
"""

import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAX_UPLOAD_SIZE = 100 * 1024 * 1024
"""Bytes of one file: what the API takes of a reference video."""
_MAX_FILES = 1000
_MAX_TOTAL_SIZE = 2 * 1024**3
"""Bytes of all files together."""
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_PIECE = 1024 * 1024


class StoreFullError(Exception):
    """There is no room for another file until earlier ones expire."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was uploaded; ``expires`` is in Unix seconds."""

    name: str
    path: Path
    size: int
    sha256: str
    expires: float


class UploadStore:
    """The uploaded files of one emulator."""

    def __init__(self, max_files: int = _MAX_FILES, max_total_size: int = _MAX_TOTAL_SIZE) -> None:
        """Start without files, and without a folder. ``max_total_size`` is in bytes."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._max_files, self._max_total_size = max_files, max_total_size
        self._uploads: dict[str, Upload] = {}

    def add(self, file: IO[bytes], filename: str, now: float, lifetime: float) -> Upload:
        """Keep a file; the same content again keeps its name. Raises `StoreFullError`; OSError if it cannot be written.

        Slow: reads the whole file.
        """
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type] # a file of bytes
        size = file.tell()
        found = _SUFFIX.search(filename)
        name = digest[:32] + (found[0].lower() if found else "")
        self._make_room(name, size, now)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="batchgen-uploads-")
        upload = Upload(name, Path(self._folder.name, name), size, digest, now + lifetime)
        if not upload.path.exists():
            file.seek(0)
            part = upload.path.with_suffix(".part")
            with part.open("wb") as copy:
                shutil.copyfileobj(file, copy, _PIECE)
            part.replace(upload.path)
        self._uploads[name] = upload
        return upload

    def find(self, name: str, now: float) -> Upload | None:
        """The file of that name; None if there is none, or no longer."""
        upload = self._uploads.get(name)
        return None if upload is None or upload.expires < now else upload

    def close(self) -> None:
        """Remove all files and the folder."""
        self._uploads.clear()
        if self._folder is not None:
            self._folder.cleanup()

    def _make_room(self, name: str, size: int, now: float) -> None:
        for upload in [each for each in self._uploads.values() if each.expires < now and each.name != name]:
            del self._uploads[upload.name]
            upload.path.unlink(missing_ok=True)
        others = [each.size for each in self._uploads.values() if each.name != name]
        if len(others) >= self._max_files or sum(others) + size > self._max_total_size:
            raise StoreFullError

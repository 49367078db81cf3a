"""The pictures of results and references in a run directory: made once, by the hash of what they show."""

import hashlib
import re
import secrets
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path

from batchgen.layout import POSTERS
from batchgen.media.posters import Poster, picture_format, poster, thumbnail

_MOST_BYTES = 65_536
"""Larger than any picture made here: what is larger was put there by somebody else."""
_STRIP = "-frames"
_HASH = re.compile("[0-9a-f]{64}(-[0-9]{1,9})?")
"""The hash of a file, or of a video with the number of a frame."""


def _safe(sha256: str) -> str:
    """A hash as the name of a file; a journal from somebody else may hold a path in its place."""
    return sha256 if _HASH.fullmatch(sha256) else hashlib.sha256(sha256.encode(errors="replace")).hexdigest()


class Posters:
    """Pictures below ``posters/``. They may be deleted at any time, and are made again from what they show."""

    def __init__(self, folder: Path) -> None:
        """Take the run directory; nothing need be there."""
        self._folder = folder / POSTERS
        self._suffix = f".{picture_format().lower()}"

    def still(self, sha256: str) -> Path:
        """Where the picture of a result or a reference of that hash lies."""
        return self._folder / f"{_safe(sha256)}{self._suffix}"

    def strip(self, sha256: str) -> Path:
        """Where further frames of a result lie."""
        return self._folder / f"{_safe(sha256)}{_STRIP}{self._suffix}"

    def has(self, sha256: str) -> bool:
        """Whether there is a picture of a result or a reference of that hash."""
        return self.still(sha256).is_file()

    def of_result(self, sha256: str, opened: Callable[[], BufferedIOBase]) -> None:
        """Have pictures of a result; it is opened where there are none yet. Raises OSError and `UnusableMedia`."""
        if self.has(sha256):
            return
        with opened() as file:
            made = poster(file)
        self.keep(sha256, made)

    def keep(self, sha256: str, made: Poster) -> None:
        """Have pictures of a result that were made elsewhere. Raises OSError."""
        if made.strip:
            self._write(self.strip(sha256), made.strip)
        self._write(self.still(sha256), made.still)

    def of_reference(self, sha256: str, opened: Callable[[], BufferedIOBase]) -> None:
        """Have a picture of a reference, as `of_result` does for results."""
        if not self.has(sha256):
            with opened() as file:
                made = thumbnail(file)
            self._write(self.still(sha256), made)

    def keep_picture(self, sha256: str, made: bytes) -> None:
        """Have a picture of a reference that was made elsewhere; an empty one is none. Raises OSError."""
        if made and not self.has(sha256):
            self._write(self.still(sha256), made)

    def take_over(self, sha256: str, other: "Posters") -> None:
        """Have copies of the pictures of that hash from another folder, as far as they are there. Raises OSError."""
        for target, path in ((self.strip(sha256), other.strip(sha256)), (self.still(sha256), other.still(sha256))):
            if (found := other.content(path)) is not None:
                self._write(target, found)

    def content(self, path: Path) -> bytes | None:
        """A picture, None where there is none, or something that is not one made here."""
        if not path.is_file():  # a pipe would be waited for
            return None
        try:
            with path.open("rb") as file:
                found = file.read(_MOST_BYTES + 1)
        except OSError:
            return None
        is_picture = found[8:12] == b"WEBP" if self._suffix == ".webp" else found[:2] == b"\xff\xd8"
        return found if is_picture and len(found) <= _MOST_BYTES else None

    def _write(self, path: Path, content: bytes) -> None:
        """Whole or not at all; not made durable, since it can be made again."""
        self._folder.mkdir(exist_ok=True)
        temporary = path.with_name(f".batchgen-{secrets.token_hex(8)}")
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

"""Opens what a reference names: a local file, or the bytes inside a data URI."""

import base64
import binascii
import hashlib
import re
import stat
from difflib import get_close_matches
from io import BufferedIOBase, BytesIO
from pathlib import Path

from batchgen.media.decoding import UnusableMedia

_URL = re.compile(r"https?://", re.IGNORECASE)
_DATA = re.compile(r"data:([^;,]*);base64,")


def is_url(source: str) -> bool:
    """Whether only the provider can open this reference."""
    return _URL.match(source) is not None


def declared_mime(source: str) -> str | None:
    """The MIME type that a data URI declares, None for everything else."""
    match = _DATA.match(source)
    return match[1] if match else None


def open_reference(source: str, folder: Path) -> tuple[BufferedIOBase, Path | None]:
    """Open the bytes of a reference for reading, and say which file they come from.

    A relative path starts in ``folder``. Raises `UnusableMedia` for what is missing, is not a regular
    file, may not be read, or is not base64.
    """
    match = _DATA.match(source)
    if match is not None:
        try:
            return BytesIO(base64.b64decode(source[match.end() :], validate=True)), None
        except binascii.Error as error:
            raise UnusableMedia(f"is not valid base64: {error}") from None
    path = folder / source
    try:
        _refuse_odd(path)
        return path.open("rb"), path
    except FileNotFoundError:
        raise UnusableMedia(f"does not exist{_similar(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise UnusableMedia(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def sha256(file: BufferedIOBase) -> str:
    """Hash of a whole file, in hexadecimal."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_odd(path: Path) -> None:
    """Refuse what is not a regular file before it is opened: opening a pipe would wait for ever."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise UnusableMedia("is a folder, not a file")
    if not stat.S_ISREG(mode):
        raise UnusableMedia("is not a regular file")


def _similar(path: Path) -> str:
    """A hint where a file of a similar name lies there."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"; there is no folder {path.parent.name}" if path.parent.name else ""
    near = get_close_matches(path.name, names, n=1, cutoff=_SIMILAR)
    return f"; did you mean {near[0]}?" if near else ""


_SIMILAR = 0.75

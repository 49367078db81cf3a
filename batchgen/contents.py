"""The content of a reference while it is sent or published: read, and seen to be the one that was measured."""

import hashlib
from collections.abc import Iterator
from io import BufferedReader

from batchgen.object_stores import StoredFile, look_up, open_stored, reason_in
from batchgen.references import Content

_CHUNK = 256 * 1024


class ReferenceChanged(Exception):  # noqa: N818 - the file is at fault, not the program
    """A reference is not what it was when it was measured; the text says how."""


class ReferenceOutOfReach(ReferenceChanged):
    """The store that a reference lies in does not give it now; that says nothing of the file, and may pass."""


class PublishFailed(Exception):  # noqa: N818 - an end like others
    """A file was not published, and nothing was paid; the text says why.

    ``again`` says that another try may do better, ``denied`` that whoever keeps the files refuses the user.
    """

    def __init__(self, message: str, *, again: bool = False, denied: bool = False) -> None:
        """Keep what is known."""
        super().__init__(message)
        self.again = again
        self.denied = denied


def public_name(content: Content) -> str:
    """What a file is called where it is published: its hash says which it is, and its name here nobody learns."""
    return f"{content.sha256}.{_SUFFIXES.get(content.facts.format, content.facts.format)}"


_SUFFIXES = {"jpeg": "jpg"}


def opened(content: Content) -> BufferedReader:
    """Open the file of a reference. Raises `ReferenceChanged` where it is gone, or is another than was measured."""
    path = content.path
    if path is None:
        return _opened_in_store(content.stored)
    try:
        file = path.open("rb")
    except OSError as error:
        if content.stored is not None:
            return _opened_in_store(content.stored)
        raise ReferenceChanged(f"{path} cannot be read any more: {error.strerror}") from None
    size = file.seek(0, 2)
    if size != content.facts.bytes:
        file.close()
        raise ReferenceChanged(f"{path} had {content.facts.bytes} bytes when it was checked and has {size} now")
    return file


def _opened_in_store(measured: StoredFile | None) -> BufferedReader:
    if measured is None:  # pragma: no cover - such a content is sent as its source
        raise ReferenceChanged("a data URI has no file")
    try:
        now = look_up(measured.url)
    except Exception as error:  # noqa: BLE001 - each package raises what it likes
        reason = reason_in(error)
        raise _kind(error)(f"{measured.url} cannot be read any more: {reason}") from None
    if now != measured:
        raise ReferenceChanged(f"{measured.url} is another file than the one that was checked")
    return open_stored(now)


def _kind(error: Exception) -> type[ReferenceChanged]:
    return ReferenceChanged if isinstance(error, FileNotFoundError) else ReferenceOutOfReach


def pieces(file: BufferedReader, content: Content, chunk_bytes: int = _CHUNK) -> Iterator[bytes]:
    """A file in pieces of so many bytes; the last one only once the whole has proved to be what was measured.

    So a file that changed never arrives whole. Raises `ReferenceChanged`.
    """
    name = content.path if content.stored is None else content.stored.url
    file.seek(0)
    digest = hashlib.sha256()
    left = content.facts.bytes
    held = b""
    while left:
        try:
            chunk = file.read(min(chunk_bytes, left))
        except OSError as error:
            kind = ReferenceChanged if content.stored is None else _kind(error)
            raise kind(f"{name} cannot be read any more: {error.strerror}") from None
        if not chunk:
            raise ReferenceChanged(f"{name} became shorter while it was sent")
        left -= len(chunk)
        digest.update(chunk)
        if held:
            yield held
        held = chunk
    if file.read(1) or digest.hexdigest() != content.sha256:
        raise ReferenceChanged(f"{name} changed after it was checked")
    yield held

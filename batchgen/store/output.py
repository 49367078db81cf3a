"""A folder in an object store that has the layout of a run directory: results, videos, reports.

Nothing there is overwritten that is not known to be batchgen's own: what lies in the way gets another name.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

from batchgen.errors import UsageError
from batchgen.object_stores import (
    StoredFile,
    appears_whole,
    file_system,
    is_permanent,
    of_type,
    open_stored,
    protocol_of,
    reason_in,
    stored_file,
    within,
)
from batchgen.store.output_index import OutputIndex, Uploaded

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".webp": "image/webp",
    ".jpeg": "image/jpeg",
}
_TRIES = 2
_WAIT_S = 0.5
"""Before the second attempt. The packages try a few times themselves, which takes them up to some minutes."""
_HURRIED_S = 10.0
"""For a call once whoever runs this wants it to end."""
_SHORT = 8
_CHUNK = 1024**2
T = TypeVar("T")


class OutputFailed(Exception):  # noqa: N818 - an end like others
    """Something could not be done in the object store; the text says what and why."""


class OutputFolder:
    """A folder of a store by its URL, with what is known to lie there. Safe to share between threads.

    ``sleep`` waits so many seconds.
    """

    def __init__(self, index: OutputIndex, sleep: Callable[[float], None] = time.sleep) -> None:
        """Ask nothing yet. Raises `UsageError` without the package for the store."""
        self.url, self.index = index.url, index
        self._protocol = protocol_of(self.url)
        self._store = file_system(self.url)
        self._sleep = sleep
        self._is_hurried = False

    def hurry(self) -> None:
        """Wait for no answer for long from now on, and ask for nothing twice: the user wants to end."""
        self._is_hurried = True

    def look(self) -> list[str]:
        """Learn what is there; the names of what may have changed since. Raises `OutputFailed`."""
        return self.index.seen(self._tried("be listed", self._listed, tries=1))

    def _listed(self) -> list[tuple[str, int, str]]:
        try:
            found = self._store.find(self.url, detail=True, **self._within())
        except FileNotFoundError:  # nothing is there yet; that the bucket is, writing shows
            return []
        prefix = f"{self._store._strip_protocol(self.url)}/"  # noqa: SLF001 - fsspec has no other way to the names
        names = [name for name, said in found.items() if said.get("type") == "file"]
        files = [stored_file(self._store, name, found[name]) for name in names]
        return [(one.url.removeprefix(prefix), one.bytes, one.etag) for one in files]

    def try_out(self) -> None:
        """See whether files can be written there, read and removed. Raises `OutputFailed`."""
        name, content = f".batchgen-{secrets.token_hex(8)}", secrets.token_bytes(16)

        def tried() -> None:
            self._store.pipe_file(self._at(name), content, **self._within())
            came = self._store.cat_file(self._at(name), **self._within())
            self._store.rm_file(self._at(name), **self._within())
            if came != content:
                raise ValueError("what was written there did not come back")

        self._tried("be used", tried, tries=1)

    def read(self, name: str) -> bytes | None:
        """A small file, None where there is none. Raises `OutputFailed`."""
        try:
            return bytes(self._store.cat_file(self._at(name), **self._within()))
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 - each package raises what it likes
            raise OutputFailed(f"{self._at(name)} cannot be read: {reason_in(error)}") from None

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, in place of what was there. Raises `OutputFailed`."""
        how = {**self._type_of(name), **self._within(len(content))}
        self._tried("be written to", lambda: self._store.pipe_file(self._at(name), content, **how))

    def create(self, name: str, content: bytes) -> bool:
        """Write a small file where there is none, and say whether there was none. Raises `OutputFailed`."""
        how = {**self._type_of(name), **self._within(len(content))}

        def created() -> bool:
            try:
                self._store.pipe_file(self._at(name), content, mode="create", **how)
            except FileExistsError:
                return False
            return True

        try:
            return self._tried("be written to", created, tries=1)
        except OutputFailed:  # not every store, or package, knows that condition
            self.write(name, content)
            return True

    def bring_up(self, name: str, path: Path, sha256: str) -> None:
        """Have a local file there; what else lies under its name is put aside. Raises `OutputFailed`."""
        self._have(name, path.stat().st_size, sha256, lambda: self._put(name, path))

    def copy(self, source: str, name: str, own: Collection[str]) -> None:
        """Have a file that is there under another name as well, without sending it, in place of one of ``own`` hashes.

        Raises `OutputFailed`.
        """
        known = self.index.files[source]
        self._have(name, known.bytes, known.sha256, lambda: self._copied(source, name), own)

    def _have(self, name: str, size: int, sha256: str, write: Callable[[], object], own: Collection[str] = ()) -> None:
        def had() -> Uploaded:
            if not self._is_it(name, size, sha256, own):
                write()
            found = self._look_up(name)
            if found.bytes != size:
                raise OSError(None, f"{name} came there with {found.bytes} bytes and has {size}")
            return Uploaded(found.bytes, found.etag, sha256)

        self.index.files[name] = self._tried("be written to", had)

    def compare(self, name: str) -> None:
        """Learn the content of a file that was found there, which is read for that. Raises `OutputFailed`."""

        def compared() -> Uploaded:
            found = self._look_up(name)
            return Uploaded(found.bytes, found.etag, self._digest(name, found))

        self.index.files[name] = self._tried(f"give {name}", compared)

    def remove(self, name: str) -> None:
        """Remove a file that was made here. Raises `OutputFailed`."""
        self._tried("be written to", lambda: self._removed(name))
        self.index.files.pop(name, None)

    def put_aside(self, name: str) -> None:
        """Give what lies under a name another one, if anything does. Raises `OutputFailed`."""
        self._tried("be written to", lambda: self._is_it(name, -1, "of no file"))

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a file, in pieces. Raises OSError."""
        try:
            stored = self._look_up(name)
        except FileNotFoundError:
            again = "the next run fetches it from the gateway again, free, if that still has it"
            raise OSError(None, f"{self._at(name)} is not there any more; {again}") from None
        except Exception as error:  # noqa: BLE001 - each package raises what it likes
            raise OSError(None, f"{self._at(name)} cannot be read: {reason_in(error)}") from None
        with open_stored(stored) as file:
            while piece := file.read(_CHUNK):
                yield piece

    def stored(self, name: str) -> StoredFile | None:
        """A file to be read from the store itself, None where it is not there."""
        found = self.index.files.get(name)
        return None if found is None else StoredFile(self._at(name), found.bytes, found.etag)

    def _at(self, name: str) -> str:
        return f"{self.url}/{name}"

    def _type_of(self, name: str) -> dict[str, object]:
        return of_type(self._protocol, MEDIA_TYPES[PurePosixPath(name).suffix])

    def _within(self, size: int = 0) -> dict[str, object]:
        """For how long a call may go on that brings up so many bytes."""
        limit = within(self._store, size)
        return dict.fromkeys(limit, _HURRIED_S) if self._is_hurried else limit

    def _look_up(self, name: str) -> StoredFile:
        return stored_file(self._store, self._at(name), self._store.info(self._at(name), **self._within()))

    def _copied(self, source: str, name: str) -> None:
        self._store.cp_file(self._at(source), self._at(name), **self._within())

    def _put(self, name: str, path: Path) -> None:
        if appears_whole(self._protocol):
            how = {**self._type_of(name), **self._within(path.stat().st_size)}
            self._store.put_file(str(path), self._at(name), **how)
            return
        temporary = self._at(str(PurePosixPath(name).with_name(f".batchgen-{secrets.token_hex(8)}")))
        self._store.put_file(str(path), temporary)
        self._store.mv(temporary, self._at(name))

    def _removed(self, name: str) -> None:
        try:
            self._store.rm_file(self._at(name), **self._within())
        except FileNotFoundError:
            return

    def _is_it(self, name: str, size: int, sha256: str, own: Collection[str] = ()) -> bool:
        """Whether a file is there with a content. Another one that lies there has another name, too, after this.

        It needs none where its hash is among ``own``. What has a size that none of these has is not read for that.
        """
        try:
            found = self._look_up(name)
        except FileNotFoundError:
            return False
        # Other threads note what they brought up meanwhile.
        sizes = {each.bytes for each in tuple(self.index.files.values()) if each.sha256 in own}
        held = self._digest(name, found) if found.bytes in {size, *sizes} else ""
        if held == sha256 or held in own:
            return held == sha256
        mark, place = hashlib.sha256(found.etag.encode()).hexdigest()[:_SHORT], PurePosixPath(name)
        self._copied(name, str(place.with_name(f"{place.stem}.found-{mark}{place.suffix}")))
        return False

    def _digest(self, name: str, now: StoredFile) -> str:
        """The hash of a file as it lies there now; what has changed since it was hashed, or never was, is read."""
        known = self.index.files.get(name)
        if known is not None and known.sha256 and (known.bytes, known.etag) == (now.bytes, now.etag):
            return known.sha256
        found = hashlib.sha256()
        for piece in self.pieces(name):
            found.update(piece)
        return found.hexdigest()

    def _tried(self, what: str, act: Callable[[], T], tries: int = _TRIES) -> T:
        """Do something a few times; what comes of it. Raises `OutputFailed`."""
        reason = ""
        for number in range(tries):
            if number:
                self._sleep(_WAIT_S)
            try:
                return act()
            except Exception as error:  # noqa: BLE001 - each package raises what it likes
                reason = reason_in(error)
                permanent = is_permanent(error)
            if permanent or self._is_hurried:
                break
        raise OutputFailed(f"{self.url} cannot {what}: {reason}")


def folder_of(index: OutputIndex) -> OutputFolder:
    """The folder that an index is of. Raises `OutputFailed` without the package for its store."""
    try:
        return OutputFolder(index)
    except UsageError as error:
        raise OutputFailed(str(error)) from None

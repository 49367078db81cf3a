"""Object stores by URL, through fsspec, which is imported with the first such URL.

The packages that speak the protocols come with extras of batchgen: a URL whose package is missing says which. Where
credentials come from, and how a store of one's own is reached, is the business of these packages: the environment,
their configuration files and roles of the machine.
"""

import io
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from batchgen.errors import UsageError

FileSystem: TypeAlias = Any
"""A file system of fsspec, which comes without types."""
_EXTRAS = {"s3": "s3", "gs": "gcs", "abfs": "azure"}
"""The protocols that publish, and the extra that brings each."""
_READ = frozenset({*_EXTRAS, "memory"})
"""The protocols that references are read by."""
_BLOCK_BYTES = 8 * 1024**2
"""Read at once: few requests, and little that comes again where one breaks."""
_TRIES = 4
_PATIENCE = {"connect_timeout": 10, "read_timeout": 20, "retries": {"total_max_attempts": 3}}
"""Of botocore, in seconds: a store that says nothing is given up after a minute."""
_LONGEST_S = 60.0
"""For a call, besides what it sends or reads: the packages would wait much longer for a store that hangs."""
_SLOWEST = 50_000.0
"""Bytes a second: what comes or goes more slowly than that does not count as coming."""
_DENIED = ("AccessDenied", "Credential", "ExpiredToken", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch")
"""Words in what the packages raise that speak of who asks, and not of what is asked."""
_LONGEST_REASON = 300


def protocol_of(url: str) -> str:
    """What stands before ``://``; empty where nothing does."""
    return url.partition("://")[0].lower() if "://" in url else ""


def is_store(url: str) -> bool:
    """Whether a URL is one of an object store in which files can be published."""
    return protocol_of(url) in _EXTRAS


def is_stored(source: str) -> bool:
    """Whether a reference lies in an object store."""
    return protocol_of(source) in _READ


_DOTS = frozenset({".", ".."})


def place_in_store(url: str, purpose: str) -> str:
    """The URL of a bucket, or of a folder in one, without a slash at its end; ``purpose`` says what it is for.

    Raises `UsageError` for what is no such URL, or has a password, a query or dots for a folder in it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no IPv6 address
        parts = urlsplit("")
    # A container of abfs stands before its account as a user would.
    has_user = parts.username is not None and protocol_of(url) != "abfs"
    if not parts.netloc or has_user or parts.query or parts.fragment or parts.password is not None:
        raise UsageError(f"the address to {purpose} does not name a bucket alone, as s3://bucket/prefix does")
    if _DOTS.intersection(parts.path.split("/")):
        raise UsageError(f"the address to {purpose} has a . or .. in it, which URLs leave out; name it without")
    return f"{protocol_of(url)}://{url.partition('://')[2]}".rstrip("/")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in an object store as it was found: its URL, its size in bytes, and what it changes with.

    ``etag`` is what the store says of the content, or of all that it knows of the file.
    """

    url: str
    bytes: int
    etag: str


def look_up(url: str) -> StoredFile:
    """What a store says of a file now. Raises `UsageError` without the package for it, and whatever that raises."""
    store = file_system(url)
    said = store.info(url, **within(store))
    if said.get("type") == "directory":
        raise IsADirectoryError("it is a folder, not a file")
    return stored_file(store, url, said)


def stored_file(store: FileSystem, url: str, said: dict[str, Any]) -> StoredFile:
    """A file, as its store or a listing tells of it."""
    etag = next((said[name] for name in ("ETag", "etag", "md5Hash") if said.get(name)), None)
    return StoredFile(url, int(said["size"]), str(etag or store.ukey(url)))


def open_stored(file: StoredFile) -> io.BufferedReader:
    """A file to read from, and to seek in. What a read raises that cannot be repeated is OSError."""
    return io.BufferedReader(_Reader(file_system(file.url), file), _BLOCK_BYTES)


class _Reader(io.RawIOBase):
    """Reads a file in blocks, each asked for anew where it breaks: the packages do not do that themselves."""

    def __init__(self, store: FileSystem, file: StoredFile) -> None:
        super().__init__()
        self._store, self._file, self._at = store, file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.bytes}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), max(0, self._file.bytes - self._at))
        if count == 0:
            return 0
        block = self._block(self._at, self._at + count)
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)

    def _block(self, start: int, end: int) -> bytes:
        for remaining in reversed(range(_TRIES)):
            try:
                limit = within(self._store, end - start)
                block = self._store.cat_file(self._file.url, start=start, end=end, **limit)
            except Exception as error:  # noqa: BLE001 - each package raises what it likes
                if not remaining or is_permanent(error) or _hangs(error):
                    raise OSError(None, reason_in(error)) from None
            else:
                if len(block) == end - start:
                    return bytes(block)
        raise OSError(None, "it came shorter than it is said to be")


def within(store: FileSystem, size: int = 0) -> dict[str, Any]:
    """For how long a call may go on that moves so many bytes; only what has a loop of its own can be left."""
    return {"timeout": _LONGEST_S + size / _SLOWEST} if store.async_impl else {}


def _hangs(error: Exception) -> bool:
    """Whether a call was given up as `within` says; the packages had tried it a few times themselves by then."""
    from fsspec.exceptions import FSTimeoutError

    return isinstance(error, FSTimeoutError)


def file_system(url: str) -> FileSystem:
    """The file system of a URL; nothing is asked of it yet. Raises `UsageError` where a package for it is missing."""
    protocol = protocol_of(url)
    try:
        import fsspec

        store = fsspec.filesystem(protocol, **_options(protocol))
    except ImportError as error:
        extra = _EXTRAS.get(protocol, "s3")
        raise UsageError(
            f"{protocol}:// needs a package that is not installed ({error}); install batchgen[{extra}]"
        ) from None
    except Exception as error:  # noqa: BLE001 - each package raises what it likes
        raise UsageError(f"{protocol}:// cannot be used: {reason_in(error)}") from None
    if protocol == "s3":
        store.retries = 1  # s3fs tries five times what botocore has tried already: half an hour of silence
    return store


def _options(protocol: str) -> dict[str, Any]:
    """What has to be said otherwise than the packages take by default: s3fs signs in a way that many stores refuse."""
    if protocol != "s3":
        return {"use_listings_cache": False}
    from fsspec.config import conf

    told = conf.get("s3", {}).get("config_kwargs", {})
    return {"use_listings_cache": False, "config_kwargs": {"signature_version": "s3v4", **_PATIENCE, **told}}


def of_type(protocol: str, media_type: str) -> dict[str, Any]:
    """How the packages are told the type under which a file is given out."""
    if protocol == "s3":
        return {"ContentType": media_type}
    if protocol == "gs":
        return {"content_type": media_type}
    if protocol == "abfs":  # pragma: no cover - there is no Azure to test against
        from azure.storage.blob import ContentSettings

        return {"content_settings": ContentSettings(content_type=media_type)}
    return {}


def appears_whole(protocol: str) -> bool:
    """Whether a file is there only once it is whole: what is written of it before is not to be seen."""
    return protocol in _EXTRAS


def reason_in(error: BaseException) -> str:
    """What a package raised, in one line; nothing of a signed address, which may stand in it."""
    if isinstance(error, TimeoutError):
        return "it gives no answer in time"
    text = " ".join(str(error).split()) or type(error).__name__
    return text.partition("?")[0][:_LONGEST_REASON]


def is_denied(error: BaseException) -> bool:
    """Whether a store refuses who asks, rather than what is asked."""
    named = (f"{type(one).__name__} {one}" for one in (error, error.__cause__) if one is not None)
    return isinstance(error, PermissionError) or any(word in text for text in named for word in _DENIED)


def is_permanent(error: BaseException) -> bool:
    """Whether asking again is of no use: it is denied, or there is no such bucket."""
    return is_denied(error) or isinstance(error, FileNotFoundError | NotImplementedError | ValueError)

"""Fetches results: whole, checked, and never paid for again because a line broke.

A result goes to ``NAME.part`` until it is whole and is then renamed. A name belongs to one attempt, and
a note beside the part, ``NAME.part.json``, says which file on which server it is a part of, so that a later run
can go on where this one stopped; only where the server says by a validator, an ETag or a date, that it
still has that very file. Requests for results never carry the API key.
"""

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from batchgen.files import open_to_append
from batchgen.network import HTTP_SCHEMES, Network, NetworkError, RefusedAddress, Response
from batchgen.network_errors import is_not_connected, reason_of
from batchgen.store.interface import Fetched, FetchFailed

if sys.platform != "win32":
    import fcntl

MOST_BYTES = 4 * 1024**3
"""A larger file is not taken for a video of 15 seconds."""
_CHUNK = 256 * 1024
_TRIES = 5
_IN_USE_S = 1.0
_MOST_REDIRECTS = 5
_TOO_LARGE = f"the result is larger than {MOST_BYTES} bytes; it was not taken for a video"
_LENGTH = re.compile(r"[0-9]{1,15}")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15})\Z")
_EXPIRED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


@dataclass(frozen=True, slots=True)
class _Identity:
    """Which file a part is of: its address, its validator, and its length in bytes.

    ``place`` is the address without its query, which holds signatures and expires. A file of the same
    length is not the same file: without a validator nothing is gone on with.
    """

    place: str
    validator: str | None
    length: int | None

    @classmethod
    def of(cls, url: str, response: Response, length: int | None) -> "_Identity":
        """What an answer that has the whole file says of it; a weak ETag promises too little."""
        etag, changed = response.headers.get("ETag"), response.headers.get("Last-Modified")
        strong = etag if etag and not etag.startswith("W/") else None
        return cls(_place(url), strong or changed, length)


def _place(url: str) -> str:
    return url.partition("?")[0]


def fetch(network: Network, url: str, target: Path) -> Fetched:
    """Fetch a result to ``target``, whose folder exists; tries a few times and goes on after a break.

    No other attempt has the same target. Raises `FetchFailed` where it does not arrive whole, and
    OSError where it cannot be stored.
    """
    part = _Part(target)
    for remaining in reversed(range(_TRIES)):
        try:
            with part.opened() as file:
                _fill(network, url, part, file)
            return part.finish()
        except RefusedAddress:
            raise FetchFailed("the result's address is one of this machine; it was not opened") from None
        except NetworkError as error:
            if not remaining:
                # An address at which nobody answers may be one that was good yesterday.
                reason = f"the result did not arrive: {reason_of(error)}"
                raise FetchFailed(reason, expired=is_not_connected(error)) from None
        except _InUseError as error:
            if not remaining:
                raise FetchFailed(f"the result did not arrive: {error}") from None
            time.sleep(_IN_USE_S)
        except _TryAgainError as error:
            if not remaining:
                raise FetchFailed(f"the result did not arrive: {error}") from None
    raise AssertionError("the last try ends the loop")  # pragma: no cover


class _TryAgainError(Exception):
    """This try failed; the next may do better."""


class _InUseError(Exception):
    """Another thread is at the part."""


class _Part:
    """The file that a result goes into until it is whole."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self._digest = hashlib.sha256()
        self._came_before: bytes | None = None
        self.size = 0

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open at the end of what is there, with the hash brought up to it."""
        with open_to_append(self._path) as file:
            _keep_others_out(file)
            file.seek(0)
            self._digest = hashlib.sha256()
            self.size = 0
            while chunk := file.read(_CHUNK):
                self._digest.update(chunk)
                self.size += len(chunk)
            yield file
            file.flush()
            os.fsync(file.fileno())

    def identity(self) -> _Identity | None:
        """What the part is a part of, None where that was not kept or cannot be read."""
        try:
            kept = json.loads(self._note.read_text(encoding="utf-8"))
            place, validator, length = kept["place"], kept["validator"], kept["length"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not isinstance(place, str) or not isinstance(validator, str):
            return None
        return _Identity(place, validator, length if isinstance(length, int) else None)

    def begin(self, file: BinaryIO, identity: _Identity | None = None) -> None:
        """Start again from the first byte, of a file that is known by ``identity``."""
        file.truncate(0)
        self._digest = hashlib.sha256()
        self.size = 0
        self._note.unlink(missing_ok=True)
        if identity is not None:
            # "x" never opens what is there already, be it a link.
            with self._note.open("x", encoding="utf-8") as note:
                note.write(json.dumps(asdict(identity)))

    def add(self, file: BinaryIO, chunk: bytes) -> None:
        """Take in the next bytes."""
        if self.size + len(chunk) > MOST_BYTES:
            raise FetchFailed(_TOO_LARGE)
        file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def confirm(self) -> None:
        """Take a file whose end nobody announced for whole once it has come twice alike.

        Raises `_TryAgainError` before that.
        """
        came = self._digest.digest()
        if came != self._came_before:
            self._came_before = came
            raise _TryAgainError("no length was announced, and what came was another file each time")

    def finish(self) -> Fetched:
        """Give the whole file its name."""
        self._path.replace(self._target)
        self._note.unlink(missing_ok=True)
        return Fetched(self._target, self.size, self._digest.hexdigest())


def _keep_others_out(file: BinaryIO) -> None:
    """Take the part for as long as it is open: a run that was interrupted may still have a thread at it."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _InUseError("it is still being fetched by a run that has ended") from None


def _fill(network: Network, url: str, part: _Part, file: BinaryIO) -> None:
    """Ask for what is missing of a part, and add it. Returns when the part is whole."""
    known = part.identity() if part.size else None
    if known is not None and known.place != _place(url):
        known = None
    headers = {"Accept-Encoding": "identity"}
    if known is not None and known.validator is not None:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": known.validator}
    response = _follow(network, url, headers)
    try:
        length = _whole_length(url, response, part, file, known)
        for chunk in network.chunks(response):
            part.add(file, chunk)
        if length is not None and part.size != length:
            raise _TryAgainError(f"{part.size} of {length} bytes came")
        if not (response.chunked or _LENGTH.fullmatch(response.headers.get("Content-Length", ""))):
            # The end of the connection ended the file, and a line that breaks may look the same.
            part.confirm()
    finally:
        network.finish(response)


def _whole_length(url: str, response: Response, part: _Part, file: BinaryIO, known: _Identity | None) -> int | None:
    """Decide whether the answer goes on with the part or starts again; the length of the whole file."""
    if response.status == HTTPStatus.PARTIAL_CONTENT and known is not None:
        span = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if (
            span is not None
            and int(span[1]) == part.size
            and _is_same(known, _Identity.of(url, response, int(span[2])))
        ):
            return int(span[2])
        part.begin(file)
        raise _TryAgainError("the file on the server is not the one that was begun")
    if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and part.size:
        part.begin(file)
        raise _TryAgainError("the part is longer than the file on the server")
    if response.status in _EXPIRED:
        raise FetchFailed(f"the result's URL answers {response.status}", expired=True)
    if response.status != HTTPStatus.OK:
        raise _TryAgainError(f"the result's server answers {response.status}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        # It was not asked for. Length and ranges speak of the encoded file, of which nothing is kept.
        part.begin(file)
        return None
    stated = response.headers.get("Content-Length", "")
    length = int(stated) if _LENGTH.fullmatch(stated) else None
    if length is not None and length > MOST_BYTES:
        raise FetchFailed(_TOO_LARGE)
    part.begin(file, _Identity.of(url, response, length))
    return length


def _is_same(known: _Identity, said: _Identity) -> bool:
    """Whether what is gone on with is of the same file; an answer to ``If-Range`` need not repeat the validator."""
    same_length = known.length is None or known.length == said.length
    return same_length and said.validator in (None, known.validator)


def _follow(network: Network, url: str, headers: dict[str, str]) -> Response:
    """GET, through redirects; every address on the way has to be http or https."""
    for _ in range(_MOST_REDIRECTS + 1):
        if not _is_http(url):
            raise FetchFailed("the result's address is neither http nor https; it was not opened")
        response = network.request("GET", url, headers=headers)
        location = response.get_redirect_location()
        if not location:
            return response
        network.finish(response)
        try:
            url = urljoin(url, location)
        except ValueError:  # brackets that hold no IPv6 address
            raise FetchFailed("the result's URL leads to an address that cannot be read") from None
    raise FetchFailed(f"the result's URL leads through more than {_MOST_REDIRECTS} redirects")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no IPv6 address
        return False
    return parts.scheme in HTTP_SCHEMES and bool(parts.hostname)

"""The endpoints of uploads: take a file, and serve it for as long as its URL works."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from urllib.parse import urlsplit

from python_multipart.exceptions import FormParserError
from starlette.datastructures import QueryParams, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from batchgen.emulator.faults.kinds import Stage
from batchgen.emulator.faults.selector import FaultSelector
from batchgen.emulator.http.connection_faults import ClosedConnectionResponse
from batchgen.emulator.http.exchange import host_of, http_error, key_error, too_large, with_fault
from batchgen.emulator.http.logging_middleware import add_log_fields
from batchgen.emulator.http.openapi import UPLOAD_PATH
from batchgen.emulator.http.result_files import url_error
from batchgen.emulator.uploads import MAX_UPLOAD_SIZE, StoreFullError, Upload, UploadStore
from batchgen.emulator.video.references import FindUpload, UnreadableReferenceError

_FIELD = "file"
_MAX_FRAME = 64 * 1024
"""Bytes that a body may have beside the file."""
_MAX_FIELDS = 8
_MAX_AT_ONCE = 8
"""Files that arrive at the same time; each may take `MAX_UPLOAD_SIZE` of the disk until it is stored."""


class _TooLargeError(MultiPartException):
    """The body is longer than the largest file."""


class _BrokenOffError(MultiPartException):
    """The client went away while it sent."""


class UploadEndpoints:
    """Takes and serves files, on top of their store. ``lifetime`` of a URL is in seconds, ``now`` in Unix seconds."""

    def __init__(self, faults: FaultSelector, now: Callable[[], float], lifetime: float) -> None:
        """Start without files."""
        self._store = UploadStore()
        self._faults, self._now, self._lifetime = faults, now, lifetime
        self._arriving = asyncio.Semaphore(_MAX_AT_ONCE)
        # The store counts what all files take, and so keeps one at a time.
        self._keeping = asyncio.Lock()
        self._count = 0

    def close(self) -> None:
        """Remove all files."""
        self._store.close()

    async def take(self, request: Request) -> Response:
        """Keep the file of a form and answer with its URL."""
        refusal = key_error(request)
        if refusal:
            return refusal
        self._count += 1
        fault = self._faults.select_first(Stage.UPLOAD, "", self._count)
        try:
            upload = await self._read(request)
        except (MultiPartException, StoreFullError, OSError) as error:
            return _refusal(request, error)
        add_log_fields(request, upload=upload.name, body_bytes=upload.size, body_sha256=upload.sha256)
        url = f"http://{host_of(request)}{UPLOAD_PATH}/{upload.name}?expires={upload.expires:.3f}"
        return await with_fault(request, fault, {"url": url})

    async def _read(self, request: Request) -> Upload:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise MultiPartException("the Content-Type is another one")
        parser = MultiPartParser(
            request.headers, _bounded(request), max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FRAME
        )
        async with self._arriving:
            try:
                form = await parser.parse()
            except FormParserError as error:  # as versions of Starlette leave it
                raise MultiPartException(str(error)) from None
            try:
                return await self._keep(form.get(_FIELD))
            finally:
                await form.close()

    async def _keep(self, file: UploadFile | str | None) -> Upload:
        if not isinstance(file, UploadFile):
            raise MultiPartException("there is none")
        if (file.size or 0) > MAX_UPLOAD_SIZE:
            raise _TooLargeError("")
        async with self._keeping:
            name = file.filename or ""
            return await asyncio.to_thread(self._store.add, file.file, name, self._now(), self._lifetime)

    async def serve(self, request: Request) -> Response:
        """Send a file. Needs no key, like a CDN."""
        upload = self._store.find(request.path_params["name"], self._now())
        error = url_error(request.query_params.get("expires", ""), self._now())
        if error:
            return error
        return FileResponse(upload.path) if upload else http_error(404, "there is no such file")

    def finder(self, request: Request) -> FindUpload:
        """Finds the uploads that URLs in a request name."""
        host = host_of(request)
        return lambda url: self._find(url, host)

    def _find(self, url: str, host: str) -> Upload | None:
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        if parts.netloc != host or not parts.path.startswith(f"{UPLOAD_PATH}/"):
            return None
        upload = self._store.find(parts.path.removeprefix(f"{UPLOAD_PATH}/"), self._now())
        if upload is None or url_error(QueryParams(parts.query).get("expires", ""), self._now()):
            raise UnreadableReferenceError
        return upload


def _refusal(request: Request, error: MultiPartException | StoreFullError | OSError) -> Response:
    """The response to a file that is not kept."""
    match error:
        case _TooLargeError():
            return too_large()
        case _BrokenOffError():
            add_log_fields(request, broken_off=True)
            return ClosedConnectionResponse(reset=False)
        case MultiPartException():
            return http_error(400, f"a form with a file in the field {_FIELD!r} is expected: {error.message}")
        case StoreFullError():
            return http_error(507, "there is no room for more files")
        case OSError():
            return http_error(500, f"the file cannot be written: {error.strerror}")


async def _bounded(request: Request) -> AsyncGenerator[bytes, None]:
    """The body, as far as it is not too large. Raises `_TooLargeError`, `_BrokenOffError`."""
    most, size = MAX_UPLOAD_SIZE + _MAX_FRAME, 0
    if int(request.headers.get("content-length", "0")) > most:
        raise _TooLargeError("")
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                raise _TooLargeError("")
            yield piece
    except ClientDisconnect:
        raise _BrokenOffError("") from None

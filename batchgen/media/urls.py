"""Asks web servers about references that only the provider will open."""

from dataclasses import dataclass
from email.message import Message
from io import BufferedIOBase, BytesIO

import httpx

from batchgen.media.probe import UnusableMedia

_TIMEOUT_S = 15.0
_MOST_REDIRECTS = 5
_MIME_FORMATS = {
    "audio/mpeg": "mp3",
    "audio/vnd.wave": "wav",
    "audio/x-wav": "wav",
    "image/jpg": "jpeg",
    "image/x-ms-bmp": "bmp",
    "video/quicktime": "mov",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says of a file: MIME type and size in bytes, None where it does not say.

    ``status`` is the HTTP status of the last answer, after redirects.
    """

    status: int
    mime: str | None
    bytes: int | None

    def facts(self) -> dict[str, str | int]:
        """The answer in the words of the media schemas, as far as it goes."""
        facts: dict[str, str | int] = {}
        kind, _, subtype = (self.mime or "").partition("/")
        if kind in ("image", "video", "audio"):
            facts = {"kind": kind, "format": _MIME_FORMATS.get(self.mime or "", subtype)}
        if self.bytes is not None:
            facts["bytes"] = self.bytes
        return facts


def client() -> httpx.Client:
    """A client for `ask` and `fetch`, to be closed by its user; safe to share between threads."""
    return httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True, max_redirects=_MOST_REDIRECTS)


def ask(http: httpx.Client, url: str) -> Answer:
    """Ask for status, type and length with HEAD. Raises `UnusableMedia` where no answer comes."""
    try:
        response = http.head(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnusableMedia(f"cannot be reached: {error}") from None
    header = Message()
    header["content-type"] = response.headers.get("content-type", "application/octet-stream")
    length = response.headers.get("content-length", "")
    stated = header.get_content_type() if "content-type" in response.headers else None
    return Answer(response.status_code, stated, int(length) if length.isdecimal() else None)


def fetch(http: httpx.Client, url: str, length: int) -> BufferedIOBase:
    """Fetch a file of the announced length into memory. Raises `UnusableMedia` where it differs."""
    content = bytearray()
    try:
        with http.stream("GET", url) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > length:
                    break
    except httpx.HTTPError as error:
        raise UnusableMedia(f"cannot be fetched: {error}") from None
    if len(content) != length:
        raise UnusableMedia(f"was announced with {length} bytes and came with another number")
    return BytesIO(bytes(content))

"""Asks web servers about references that only the provider will open."""

import re
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from io import BufferedIOBase, BytesIO
from urllib.parse import urljoin, urlsplit

from batchgen.media.decoding import UnusableMedia
from batchgen.network import HTTP_SCHEMES, Network, NetworkError, Response

_CONNECT_S = 10
_SILENCE_S = 15
_CONNECTIONS = 8
_MOST_REDIRECTS = 5
_LENGTH = re.compile(r"[0-9]{1,15}")
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


def network() -> Network:
    """Connections for `ask` and `fetch`, to be closed by their user."""
    return Network(_CONNECTIONS, connect_s=_CONNECT_S, silence_s=_SILENCE_S)


def ask(connections: Network, url: str) -> Answer:
    """Ask for status, type and length with HEAD. Raises `UnusableMedia` where no answer comes."""
    try:
        response = _follow(connections, "HEAD", url)
        connections.finish(response)
    except NetworkError as error:
        raise UnusableMedia(f"cannot be reached: {_reason(error)}") from None
    except ValueError as error:
        raise UnusableMedia(f"leads to an address that cannot be read: {error}") from None
    stated = None
    if "content-type" in response.headers:
        header = Message()
        header["content-type"] = response.headers["content-type"]
        stated = header.get_content_type()
    length = response.headers.get("content-length", "")
    return Answer(response.status, stated, int(length) if _LENGTH.fullmatch(length) else None)


def fetch(connections: Network, url: str, length: int) -> BufferedIOBase:
    """Fetch a file of the announced length into memory. Raises `UnusableMedia` where it differs."""
    content = bytearray()
    try:
        response = _follow(connections, "GET", url)
        try:
            if response.status != HTTPStatus.OK:
                raise UnusableMedia(f"cannot be fetched: its server answers {response.status}")
            for chunk in connections.chunks(response):
                content += chunk
                if len(content) > length:
                    break
        finally:
            connections.finish(response)
    except NetworkError as error:
        raise UnusableMedia(f"cannot be fetched: {_reason(error)}") from None
    except ValueError as error:
        raise UnusableMedia(f"leads to an address that cannot be read: {error}") from None
    if len(content) != length:
        raise UnusableMedia(f"was announced with {length} bytes and came with another number")
    return BytesIO(bytes(content))


def _follow(connections: Network, method: str, url: str) -> Response:
    for _ in range(_MOST_REDIRECTS + 1):
        response = connections.request(method, url)
        location = response.get_redirect_location()
        if not location:
            return response
        connections.finish(response)
        url = urljoin(url, location)
        if urlsplit(url).scheme not in HTTP_SCHEMES:
            raise UnusableMedia("leads to an address that is neither http nor https")
    raise UnusableMedia(f"leads through more than {_MOST_REDIRECTS} redirects")


def _reason(error: NetworkError) -> str:
    """The cause without the addresses of Python objects that urllib3 puts before it."""
    return str(error).rpartition(">: ")[2] or type(error).__name__

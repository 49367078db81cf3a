"""Reads a request body of hundreds of megabytes in little memory.

A body is JSON with a few very long strings, the data URIs of local files. The reader decodes and
hashes these while they arrive, into temporary files. It keeps a small *reduced* body, in which a
placeholder replaces each payload. To parse it and to check it against the request schema is fast,
whatever the size of the request.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchgen.emulator.data_uri import Payload

MAX_BODY_SIZE = 512 * 1024 * 1024
"""Bytes. Three videos and two images of the documented sizes make 427 MiB."""
_MAX_REDUCED_SIZE = 16 * 1024 * 1024
_MIN_PAYLOAD_SIZE = 64 * 1024
_MAX_URI_HEAD = 300
"""The comma of a data URI is within that many bytes."""
_QUOTE, _ESCAPE = b'"', b"\\"
_INVALID_BASE64 = b"!"
"""Replaces a payload that is not base64; no schema accepts it."""


class BodyTooLargeError(Exception):
    """The body is longer than the emulator accepts."""


@dataclass(frozen=True, slots=True)
class ParsedBody:
    """A body that has been read. ``payloads`` by the placeholders that replace them."""

    size: int
    sha256: str
    document: Any
    payloads: Mapping[str, Payload]

    def close(self) -> None:
        """Release all payloads."""
        for payload in self.payloads.values():
            payload.close()


class BodyReader:
    """Reads a body piece by piece: `feed` each piece, then `finish`."""

    def __init__(self, max_size: int = MAX_BODY_SIZE) -> None:
        """Start without data; ``max_size`` is in bytes."""
        self.size = 0
        self._max_size = max_size
        self._digest = hashlib.sha256()
        self._reduced = bytearray()
        self._string: bytearray | None = None
        self._escaped = False
        self._payload: Payload | None = None
        self._payloads: dict[str, Payload] = {}
        # Random, so that a client cannot send a string that passes for a placeholder.
        self._placeholder_prefix = secrets.token_hex(16)

    def check_size(self, size: int) -> None:
        """Check the size of the body, announced or read so far. Raises `BodyTooLargeError`."""
        if size > self._max_size:
            raise BodyTooLargeError

    def feed(self, data: bytes) -> None:
        """Read the next piece. Raises `BodyTooLargeError`."""
        self.size += len(data)
        self.check_size(self.size)
        self._digest.update(data)
        position = 0
        while position < len(data):
            position = (
                self._read_structure(data, position) if self._string is None else self._read_string(data, position)
            )
        if len(self._reduced) + len(self._string or b"") > _MAX_REDUCED_SIZE:
            raise BodyTooLargeError

    def finish(self) -> ParsedBody:
        """Parse the whole body. Raises ValueError if it is not JSON."""
        try:
            document = json.loads(self._reduced, parse_constant=_reject_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        return ParsedBody(self.size, self._digest.hexdigest(), document, self._payloads)

    def close(self) -> None:
        """Release all payloads, after a body that did not arrive or is not JSON."""
        for payload in self._payloads.values():
            payload.close()

    def _read_structure(self, data: bytes, position: int) -> int:
        end = data.find(_QUOTE, position)
        if end < 0:
            self._reduced += data[position:]
            return len(data)
        self._reduced += data[position:end]
        self._string = bytearray()
        return end + 1

    def _read_string(self, data: bytes, position: int) -> int:
        """Read a string up to its end, or to the end of the piece; return the position after it."""
        quote = escape = position - 1
        while position < len(data):
            if self._escaped:
                self._append(_ESCAPE + data[position : position + 1])
                self._escaped = False
                position += 1
                continue
            # Search for each of them again only after its position: no byte is scanned twice.
            quote = _find(data, _QUOTE, position) if quote < position else quote
            escape = _find(data, _ESCAPE, position) if escape < position else escape
            end = min(quote, escape)
            self._append(data[position:end])
            position = end + 1
            self._escaped = end == escape < len(data)
            if end == quote < len(data):
                self._end_string()
                return position
        return position

    def _append(self, text: bytes) -> None:
        if self._payload is not None:
            self._payload.feed(_SLASH if text == _ESCAPED_SLASH else text)
            return
        string = self._string if self._string is not None else bytearray()
        string += text
        comma = string.find(b";base64,", 0, _MAX_URI_HEAD) if len(string) > _MIN_PAYLOAD_SIZE else -1
        if comma > 0 and string.startswith(b"data:"):
            start = comma + len(b";base64,")
            self._payload = Payload()
            self._payloads[f"{self._placeholder_prefix}{len(self._payloads):04d}"] = self._payload
            self._payload.feed(bytes(string[start:]).replace(_ESCAPED_SLASH, _SLASH))
            del string[start:]

    def _end_string(self) -> None:
        string = bytes(self._string or b"")
        if self._payload is not None:
            self._payload.finish()
            string += _INVALID_BASE64 if self._payload.invalid else next(reversed(self._payloads)).encode()
        self._reduced += _QUOTE + string + _QUOTE
        self._string = None
        self._payload = None


# Some JSON encoders escape the slash, which is a character of base64.
_SLASH, _ESCAPED_SLASH = b"/", b"\\/"


def _find(data: bytes, byte: bytes, position: int) -> int:
    """The next position of the byte; the length of the piece if there is none."""
    found = data.find(byte, position)
    return len(data) if found < 0 else found


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")

"""Reads a request body of hundreds of megabytes in little memory.

A body is JSON with a few very long strings in it, the data URIs of local files. Those are decoded,
counted and hashed while they arrive, into files without a name; what remains is a small *skeleton*
in which a stand-in takes the place of each. Parsing it and checking it against the request schema
is then quick, whatever was sent.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchgen.emulator.data_uri import Payload

LONGEST_BODY = 512 * 1024 * 1024
"""Bytes. Three videos and two images of the documented sizes make 427 MiB."""
_LONGEST_SKELETON = 16 * 1024 * 1024
_SHORTEST_PAYLOAD = 64 * 1024
_HEAD = 300
"""A data URI has its comma within that many bytes."""
_QUOTE, _ESCAPE = b'"', b"\\"
_BAD = b"!"
"""Stands for a payload that is not base64; no schema takes it for one."""


class TooLargeError(Exception):
    """The body is longer than the emulator takes."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that has been read. ``payloads`` by the stand-in that takes their place."""

    size: int
    sha256: str
    document: Any
    payloads: Mapping[str, Payload]

    def close(self) -> None:
        """Let go of all payloads."""
        for payload in self.payloads.values():
            payload.close()


class BodyReader:
    """Takes a body piece by piece."""

    def __init__(self, longest: int = LONGEST_BODY) -> None:
        """Start before the first byte; ``longest`` in bytes."""
        self.size = 0
        self._longest = longest
        self._digest = hashlib.sha256()
        self._skeleton = bytearray()
        self._string: bytearray | None = None
        self._escaped = False
        self._payload: Payload | None = None
        self._payloads: dict[str, Payload] = {}
        # Nobody can send what stands for a payload, because nobody can know it.
        self._mark = secrets.token_hex(16)

    def expect(self, size: int) -> None:
        """Hear how long the body will be. Raises `TooLargeError`."""
        if size > self._longest:
            raise TooLargeError

    def feed(self, data: bytes) -> None:
        """Take the next piece. Raises `TooLargeError`."""
        self.size += len(data)
        self.expect(self.size)
        self._digest.update(data)
        position = 0
        while position < len(data):
            position = self._outside(data, position) if self._string is None else self._inside(data, position)
        if len(self._skeleton) + len(self._string or b"") > _LONGEST_SKELETON:
            raise TooLargeError

    def finish(self) -> Body:
        """The body as a whole. Raises ValueError where it is not JSON."""
        try:
            document = json.loads(self._skeleton, parse_constant=_no_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        return Body(self.size, self._digest.hexdigest(), document, self._payloads)

    def close(self) -> None:
        """Let go of all payloads, after a body that did not arrive or was no JSON."""
        for payload in self._payloads.values():
            payload.close()

    def _outside(self, data: bytes, position: int) -> int:
        end = data.find(_QUOTE, position)
        if end < 0:
            self._skeleton += data[position:]
            return len(data)
        self._skeleton += data[position:end]
        self._string = bytearray()
        return end + 1

    def _inside(self, data: bytes, position: int) -> int:
        """Take the string from there up to its end, or the end of the piece."""
        quote = escape = position - 1
        while position < len(data):
            if self._escaped:
                self._take(_ESCAPE + data[position : position + 1])
                self._escaped = False
                position += 1
                continue
            # Each is searched for again only once it has been passed: no byte is looked at twice.
            quote = _found(data, _QUOTE, position) if quote < position else quote
            escape = _found(data, _ESCAPE, position) if escape < position else escape
            end = min(quote, escape)
            self._take(data[position:end])
            position = end + 1
            self._escaped = end == escape < len(data)
            if end == quote < len(data):
                self._end_string()
                return position
        return position

    def _take(self, text: bytes) -> None:
        if self._payload is not None:
            self._payload.feed(_SLASH if text == _ESCAPED_SLASH else text)
            return
        string = self._string if self._string is not None else bytearray()
        string += text
        comma = string.find(b";base64,", 0, _HEAD) if len(string) > _SHORTEST_PAYLOAD else -1
        if comma > 0 and string.startswith(b"data:"):
            start = comma + len(b";base64,")
            self._payload = Payload()
            self._payloads[f"{self._mark}{len(self._payloads):04d}"] = self._payload
            self._payload.feed(bytes(string[start:]).replace(_ESCAPED_SLASH, _SLASH))
            del string[start:]

    def _end_string(self) -> None:
        string = bytes(self._string or b"")
        if self._payload is not None:
            self._payload.finish()
            string += _BAD if self._payload.invalid else next(reversed(self._payloads)).encode()
        self._skeleton += _QUOTE + string + _QUOTE
        self._string = None
        self._payload = None


# Some writers of JSON escape the slash, which is a character of base64.
_SLASH, _ESCAPED_SLASH = b"/", b"\\/"


def _found(data: bytes, byte: bytes, position: int) -> int:
    """Where the byte is next; the length of the piece if it is not."""
    found = data.find(byte, position)
    return len(data) if found < 0 else found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")

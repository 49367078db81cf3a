"""The API key: kept in memory, sent in a header, written nowhere. Pure."""

import json
import re
from urllib.parse import quote

from batchgen.errors import UsageError


class ApiKey:
    """A key that is in memory only: whatever prints it shows that there is one, and nothing else."""

    __slots__ = ("_key", "_spellings")

    def __init__(self, key: str) -> None:
        """Check the key for its form. Raises `UsageError`, which does not show it."""
        stripped = key.strip()
        if not stripped or not stripped.isascii() or not stripped.isprintable() or " " in stripped:
            raise UsageError("the API key is empty or has characters that no key has")
        self._key = stripped
        self._spellings = _spellings(stripped)

    def header(self) -> str:
        """The value of the header that carries it."""
        return f"Bearer {self._key}"

    def taken_out_of(self, content: bytes) -> bytes:
        """The content with the key struck out, should a gateway repeat it to us, in any usual spelling."""
        for spelling in self._spellings:
            content = content.replace(spelling, STRUCK_OUT)
        if b"\\" in content:
            # JSON may write any character as an escape: those that a key can have are undone first.
            content = _ESCAPE.sub(_unescaped, content)
            for spelling in self._spellings:
                content = content.replace(spelling, STRUCK_OUT)
        return content

    def taken_out_of_text(self, text: str) -> str:
        """The same for a message, which may quote what a gateway sent."""
        return self.taken_out_of(text.encode("utf-8", "backslashreplace")).decode()

    def __repr__(self) -> str:
        return "ApiKey(…)"

    def __reduce__(self) -> str:
        raise TypeError("an API key is not written anywhere")


STRUCK_OUT = b"***"
"""What stands in place of the key."""
_SHORTEST_STRUCK_OUT = 8
"""A shorter key, which no provider gives out, could be part of any word of an answer."""
_ESCAPE = re.compile(rb"\\(?:u00([2-7][0-9A-Fa-f])|(.))", re.DOTALL)


def _spellings(key: str) -> tuple[bytes, ...]:
    """The key as it is, and as JSON, URLs and Python's messages write it."""
    if len(key) < _SHORTEST_STRUCK_OUT:
        return ()
    quoted = quote(key, safe="")
    found = [key, json.dumps(key)[1:-1], repr(key)[1:-1], quoted, re.sub("%..", lambda hit: hit[0].lower(), quoted)]
    return tuple(spelling.encode("ascii") for spelling in dict.fromkeys(found))


def _unescaped(found: re.Match[bytes]) -> bytes:
    """An escape of JSON as the character it stands for, where that needs no escape."""
    character = bytes.fromhex(found[1].decode()) if found[1] else found[2]
    if character in (b'"', b"\\"):
        return b"\\" + character
    return character if found[1] or character == b"/" else found[0]

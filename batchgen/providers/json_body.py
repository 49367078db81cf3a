"""Request bodies that are written while they are sent.

Local references go into the JSON as base64 data URIs, straight from their files: a body of
400 MB takes no more memory than one of a few kilobytes. The length is known beforehand, and the
last piece of a file is held back until the whole file has proved to be the one that was measured,
so that a file that changed never becomes a complete request.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from io import BufferedReader
from types import TracebackType
from typing import Self, TypeAlias

from batchgen.contents import opened, pieces
from batchgen.references import Content, Reference

_CHUNK = 3 * 64 * 1024
"""Bytes read at a time: divisible by 3, so that pieces of base64 join without padding."""
_Piece: TypeAlias = bytes | Content


class JsonBody:
    """The body of one request, as an iterable of bytes of known ``length``; a context manager.

    Raises `ReferenceChanged` of `batchgen.contents` on entering where a file is missing or has another size than
    measured, and while iterating where its content turns out to be another.
    """

    def __init__(self, document: object) -> None:
        """Lay out the body of a document that may hold `Reference`; no file is opened yet."""
        self._pieces = list(_joined(_pieces(document)))
        self._files: dict[int, BufferedReader] = {}
        self._stack = ExitStack()
        self.length = sum(len(piece) if isinstance(piece, bytes) else _encoded_length(piece) for piece in self._pieces)

    def __enter__(self) -> Self:
        """Open every file that goes into the body."""
        with ExitStack() as stack:
            for index, piece in enumerate(self._pieces):
                if not isinstance(piece, bytes):
                    self._files[index] = stack.enter_context(opened(piece))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files."""
        self._stack.close()

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, in pieces of a few hundred kilobytes at the most."""
        for index, piece in enumerate(self._pieces):
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from _encoded(self._files[index], piece)


def _pieces(value: object) -> Iterator[_Piece]:
    """JSON, with the content of local files left open."""
    if isinstance(value, Reference):
        content = value.content
        if content is None or not content.is_file:
            yield json.dumps(value.source).encode()
        else:
            yield f'"data:{content.mime};base64,'.encode()
            yield content
            yield b'"'
    elif isinstance(value, dict):
        for position, (key, item) in enumerate(value.items()):
            yield (b"," if position else b"{") + json.dumps(key).encode() + b":"
            yield from _pieces(item)
        yield b"}" if value else b"{}"
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield b"," if position else b"["
            yield from _pieces(item)
        yield b"]" if value else b"[]"
    else:
        yield json.dumps(value).encode()


def _joined(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """Neighbouring bytes as one piece."""
    pending = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            pending += piece
        else:
            yield pending
            yield piece
            pending = b""
    yield pending


def _encoded_length(content: Content) -> int:
    return 4 * ((content.facts.bytes + 2) // 3)


def _encoded(file: BufferedReader, content: Content) -> Iterator[bytes]:
    """Base64 of a file; the last piece only once the whole has proved to be what was measured."""
    return map(base64.b64encode, pieces(file, content, _CHUNK))

"""The body of a form with one file in it, written while it is sent."""

import secrets
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from batchgen.contents import opened, pieces, public_name
from batchgen.references import Content


class FormBody:
    """The body of one upload, as an iterable of bytes of known ``length`` and ``mime`` type; a context manager.

    Raises `ReferenceChanged` of `batchgen.contents` on entering where the file is missing or has another size than
    measured, and while iterating where its content turns out to be another: such a body never ends.
    """

    def __init__(self, field: str, content: Content) -> None:
        """Lay out the body; the file is not opened yet."""
        boundary = secrets.token_hex(16)
        named = f'name="{field}"; filename="{public_name(content)}"'
        head = f"--{boundary}\r\nContent-Disposition: form-data; {named}\r\nContent-Type: {content.mime}\r\n\r\n"
        self._content = content
        self._head, self._tail = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        self.mime = f"multipart/form-data; boundary={boundary}"
        self.length = len(self._head) + content.facts.bytes + len(self._tail)

    def __enter__(self) -> Self:
        """Open the file."""
        self._file = opened(self._content)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, in pieces of a few hundred kilobytes at the most."""
        yield self._head
        yield from pieces(self._file, self._content)
        yield self._tail

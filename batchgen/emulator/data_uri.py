"""Decodes the base64 content of data URIs piece by piece."""

import binascii
import hashlib
import tempfile
from typing import IO

_MAX_IN_MEMORY = 1024 * 1024


class Payload:
    """The decoded content of a data URI. The owner has to call `close`."""

    def __init__(self) -> None:
        """Start with no content."""
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(_MAX_IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self.size = 0
        self.invalid = False
        self._digest = hashlib.sha256()
        self._pending = b""
        self._padded = False

    @property
    def sha256(self) -> str:
        """The hash of the decoded content, in hexadecimal digits."""
        return self._digest.hexdigest()

    def feed(self, text: bytes) -> None:
        """Decode the next piece of base64."""
        text = self._pending + text
        complete = len(text) // 4 * 4
        self._pending = text[complete:]
        self._decode(text[:complete])

    def finish(self) -> None:
        """Decode the last piece; its padding is optional."""
        if self._pending:
            self._decode(self._pending + b"=" * (-len(self._pending) % 4))
        self.file.seek(0)

    def close(self) -> None:
        """Release the content."""
        self.file.close()

    def _decode(self, text: bytes) -> None:
        if not text or self.invalid:
            return
        # Nothing may follow the padding, and `a2b_base64` sees one piece at a time.
        self.invalid = self._padded
        self._padded = text.endswith(b"=")
        try:
            content = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            self.invalid = True
            return
        self.size += len(content)
        self._digest.update(content)
        self.file.write(content)

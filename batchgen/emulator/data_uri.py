"""Decodes the base64 content of data URIs piece by piece."""

import binascii
import hashlib
import tempfile
from typing import IO

_IN_MEMORY = 1024 * 1024


class Payload:
    """The decoded content of a data URI; close it."""

    def __init__(self) -> None:
        """Start with nothing decoded."""
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self.size = 0
        self.broken = False
        self._digest = hashlib.sha256()
        self._rest = b""
        self._padded = False

    @property
    def sha256(self) -> str:
        """The hash of what was decoded, in hexadecimal digits."""
        return self._digest.hexdigest()

    def feed(self, text: bytes) -> None:
        """Decode some more base64."""
        text = self._rest + text
        whole = len(text) // 4 * 4
        self._rest = text[whole:]
        self._decode(text[:whole])

    def finish(self) -> None:
        """Decode what is left; padding may have been left out."""
        if self._rest:
            self._decode(self._rest + b"=" * (-len(self._rest) % 4))
        self.file.seek(0)

    def close(self) -> None:
        """Let go of the content."""
        self.file.close()

    def _decode(self, text: bytes) -> None:
        if not text or self.broken:
            return
        # Nothing may follow the padding, and a block cannot know what came before it.
        self.broken = self._padded
        self._padded = text.endswith(b"=")
        try:
            content = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            self.broken = True
            return
        self.size += len(content)
        self._digest.update(content)
        self.file.write(content)

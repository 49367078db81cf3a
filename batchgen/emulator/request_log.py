"""The request log: requests, their responses and the changes of tasks, as JSON Lines.

Append-only and flushed line by line, so that a test can read it while the emulator runs. No header
is logged, and so no key; references appear as sizes and hashes.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from batchgen.errors import UsageError


class RequestLog:
    """A log in one file; without a path, nothing is logged."""

    def __init__(self, path: Path | None) -> None:
        """Open the file to append. Raises `UsageError`."""
        self._file: IO[str] | None = None
        self._number = 0
        if path is None:
            return
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"log {path} cannot be written: {error.strerror}") from None

    def write(self, event: str, **fields: Any) -> None:
        """Append an object with a number, the time, the event and the fields."""
        if self._file is None:
            return
        self._number += 1
        entry = {"number": self._number, "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        self._file.write(json.dumps({**entry, **fields}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

"""What lies in the object store that the results of a run directory go to, as it was seen last.

A file that may be deleted: a run, and a report, look there and write it anew. So that whoever asks nobody, as
``status`` does, knows which results are there.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from batchgen.layout import OUTPUT, RESULTS

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file as it lies there: its size in bytes, what it changes with, and the SHA-256 of its content.

    The hash is empty where nobody has compared the content yet: it was found there.
    """

    bytes: int
    etag: str
    sha256: str = ""


@dataclass(slots=True)
class OutputIndex:
    """The files below ``url``, the folder of a run directory in an object store, by their names from there."""

    url: str
    files: dict[str, Uploaded] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "OutputIndex | None":
        """What is known of a run directory; None where its results go nowhere, or nothing is known."""
        try:
            found = json.loads((folder / OUTPUT).read_text(encoding="utf-8"))
            files = {str(name): Uploaded(**each) for name, each in found["files"].items()}
            return cls(str(found["url"]), files) if found["version"] == _VERSION else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # a file that may be deleted may be anything

    def save(self, folder: Path) -> None:
        """Write it, whole or not at all; not made durable, since it can be made again. Raises OSError."""
        files = {name: asdict(each) for name, each in sorted(self.files.items())}
        temporary = folder / f".batchgen-{secrets.token_hex(8)}"
        try:
            temporary.write_text(json.dumps({"version": _VERSION, "url": self.url, "files": files}), encoding="utf-8")
            temporary.replace(folder / OUTPUT)
        finally:
            temporary.unlink(missing_ok=True)

    def has(self, name: str, sha256: str) -> bool:
        """Whether a result is there, as far as is known: with that content, or with one that nobody has compared."""
        found = self.files.get(name)
        return found is not None and (found.sha256 == sha256 or (not found.sha256 and name.startswith(f"{RESULTS}/")))

    def is_certain(self, name: str, sha256: str) -> bool:
        """Whether a file is there with that very content."""
        found = self.files.get(name)
        return found is not None and found.sha256 == sha256

    def url_of(self, name: str, sha256: str | None) -> str | None:
        """The URL of a file, None where it is not there."""
        return f"{self.url}/{name}" if sha256 and self.has(name, sha256) else None

    def seen(self, listed: Iterable[tuple[str, int, str]]) -> list[str]:
        """Take in a listing: names with sizes and what files change with. What has not changed keeps its hash.

        The names of those whose content was known, and may be another one by now.
        """
        before, self.files = self.files, {}
        for name, size, etag in listed:
            known = before.get(name)
            same = known is not None and (known.bytes, known.etag) == (size, etag)
            self.files[name] = known if known is not None and same else Uploaded(size, etag)
        return [name for name, one in self.files.items() if name in before and before[name].sha256 and not one.sha256]

    def is_doubtful(self, name: str) -> bool:
        """Whether a file is there whose content nobody has compared."""
        found = self.files.get(name)
        return found is not None and not found.sha256

    def looks_alike(self, one: str, other: str) -> bool:
        """Whether two files are there that have the same size, and change with the same: a copy keeps that often."""
        first, second = self.files.get(one), self.files.get(other)
        return first is not None and second is not None and (first.bytes, first.etag) == (second.bytes, second.etag)

"""Results in the run directory itself."""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from batchgen.files import sync_folder
from batchgen.layout import RESULTS, result_path
from batchgen.limits import RESULT_CONNECT_S
from batchgen.store.interface import Checked, FetchFailed, Wanted, Work
from batchgen.store.links import digest, link_or_copy, make_read_only, put_aside
from batchgen.store.posters import Posters

if TYPE_CHECKING:
    from batchgen.network import Network


@dataclass(frozen=True, slots=True)
class Limits:
    """How results are asked for: connections at once, seconds, and whether this machine's own addresses are refused."""

    connections: int = 8
    connect_s: float = RESULT_CONNECT_S
    silence_s: float = 60.0
    outside: bool = False


def _connected(limits: Limits) -> "Network":
    from batchgen.network import Network

    return Network(limits.connections, connect_s=limits.connect_s, silence_s=limits.silence_s, outside=limits.outside)


_of_process = cache(_connected)
"""The connections of a process that does work for another one; kept from one result to the next."""


@dataclass(frozen=True, slots=True)
class LocalWork:
    """Fetches a result to a temporary name that no other attempt has, checks it, and makes its pictures.

    ``folder`` is the run directory, where there may be pictures of the same video. ``network`` stays behind where it is
    pickled: another process has connections of its own.
    """

    wanted: Wanted
    target: Path
    folder: Path
    limits: Limits
    network: "Network | None" = field(default=None, compare=False, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        return LocalWork, (self.wanted, self.target, self.folder, self.limits)

    def __call__(self) -> Checked:
        """Do it; as `Work`."""
        from batchgen.media.decoding import UnusableMedia
        from batchgen.store.check import check
        from batchgen.store.fetch import fetch

        self.target.parent.mkdir(exist_ok=True)
        fetched = fetch(self.network or _of_process(self.limits), self.wanted.url, self.target)
        try:
            return check(fetched, self.wanted, is_pictured=Posters(self.folder).has(fetched.sha256))
        except UnusableMedia as error:
            # Damaged is not wrong: it is bought, and comes whole from another address perhaps.
            fetched.path.unlink(missing_ok=True)
            raise FetchFailed(f"what arrived is not a video that decodes: it {error}", expired=True) from None


class LocalStore:
    """Keeps each result as ``results/SCENE@N.mp4`` below the run directory, and none ever in place of another."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Touch nothing yet."""
        self.folder = folder
        self._limits = limits
        self._network: Network | None = None
        self._connecting = Lock()

    def work(self, wanted: Wanted) -> Work:
        """Fetch to ``results/SCENE@N.fetched``, and check it there."""
        target = self.folder / RESULTS / f"{wanted.scene_id}@{wanted.attempt}.fetched"
        with self._connecting:
            self._network = self._network or _connected(self._limits)
        return LocalWork(wanted, target, self.folder, self._limits, self._network)

    def keep(self, wanted: Wanted, checked: Checked) -> str:
        """Give a result its final name, relative to the run directory, where nobody writes to it. Raises OSError.

        Its pictures are kept as well, as far as that succeeds: they are made again where they are missing.
        """
        if checked.pictures is not None:
            with suppress(OSError):
                Posters(self.folder).keep(checked.fetched.sha256, checked.pictures)
        name = result_path(wanted.scene_id, wanted.attempt)
        target = self.folder / name
        if digest(target) == checked.fetched.sha256:  # kept by a run that was killed before it wrote that down
            checked.fetched.path.unlink()
            return name
        put_aside(target)
        make_read_only(checked.fetched.path)
        checked.fetched.path.rename(target)
        sync_folder(target.parent)
        return name

    def link(self, source: Path, name: str, sha256: str) -> bool:
        """Have a file that lies elsewhere as the result of that name as well; whether it is the one of that hash.

        Raises OSError.
        """
        target = self.folder / name
        if digest(target) == sha256:
            return True
        if digest(source) != sha256:
            return False
        target.parent.mkdir(exist_ok=True)
        put_aside(target)
        link_or_copy(source, target)
        make_read_only(target)
        sync_folder(target.parent)
        return True

    def has(self, name: str) -> bool:
        """Whether a result is still there."""
        return (self.folder / name).is_file()

    def holds(self, name: str, sha256: str) -> bool:
        """Whether it is there, and the one of that hash."""
        return digest(self.folder / name) == sha256

    def open(self, name: str) -> BinaryIO:
        """Open a result. Raises OSError."""
        return (self.folder / name).open("rb")

    def close(self) -> None:
        """Close its idle connections."""
        if self._network is not None:
            self._network.close()

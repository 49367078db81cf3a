"""Results in the run directory itself."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from batchgen.layout import VIDEOS, video_path
from batchgen.limits import RESULT_CONNECT_S
from batchgen.store.interface import Checked, FetchFailed, Wanted, Work

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
    """Fetches a result to a temporary name that no other attempt has, and checks it.

    ``network`` stays behind where it is pickled: another process has connections of its own.
    """

    wanted: Wanted
    target: Path
    limits: Limits
    network: "Network | None" = field(default=None, compare=False, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        return LocalWork, (self.wanted, self.target, self.limits)

    def __call__(self) -> Checked:
        """Do it; as `Work`."""
        from batchgen.media.probe import UnusableMedia
        from batchgen.store.check import mismatch
        from batchgen.store.fetch import fetch

        self.target.parent.mkdir(exist_ok=True)
        fetched = fetch(self.network or _of_process(self.limits), self.wanted.url, self.target)
        try:
            return Checked(fetched, mismatch(fetched.path, self.wanted.size, self.wanted.seconds))
        except UnusableMedia as error:
            # Damaged is not wrong: it is bought, and comes whole from another address perhaps.
            fetched.path.unlink(missing_ok=True)
            raise FetchFailed(f"what arrived is not a video that decodes: it {error}", expired=True) from None


class LocalStore:
    """Keeps each result as ``videos/SCENE.mp4`` below the run directory."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Touch nothing yet."""
        self._folder = folder
        self._limits = limits
        self._network: Network | None = None
        self._connecting = Lock()

    def work(self, wanted: Wanted) -> Work:
        """Fetch to ``videos/SCENE@ATTEMPT.mp4``, and check it there."""
        target = self._folder / VIDEOS / f"{wanted.scene_id}@{wanted.attempt}.mp4"
        with self._connecting:
            self._network = self._network or _connected(self._limits)
        return LocalWork(wanted, target, self._limits, self._network)

    def keep(self, wanted: Wanted, checked: Checked) -> str:
        """Give a result its final name, relative to the run directory. Raises OSError."""
        name = video_path(wanted.scene_id)
        checked.fetched.path.replace(self._folder / name)
        return name

    def has(self, name: str) -> bool:
        """Whether a result is still there."""
        return (self._folder / name).is_file()

    def open(self, name: str) -> BinaryIO:
        """Open a result. Raises OSError."""
        return (self._folder / name).open("rb")

    def close(self) -> None:
        """Close its idle connections."""
        if self._network is not None:
            self._network.close()

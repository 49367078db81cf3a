"""What processes of a cluster do for a run: free, heavy, repeatable, and with all that it needs along.

A cluster may do work twice at once, where it takes a process for lost that is not. Therefore nobody writes to a name
that another one has: whatever is made here has a name of its own until the coordinator takes it.
"""

import pickle
import platform
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar

from batchgen.media.decoding import UnusableMedia
from batchgen.media.stills import still
from batchgen.store.interface import Checked, FetchFailed
from batchgen.store.local import LocalWork
from batchgen.version import __version__

MOST_CARRIED = 128 * 1024**2
"""Bytes of a result that travel from a process to the coordinator: 15 s of video have a third of that at most. What is
larger is fetched where it is kept."""
MARKER = "here"
T = TypeVar("T")


class CannotDoIt(Exception):  # noqa: N818 - an end like others
    """This process cannot do the work, and another one may; the text says why."""


@dataclass(frozen=True, slots=True)
class SharedFolder:
    """A folder of the coordinator, with a file in it by which a process knows that it sees the same one."""

    path: Path
    token: str

    def is_seen(self) -> bool:
        """Whether this process sees it."""
        try:
            return (self.path / MARKER).read_text(encoding="ascii") == self.token
        except (OSError, ValueError):
            return False


@dataclass(frozen=True, slots=True, repr=False)
class Package(Generic[T]):
    """Work on its way. It raises nothing, and shows nothing of itself: a cluster writes both into its logs."""

    work: Callable[[], T]
    version: str = __version__

    def __call__(self) -> T | Exception:
        """Do it; an exception is what came of it, too."""
        if self.version != __version__:
            return CannotDoIt(f"it has batchgen {__version__}, and the coordinator {self.version}")
        try:
            return self.work()
        except (CannotDoIt, FetchFailed, UnusableMedia) as error:
            return error
        except Exception as error:  # noqa: BLE001 - the coordinator does it, and sees what is wrong
            return CannotDoIt(f"{type(error).__name__} there; see that it has the versions of packages that are here")


@dataclass(frozen=True, slots=True)
class Delivered:
    """A result that a process brought: ``content`` is its bytes where the coordinator does not see its file."""

    checked: Checked
    content: bytes | None


@dataclass(frozen=True, slots=True)
class FetchAndCheck:
    """Brings a result, checks it, and makes its pictures."""

    work: LocalWork
    shared: SharedFolder

    def __call__(self) -> Delivered:
        """Write it into the shared folder where that is seen, else bring the bytes along.

        Raises `FetchFailed` where it does not arrive whole, `CannotDoIt` where it is too large to travel, and OSError.
        """
        if self.shared.is_seen():
            return self._into(self.shared.path, carries=False)
        with TemporaryDirectory(prefix="batchgen-") as folder:
            return self._into(Path(folder), carries=True)

    def _into(self, folder: Path, *, carries: bool) -> Delivered:
        checked = replace(self.work, target=folder / f"{self.work.target.name}-{secrets.token_hex(8)}")()
        path = checked.fetched.path
        if not carries:
            return Delivered(checked, None)
        if checked.fetched.bytes > MOST_CARRIED:
            raise CannotDoIt("the result is too large to travel, and there is no disk that both sides see")
        return Delivered(checked, path.read_bytes())


@dataclass(frozen=True, slots=True)
class TakeStill:
    """Takes a frame out of a result that lies in the run directory."""

    video: Path
    number: int
    shared: SharedFolder

    def __call__(self) -> bytes:
        """The frame as a PNG. Raises `CannotDoIt` where the result is not seen, and `UnusableMedia`."""
        if not self.shared.is_seen():
            raise CannotDoIt("it sees nothing of the run directory")
        return still(self.video, self.number)


def equipment() -> tuple[str, str, bytes]:
    """Which batchgen and which Python a process has, once it has loaded what the work needs; and a path, pickled.

    Some releases of Python write paths in a way that earlier ones cannot read.
    """
    import av  # noqa: F401 - a decoder without its libraries is found here, and not at the first result

    return __version__, platform.python_version(), pickle.dumps(Path())

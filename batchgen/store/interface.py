"""What a store of results can do, and the work of bringing one into it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from batchgen.media.posters import Poster


class FetchFailed(Exception):  # noqa: N818 - an end like others
    """A result did not arrive; the text says why, ``expired`` that a fresh URL may help."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        """Keep what is known."""
        super().__init__(message)
        self.expired = expired

    def __reduce__(self) -> tuple[object, ...]:
        return _fetch_failed, (str(self), self.expired)


def _fetch_failed(message: str, expired: bool) -> FetchFailed:  # noqa: FBT001 - pickle passes positions
    return FetchFailed(message, expired=expired)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A result that arrived whole; ``path`` is its temporary name, which belongs to one attempt."""

    path: Path
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A result that arrived, and how it differs from what was asked for; None where it does not.

    ``pictures`` are for the storyboard, made while the result was open: None where there are some of it already, or
    where nothing can be shown of it.
    """

    fetched: Fetched
    mismatch: str | None
    pictures: "Poster | None" = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result to be brought: of which attempt, from where, and what was asked for.

    ``size`` is width*height in pixels, ``seconds`` the length; empty and 0 where that is not known.
    """

    scene_id: str
    attempt: int
    url: str
    size: str
    seconds: int


Work = Callable[[], Checked]
"""Fetches and checks one result. Holds all that it needs and can be pickled, so that any process can do it.

Raises `FetchFailed` where the result does not arrive whole, and OSError where it cannot be stored.
"""


class Store(Protocol):
    """Where the results of one run directory lie."""

    def work(self, wanted: Wanted) -> Work:
        """What has to be done to have a result here, under a temporary name."""

    def keep(self, wanted: Wanted, checked: Checked) -> str:
        """Give a result its final name, which is returned; nothing that was kept before is lost. Raises OSError."""

    def has(self, name: str) -> bool:
        """Whether a result that was kept under that name is still there."""

    def open(self, name: str) -> BinaryIO:
        """Open a result that was kept under that name. Raises OSError."""

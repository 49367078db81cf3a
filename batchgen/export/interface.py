"""What is exported: shots in their order, each with its result or without one, and what writes them.

All lengths are counted in frames of the sequence. A shot with a result has the frames that were measured in the
file, none cut away; one without has the time that was asked for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from batchgen.media.film import Film
from batchgen.media.probe import UnusableMedia

USUAL_RATE = Fraction(30)
"""Frames per second of a sequence without any result."""
_NTSC = Fraction(1000, 1001)
_TIMECODE_RATES = (*map(Fraction, (24, 25, 30, 48, 50, 60)), *(Fraction(whole) * _NTSC for whole in (24, 30, 48, 60)))
"""Those of SMPTE ST 12-1 and ST 12-3: editing programs have sequences of these."""


@dataclass(frozen=True, slots=True)
class Result:
    """A delivered file, which is read and never written: where it lies, and what was measured of it."""

    path: Path
    film: Film


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A shot of the film, and what stands for it.

    ``name`` is the scene's id with ``@N``, or without a result the shot's; ``seconds`` is how long it was to be.
    Without a result, ``missing`` says in a few words why. ``facts`` are what the report knows of the scene, as JSON.
    """

    name: str
    title: str = ""
    prompt: str = ""
    seconds: int
    result: Result | None = None
    missing: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placed:
    """A shot on the time line: frames of the sequence from its begin, and how many."""

    shot: Shot
    start: int
    frames: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """The shots in their order, at a rate of frames per second."""

    name: str
    shots: tuple[Shot, ...]
    rate: Fraction
    rehearsal: bool = False

    @property
    def title(self) -> str:
        """The name for people; a rehearsal is named as one."""
        return f"{self.name} (rehearsal)" if self.rehearsal else self.name

    def placed(self) -> Iterator[Placed]:
        """The shots one after the other."""
        start = 0
        for shot in self.shots:
            frames = frames_of(shot, self.rate)
            yield Placed(shot, start, frames)
            start += frames

    def gaps(self) -> Iterator[Placed]:
        """The shots without a result, and where they would be."""
        return (placed for placed in self.placed() if placed.shot.result is None)

    @property
    def frames(self) -> int:
        """The length of it all."""
        return sum(frames_of(shot, self.rate) for shot in self.shots)

    @property
    def results(self) -> list[Result]:
        """The results in it, in order; one that stands for two shots is in it twice."""
        return [shot.result for shot in self.shots if shot.result is not None]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of most results; of HD where there is none."""
        sizes = Counter((result.film.width, result.film.height) for result in self.results)
        return sizes.most_common(1)[0][0] if sizes else (1280, 720)


class Write(Protocol):
    """Writes a sequence in one format. The path is of a new file in the folder where the export is to lie.

    Raises `UnusableMedia` where a result turns out to be broken, OSError where the file cannot be written.
    """

    def __call__(self, sequence: Sequence, path: Path) -> None:
        """Do it."""


@contextmanager
def reading(shot: Shot) -> Iterator[None]:
    """Name the shot in what is raised of its result. Raises `UnusableMedia`."""
    try:
        yield
    except UnusableMedia as error:
        raise UnusableMedia(f"{shot.name} {error}") from None


def frames_of(shot: Shot, rate: Fraction) -> int:
    """How many frames of a sequence a shot takes: as many as begin and end within its file, but one at least."""
    if shot.result is None:
        return max(1, round(shot.seconds * rate))
    return conformed(shot.result.film, rate)


def conformed(film: Film, rate: Fraction) -> int:
    """How many frames of a rate a film takes: never beyond its end, and, where that rate is no lower, all of it."""
    return max(1, film.frames * rate // film.rate)


def common_rate(shots: Iterable[Shot]) -> Fraction:
    """The rate that most results have, of equals the first one's; 30 without any result."""
    rates = Counter(shot.result.film.rate for shot in shots if shot.result is not None)
    return rates.most_common(1)[0][0] if rates else USUAL_RATE


def timecode_rate(rate: Fraction) -> Fraction:
    """The rate itself where there is a timecode for it, else its least multiple that has one, else 30.

    Editing programs have no sequences of other rates. In a multiple, every frame is where it was.
    """
    fitting = (one for one in sorted(_TIMECODE_RATES) if (one / rate).denominator == 1)
    return next(fitting, USUAL_RATE)

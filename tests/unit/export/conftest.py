"""A film in a folder with an awkward name, for all that exports it."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from batchgen.export.interface import Result, Sequence, Shot, common_rate
from batchgen.media.film import measured

from helpers.films import make_film

NTSC = Fraction(30_000, 1001)
Cut = Callable[..., Sequence]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("film") / "y #1 100%41 ö" / "results"
    make_film(made / "s01@1.mp4", 25, sound=True)
    make_film(made / "s03@2.mp4", 24)
    make_film(made / "a.very-long.name-t1@1.mp4", 31, 30, sound=True)
    make_film(made / "a.very-long.name-t2@1.mp4", 30, NTSC)
    for number in (1, 2):
        make_film(made / f"slow@{number}.mp4", 13, 6, sound=True)
    return made


@pytest.fixture(scope="session")
def cut(folder: Path) -> Cut:
    """A sequence of files by name; what begins with ``-`` is missing, and two seconds long."""

    def shot(name: str) -> Shot:
        if name.startswith("-"):
            return Shot(name=name[1:], title="The gate", seconds=2, missing="failed 001028095", facts={"tier": "720P"})
        path = folder / f"{name}.mp4"
        facts = {"cost_usd": "0.10", "prompt": "she waves"}
        return Shot(name=name, title="A walk", seconds=1, result=Result(path, measured(path)), facts=facts)

    def made(*names: str, rehearsal: bool = False) -> Sequence:
        shots = tuple(map(shot, names))
        return Sequence("garden", shots, common_rate(shots), rehearsal)

    return made

"""The animatic, decoded, and the contact sheet."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from batchgen.export import contact_sheet
from batchgen.export.animatic import write
from batchgen.export.drawing import GROUND
from batchgen.export.interface import Result, Sequence, Shot
from batchgen.media.film import measured

from helpers.films import greys, make_film


def samples(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(frame.samples for frame in container.decode(audio=0))


def test_an_animatic_is_as_long_as_its_shots(cut: Any, tmp_path: Path) -> None:
    sequence = cut("s01@1", "-s02", "a.very-long.name-t1@1")
    write(sequence, tmp_path / "film.mp4")
    found = measured(tmp_path / "film.mp4")
    assert (found.frames, found.rate) == (sequence.frames, sequence.rate) == (25 + 48 + 24, 24)
    # AAC is coded in blocks: the last one is filled up.
    assert 0 <= samples(tmp_path / "film.mp4") - round(97 / 24 * 48_000) < 2 * 1024


def test_each_moment_shows_what_a_clip_shows_then(cut: Any, tmp_path: Path) -> None:
    write(cut("s01@1", "-s02", "s03@2", "a.very-long.name-t1@1"), tmp_path / "film.mp4")
    shown = greys(tmp_path / "film.mp4")
    assert shown[:25] == list(range(25))
    assert set(shown[30:70]) <= {13, 14}, "a slate"
    assert shown[73:97] == list(range(24))
    assert shown[97:] == [number * 30 // 24 for number in range(24)], "a faster clip leaves frames out"


def test_all_is_of_one_size(tmp_path: Path) -> None:
    films = [
        make_film(tmp_path / f"{n}.mp4", 12, 24, size=size) for n, size in enumerate([(64, 48), (64, 48), (24, 48)])
    ]
    shots = tuple(Shot(name=path.stem, seconds=1, result=Result(path, measured(path))) for path in films)
    write(Sequence("x", shots, Fraction(24)), tmp_path / "film.mp4")
    assert measured(tmp_path / "film.mp4").channels == 0, "where nothing sounds there is no sound"
    with av.open(str(tmp_path / "film.mp4")) as container:
        *_, last = container.decode(video=0)
        image: Any = last.to_image()  # type: ignore[no-untyped-call]
    assert image.size == (64, 48)
    assert max(image.getpixel((4, 24))) < 12 < min(image.getpixel((32, 24))), "bars beside, the picture between"


@pytest.mark.parametrize("rehearsal", [False, True])
def test_a_rehearsal_is_named_in_the_picture_and_origin_in_words(rehearsal: bool, tmp_path: Path) -> None:  # noqa: FBT001
    path = make_film(tmp_path / "large.mp4", 3, size=(320, 240))
    shot = Shot(name="large@1", seconds=1, result=Result(path, measured(path)))
    write(Sequence("garden", (shot,), Fraction(24), rehearsal), tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as container:
        title, comment = container.metadata["title"], container.metadata["comment"]
        first: Any = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
    _, brightest = first.convert("L").crop((0, 0, 160, 16)).getextrema()
    assert (brightest > 150) == rehearsal, "a sign in the corner"
    assert title == ("garden (rehearsal)" if rehearsal else "garden")
    assert ("No model was asked" in comment, "C2PA" in comment) == (rehearsal, not rehearsal)


def test_a_film_with_fewer_frames_than_were_counted_holds_its_last(folder: Path, tmp_path: Path) -> None:
    path = folder / "s03@2.mp4"
    film = measured(path)
    longer = type(film)(film.frames + 6, film.rate, film.width, film.height)
    write(Sequence("x", (Shot(name="s", seconds=1, result=Result(path, longer)),), film.rate), tmp_path / "film.mp4")
    assert greys(tmp_path / "film.mp4")[-7:] == [23] * 7


def test_a_contact_sheet_has_a_still_of_each_shot(cut: Any, tmp_path: Path) -> None:
    contact_sheet.write(cut("s01@1", "-s02", "s03@2"), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        middles = [sheet.getpixel((20 + 160 + column * 340, 72 + 90)) for column in range(3)]
        assert sheet.size == (3 * 340 + 20, 72 + 256)
    assert middles[0] == pytest.approx((8 * 4,) * 3, abs=3), "a third of the way, where nothing is black"
    assert middles[1] != GROUND
    assert middles[2] == pytest.approx((8 * 4,) * 3, abs=3)


def test_no_still_is_black_where_something_else_is_to_be_had(tmp_path: Path) -> None:
    path = make_film(tmp_path / "dark.mp4", 6, 6)
    shot = Shot(name="dark", seconds=1, result=Result(path, measured(path)))
    contact_sheet.write(Sequence("x", (shot,), Fraction(6)), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.getpixel((20 + 160, 72 + 90)) == pytest.approx((5 * 4,) * 3, abs=3), "the last moment looked at"


def test_a_sheet_of_many_shots_has_pages(cut: Any, tmp_path: Path) -> None:
    contact_sheet.write(cut(*[f"-s{number}" for number in range(21)]), tmp_path / "sheet.pdf")
    content = (tmp_path / "sheet.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") == 2

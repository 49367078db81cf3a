"""Videos that players turn: whatever is made of their pictures is upright, and their size is the one that is seen."""

import gc
import struct
from collections.abc import Mapping
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from batchgen.export import animatic
from batchgen.export.interface import Result, Sequence, Shot
from batchgen.media import film
from batchgen.media.posters import poster, thumbnail
from batchgen.media.probe import probe
from batchgen.media.stills import still

from helpers.films import make_film, mismatch

ONE = 1 << 16
WIDE, TALL = (64, 48), (48, 64)
TURNS: Mapping[str, tuple[tuple[int, int, int, int], str, tuple[int, int]]] = {
    "as it is": ((ONE, 0, 0, ONE), "rgbw", WIDE),
    "a quarter clockwise": ((0, ONE, -ONE, 0), "brwg", TALL),
    "a quarter back": ((0, -ONE, ONE, 0), "gwrb", TALL),
    "upside down": ((-ONE, 0, 0, -ONE), "wbgr", WIDE),
    "mirrored": ((-ONE, 0, 0, ONE), "grwb", WIDE),
    "mirrored top to bottom": ((ONE, 0, 0, -ONE), "bwrg", WIDE),
    "mirrored and turned": ((0, ONE, ONE, 0), "rbgw", TALL),
    "mirrored and turned back": ((0, -ONE, -ONE, 0), "wgbr", TALL),
    "half as large": ((0, ONE // 2, -ONE // 2, 3), "brwg", TALL),
    "an eighth, which is left to players": ((46341, 46341, -46341, 46341), "rgbw", WIDE),
    "to nothing": ((0, 0, 0, 0), "rgbw", WIDE),
}
"""The matrix of each, where the four colours are seen then, line by line, and the size that is seen."""
COLOURS = {"r": (255, 0, 0), "g": (0, 255, 0), "b": (0, 0, 255), "w": (255, 255, 255)}


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """A film with a colour in each quarter, of which the header of its track says that it is turned."""
    a, b, c, d = matrix
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=8, options={"crf": "1", "bf": "2"})
        (stream.width, stream.height), stream.pix_fmt = WIDE, "yuv420p"
        image = Image.new("RGB", WIDE)
        for place, colour in zip(((0, 0), (32, 0), (0, 24), (32, 24)), "rgbw", strict=True):
            image.paste(COLOURS[colour], (*place, place[0] + 32, place[1] + 24))
        for number in range(8):
            frame: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = number, Fraction(1, 8)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def quarters(image: Image.Image) -> str:
    """Which colours are seen, line by line."""
    flat = image.convert("RGB")
    width, height = flat.size
    spots = [(x * width // 4, y * height // 4) for y in (1, 3) for x in (1, 3)]
    return "".join(_nearest(flat.getpixel(spot)) for spot in spots)


def _nearest(pixel: Any) -> str:
    return min(COLOURS, key=lambda name: sum(abs(a - b) for a, b in zip(pixel, COLOURS[name], strict=True)))


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


@pytest.mark.parametrize("name", TURNS)
def test_all_pictures_are_upright_and_sizes_those_that_are_seen(tmp_path: Path, name: str) -> None:
    matrix, seen, size = TURNS[name]
    path = turned(tmp_path / "x.mp4", matrix)
    for number in (0, 5, 7):
        image = opened(still(path, number))
        assert (quarters(image), image.size) == (seen, size), number
    with path.open("rb") as file:
        facts = probe(file)
        small = [quarters(opened(content)) for content in (poster(file).still, thumbnail(file))]
    assert ((facts.width, facts.height), small) == (size, [seen, seen])
    assert quarters(film.still(path, Fraction(1, 2))) == seen
    measured = film.measured(path)
    assert ((measured.width, measured.height), measured.frames) == (size, 8)
    assert mismatch(path, f"{size[0]}*{size[1]}", 1) is None
    shot = Shot(name="x@1", seconds=1, result=Result(path, measured))
    animatic.write(Sequence("x", (shot,), Fraction(8)), tmp_path / "animatic.mp4")
    made = opened(still(tmp_path / "animatic.mp4", 7))
    assert (quarters(made), made.size) == (seen, size)


def test_a_film_whose_first_frame_is_damaged_is_measured_as_it_lies(tmp_path: Path) -> None:
    path = make_film(tmp_path / "x.mp4", 6)
    with av.open(str(path)) as container:
        first: Any = next(container.demux(video=0))
        at, size = first.pos, first.size
    content = bytearray(path.read_bytes())
    content[at : at + size] = bytes(size)
    path.write_bytes(content)
    assert film.measured(path).frames == 6


@pytest.mark.parametrize("name", ["as it is", "mirrored"])
def test_no_frame_is_kept_beyond_its_use(tmp_path: Path, name: str) -> None:
    path = turned(tmp_path / "x.mp4", TURNS[name][0])
    gc.collect()
    gc.disable()  # what is left to it is kept for as long as nothing else makes it run
    try:
        mismatch(path, "64*48", 1)
        still(path, 5)
        with path.open("rb") as file:
            poster(file)
        assert [one for one in gc.get_objects() if isinstance(one, av.VideoFrame)] == []
    finally:
        gc.enable()

"""Draws small reference pictures and clips, so that an example runs without anybody's photographs.

The same figure gives the same picture on every machine; a clip is the figure, moving.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Literal, TypeAlias

import av
from PIL import Image, ImageDraw

Color: TypeAlias = tuple[int, int, int]

_PICTURE = 480
_CLIP = (480, 360)
_FRAMES_PER_SECOND = 12
_SMOOTH = 2
"""Drawn at twice the size and scaled down, which smooths the edges."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A cartoon figure: its shape, its colours and what it stands before."""

    shape: Literal["person", "dog", "bird", "boat", "lamp"]
    main: Color
    accent: Color
    sky: Color
    ground: Color


FIGURES: Mapping[str, Figure] = {
    "hero": Figure("person", (214, 69, 65), (58, 46, 57), (207, 232, 239), (126, 170, 104)),
    "dog": Figure("dog", (196, 138, 74), (99, 62, 33), (253, 231, 188), (126, 170, 104)),
    "keeper": Figure("person", (38, 84, 124), (231, 211, 178), (188, 205, 220), (96, 108, 118)),
    "gull": Figure("bird", (244, 244, 240), (88, 98, 108), (142, 190, 220), (72, 120, 150)),
    "boat": Figure("boat", (176, 58, 46), (250, 244, 230), (246, 206, 158), (58, 104, 138)),
    "lamp": Figure("lamp", (250, 214, 92), (60, 60, 66), (36, 44, 72), (24, 28, 44)),
}


def picture(figure: Figure, form: Literal["PNG", "JPEG", "WEBP"] = "PNG") -> bytes:
    """A square picture of the figure, without transparency."""
    buffer = BytesIO()
    _frame(figure, (_PICTURE, _PICTURE), 0.0).save(buffer, form)
    return buffer.getvalue()


def clip(figure: Figure, seconds: int) -> bytes:
    """A silent MP4 clip of the figure, moving, of that many seconds."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_FRAMES_PER_SECOND, options={"crf": "30", "threads": "1"})
        stream.width, stream.height = _CLIP
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, _FRAMES_PER_SECOND)
        for number in range(seconds * _FRAMES_PER_SECOND):
            picture_ = _frame(figure, _CLIP, number / _FRAMES_PER_SECOND)
            frame = av.VideoFrame.from_image(picture_)  # type: ignore[no-untyped-call]
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _frame(figure: Figure, size: tuple[int, int], second: float) -> Image.Image:
    width, height = (side * _SMOOTH for side in size)
    image = Image.new("RGB", (width, height), figure.sky)
    pen = _Pen(ImageDraw.Draw(image), width / 2, height / 2, min(width, height) / 100)
    pen.draw.rectangle((0, height * 0.72, width, height), fill=figure.ground)
    pen.x += math.sin(second * 2.1) * width * 0.12
    pen.y += math.sin(second * 4.2) * height * 0.02
    _SHAPES[figure.shape](pen, figure)
    return image.resize(size, Image.Resampling.LANCZOS)


@dataclass(slots=True)
class _Pen:
    """Draws around a centre, in hundredths of the picture's shorter side."""

    draw: ImageDraw.ImageDraw
    x: float
    y: float
    unit: float

    def oval(self, x: float, y: float, width: float, height: float, color: Color) -> None:
        self.draw.ellipse(self._box(x, y, width, height), fill=color)

    def box(self, x: float, y: float, width: float, height: float, color: Color) -> None:
        corner = min(width, height) / 3 * self.unit
        self.draw.rounded_rectangle(self._box(x, y, width, height), corner, fill=color)

    def shape(self, points: list[tuple[float, float]], color: Color) -> None:
        self.draw.polygon([(self.x + x * self.unit, self.y + y * self.unit) for x, y in points], fill=color)

    def eyes(self, x: float, y: float, apart: float) -> None:
        for side in (-1, 1):
            self.oval(x + side * apart / 2, y, 3.2, 4.2, (30, 30, 34))

    def _box(self, x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
        left, top = self.x + (x - width / 2) * self.unit, self.y + (y - height / 2) * self.unit
        return left, top, left + width * self.unit, top + height * self.unit


_SKIN: Color = (240, 200, 164)


def _person(pen: _Pen, figure: Figure) -> None:
    for side in (-1, 1):
        pen.box(side * 6, 34, 7, 20, figure.accent)
        pen.box(side * 15, 14, 6, 24, figure.main)
        pen.oval(side * 15, 27, 7, 7, _SKIN)
    pen.box(0, 13, 26, 32, figure.main)
    pen.oval(0, -17, 27, 30, figure.accent)
    pen.oval(0, -14, 23, 24, _SKIN)
    pen.eyes(0, -14, 9)
    pen.draw.arc(pen._box(0, -9, 9, 6), 10, 170, fill=(150, 60, 50), width=max(1, int(pen.unit)))  # noqa: SLF001


def _dog(pen: _Pen, figure: Figure) -> None:
    pen.shape([(20, 8), (38, -8), (40, -4), (24, 16)], figure.main)
    for x in (-14, -6, 10, 18):
        pen.box(x, 30, 5, 20, figure.accent if x in (-6, 10) else figure.main)
    pen.oval(2, 14, 46, 24, figure.main)
    pen.oval(-18, -6, 28, 27, figure.main)
    pen.oval(-26, 2, 15, 12, (246, 226, 196))
    pen.oval(-32, -1, 6, 5, (30, 30, 34))
    pen.oval(-6, -6, 9, 22, figure.accent)
    pen.oval(-20, -10, 3.2, 4.2, (30, 30, 34))


def _bird(pen: _Pen, figure: Figure) -> None:
    pen.shape([(-2, 0), (34, -30), (18, 8)], figure.accent)
    pen.oval(0, 2, 42, 20, figure.main)
    pen.shape([(-2, -2), (16, -34), (14, 6)], figure.main)
    pen.oval(-20, -6, 17, 16, figure.main)
    pen.shape([(-27, -7), (-40, -3), (-27, -1)], (236, 160, 50))
    pen.oval(-22, -8, 3, 3.4, (30, 30, 34))


def _boat(pen: _Pen, figure: Figure) -> None:
    pen.box(0, -8, 2.4, 50, (92, 64, 44))
    pen.shape([(3, -32), (3, 12), (32, 12)], figure.accent)
    pen.shape([(-3, -24), (-3, 12), (-22, 12)], figure.accent)
    pen.shape([(-34, 16), (34, 16), (22, 34), (-24, 34)], figure.main)


def _lamp(pen: _Pen, figure: Figure) -> None:
    pen.oval(0, 2, 66, 66, (78, 82, 104))
    pen.oval(0, 2, 46, 46, (150, 138, 96))
    pen.box(0, -27, 24, 6, figure.accent)
    pen.box(0, 2, 30, 50, figure.accent)
    pen.box(0, 2, 22, 40, figure.main)
    pen.shape([(0, -12), (7, 8), (0, 16), (-7, 8)], (255, 250, 224))
    pen.box(0, 32, 38, 8, figure.accent)


_SHAPES = {"person": _person, "dog": _dog, "bird": _bird, "boat": _boat, "lamp": _lamp}

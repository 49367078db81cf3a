"""A picture of a video as its viewers see it: a file may say that players turn or mirror what is in it.

Phones film like that. The turn is a matrix in the file, of which the decoder tells with each frame; angles between the
four sides are left to players.
"""

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from av.sidedata.sidedata import SideDataContainer, Type
from PIL import Image

if TYPE_CHECKING:
    from av import VideoFrame

Turn = Image.Transpose | None
"""How a picture is turned to be seen as it is meant; None for not at all."""
_TURNS: Mapping[tuple[int, int, int, int], Image.Transpose] = {
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
"""By the signs in a matrix: where the two axes of a stored picture go. Pillow counts against the clock."""
_ON_ITS_SIDE = frozenset(
    {
        Image.Transpose.ROTATE_90,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.TRANSVERSE,
    }
)
_MATRIX = struct.Struct("=9i")


def turn_of(frame: "VideoFrame") -> Turn:
    """How players turn a frame."""
    # Not `frame.side_data`: a frame and that hold each other, and the pixels stay until garbage is looked for.
    told: Any = SideDataContainer(frame)  # type: ignore[call-arg]  # PyAV's types leave the frame out
    found = told.get(Type.DISPLAYMATRIX)  # not gone through: that gives what is told in PyAV 18, and its types in 19
    if found is None or len(matrix := bytes(found)) != _MATRIX.size:
        return None
    a, b, _, c, d, *_ = _MATRIX.unpack(matrix)
    largest = max(map(abs, (a, b, c, d))) or 1  # players may scale as well
    return _TURNS.get((round(a / largest), round(b / largest), round(c / largest), round(d / largest)))


def seen_size(width: int, height: int, turn: Turn) -> tuple[int, int]:
    """Width and height as they are seen, of those that are stored."""
    return (height, width) if turn in _ON_ITS_SIDE else (width, height)


def upright(image: Image.Image, turn: Turn) -> Image.Image:
    """A picture as it is seen."""
    return image if turn is None else image.transpose(turn)

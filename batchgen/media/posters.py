"""Small pictures of results and references, to be looked at in a storyboard."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BufferedIOBase, BytesIO
from math import ceil
from typing import IO, TYPE_CHECKING, cast

from batchgen.media.decoding import MOST_PIXELS_DECODED, size_within_bounds
from batchgen.media.probe import UnusableMedia, examined
from batchgen.references import Facts

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.reformatter import VideoReformatter
    from PIL.Image import Image

_MOMENTS = (0.35, 0.10, 0.60, 0.85)
"""Of the length of a video, the likeliest poster first: never the first frame, which is black where a film fades in."""
_FURTHER = len(_MOMENTS) - 1
_AREA = 320 * 180
"""Pixels of a poster, whatever its shape."""
_CELL = (160, 90)
"""Width and height in which each of the further frames stands, whatever its shape."""
_THUMBNAIL_AREA = 160 * 120
_LEAST_CONTRAST = 8.0
"""Standard deviation of brightness, of 255, below which a picture shows nothing."""
_QUALITIES = (60, 50, 40, 30, 20)
_STEP = 0.12
"""How much of its bytes a picture full of detail loses from one quality to the next; what cannot do is not tried."""
_EFFORT = 2
"""Of 6, for WebP: 3 and more take twice the time and save a tenth of the bytes."""
_POSTER_BYTES, _STRIP_BYTES, _THUMBNAIL_BYTES = 8_000, 5_500, 4_000
"""What a picture may take, so that a thousand scenes stay below 20 MB in one file; quality gives way."""
_FLAT = ("RGB", "L")


@dataclass(frozen=True, slots=True)
class Poster:
    """Pictures of a video: one that stands for it, and three further frames below one another, or none."""

    still: bytes
    strip: bytes = b""


@cache
def picture_format() -> str:
    """What Pillow calls the format of all these pictures: WEBP, or JPEG where it was built without that."""
    from PIL import features

    return "WEBP" if features.check("webp") else "JPEG"


def poster(file: BufferedIOBase) -> Poster:
    """Pictures of a video that is open for reading. Raises `UnusableMedia` where nothing can be shown of it."""
    from batchgen.media.recordings import opened

    with opened(file, size_within_bounds(file)) as container:
        return poster_of(container)


def poster_of(container: "InputContainer") -> Poster:
    """The same, of a video that a decoder has open already."""
    frames = _frames(container, _MOMENTS, _AREA)
    chosen = _telling([frames[moment] for moment in _MOMENTS if moment in frames])
    others = [frame for _, frame in sorted(frames.items()) if frame is not chosen]
    strip = _encoded(_stacked(others), _STRIP_BYTES) if len(others) == _FURTHER else b""
    return Poster(_encoded(chosen, _POSTER_BYTES), strip)


def thumbnail(file: BufferedIOBase) -> bytes:
    """A small picture of a reference image or video. Raises `UnusableMedia` where there is nothing to see."""
    with examined(file) as (facts, container):
        if facts.kind == "audio":
            raise UnusableMedia("is sound")
        if container is None:
            return _encoded(_of_image(file, facts), _THUMBNAIL_BYTES)
        (frame,) = _frames(container, _MOMENTS[:1], _THUMBNAIL_AREA).values()
        return _encoded(frame, _THUMBNAIL_BYTES)


def _frames(container: "InputContainer", moments: Sequence[float], area: int) -> dict[float, "Image"]:
    """The frames at moments of a video, with so many pixels. Raises `UnusableMedia` where none decodes."""
    from av.video.reformatter import VideoReformatter

    from batchgen.media.moments import frames_at

    reformatter = VideoReformatter()
    found = {moment: _scaled(reformatter, frame, area) for moment, frame in frames_at(container, moments)}
    if not found:
        raise UnusableMedia("has no frame that decodes")
    return found


def _scaled(reformatter: "VideoReformatter", frame: "VideoFrame", area: int) -> "Image":
    from batchgen.media.upright import turn_of, upright

    width, height = _fitting(frame.width, frame.height, area)
    small = reformatter.reformat(frame, width, height, "rgb24", interpolation="AREA", threads=1)
    image: Image = small.to_image()  # type: ignore[no-untyped-call]
    return upright(image, turn_of(frame))


def _fitting(width: int, height: int, area: int) -> tuple[int, int]:
    """A size of the same shape, with so many pixels at most and no side of zero."""
    scale = min(1.0, (area / (width * height)) ** 0.5)
    return max(2, round(width * scale)), max(2, round(height * scale))


def _of_image(file: BufferedIOBase, facts: Facts) -> "Image":
    from PIL import Image

    if (facts.width or 0) * (facts.height or 0) > MOST_PIXELS_DECODED:
        raise UnusableMedia("has too many pixels")
    file.seek(0)
    with Image.open(cast("IO[bytes]", file), formats=[facts.format.upper()]) as image:
        size = _fitting(image.width, image.height, _THUMBNAIL_AREA)
        image.draft("RGB", size)
        return (image if image.mode in _FLAT else image.convert("RGB")).resize(size)


def _telling(frames: Sequence["Image"]) -> "Image":
    """The first frame on which something is to be seen, or the one on which there is most."""
    from PIL import ImageStat

    contrasts = []
    for frame in frames:
        contrasts.append(ImageStat.Stat(frame.convert("L")).stddev[0])
        if contrasts[-1] >= _LEAST_CONTRAST:
            return frame
    return frames[contrasts.index(max(contrasts))]


def _stacked(frames: Sequence["Image"]) -> "Image":
    """Frames below one another in one picture, each in the middle of a cell."""
    from PIL import Image, ImageOps

    width, height = _CELL
    strip = Image.new("RGB", (width, height * len(frames)))
    for number, frame in enumerate(frames):
        strip.paste(ImageOps.pad(frame, _CELL, Image.Resampling.BOX), (0, number * height))
    return strip


def _encoded(image: "Image", most: int) -> bytes:
    """A picture in so many bytes: quality gives way, and where noise fills it, its size."""
    left: Sequence[int] = _QUALITIES
    while left:
        content = _saved(image, left[0])
        if len(content) <= most:
            return content
        left = left[ceil((1 - most / len(content)) / _STEP) :]
    return _saved(image.reduce(2), _QUALITIES[-1])


def _saved(image: "Image", quality: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, picture_format(), quality=quality, method=_EFFORT)
    return buffer.getvalue()

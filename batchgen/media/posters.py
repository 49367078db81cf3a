"""Small pictures of results and references, to be looked at in a storyboard."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import BufferedIOBase, BytesIO
from typing import IO, TYPE_CHECKING, cast

from batchgen.media.probe import UnusableMedia, probe
from batchgen.references import Facts

if TYPE_CHECKING:
    from av import VideoFrame
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
_MOST_PIXELS = 6_000_000_000
"""Decoded of one file: as many as fifteen seconds of the largest videos have several times over."""
_MOST_PIXELS_AT_ONCE = 40_000_000
"""A larger picture is not decoded: it could take all memory."""
_QUALITIES = (60, 50, 40, 30, 20)
_POSTER_BYTES, _STRIP_BYTES, _THUMBNAIL_BYTES = 8_000, 5_500, 4_000
"""What a picture may take, so that a thousand scenes stay below 20 MB in one file; quality gives way."""
_CLIP = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,ogg,flv"
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
    frames = dict(_frames(file, _MOMENTS, _AREA))
    if not frames:
        raise UnusableMedia("has no frame that decodes")
    chosen = _telling([frames[moment] for moment in _MOMENTS if moment in frames])
    others = [frame for _, frame in sorted(frames.items()) if frame is not chosen]
    strip = _encoded(_stacked(others), _STRIP_BYTES) if len(others) == _FURTHER else b""
    return Poster(_encoded(chosen, _POSTER_BYTES), strip)


def thumbnail(file: BufferedIOBase) -> bytes:
    """A small picture of a reference image or video. Raises `UnusableMedia` where there is nothing to see."""
    facts = probe(file)
    if facts.kind == "audio":
        raise UnusableMedia("is sound")
    if facts.kind == "image":
        return _encoded(_of_image(file, facts), _THUMBNAIL_BYTES)
    frames = dict(_frames(file, _MOMENTS[:1], _THUMBNAIL_AREA))
    if not frames:
        raise UnusableMedia("has no frame that decodes")
    return _encoded(frames[_MOMENTS[0]], _THUMBNAIL_BYTES)


def _frames(file: BufferedIOBase, moments: Sequence[float], area: int) -> Iterator[tuple[float, "Image"]]:
    """The frames that are shown at moments of a video, as far as it decodes; the last one for those beyond it."""
    facts = probe(file)
    if facts.kind != "video" or not facts.width or not facts.height or not facts.seconds:
        raise UnusableMedia("is not a video")
    width, height = _fitting(facts.width, facts.height, area)
    left, last = sorted(moments), None
    for frame in _decoded(file):
        last = frame
        if (frame.time or 0.0) >= left[0] * facts.seconds:
            yield left.pop(0), _scaled(frame, width, height)
        if not left:
            return
    if last is not None:
        yield left[0], _scaled(last, width, height)


def _scaled(frame: "VideoFrame", width: int, height: int) -> "Image":
    image: Image = frame.to_image(width=width, height=height)  # type: ignore[no-untyped-call]
    return image


def _decoded(file: BufferedIOBase) -> Iterator["VideoFrame"]:
    """The frames of a video, one after the other, up to where it is damaged."""
    import av

    file.seek(0)
    limit, pixels = {"max_pixels": str(_MOST_PIXELS_AT_ONCE)}, 0
    options = {"format_whitelist": _CLIP, "protocol_whitelist": "none", **limit}
    with suppress(av.FFmpegError, ValueError, MemoryError), av.open(file, "r", options=options) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.options = limit
        for frame in container.decode(stream):
            yield frame
            pixels += frame.width * frame.height
            if pixels >= _MOST_PIXELS:
                return


def _fitting(width: int, height: int, area: int) -> tuple[int, int]:
    """A size of the same shape, with so many pixels at most and no side of zero."""
    scale = min(1.0, (area / (width * height)) ** 0.5)
    return max(2, round(width * scale)), max(2, round(height * scale))


def _of_image(file: BufferedIOBase, facts: Facts) -> "Image":
    from PIL import Image

    if (facts.width or 0) * (facts.height or 0) > _MOST_PIXELS_AT_ONCE:
        raise UnusableMedia("has too many pixels")
    file.seek(0)
    with Image.open(cast("IO[bytes]", file), formats=[facts.format.upper()]) as image:
        size = _fitting(image.width, image.height, _THUMBNAIL_AREA)
        image.draft("RGB", size)
        return (image if image.mode in _FLAT else image.convert("RGB")).resize(size)


def _telling(frames: Sequence["Image"]) -> "Image":
    """The first frame on which something is to be seen, or the one on which there is most."""
    from PIL import ImageStat

    contrasts = [ImageStat.Stat(frame.convert("L")).stddev[0] for frame in frames]
    seen = (frame for frame, contrast in zip(frames, contrasts, strict=True) if contrast >= _LEAST_CONTRAST)
    return next(seen, frames[contrasts.index(max(contrasts))])


def _stacked(frames: Sequence["Image"]) -> "Image":
    """Frames below one another in one picture, each in the middle of a cell."""
    from PIL import Image, ImageOps

    width, height = _CELL
    strip = Image.new("RGB", (width, height * len(frames)))
    for number, frame in enumerate(frames):
        strip.paste(ImageOps.pad(frame, _CELL), (0, number * height))
    return strip


def _encoded(image: "Image", most: int) -> bytes:
    """A picture in so many bytes: quality gives way, and where noise fills it, its size."""
    for quality in _QUALITIES:
        content = _saved(image, quality)
        if len(content) <= most:
            return content
    return _saved(image.reduce(2), _QUALITIES[-1])


def _saved(image: "Image", quality: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, picture_format(), quality=quality)
    return buffer.getvalue()

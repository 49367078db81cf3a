"""Measures a video frame by frame, as editing needs it: how many frames, at which rate, with which sound.

One frame alone is decoded for that. What a file says of its length may be wrong; its packets are counted.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
from av import VideoStream
from av.container import InputContainer
from av.stream import Disposition
from PIL import Image

from batchgen.media.probe import UnusableMedia
from batchgen.media.upright import Turn, seen_size, turn_of, upright

BAD_MEDIA = (av.FFmpegError, ValueError, MemoryError)
"""What PyAV raises of damaged media."""
_OPTIONS = {
    "format_whitelist": "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpegts,avi",
    "protocol_whitelist": "none",
    "max_pixels": "40000000",
}
_NEARLY = Fraction(4, 10_000)
"""How far the average rate of a file may be from a usual one, which it then has: the last frame may last longer.
Less than half of what 30 and 29.97 differ by."""
_NTSC = Fraction(1000, 1001)


@dataclass(frozen=True, slots=True)
class Film:
    """What was measured of a video: ``frames`` at so many per second, pixels as seen, channels of sound, 0 without."""

    frames: int
    rate: Fraction
    width: int
    height: int
    channels: int = 0
    sample_rate: int = 0


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A video that is open for reading. Raises `UnusableMedia` where it is none, also while it is read."""
    try:
        with path.open("rb") as file, _container(file) as container:
            yield container
    except (*BAD_MEDIA, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        raise UnusableMedia(f"cannot be read as a video: {reason}") from None


def _container(file: BinaryIO) -> InputContainer:
    try:
        return av.open(file, "r", options=_OPTIONS)
    except UnicodeDecodeError:
        # A title that is not UTF-8: PyAV before 19 refuses it unless told otherwise, and 19 cannot be told any more.
        file.seek(0)
        return av.open(file, "r", options=_OPTIONS, metadata_errors="replace")


def pictures_of(container: InputContainer) -> VideoStream:
    """The stream of its pictures. Raises `UnusableMedia` where there is none."""
    found = (one for one in container.streams.video if not one.disposition & Disposition.attached_pic)
    stream = next(found, None)
    if stream is None:
        raise UnusableMedia("has no pictures")
    return stream


def measured(path: Path) -> Film:
    """Measure a video. Raises `UnusableMedia` for what is none, and for what has no frames."""
    with opened(path) as container:
        stream = pictures_of(container)
        sound = next(iter(container.streams.audio), None)
        frames = sum(bool(packet.size) and not packet.is_discard for packet in container.demux(stream))
        rate = stream.average_rate or stream.guessed_rate
        if not frames or not rate:
            raise UnusableMedia("has no frames")
        heard = {} if sound is None else {"channels": sound.channels, "sample_rate": sound.rate}
        size = seen_size(stream.width, stream.height, _turn(container, stream))
        return Film(frames, usual_rate(exact(rate)), *size, **heard)


def _turn(container: InputContainer, stream: VideoStream) -> Turn:
    """How players turn a video whose packets were all read; not at all, where its first frame does not decode."""
    with suppress(*BAD_MEDIA):
        container.seek(0)
        return turn_of(next(container.decode(stream)))
    return None


def exact(number: Any) -> Fraction:
    """A number of PyAV, which since 19 has a type of its own for them that does not calculate."""
    return Fraction(number.numerator, number.denominator)


def usual_rate(rate: Fraction) -> Fraction:
    """The whole rate that a rate nearly is, or its NTSC form; the rate itself where it is near neither."""
    whole = max(round(rate), 1)
    candidates = (Fraction(whole), whole * _NTSC, (whole + 1) * _NTSC)
    nearest = min(candidates, key=lambda one: abs(one - rate))
    return nearest if abs(nearest - rate) <= _NEARLY * rate else rate


def still(path: Path, at: Fraction) -> Image.Image:
    """The picture that is shown at a moment, in seconds from the first; the last one where there is none so late.

    Raises `UnusableMedia`.
    """
    with opened(path) as container:
        stream = pictures_of(container)
        begin = stream.start_time or 0
        base = exact(stream.time_base or Fraction(1, av.time_base))
        target = begin + int(at / base)
        container.seek(target, stream=stream)
        shown = None
        for frame in container.decode(stream):
            if shown is not None and (frame.pts or 0) > target:
                break
            shown = frame
        if shown is None:
            raise UnusableMedia("has no pictures")
        image: Image.Image = shown.to_image()  # type: ignore[no-untyped-call]
        return upright(image, turn_of(shown))

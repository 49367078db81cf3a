"""Stills of a video, frame by frame: which frame a moment is, and that frame as a PNG, exactly.

Frames are counted from 0 in the order in which they are shown. What a file says of their number may be wrong, and so
its packets are counted; only what is needed of it is decoded.
"""

from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from batchgen.media.film import exact, opened, pictures_of
from batchgen.media.probe import UnusableMedia
from batchgen.media.upright import turn_of, upright
from batchgen.references import FIRST, LAST

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer
    from PIL import Image

_UNSPECIFIED = 2
"""What FFmpeg calls the colours of a file that does not name them."""
_LEAST_HD_LINES = 720
"""From here on players take colours that are not named for those of BT.709, below for those of BT.601."""


def frame_number(path: Path, moment: str) -> int:
    """The number of the frame that is shown at a moment: ``first``, ``last``, or seconds from the first frame.

    A moment beyond the end is the last frame. Raises `UnusableMedia`.
    """
    if moment == FIRST:
        return 0
    with opened(path) as container:
        stream = pictures_of(container)
        shown_at = _shown_at(container, stream)
        base = exact(stream.time_base)
    if moment == LAST:
        return len(shown_at) - 1
    wanted = Fraction(moment)
    reached = [number for number, pts in enumerate(shown_at) if (pts - shown_at[0]) * base <= wanted]
    return reached[-1]


def still(path: Path, number: int) -> bytes:
    """A frame as a PNG in its full size, upright and with the colours that players show. Raises `UnusableMedia`."""
    with opened(path) as container:
        shown_at = _shown_at(container, pictures_of(container))
    if number >= len(shown_at):
        raise UnusableMedia(f"has {len(shown_at)} frames, and frame {number} is wanted")
    # Of fragments only the order of decoding is known, and a seek may lead beyond the frame.
    for from_its_group in (True, False):
        content = _decoded(path, shown_at[number], from_its_group=from_its_group)
        if content is not None:
            return content
    raise UnusableMedia(f"has no frame {number} that decodes")


def _decoded(path: Path, pts: int, *, from_its_group: bool) -> bytes | None:
    """The frame that is shown at a moment, in units of the stream; None where decoding does not come to it."""
    with opened(path) as container:
        stream = pictures_of(container)
        if from_its_group:
            container.seek(pts, stream=stream)
        frames = (frame for frame in container.decode(stream) if frame.pts is not None and frame.pts >= pts)
        frame = next(frames, None)
        return None if frame is None or frame.pts != pts else _png(frame)


def _shown_at(container: "InputContainer", stream: "VideoStream") -> list[int]:
    """When each frame is shown, in units of the stream, in this order."""
    packets = container.demux(stream)
    shown_at = sorted(one.pts for one in packets if one.size and not one.is_discard and one.pts is not None)
    if not shown_at:
        raise UnusableMedia("has no frames")
    return shown_at


def _png(frame: "VideoFrame") -> bytes:
    named = frame.colorspace != _UNSPECIFIED
    usual = "itu709" if min(frame.width, frame.height) >= _LEAST_HD_LINES else "itu601"
    colours = {} if named else {"src_colorspace": usual}
    buffer = BytesIO()
    image: Image.Image = frame.to_image(**colours)  # type: ignore[no-untyped-call]
    upright(image, turn_of(frame)).save(buffer, "PNG")
    return buffer.getvalue()

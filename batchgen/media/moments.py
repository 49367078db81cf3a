"""The frames that a video shows at moments of it, for as little decoding as that takes.

A decoder begins at a key frame. So a file is read from the key frame before a moment, and what lies between two key
frames without a moment is not decoded. On the way to a moment, frames that no other frame is made from are left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction

import av
from av import VideoFrame, VideoStream
from av.container import InputContainer

from batchgen.media.decoding import UnusableMedia
from batchgen.media.recordings import BAD_MEDIA, make_ready, videos_of

_MOST_PIXELS = 6_000_000_000
"""Decoded of one file: as many as fifteen seconds of the largest videos have several times over."""


def frames_at(container: InputContainer, moments: Sequence[float]) -> Iterator[tuple[float, VideoFrame]]:
    """The first frame at or after each moment, a share of the length; the last one where no more frame comes.

    Each frame stands for one moment, and they come in no order. There are fewer where the file is damaged. Raises
    `UnusableMedia` for what is not a video that says how long it is.
    """
    stream = next(iter(videos_of(container)), None)
    # A stream in a coding that FFmpeg does not know has no decoder, whatever its type says.
    if stream is None or getattr(stream, "codec_context", None) is None or (container.duration or 0) <= 0:
        raise UnusableMedia("is not a video")
    ticks = _ticks(container, stream, moments)
    for tick, frame in _Reader(container, stream).frames(sorted(ticks)):
        yield ticks[tick], frame


def _ticks(container: InputContainer, stream: VideoStream, moments: Sequence[float]) -> Mapping[float, float]:
    """Moments by when they are, in ticks of the stream's own clock, of the pictures' own length."""
    base = stream.time_base or Fraction(1, av.time_base)
    whole = (container.duration or 0) / av.time_base * base.denominator / base.numerator
    if stream.duration is not None and stream.duration > 0:  # the sound may go on for longer
        whole = min(whole, stream.duration)
    return {(stream.start_time or 0) + moment * whole: moment for moment in moments}


class _Reader:
    """Decodes a stream here and there, and no more of it than the limit."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self._codec = stream.codec_context
        make_ready(self._codec)
        self._pixels = 0

    def frames(self, ticks: Sequence[float]) -> Iterator[tuple[float, VideoFrame]]:
        """The frames at ticks, which are in order: those after the last key frame first."""
        left = list(ticks)
        while left and self._pixels < _MOST_PIXELS:
            begin = self._go_to_key_frame_before(left[-1])
            group = [tick for tick in left if begin is None or tick >= begin]
            del left[-len(group) :]
            yield from self._shown(group)

    def _go_to_key_frame_before(self, tick: float) -> int | None:
        """Read on from the key frame before a tick, and return when that is; from the start where none is found."""
        with suppress(*BAD_MEDIA, OverflowError):  # a length may be said to be beyond all numbers
            self._container.seek(int(tick), stream=self._stream)
            first = next(self._container.demux(self._stream))
            if first.is_keyframe and first.pts is not None and first.pts <= tick:
                self._container.seek(int(tick), stream=self._stream)
                return first.pts
        with suppress(*BAD_MEDIA):
            self._container.seek(0, any_frame=True)
        return None

    def _shown(self, ticks: Sequence[float]) -> Iterator[tuple[float, VideoFrame]]:
        left, last = list(ticks), None
        for frame in self._decoded(left):
            last = frame
            if (frame.pts or 0) >= left[0]:
                yield left.pop(0), frame
            if not left:
                return
        if last is not None:
            yield left[0], last

    def _decoded(self, left: Sequence[float]) -> Iterator[VideoFrame]:
        """The frames from here up to where they are damaged, but for those that nobody needs before the next tick."""
        with suppress(*BAD_MEDIA, MemoryError):
            for packet in self._container.demux(self._stream):
                is_before = packet.pts is not None and packet.pts < left[0]
                self._codec.skip_frame = "NONREF" if is_before else "DEFAULT"
                frames = self._codec.decode(packet)
                yield from frames
                if self._is_spent(frames):
                    break
        with suppress(*BAD_MEDIA):
            yield from self._codec.decode(None)  # what was held back for frames that come no more

    def _is_spent(self, frames: Sequence[VideoFrame]) -> bool:
        """Count what was decoded; a packet without a frame counts as one, since it was read all the same."""
        size = self._stream.width * self._stream.height
        self._pixels += sum(frame.width * frame.height for frame in frames) or size
        return self._pixels >= _MOST_PIXELS

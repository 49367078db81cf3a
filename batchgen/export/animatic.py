"""A sequence as one video to look at: all results in a row, at one size and rate, with slates for what is missing.

It is made of the pictures and not of the files: nothing that a result carries of its origin is in it, and its
comment says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import Any

import av
from av import VideoStream
from av.filter import Graph
from av.video.frame import VideoFrame
from PIL import Image

from batchgen.export.drawing import REHEARSAL, label, slate
from batchgen.export.interface import Placed, Result, Sequence, reading
from batchgen.media.film import opened, pictures_of
from batchgen.media.probe import UnusableMedia
from batchgen.media.upright import Turn, turn_of

_LONGEST_SIDE = 1280
"""Pixels. It is to be looked at and sent round; the results themselves go to the edit."""
_PICTURES = {"crf": "23", "preset": "superfast"}
_SAMPLES_PER_SECOND = 48_000
_LAYOUT, _FORMAT = "stereo", "fltp"
_BLOCK = 1024
_COMMENT = (
    "Made by batchgen of results that a model generated. What these carry of their origin (C2PA, XMP, AIGC) "
    "is not in this file; results/*.json beside them tells of each."
)
_COMMENT_OF_REHEARSAL = "A rehearsal: made by batchgen of what its emulator drew. No model was asked."
_GREY = b"\x80"


def write(sequence: Sequence, path: Path) -> None:
    """Encode it. The sound of each shot is cut or filled with silence to the length of its pictures."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        comment = _COMMENT_OF_REHEARSAL if sequence.rehearsal else _COMMENT
        container.metadata.update({"title": sequence.title, "comment": comment})
        film = _Film(container, sequence)
        for placed in sequence.placed():
            with reading(placed.shot):
                film.add(placed)
        film.end()


@dataclass(slots=True)
class _Size:
    width: int
    height: int

    @classmethod
    def of(cls, sequence: Sequence) -> "_Size":
        """That of most results, no larger than it need be, in even numbers as the coding wants them."""
        width, height = sequence.size
        scale = min(Fraction(1), Fraction(_LONGEST_SIDE, max(width, height)))
        return cls(max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2))


class _Film:
    """The file that is being made."""

    def __init__(self, container: Any, sequence: Sequence) -> None:
        self._container = container
        self._rate = sequence.rate
        self._size = _Size.of(sequence)
        self._video = container.add_stream("libx264", rate=sequence.rate, options=_PICTURES)
        self._video.width, self._video.height = self._size.width, self._size.height
        self._video.pix_fmt = "yuv420p"
        self._video.time_base = 1 / sequence.rate
        heard = any(result.film.channels for result in sequence.results)
        self._audio = container.add_stream("aac", rate=_SAMPLES_PER_SECOND, layout=_LAYOUT) if heard else None
        self._sign = label(REHEARSAL, max(16, self._size.height // 20 // 2 * 2)) if sequence.rehearsal else None

    def add(self, placed: Placed) -> None:
        """Encode a shot."""
        for number, frame in enumerate(self._pictures(placed), placed.start):
            frame.pts, frame.time_base = number, 1 / self._rate
            self._container.mux(self._video.encode(frame))
        if self._audio is not None:
            begin, end = self._samples(placed.start), self._samples(placed.start + placed.frames)
            for block in _sound(placed.shot.result, end - begin):
                block.pts, block.time_base = begin, Fraction(1, _SAMPLES_PER_SECOND)
                begin += block.samples
                self._container.mux(self._audio.encode(block))

    def end(self) -> None:
        """Encode what the encoders still have."""
        for stream in (self._video, self._audio):
            if stream is not None:
                self._container.mux(stream.encode(None))

    def _samples(self, frames: int) -> int:
        return round(frames / self._rate * _SAMPLES_PER_SECOND)

    def _pictures(self, placed: Placed) -> Iterator[VideoFrame]:
        """As many as the shot has frames; of a file of another rate, the one that is shown at each moment."""
        shot = placed.shot
        if shot.result is None:
            drawn = slate((self._size.width, self._size.height), shot.name, shot.title, shot.missing)
            frame: Any = VideoFrame.from_image(drawn)  # type: ignore[no-untyped-call]
            yield from repeat(self._signed(frame.reformat(format="yuv420p")), placed.frames)
            return
        wanted = (number * shot.result.film.rate // self._rate for number in range(placed.frames))
        yield from map(self._signed, _chosen(_decoded(shot.result.path, self._size), wanted))

    def _signed(self, frame: VideoFrame) -> VideoFrame:
        """The picture, with a sign in its corner where this is a rehearsal."""
        if self._sign is not None and self._sign.width < frame.width:
            width, height = self._sign.size
            _lay(frame.planes[0], self._sign.tobytes(), width, height)
            for plane in frame.planes[1:]:
                _lay(plane, _GREY * (width // 2 * (height // 2)), width // 2, height // 2)
        return frame


def _lay(plane: Any, content: bytes, width: int, height: int) -> None:
    """Lay a rectangle into the upper left corner of a plane."""
    lines = bytearray(plane)
    for row in range(height):
        at = row * plane.line_size
        lines[at : at + width] = content[row * width : (row + 1) * width]
    plane.update(lines)


def _chosen(frames: Iterator[VideoFrame], wanted: Iterable[int]) -> Iterator[VideoFrame]:
    """The frames of these numbers, which rise; the last one again where there are fewer than were counted."""
    at, frame = 0, next(frames, None)
    if frame is None:
        raise UnusableMedia("has no pictures that can be decoded")
    for number in wanted:
        while at < number:
            frame, at = next(frames, frame), at + 1
        yield frame


def _decoded(path: Path, size: _Size) -> Iterator[VideoFrame]:
    """The pictures of a file, whole within the size, with bars where their form is another."""
    with opened(path) as container:
        stream, graph = pictures_of(container), None
        for frame in container.decode(stream):
            graph = graph or _fitting(stream, size, turn_of(frame))
            graph.push(frame)
            pulled: Any = graph.pull()
            yield pulled


def _fitting(stream: VideoStream, size: _Size, turn: Turn) -> Graph:
    """What brings the pictures of a stream, which players turn so, into the size."""
    graph = Graph()
    fit = f"{size.width}:{size.height}:force_original_aspect_ratio=decrease:force_divisible_by=2"
    steps = [
        graph.add_buffer(template=stream),
        *(graph.add(*each) for each in (() if turn is None else _TURNING[turn])),
        graph.add("scale", fit),
        graph.add("pad", f"{size.width}:{size.height}:(ow-iw)/2:(oh-ih)/2"),
        graph.add("setsar", "1"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*steps).configure()
    return graph


_TURNING: Mapping[Image.Transpose, Iterable[tuple[str, ...]]] = {
    Image.Transpose.FLIP_LEFT_RIGHT: (("hflip",),),
    Image.Transpose.FLIP_TOP_BOTTOM: (("vflip",),),
    Image.Transpose.ROTATE_180: (("hflip",), ("vflip",)),
    Image.Transpose.ROTATE_270: (("transpose", "clock"),),
    Image.Transpose.ROTATE_90: (("transpose", "cclock"),),
    Image.Transpose.TRANSPOSE: (("transpose", "cclock_flip"),),
    Image.Transpose.TRANSVERSE: (("transpose", "clock_flip"),),
}
"""The filters of FFmpeg that turn a picture so."""


def _sound(result: Result | None, samples: int) -> Iterator[Any]:
    """So many samples of sound, and silence where there is none or no more."""
    fifo = av.AudioFifo()
    heard = () if result is None or not result.film.channels else _resampled(result.path)
    for frame in heard:
        frame.pts = None
        fifo.write(frame)
        if fifo.samples >= samples:
            break
    left = samples
    while left:
        block = fifo.read(min(_BLOCK, left), partial=True) or _silence(min(_BLOCK, left))
        left -= block.samples
        yield block


def _resampled(path: Path) -> Iterator[Any]:
    resampler = av.AudioResampler(format=_FORMAT, layout=_LAYOUT, rate=_SAMPLES_PER_SECOND)
    with opened(path) as container:
        for frame in container.decode(container.streams.audio[0]):
            yield from resampler.resample(frame)
        yield from resampler.resample(None)


def _silence(samples: int) -> Any:
    block: Any = av.AudioFrame(format=_FORMAT, layout=_LAYOUT, samples=samples)
    block.sample_rate = _SAMPLES_PER_SECOND
    for plane in block.planes:
        plane.update(bytes(plane.buffer_size))
    return block

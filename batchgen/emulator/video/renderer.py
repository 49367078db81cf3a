"""Encodes the video of a task: MP4 with H.264, and AAC if the request asks for sound.

Equal inputs give equal bytes. The encoder uses one thread, because the output of libx264 may depend
on the number of threads; the render pool encodes several videos at once instead.
"""

import array
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import av
from PIL import Image

from batchgen.emulator.seeded_random import random_between, random_token
from batchgen.emulator.video.drawing import VideoSpec, draw_frame, draw_shot

_FRAMES_PER_SECOND = 6
_SAMPLES_PER_SECOND = 24000
_SAMPLES_PER_BLOCK = 1024
_AMPLITUDE = 2600
_ENCODER_OPTIONS: Final = {"preset": "superfast", "crf": "27", "threads": "1", "tune": "animation"}
_SCALE = (0, 2, 4, 7, 9, 12)


@dataclass(frozen=True, slots=True)
class RenderInput:
    """Everything that decides the bytes of a video. Equal `key`s mean equal videos.

    ``picture_file`` is the file of the reference picture, if ``spec`` does not have it in memory.
    """

    spec: VideoSpec
    reference_sha256: str = ""
    picture_file: Path | None = None

    @property
    def key(self) -> str:
        """A name for the video: a hash of all that it shows and plays."""
        spec = self.spec
        return random_token(
            spec.seed,
            spec.prompt,
            spec.width,
            spec.height,
            spec.seconds,
            spec.shots,
            spec.sound,
            spec.watermark,
            spec.reference,
            self.reference_sha256,
            length=40,
        )


class RenderingStoppedError(Exception):
    """Rendering was cancelled."""


def render(render_input: RenderInput, stopped: Callable[[], bool] = bool) -> bytes:
    """Render the video as an MP4 file. Takes some tenths of a second of one core.

    Calls ``stopped`` before each frame; raises `RenderingStoppedError` once it returns true.
    """
    spec = _load_picture(render_input)
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        video: Any = container.add_stream("libx264", rate=_FRAMES_PER_SECOND, options=_ENCODER_OPTIONS)
        video.width, video.height = spec.width, spec.height
        video.pix_fmt = "yuv420p"
        video.time_base = Fraction(1, _FRAMES_PER_SECOND)
        sound: Any = container.add_stream("aac", rate=_SAMPLES_PER_SECOND, layout="mono") if spec.sound else None
        for picture in _video_frames(spec):
            if stopped():
                raise RenderingStoppedError
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if sound is not None:
            for block in _audio_frames(spec):
                container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return buffer.getvalue()


def _load_picture(render_input: RenderInput) -> VideoSpec:
    if render_input.picture_file is None or render_input.spec.picture is not None:
        return render_input.spec
    with Image.open(render_input.picture_file, formats=("PNG",)) as picture:
        return replace(render_input.spec, picture=picture.convert("RGB"))


def _video_frames(spec: VideoSpec) -> Iterator[Any]:
    count = spec.seconds * _FRAMES_PER_SECOND
    number, background = -1, Image.new("RGB", (0, 0))
    for index in range(count):
        if index * spec.shots // count != number:
            number = index * spec.shots // count
            background = draw_shot(spec, number)
        picture: Any = av.VideoFrame.from_image(draw_frame(background, spec, index / _FRAMES_PER_SECOND))  # type: ignore[no-untyped-call]
        picture.pts = index
        picture.time_base = Fraction(1, _FRAMES_PER_SECOND)
        yield picture


def _audio_frames(spec: VideoSpec) -> Iterator[Any]:
    """A melody that the seed decides, two notes a second."""
    half = _SAMPLES_PER_SECOND // 2
    tune = array.array("h")
    for number in range(spec.seconds * 2):
        tune.extend(_tone(_SCALE[int(random_between(0, len(_SCALE) - 0.001, spec.seed, "note", number))], half))
    for start in range(0, len(tune), _SAMPLES_PER_BLOCK):
        samples = tune[start : start + _SAMPLES_PER_BLOCK]
        block: Any = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        block.planes[0].update(samples.tobytes().ljust(block.planes[0].buffer_size, b"\0"))
        block.sample_rate = _SAMPLES_PER_SECOND
        block.pts = start
        block.time_base = Fraction(1, _SAMPLES_PER_SECOND)
        yield block


def _tone(step: int, length: int) -> "array.array[int]":
    """A decaying sine tone; ``step`` is in semitones above A3, ``length`` in samples."""
    turn = 2 * math.pi * 220 * 2 ** (step / 12) / _SAMPLES_PER_SECOND
    return array.array("h", (int(_AMPLITUDE * math.sin(turn * n) * math.exp(-4 * n / length)) for n in range(length)))

"""Makes the rehearsal video of an order: a real MP4 with H.264, and AAC where sound is asked for.

The same order gives the same bytes. One thread encodes, since the result of libx264 may depend on
their number; several videos are made at once instead.
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

from batchgen.emulator.seeded_random import between, token
from batchgen.emulator.video.drawing import Look, frame, shot

_FRAMES_PER_SECOND = 6
_SAMPLES_PER_SECOND = 24000
_SAMPLES_A_BLOCK = 1024
_LOUDNESS = 2600
_OPTIONS: Final = {"preset": "superfast", "crf": "27", "threads": "1", "tune": "animation"}
_SCALE = (0, 2, 4, 7, 9, 12)


@dataclass(frozen=True, slots=True)
class Scene:
    """What decides a video. Two equal `key`s are one video.

    ``picture_file`` is where the picture of ``look`` lies as long as it is not in memory.
    """

    look: Look
    reference_sha256: str = ""
    picture_file: Path | None = None

    @property
    def key(self) -> str:
        """A name for the video, from everything that is to be seen and heard."""
        look = self.look
        return token(
            look.seed,
            look.prompt,
            look.width,
            look.height,
            look.seconds,
            look.shots,
            look.sound,
            look.watermark,
            look.reference,
            self.reference_sha256,
            length=40,
        )


class StoppedError(Exception):
    """Nobody wants the video any more."""


def rendered(scene: Scene, stopped: Callable[[], bool] = bool) -> bytes:
    """The video as an MP4 file. Takes some tenths of a second of one core.

    ``stopped`` is asked before each frame; raises `StoppedError` once it says so.
    """
    look = _with_picture(scene)
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        video: Any = container.add_stream("libx264", rate=_FRAMES_PER_SECOND, options=_OPTIONS)
        video.width, video.height = look.width, look.height
        video.pix_fmt = "yuv420p"
        video.time_base = Fraction(1, _FRAMES_PER_SECOND)
        sound: Any = container.add_stream("aac", rate=_SAMPLES_PER_SECOND, layout="mono") if look.sound else None
        for picture in _frames(look):
            if stopped():
                raise StoppedError
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if sound is not None:
            for block in _melody(look):
                container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return buffer.getvalue()


def _with_picture(scene: Scene) -> Look:
    if scene.picture_file is None or scene.look.picture is not None:
        return scene.look
    with Image.open(scene.picture_file, formats=("PNG",)) as picture:
        return replace(scene.look, picture=picture.convert("RGB"))


def _frames(look: Look) -> Iterator[Any]:
    count = look.seconds * _FRAMES_PER_SECOND
    number, still = -1, Image.new("RGB", (0, 0))
    for index in range(count):
        if index * look.shots // count != number:
            number = index * look.shots // count
            still = shot(look, number)
        picture: Any = av.VideoFrame.from_image(frame(still, look, index / _FRAMES_PER_SECOND))  # type: ignore[no-untyped-call]
        picture.pts = index
        picture.time_base = Fraction(1, _FRAMES_PER_SECOND)
        yield picture


def _melody(look: Look) -> Iterator[Any]:
    """A soft melody of the seed's own, two notes a second."""
    half = _SAMPLES_PER_SECOND // 2
    tune = array.array("h")
    for number in range(look.seconds * 2):
        tune.extend(_note(_SCALE[int(between(0, len(_SCALE) - 0.001, look.seed, "note", number))], half))
    for start in range(0, len(tune), _SAMPLES_A_BLOCK):
        samples = tune[start : start + _SAMPLES_A_BLOCK]
        block: Any = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        block.planes[0].update(samples.tobytes().ljust(block.planes[0].buffer_size, b"\0"))
        block.sample_rate = _SAMPLES_PER_SECOND
        block.pts = start
        block.time_base = Fraction(1, _SAMPLES_PER_SECOND)
        yield block


def _note(step: int, length: int) -> "array.array[int]":
    """A plucked tone that dies away; steps are semitones above A3."""
    turn = 2 * math.pi * 220 * 2 ** (step / 12) / _SAMPLES_PER_SECOND
    return array.array("h", (int(_LOUDNESS * math.sin(turn * n) * math.exp(-4 * n / length)) for n in range(length)))

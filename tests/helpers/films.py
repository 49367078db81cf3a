"""Small films whose frames are told apart by their grey, and the facts of what lies in a folder."""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image

from batchgen.store.check import check
from batchgen.store.interface import Fetched, Wanted

STEP = 4
"""How much brighter each frame is than the one before."""
SIZE = (64, 48)
SOUND_RATE = 48_000


def make_film(  # noqa: PLR0913 - what a film is
    path: Path,
    frames: int,
    rate: Fraction | int = 24,
    *,
    size: tuple[int, int] = SIZE,
    sound: bool = False,
    sound_s: float | None = None,
    pixels: str = "yuv420p",
    moments: Sequence[int] | None = None,
) -> Path:
    """A film of so many frames, frame N in grey ``N * STEP``; with ``sound``, a tone of the same length, or longer.

    ``moments`` are when the frames are shown, where that is not one after the other.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        video: Any = container.add_stream("libx264", rate=Fraction(rate), options={"preset": "ultrafast", "crf": "10"})
        video.width, video.height = size
        video.pix_fmt = pixels
        video.time_base = 1 / Fraction(rate)
        audio: Any = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if sound or sound_s else None
        for number in range(frames):
            frame: Any = av.VideoFrame.from_image(Image.new("RGB", size, (number * STEP,) * 3))  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = number if moments is None else moments[number], 1 / Fraction(rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            samples = int((sound_s or frames / Fraction(rate)) * SOUND_RATE)
            block: Any = av.AudioFrame(format="fltp", layout="mono", samples=samples)
            block.sample_rate, block.pts, block.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
            block.planes[0].update(b"\x00\x00\x00\x3e" * (block.planes[0].buffer_size // 4))
            container.mux(audio.encode(block))
            container.mux(audio.encode(None))
    return path


def greys(path: Path) -> list[int]:
    """Which frame of its film each frame of a video shows, by the grey in its middle."""
    with av.open(str(path)) as container:
        return [round(_grey(frame.to_image()) / STEP) for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]


def _grey(image: Image.Image) -> int:
    value = image.convert("L").getpixel((image.width // 2, image.height // 2))
    assert isinstance(value, int)
    return value


def fingerprints(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Hash, time of change and number of names of each file below a folder."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns, path.stat().st_nlink
        )
        for path in folder.rglob("*")
        if path.is_file()
    }  # fmt: skip


def mismatch(path: Path, size: str, seconds: int) -> str | None:
    """How a result differs from what was asked for, None where it does not."""
    return check(Fetched(path, 0, ""), Wanted("s1", 1, "", size, seconds), is_pictured=True).mismatch

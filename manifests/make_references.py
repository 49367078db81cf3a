"""Draws the reference pictures and clips that the example manifests use, into refs/ beside it.

Run it again after a change of batchgen/media/samples.py:

    python manifests/make_references.py
"""

from collections.abc import Callable
from pathlib import Path

from batchgen.files import write_atomically
from batchgen.media.samples import FIGURES, clip, picture

REFS = Path(__file__).parent / "refs"

FILES: dict[str, Callable[[], bytes]] = {
    "hero.png": lambda: picture(FIGURES["hero"]),
    "dog.mp4": lambda: clip(FIGURES["dog"], 4),
    "keeper.jpg": lambda: picture(FIGURES["keeper"], "JPEG"),
    "gull.mp4": lambda: clip(FIGURES["gull"], 3),
    "boat.webp": lambda: picture(FIGURES["boat"], "WEBP"),
    "lamp.png": lambda: picture(FIGURES["lamp"]),
}

if __name__ == "__main__":
    REFS.mkdir(exist_ok=True)
    for name, make in FILES.items():
        write_atomically(REFS / name, make())

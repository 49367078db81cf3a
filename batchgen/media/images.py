"""Measures pictures with Pillow."""

import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BufferedIOBase
from typing import IO, cast

from PIL import Image

from batchgen.media.decoding import MOST_PIXELS_DECODED, UnusableMedia, decoding
from batchgen.references import Facts

_IMAGE_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""Of those that Pillow has readers for: older releases have none for AVIF."""
_BAD_PICTURE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, RuntimeError, struct.error, zlib.error
)  # fmt: skip
"""What Pillow's readers raise of a damaged picture: OSError mostly, and RuntimeError from the AVIF reader."""

_FILTERS = threading.Lock()
"""Whoever changes the filters of warnings, which belong to the whole process, puts them back before another does."""


def image_facts(file: BufferedIOBase, size: int) -> Facts | None:
    """Measure a picture; None for what is not one that Pillow knows. Raises `UnusableMedia`."""
    with _pillow_is_silent():
        return _measured_image(file, size)


@contextmanager
def _pillow_is_silent() -> Iterator[None]:
    """Hide what Pillow warns of: pictures that are measured without decoding, and odd bytes in a header.

    What is wrong with a file is told here.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        yield


def _measured_image(file: BufferedIOBase, size: int) -> Facts | None:
    try:
        image = Image.open(cast("IO[bytes]", file), formats=_known_formats())
    except Image.DecompressionBombError:
        raise UnusableMedia("is an image with far more pixels than any picture needs; it was not opened") from None
    except (*_BAD_PICTURE, MemoryError):  # not a picture that Pillow knows
        file.seek(0)
        return None
    with image:
        # A camera's multi-picture file is a JPEG to everyone else.
        kind = "jpeg" if image.format == "MPO" else str(image.format).lower()
        alpha = transparency = None
        if image.width * image.height <= MOST_PIXELS_DECODED:
            with decoding("an image", _BAD_PICTURE):
                image.load()
                alpha = image.has_transparency_data
                transparency = alpha and _least_opaque(image) < _OPAQUE
        return Facts("image", kind, size, image.width, image.height, alpha, transparency)


@cache
def _known_formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _IMAGE_FORMATS if name in Image.OPEN)


_OPAQUE = 255


def _least_opaque(image: Image.Image) -> int:
    # No copy where none is needed: the largest picture that is decoded takes 160 MB.
    opaque = image if image.mode == "RGBA" else image.convert("RGBA")
    least, _ = opaque.getchannel("A").getextrema()
    return int(cast("float", least))

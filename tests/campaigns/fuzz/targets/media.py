"""Any bytes are measured or told to be unusable; what is measured makes sense."""

import math
import zlib
from io import BytesIO

from PIL import Image

from batchgen.media.probe import UnusableMedia, mime_type, probe
from batchgen.references import Facts
from batchgen.schemas import DEFAULT_MODEL, compiled, shipped

Image.init()  # loads Pillow's readers now, so that the fuzzer watches them, too
IMAGES = {"avif", "bmp", "gif", "jpeg", "png", "tiff", "webp"}
OTHERS = {"aac", "aiff", "avi", "flac", "flv", "matroska", "mov", "mp3", "mp4", "mpeg", "mpegts", "ogg", "wav"}
PNG = b"\x89PNG\r\n\x1a\n"
MOST_PIXELS_OF_A_CLIP = 40_000_000
"""A larger frame is not decoded: a megabyte may hold gigabytes of them."""
LIMITS = [compiled(limit) for limit in shipped().for_model(DEFAULT_MODEL, "media")["properties"].values()]


def check(data: bytes) -> None:
    """Measure the input as a file, as it is and with the checksums that a PNG should have."""
    _measure(data)
    mended = _mended(data)
    if mended != data:
        _measure(mended)


def _measure(data: bytes) -> None:
    """Hold the facts against the limits, as ``batchgen validate`` does."""
    try:
        facts = probe(BytesIO(data))
    except UnusableMedia as error:
        assert str(error).isprintable(), error  # noqa: PT017 - a promise about the error, beside others
        return
    assert facts.bytes == len(data)
    _check_sense(facts)
    for limit in LIMITS:
        list(limit.iter_errors(facts.as_json()))


def _check_sense(facts: Facts) -> None:
    assert facts.format in (IMAGES if facts.kind == "image" else OTHERS), facts
    assert mime_type(facts).isascii()
    assert (facts.seconds is None) == (facts.kind == "image")
    assert facts.seconds is None or (math.isfinite(facts.seconds) and facts.seconds >= 0), facts
    assert (facts.width is None) == (facts.height is None) == (facts.kind == "audio")
    if facts.width is not None and facts.height is not None:
        assert facts.width > 0, facts
        assert facts.height > 0, facts
        assert facts.kind == "image" or facts.width * facts.height <= MOST_PIXELS_OF_A_CLIP


def _mended(data: bytes) -> bytes:
    """A PNG with right checksums: nearly every mutated one would be given up at its first chunk."""
    if not data.startswith(PNG):
        return data
    mended, at = bytearray(data), len(PNG)
    while (end := at + 8 + int.from_bytes(data[at : at + 4], "big")) + 4 <= len(data):
        mended[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(mended)

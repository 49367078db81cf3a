"""Measures a media file by its content: Pillow for pictures, PyAV for videos and sound.

The decoders face files from anywhere. They are kept to the formats that people keep pictures,
clips and sound in, so that a file cannot make them open other files or addresses. What they raise
of bad media becomes one typed error; anything else that is raised here is a bug of ours or of
theirs, and is never said of the file. Either library is imported with the first file that needs it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from typing import TYPE_CHECKING

from batchgen.media.decoding import UnusableMedia, size_within_bounds
from batchgen.references import Facts

if TYPE_CHECKING:
    from av.container import InputContainer

__all__ = ["UnusableMedia", "examined", "mime_type", "probe"]

_MIME_TYPES = {"mov": "video/quicktime", "mp3": "audio/mpeg"}
_PICTURE_BRANDS = frozenset({b"avif", b"avis", b"mif1", b"msf1"})
"""Of files that are laid out like MP4 and hold a picture; of others, Pillow need not be asked."""


def probe(file: BufferedIOBase) -> Facts:
    """Measure a file that is open for reading.

    Raises `UnusableMedia` for what is neither image, video nor sound, and for what is damaged.
    """
    with examined(file) as (facts, _):
        return facts


@contextmanager
def examined(file: BufferedIOBase) -> Iterator[tuple[Facts, "InputContainer | None"]]:
    """What a file is, and its container, open for as long as the context lasts; None for a picture. As `probe`."""
    size = size_within_bounds(file)
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    is_film = head[4:8] == b"ftyp" and head[8:] not in _PICTURE_BRANDS
    picture = None if is_film else _picture(file, size)
    if picture is not None:
        yield picture, None
        return
    from batchgen.media.recordings import opened, recording_facts

    with opened(file, size) as container:
        yield recording_facts(container, size), container


def _picture(file: BufferedIOBase, size: int) -> Facts | None:
    from batchgen.media.images import image_facts

    return image_facts(file, size)


def mime_type(facts: Facts) -> str:
    """The MIME type that goes into a data URI."""
    return _MIME_TYPES.get(facts.format, f"{facts.kind}/{facts.format}")

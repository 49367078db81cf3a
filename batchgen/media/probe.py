"""Measures a media file by its content: Pillow for pictures, PyAV for videos and sound.

The decoders face files from anywhere. They are kept to the formats that people keep pictures,
clips and sound in, so that a file cannot make them open other files or addresses. What they raise
of bad media becomes one typed error; anything else that is raised here is a bug of ours or of
theirs, and is never said of the file. Either library is imported with the first file that needs it.
"""

from io import BufferedIOBase

from batchgen.media.decoding import UnusableMedia, size_within_bounds
from batchgen.references import Facts

__all__ = ["UnusableMedia", "mime_type", "probe"]

_MIME_TYPES = {"mov": "video/quicktime", "mp3": "audio/mpeg"}
_PICTURE_BRANDS = frozenset({b"avif", b"avis", b"mif1", b"msf1"})
"""Of files that are laid out like MP4 and hold a picture; of others, Pillow need not be asked."""


def probe(file: BufferedIOBase) -> Facts:
    """Measure a file that is open for reading.

    Raises `UnusableMedia` for what is neither image, video nor sound, and for what is damaged.
    """
    size = size_within_bounds(file)
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    is_film = head[4:8] == b"ftyp" and head[8:] not in _PICTURE_BRANDS
    return (None if is_film else _picture(file, size)) or _recording(file, size)


def _picture(file: BufferedIOBase, size: int) -> Facts | None:
    from batchgen.media.images import image_facts

    return image_facts(file, size)


def _recording(file: BufferedIOBase, size: int) -> Facts:
    from batchgen.media.recordings import recording_facts

    return recording_facts(file, size)


def mime_type(facts: Facts) -> str:
    """The MIME type that goes into a data URI."""
    return _MIME_TYPES.get(facts.format, f"{facts.kind}/{facts.format}")

"""Measures a media file by its content: Pillow for images, PyAV for videos and sound.

The decoders face files from anywhere. They are kept to the formats that people keep pictures,
clips and sound in, so that a file cannot make them open other files or addresses. What they raise
of bad media becomes one typed error; anything else that is raised here is a bug of ours or of
theirs, and is never said of the file.
"""

import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BufferedIOBase
from typing import IO, Literal, cast

import av
from av import AudioStream, VideoStream
from av.container import InputContainer
from av.stream import Disposition
from PIL import Image

from batchgen.model import Facts

_MICROSECONDS = 1_000_000
_MOST_PIXELS_DECODED = 40_000_000
"""A larger picture is measured from its header alone: decoding it could take all memory."""
_MOST_BYTES_OPENED = 512 * 1024**2
"""More than 15 seconds take in any format. Some formats are searched to their end, which takes seconds for
this much, and a file with holes may have terabytes of them."""
_FRAME_LIMIT = {"max_pixels": str(_MOST_PIXELS_DECODED)}
"""For FFmpeg's decoders: a clip of a megabyte may hold a frame of more than a gigabyte."""
_OPENING = {**_FRAME_LIMIT, "skip_frame": "all"}
"""Opening would decode frames of its own to learn what the one that is decoded here says as well."""
_DECODING = {**_FRAME_LIMIT, "skip_loop_filter": "all"}
"""The loop filter smooths a picture that has been decoded already, and nobody looks at this one."""

_IMAGE_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""Of those that Pillow has readers for: older releases have none for AVIF."""
_AV_FORMATS = "aac,aiff,avi,flac,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,ogg,wav"
_BAD_PICTURE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, RuntimeError, struct.error, zlib.error
)  # fmt: skip
"""What Pillow's readers raise of a damaged picture: OSError mostly, and RuntimeError from the AVIF reader."""
_BAD_MEDIA = (av.FFmpegError, ValueError)
"""What PyAV raises of damaged media: FFmpeg's errors, and ValueError for values that Python cannot take."""
_MIME_TYPES = {"mov": "video/quicktime", "mp3": "audio/mpeg"}

_FILTERS = threading.Lock()
"""Whoever changes the filters of warnings, which belong to the whole process, puts them back before another does."""


class UnusableMedia(Exception):  # noqa: N818 - the file is at fault, not the program
    """A file that cannot be measured; the text says why, beginning with a verb."""


def probe(file: BufferedIOBase) -> Facts:
    """Measure a file that is open for reading.

    Raises `UnusableMedia` for what is neither image, video nor sound, and for what is damaged.
    """
    size = file.seek(0, 2)
    if size == 0:
        raise UnusableMedia("is empty")
    if size > _MOST_BYTES_OPENED:
        raise UnusableMedia(f"has {size} bytes; no picture, clip or sound here is that large, and it was not opened")
    file.seek(0)
    return _image_facts(file, size) or _av_facts(file, size)


def mime_type(facts: Facts) -> str:
    """The MIME type that goes into a data URI."""
    return _MIME_TYPES.get(facts.format, f"{facts.kind}/{facts.format}")


@contextmanager
def _decoding(what: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn what a decoder raises of a broken file into `UnusableMedia`."""
    try:
        yield
    except MemoryError:  # FFmpeg says so of any file that claims to hold more than a machine does
        raise UnusableMedia(f"is {what} that asks for more memory than there is") from None
    except errors as error:
        reason = (str(getattr(error, "strerror", None) or error) or type(error).__name__).splitlines()[0]
        raise UnusableMedia(f"is {what} that cannot be decoded: {reason}") from None


@contextmanager
def _pillow_is_silent() -> Iterator[None]:
    """Hide what Pillow warns of: pictures that are measured without decoding, and odd bytes in a header.

    What is wrong with a file is told by this module.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        yield


def _image_facts(file: BufferedIOBase, size: int) -> Facts | None:
    with _pillow_is_silent():
        return _measured_image(file, size)


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
        if image.width * image.height <= _MOST_PIXELS_DECODED:
            with _decoding("an image", _BAD_PICTURE):
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


def _av_facts(file: BufferedIOBase, size: int) -> Facts:
    _refuse_overlong_lists(file, size)
    file.seek(0)
    try:
        container = _opened(file)
    except (*_BAD_MEDIA, MemoryError):  # not a container that FFmpeg knows
        raise UnusableMedia("is neither an image nor a video nor a sound, whatever its name says") from None
    with container:
        videos = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
        kind: Literal["video", "audio"] = "video" if videos else "audio"
        if not videos and not container.streams.audio:
            raise UnusableMedia("holds neither pictures nor sound")
        seconds = _decoded_seconds(container, videos[0] if videos else container.streams.audio[0], kind)
        if videos:
            return Facts(
                "video", _container_format(container), size, videos[0].width, videos[0].height, seconds=seconds
            )
        return Facts("audio", _container_format(container), size, seconds=seconds)


def _refuse_overlong_lists(file: BufferedIOBase, size: int) -> None:
    """Refuse a RIFF file with a list that claims to reach beyond the file: FFmpeg makes room for all of it."""
    file.seek(0)
    if file.read(4) != b"RIFF":
        return
    at = 12
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:  # noqa: PLR2004 - a name and a size, of four bytes each
            return
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"LIST" and at + 8 + length > size:
            raise UnusableMedia("has a part that claims to be longer than the file")
        at += 8 + length + length % 2


_MOST_CHUNKS = 1_000


def _opened(file: BufferedIOBase) -> InputContainer:
    options = {"format_whitelist": _AV_FORMATS, "protocol_whitelist": "none", **_OPENING}
    try:
        return av.open(file, "r", options=options)
    except UnicodeDecodeError:
        # A title that is not UTF-8: PyAV before 19 refuses it unless told otherwise, and 19 cannot be told any more.
        file.seek(0)
        return av.open(file, "r", options=options, metadata_errors="replace")


def _decoded_seconds(container: InputContainer, stream: VideoStream | AudioStream, kind: str) -> float:
    """The length that a file states, once the beginning of a stream has proved to decode."""
    if container.duration is None or container.duration < 0:
        raise UnusableMedia(f"is a {kind} file that does not say how long it is")
    if stream.codec_context is None:
        raise UnusableMedia(f"is a {kind} file in a coding that cannot be decoded here")
    # One frame is decoded; FFmpeg would start threads for many.
    stream.codec_context.thread_count = 1
    stream.codec_context.options = _DECODING
    with _decoding(f"a {'video' if kind == 'video' else 'sound'}", _BAD_MEDIA):
        is_decoded = _first_picture_decodes(container, stream) or next(container.decode(stream), None) is not None
    if not is_decoded:
        raise UnusableMedia(f"is a {kind} file with nothing in it")
    return container.duration / _MICROSECONDS


def _first_picture_decodes(container: InputContainer, stream: VideoStream | AudioStream) -> bool:
    """Whether the first packet alone makes a picture; else the decoder goes on with the second.

    A decoder holds pictures back until it has those that may be shown before them: asking for what it has spares
    decoding them.
    """
    codec = stream.codec_context
    if not isinstance(stream, VideoStream) or codec is None:
        return False
    packet = next(container.demux(stream))
    if packet.size and (codec.decode(packet) or codec.decode(None)):
        return True
    codec.flush_buffers()
    return False


def _container_format(container: InputContainer) -> str:
    """The usual name of a container; MOV and MP4 are one demuxer and differ in their brand."""
    first = container.format.name.split(",")[0]
    if first != "mov":
        return first
    return "mov" if container.metadata.get("major_brand", "qt").strip() == "qt" else "mp4"

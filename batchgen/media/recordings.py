"""Measures videos and sound with PyAV."""

from collections.abc import Sequence
from contextlib import suppress
from io import BufferedIOBase
from itertools import islice, pairwise, starmap
from typing import Any, Literal

import av
from av import AudioStream, CodecContext, VideoFrame, VideoStream
from av.container import InputContainer
from av.frame import Frame
from av.stream import Disposition

from batchgen.media.decoding import FRAME_LIMIT, UnusableMedia, decoding
from batchgen.media.upright import seen_size, turn_of
from batchgen.references import Facts

_MICROSECONDS = 1_000_000
_OPENING = {**FRAME_LIMIT, "skip_frame": "all"}
"""Opening would decode frames of its own to learn what the one that is decoded here says as well."""
_DECODING = {**FRAME_LIMIT, "skip_loop_filter": "all"}
"""The loop filter smooths the edges of blocks, a fifth of the work: nobody sees it in small pictures of H.264. What is
left out with it in HEVC changes colours as well, frame after frame."""

_AV_FORMATS = "aac,aiff,avi,flac,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,ogg,wav"
BAD_MEDIA = (av.FFmpegError, ValueError)
"""What PyAV raises of damaged media: FFmpeg's errors, and ValueError for values that Python cannot take."""
bytes(30 * 1024**2)
"""Makes glibc keep what decoders free, some tens of megabytes, for the next file: it keeps twice the largest block that
was ever freed, of those below 32 MiB. To take all of that from the system anew for each file is a sixth of the work.
Nothing is written to the block, so that it takes no memory; where there is another allocator, nothing changes."""


def recording_facts(container: InputContainer, size: int) -> Facts:
    """Measure a sound, or a video as it is seen. Raises `UnusableMedia` for what is neither, or is damaged."""
    videos = videos_of(container)
    kind: Literal["video", "audio"] = "video" if videos else "audio"
    if not videos and not container.streams.audio:
        raise UnusableMedia("holds neither pictures nor sound")
    seconds, first = _decoded(container, videos[0] if videos else container.streams.audio[0], kind)
    if videos:
        turn = turn_of(first) if isinstance(first, VideoFrame) else None
        width, height = seen_size(videos[0].width, videos[0].height, turn)
        return Facts("video", _container_format(container), size, width, height, seconds=seconds)
    return Facts("audio", _container_format(container), size, seconds=seconds)


def opened(file: BufferedIOBase, size: int) -> InputContainer:
    """Open a video or a sound of so many bytes. Raises `UnusableMedia` for what FFmpeg does not know as one."""
    _refuse_overlong_lists(file, size)
    file.seek(0)
    try:
        return _container(file)
    except (*BAD_MEDIA, MemoryError):
        raise UnusableMedia("is neither an image nor a video nor a sound, whatever its name says") from None


def videos_of(container: InputContainer) -> Sequence[VideoStream]:
    """The streams of moving pictures: the cover of a sound file is none."""
    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def pictures_s(container: InputContainer) -> float | None:
    """How long after its beginning a video has pictures, where its file says another length of them than of itself.

    Packets are counted: of two lengths that differ, either may be wrong. The last picture stays for as long as any
    before it: where they do not come evenly, nobody says for how long. None where the lengths agree, or where packets
    cannot be read.
    """
    stream = videos_of(container)[0]
    base = stream.time_base
    if not container.duration or not stream.duration or base is None:
        return None
    tick_s = base.numerator / base.denominator
    if abs(container.duration / _MICROSECONDS - stream.duration * tick_s) < _AGREES_S:
        return None
    with suppress(*BAD_MEDIA):
        container.seek(0)
        shown = [one for one in islice(container.demux(stream), _MOST_PACKETS) if one.size and one.pts is not None]
        begins = sorted(one.pts or 0 for one in shown)
        stays = max(starmap(_apart, pairwise(begins)), default=0)
        end = max((one.pts or 0) + max(one.duration or 0, stays) for one in shown)
        return tick_s * end - min(tick_s * begins[0], (container.start_time or 0) / _MICROSECONDS)
    return None


def _apart(earlier: int, later: int) -> int:
    return later - earlier


_AGREES_S = 0.25
"""Sound ends on whole packets, and pictures on whole frames."""
_MOST_PACKETS = 100_000
"""Far more pictures than fifteen seconds have."""


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


def _container(file: BufferedIOBase) -> InputContainer:
    options = {"format_whitelist": _AV_FORMATS, "protocol_whitelist": "none", **_OPENING}
    try:
        return av.open(file, "r", options=options)
    except UnicodeDecodeError:
        # A title that is not UTF-8: PyAV before 19 refuses it unless told otherwise, and 19 cannot be told any more.
        file.seek(0)
        return av.open(file, "r", options=options, metadata_errors="replace")


def _decoded(container: InputContainer, stream: VideoStream | AudioStream, kind: str) -> tuple[float, Frame]:
    """The length that a file states, once the beginning of a stream has proved to decode, and that beginning."""
    if container.duration is None or container.duration < 0:
        raise UnusableMedia(f"is a {kind} file that does not say how long it is")
    if stream.codec_context is None:
        raise UnusableMedia(f"is a {kind} file in a coding that cannot be decoded here")
    make_ready(stream.codec_context)
    with decoding(f"a {'video' if kind == 'video' else 'sound'}", BAD_MEDIA):
        first: Any = _of_first_packet(container, stream) or next(container.decode(stream), None)
    if first is None:
        raise UnusableMedia(f"is a {kind} file with nothing in it")
    return container.duration / _MICROSECONDS, first


def make_ready(decoder: CodecContext) -> None:
    """Have a decoder begin anew. It stays on the thread that asks: FFmpeg would start threads for a few frames."""
    if decoder.is_open:
        decoder.flush_buffers()
    else:
        decoder.thread_count = 1
        decoder.options = _DECODING if decoder.name == "h264" else FRAME_LIMIT


def _of_first_packet(container: InputContainer, stream: VideoStream | AudioStream) -> Frame | None:
    """The picture that the first packet alone makes; where it makes none the decoder goes on with the second.

    A decoder holds pictures back until it has those that may be shown before them: asking for what it has spares
    decoding them.
    """
    codec = stream.codec_context
    if not isinstance(stream, VideoStream) or codec is None:
        return None
    packet = next(container.demux(stream))
    if packet.is_discard:  # the film is said to begin later, and what it shows is made from this
        codec.decode(packet)
        return None
    made: Any = (codec.decode(packet) or codec.decode(None)) if packet.size else []
    if not made:
        codec.flush_buffers()
    return next(iter(made), None)


def _container_format(container: InputContainer) -> str:
    """The usual name of a container; MOV and MP4 are one demuxer and differ in their brand."""
    first = container.format.name.split(",")[0]
    if first != "mov":
        return first
    return "mov" if container.metadata.get("major_brand", "qt").strip() == "qt" else "mp4"

"""Opens the references of a request: detects their kind and makes a small picture to draw.

Opens data URIs and files that were uploaded to this emulator; URLs are never fetched.
"""

import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from io import BytesIO
from typing import IO, Literal, TypeAlias

import av
from PIL import Image

from batchgen.emulator.data_uri import Payload
from batchgen.emulator.uploads import Upload

MediaKind: TypeAlias = Literal["image", "video"]

_MAX_PICTURE_SIZE = (720, 720)
"""The size to which a reference is scaled down, in pixels."""
_IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
"""The image formats that are opened; others would add decoders that are not needed."""
_MICROSECONDS = 1_000_000
_MILLISECOND = Decimal("0.001")

FindUpload: TypeAlias = Callable[[str], Upload | None]
"""The uploaded file that a URL names; None for other URLs. Raises `UnreadableReferenceError` for one that is gone."""


class UnreadableReferenceError(Exception):
    """A data URI or an upload contains neither an image nor a video, or the upload is gone."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference of a request.

    ``redacted`` is fit for a log: the URL, or the data URI with size and hash in place of its content.
    ``kind`` is None for a URL, which is never opened; ``seconds`` is the length of a video, where it has one.
    ``picture`` is set for the first reference only, if it was opened.
    """

    redacted: str
    kind: MediaKind | None = None
    size: int = 0
    sha256: str = ""
    seconds: Decimal | None = None
    picture: Image.Image | None = None


def open_references(texts: Sequence[str], payloads: dict[str, Payload], find_upload: FindUpload) -> list[Reference]:
    """Open the references of a request that fits the schema. Removes their payloads from the dict.

    Raises `UnreadableReferenceError`. Slow: decodes media.
    """
    return [_open_reference(text, payloads, find_upload, draw=place == 0) for place, text in enumerate(texts)]


def _open_reference(text: str, payloads: dict[str, Payload], find_upload: FindUpload, *, draw: bool) -> Reference:
    if text.startswith("data:"):
        return _open_data_uri(text, payloads, draw=draw)
    upload = find_upload(text)
    if upload is None:
        return Reference(text)
    try:
        with upload.path.open("rb") as file:
            opened = _decode(file, draw=draw)
    except OSError:
        raise UnreadableReferenceError from None
    return replace(opened, redacted=text.partition("?")[0], size=upload.size, sha256=upload.sha256)


def _open_data_uri(text: str, payloads: dict[str, Payload], *, draw: bool) -> Reference:
    head, _, content = text.partition(",")
    payload = payloads.pop(content, None)
    if payload is not None:
        try:
            return _named(_decode(payload.file, draw=draw), head, payload.size, payload.sha256)
        finally:
            payload.close()
    try:
        decoded = binascii.a2b_base64(content + "=" * (-len(content) % 4), strict_mode=True)
    except binascii.Error:
        raise UnreadableReferenceError from None
    sha256 = hashlib.sha256(decoded).hexdigest()
    return _named(_decode(BytesIO(decoded), draw=draw), head, len(decoded), sha256)


def _named(opened: Reference, head: str, size: int, sha256: str) -> Reference:
    redacted = f"{head},({size} bytes, sha256 {sha256})"
    return replace(opened, redacted=redacted, size=size, sha256=sha256)


def _decode(file: IO[bytes], *, draw: bool) -> Reference:
    """What the file contains. Raises `UnreadableReferenceError`."""
    kind: MediaKind = "image"
    seconds = None
    try:
        picture = _decode_image(file)
    except Exception:  # noqa: BLE001 - decoders raise any exception on malformed bytes
        kind = "video"
        try:
            picture, seconds = _decode_video(file)
        except Exception:  # noqa: BLE001
            raise UnreadableReferenceError from None
    if not draw:
        return Reference("", kind, seconds=seconds)
    picture.thumbnail(_MAX_PICTURE_SIZE)
    return Reference("", kind, seconds=seconds, picture=_flatten(picture))


def _decode_image(file: IO[bytes]) -> Image.Image:
    file.seek(0)
    image = Image.open(file, formats=_IMAGE_FORMATS)
    image.draft("RGB", _MAX_PICTURE_SIZE)
    image.load()
    return image


def _decode_video(file: IO[bytes]) -> tuple[Image.Image, Decimal | None]:
    """The first frame, and the length in seconds where the file says it."""
    file.seek(0)
    # MP4 and MOV need this demuxer only; others follow links to further files and hosts.
    with av.open(file, "r", format="mov") as container:
        frame = next(container.decode(video=0))
        picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
        if container.duration is None or container.duration <= 0:
            return picture, None
        # Without zeros at the end, so that costs have none: 4, and not 4.000.
        return picture, (Decimal(container.duration) / _MICROSECONDS).quantize(_MILLISECOND).normalize() + 0


def _flatten(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    background = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(background, image.convert("RGBA")).convert("RGB")

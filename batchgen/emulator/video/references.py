"""Opens the references of a request: detects their kind and makes a small picture to draw.

Opens data URIs only; URLs are never fetched.
"""

import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Literal, TypeAlias

import av
from PIL import Image

from batchgen.emulator.data_uri import Payload

MediaKind: TypeAlias = Literal["image", "video"]

_MAX_PICTURE_SIZE = (720, 720)
"""The size to which a reference is scaled down, in pixels."""
_IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
"""The image formats that are opened; others would add decoders that are not needed."""
_HEAD = 32


class UnreadableReferenceError(Exception):
    """A data URI contains neither an image nor a video."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference of a request.

    ``redacted`` is fit for a log: the URL, or the data URI with size and hash in place of its content.
    ``picture`` is set for the first reference only, if it is a data URI.
    """

    redacted: str
    kind: MediaKind | None = None
    size: int = 0
    sha256: str = ""
    picture: Image.Image | None = None


def open_references(texts: Sequence[str], payloads: dict[str, Payload]) -> list[Reference]:
    """Open the references of a request that fits the schema. Removes their payloads from the dict.

    Raises `UnreadableReferenceError`. Slow: decodes media.
    """
    return [_open_reference(text, payloads, draw=place == 0) for place, text in enumerate(texts)]


def _open_reference(text: str, payloads: dict[str, Payload], *, draw: bool) -> Reference:
    if not text.startswith("data:"):
        return Reference(text)
    head, _, content = text.partition(",")
    payload = payloads.pop(content, None)
    if payload is not None:
        try:
            return _decode(head, payload.file, payload.size, payload.sha256, draw=draw)
        finally:
            payload.close()
    try:
        decoded = binascii.a2b_base64(content + "=" * (-len(content) % 4), strict_mode=True)
    except binascii.Error:
        raise UnreadableReferenceError from None
    return _decode(head, BytesIO(decoded), len(decoded), hashlib.sha256(decoded).hexdigest(), draw=draw)


def _decode(head: str, file: IO[bytes], size: int, sha256: str, *, draw: bool) -> Reference:
    redacted = f"{head},({size} bytes, sha256 {sha256})"
    kind: MediaKind = "image"
    try:
        picture = _decode_image(file)
    except Exception:  # noqa: BLE001 - decoders raise any exception on malformed bytes
        kind = "video"
        try:
            picture = _decode_first_frame(file)
        except Exception:  # noqa: BLE001
            raise UnreadableReferenceError from None
    if not draw:
        return Reference(redacted, kind, size, sha256)
    picture.thumbnail(_MAX_PICTURE_SIZE)
    return Reference(redacted, kind, size, sha256, _flatten(picture))


def _decode_image(file: IO[bytes]) -> Image.Image:
    file.seek(0)
    image = Image.open(file, formats=_IMAGE_FORMATS)
    image.draft("RGB", _MAX_PICTURE_SIZE)
    image.load()
    return image


def _decode_first_frame(file: IO[bytes]) -> Image.Image:
    file.seek(0)
    # MP4 and MOV need this demuxer only; others follow links to further files and hosts.
    with av.open(file, "r", format="mov") as container:
        frame = next(container.decode(video=0))
        picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
        return picture


def _flatten(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    background = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(background, image.convert("RGBA")).convert("RGB")

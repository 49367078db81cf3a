"""Opens the references of a request: what kind they are, and a small picture to draw.

Data URIs only; what a URL points to is never fetched.
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

Kind: TypeAlias = Literal["image", "video"]

_PICTURE = (720, 720)
"""The largest picture kept of a reference."""
_IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
"""The still formats that are opened; others would bring decoders that nobody needs here."""
_HEAD = 32


class UnreadableError(Exception):
    """A data URI that holds neither an image nor a video."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference as it is known here.

    ``shown`` is what a log may say: the URL, or a data URI with its size and hash for content.
    ``picture`` is set for the first reference only, if it came with its content.
    """

    shown: str
    kind: Kind | None = None
    size: int = 0
    sha256: str = ""
    picture: Image.Image | None = None


def opened(texts: Sequence[str], payloads: dict[str, Payload]) -> list[Reference]:
    """The references of a request that fits the schema. Takes the payloads it finds out of the dict.

    Raises `UnreadableError`. Slow: decodes media.
    """
    return [_opened(text, payloads, draw=place == 0) for place, text in enumerate(texts)]


def _opened(text: str, payloads: dict[str, Payload], *, draw: bool) -> Reference:
    if not text.startswith("data:"):
        return Reference(text)
    head, _, content = text.partition(",")
    payload = payloads.pop(content, None)
    if payload is not None:
        try:
            return _looked_at(head, payload.file, payload.size, payload.sha256, draw=draw)
        finally:
            payload.close()
    try:
        decoded = binascii.a2b_base64(content + "=" * (-len(content) % 4), strict_mode=True)
    except binascii.Error:
        raise UnreadableError from None
    return _looked_at(head, BytesIO(decoded), len(decoded), hashlib.sha256(decoded).hexdigest(), draw=draw)


def _looked_at(head: str, file: IO[bytes], size: int, sha256: str, *, draw: bool) -> Reference:
    shown = f"{head},({size} bytes, sha256 {sha256})"
    kind: Kind = "image"
    try:
        picture = _image(file)
    except Exception:  # noqa: BLE001 - decoders raise anything over foreign bytes
        kind = "video"
        try:
            picture = _first_frame(file)
        except Exception:  # noqa: BLE001
            raise UnreadableError from None
    if not draw:
        return Reference(shown, kind, size, sha256)
    picture.thumbnail(_PICTURE)
    return Reference(shown, kind, size, sha256, _without_transparency(picture))


def _image(file: IO[bytes]) -> Image.Image:
    file.seek(0)
    image = Image.open(file, formats=_IMAGE_FORMATS)
    image.draft("RGB", _PICTURE)
    image.load()
    return image


def _first_frame(file: IO[bytes]) -> Image.Image:
    file.seek(0)
    # The one demuxer that MP4 and MOV need: others follow links to further files and hosts.
    with av.open(file, "r", format="mov") as container:
        frame = next(container.decode(video=0))
        picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
        return picture


def _without_transparency(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")

"""What a delivered video carries of its origin, read from its boxes without decoding anything.

ISO/IEC 14496-12 lays an MP4 file out in boxes of a size, a type and a content. Nothing is verified: whether a
signature holds is for the tools of C2PA to say.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The extended type of the box with the manifest: C2PA specification 2.1, A.5.1."""
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""The extended type of a box with XMP: XMP specification, part 3, table 10."""
_XMP_OF_QUICKTIME = b"XMP_"
_AIGC = re.compile(rb'mdtaAIGC|name\0{4}AIGC|"AIGC"|TC260:AIGC')
"""The label that GB 45438-2025 wants among the metadata: a key of that name in any of their forms, or XMP."""
_KEY_OF_QUICKTIME = b"AIGC"
_LISTS = frozenset({b"moov", b"udta", b"meta"})
"""Boxes that hold others."""
_TEXTS = frozenset({b"keys", b"ilst", b"uuid", _XMP_OF_QUICKTIME})
_DEEPEST = 3
_MOST_BOXES = 1_000
_MOST_BYTES = 4 * 1024**2
"""Of metadata that are looked through; pictures do not belong there."""
_HEAD, _LONG_HEAD, _UUID = 8, 16, 16


@dataclass(frozen=True, slots=True)
class Marks:
    """What a file carries of its origin; None where it is not laid out in boxes, or cannot be read."""

    c2pa: bool | None = None
    xmp: bool | None = None
    aigc: bool | None = None

    @property
    def names(self) -> list[str]:
        """What it carries, by name."""
        named = {"C2PA": self.c2pa, "XMP": self.xmp, "AIGC": self.aigc}
        return [name for name, is_there in named.items() if is_there]


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    begin: int
    end: int


def marks_of(path: Path) -> Marks:
    """Look through a file."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            top = list(_boxes(file, 0, size))
            if not top or top[0].kind != b"ftyp":
                return Marks()
            boxes = [*top, *_inner(file, top, _DEEPEST)]
            kinds = {box.kind for box in boxes}
            extended = {_read(file, box, _UUID) for box in boxes if box.kind == b"uuid"}
            aigc = _KEY_OF_QUICKTIME in kinds or any(_names_aigc(file, box) for box in boxes)
            return Marks(_C2PA in extended, _XMP in extended or _XMP_OF_QUICKTIME in kinds, aigc)
    except OSError:
        return Marks()


def _inner(file: BinaryIO, boxes: list[_Box], deepest: int) -> Iterator[_Box]:
    for box in boxes:
        if deepest and box.kind in _LISTS:
            # A box of metadata begins with a version, except in QuickTime.
            begin = box.begin + (4 if box.kind == b"meta" and _read(file, box, 4) == bytes(4) else 0)
            inside = list(_boxes(file, begin, box.end))
            yield from inside
            yield from _inner(file, inside, deepest - 1)


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[_Box]:
    """The boxes between two places of a file, as far as they are sound."""
    for _ in range(_MOST_BOXES):
        file.seek(begin)
        head = file.read(_LONG_HEAD)
        if len(head) < _HEAD or begin + _HEAD > end:
            return
        size, kind, taken = int.from_bytes(head[:4]), head[4:8], _HEAD
        if size == 1:
            size, taken = int.from_bytes(head[8:]), _LONG_HEAD
        until = begin + size if size else end
        if until < begin + taken or until > end:
            return
        yield _Box(kind, begin + taken, until)
        begin = until


def _read(file: BinaryIO, box: _Box, most: int) -> bytes:
    file.seek(box.begin)
    return file.read(min(most, box.end - box.begin))


def _names_aigc(file: BinaryIO, box: _Box) -> bool:
    return box.kind in _TEXTS and _AIGC.search(_read(file, box, _MOST_BYTES)) is not None

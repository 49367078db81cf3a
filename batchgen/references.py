"""What a request refers to: files, known by their content, and results of other scenes. Pure."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from batchgen.object_stores import StoredFile

FIRST = "first"
LAST = "last"
WHOLE = "video"
"""In place of a moment, where texts have to tell a whole video from a file of that name."""
_MARK = "#"
"""Between scene and moment; no id of a scene has one."""


class ResultReference(NamedTuple):
    """The result of a shot or of one of its takes: the whole video, or the still of a moment.

    ``moment`` is ``first``, ``last`` or a decimal number of seconds as a text; empty for the whole video.
    """

    scene: str
    moment: str = ""

    @classmethod
    def from_text(cls, text: str) -> "ResultReference":
        """What `str` has made a text of."""
        scene, _, moment = text.partition(_MARK)
        return cls(scene, moment)

    def __str__(self) -> str:
        """``s01``, ``s01#last``, ``s01#2.5``."""
        return f"{self.scene}{_MARK}{self.moment}" if self.moment else self.scene

    @property
    def short(self) -> str:
        """For labels: ``s01, last frame``."""
        return f"{self.scene}, {self._which}"

    @property
    def _which(self) -> str:
        if not self.moment:
            return "whole video"
        return f"{self.moment} frame" if self.moment in (FIRST, LAST) else f"frame at {self.moment} s"

    @property
    def spoken(self) -> str:
        """For people: ``the last frame of s01``."""
        return f"the {self._which if self.moment else 'video'} of {self.scene}"


Source: TypeAlias = str | ResultReference
"""What a manifest names as a reference: a path, an address or a data URI, or the result of another scene."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured of a media file: its bytes, and what a decoder made of them.

    ``bytes`` is a count, ``seconds`` a length in time; both and the rest are None where they do
    not apply to the kind of file. ``alpha`` says that an image has an alpha channel,
    ``transparency`` that some pixel of it really is not opaque.
    """

    kind: Literal["image", "video", "audio"]
    format: str
    bytes: int
    width: int | None = None
    height: int | None = None
    alpha: bool | None = None
    transparency: bool | None = None
    seconds: float | None = None

    def as_json(self) -> dict[str, str | int | float | bool]:
        """The facts that apply, under the names that the media schemas use."""
        facts = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in facts.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a measured reference, known by what they are and not by their name.

    ``path`` is the local file that holds them, ``stored`` the one in an object store, which is read where there is no
    local one, or none any more; both are None where they came in a data URI. ``sha256`` is empty for a result
    that is not there yet, whose facts are those that were asked for.
    """

    sha256: str
    mime: str
    facts: Facts
    path: Path | None
    stored: "StoredFile | None" = None

    @property
    def is_file(self) -> bool:
        """Whether it is read from a file, here or in an object store."""
        return self.path is not None or self.stored is not None


class Still(NamedTuple):
    """A frame of a video: the hash of that, and the number of the frame, counted from 0.

    It is known by these and not by its pixels, which other decoders make differently.
    """

    sha256: str
    frame: int

    @property
    def key(self) -> str:
        """What its picture is found by."""
        return f"{self.sha256}-{self.frame}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference file of a request: ``source`` as the manifest writes it.

    ``content`` is None for a URL, whose bytes only the provider sees. ``result`` says of which scene it is the
    result, and ``still`` which frame of that.
    """

    source: str
    content: Content | None = None
    result: ResultReference | None = None
    still: Still | None = None

    @property
    def is_there(self) -> bool:
        """Whether it is known what it is: no result that is still to come."""
        return self.content is None or self.still is not None or bool(self.content.sha256)

    @property
    def picture(self) -> str:
        """What a small picture of it is found by; empty where there is nothing here to be seen."""
        if self.still is not None:
            return self.still.key
        return "" if self.content is None else self.content.sha256

    def identity(self) -> dict[str, str | int]:
        """What decides whether two references are the same: the content, or else the URL."""
        if self.content is None:
            return {"url": self.source}
        if self.still is not None:
            return {"sha256": self.still.sha256, "frame": self.still.frame}
        if self.result is not None and not self.is_there:
            return {"scene": self.result.scene, "moment": self.result.moment}
        return {"sha256": self.content.sha256, "mime": self.content.mime}

    def as_json(self) -> dict[str, str | int]:
        """Identity and source; a data URI is named by its beginning only."""
        source = self.source.partition(",")[0] if self.source.startswith("data:") else self.source
        return {"source": source, **self.identity()}

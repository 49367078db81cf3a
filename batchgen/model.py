"""The words of the house: what a manifest, a scene, a request and a problem are.

Plain frozen data, shared by every room. Nothing here reads a file or a clock.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]
Scalar: TypeAlias = str | int | Decimal | bool | None
Data: TypeAlias = "Scalar | list[Data] | dict[str, Data]"
"""What a manifest is made of once it is read: JSON's types, with decimals kept exact."""
DataPath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root of a manifest to one of its values."""


class Place(NamedTuple):
    """A line and a column in a file, both counted from 1, columns in Unicode characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong, or doubtful, at one place of a manifest.

    ``rule`` is a stable name, ``value`` the value as the user wrote it.
    """

    place: Place
    path: DataPath
    rule: str
    message: str
    value: str | None = None
    severity: Severity = "error"


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

    ``path`` is the local file that holds them, None where they came in a data URI.
    """

    sha256: str
    mime: str
    facts: Facts
    path: Path | None


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference file of a request: ``source`` as the manifest writes it.

    ``content`` is None for a URL, whose bytes only the provider sees.
    """

    source: str
    content: Content | None = None

    def identity(self) -> dict[str, str]:
        """What decides whether two references are the same: the content, or else the URL."""
        if self.content is None:
            return {"url": self.source}
        return {"sha256": self.content.sha256, "mime": self.content.mime}

    def as_json(self) -> dict[str, str]:
        """Identity and source; a data URI is named by its beginning only."""
        source = self.source.partition(",")[0] if self.source.startswith("data:") else self.source
        return {"source": source, **self.identity()}


@dataclass(frozen=True)
class Request:
    """One complete request to the API, every parameter explicit.

    ``input`` and ``parameters`` carry the API's own field names; a list of references stands as a
    tuple of `Reference`.
    """

    model: str
    input: Mapping[str, "str | tuple[Reference, ...]"]
    parameters: Mapping[str, Scalar]

    def as_json(self) -> dict[str, object]:
        """The request for people and programs: with the source of each reference."""
        return self._render(Reference.as_json)

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that shapes the result; names of local files have no part in it."""
        canonical = json.dumps(
            self._render(Reference.identity), sort_keys=True, separators=(",", ":"), ensure_ascii=True
        )
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    def _render(self, reference: Callable[[Reference], dict[str, str]]) -> dict[str, object]:
        fields = {
            name: value if isinstance(value, str) else [reference(item) for item in value]
            for name, value in self.input.items()
        }
        return {"model": self.model, "input": fields, "parameters": dict(self.parameters)}


@dataclass(frozen=True, slots=True)
class Scene:
    """One video to generate: a take of a scene of the manifest.

    ``path`` leads to the entry of the manifest that it comes from, ``characters`` names the cast
    members among its references, in order of their numbers.
    """

    id: str
    path: DataPath
    request: Request
    tier: str | None
    characters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest, expanded: what is to be generated, in order, and what it may cost.

    ``pricing`` is US dollars per second of output by tier, ``budget_usd`` US dollars or None.
    """

    name: str
    model: str
    pricing: Mapping[str, Decimal]
    budget_usd: Decimal | None
    scenes: tuple[Scene, ...]

    def as_json(self) -> dict[str, object]:
        """The expanded manifest as JSON; the same manifest and files give the same bytes."""
        return {
            "name": self.name,
            "model": self.model,
            "pricing": {tier: str(price) for tier, price in self.pricing.items()},
            "budget_usd": None if self.budget_usd is None else str(self.budget_usd),
            "scenes": [
                {
                    "scene_id": scene.id,
                    "tier": scene.tier,
                    "characters": list(scene.characters),
                    "request_sha256": scene.request.sha256,
                    "request": scene.request.as_json(),
                }
                for scene in self.scenes
            ],
        }

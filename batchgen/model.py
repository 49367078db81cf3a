"""The words of the house: what a manifest, a scene, a request and a problem are.

Plain frozen data, shared by every room. Nothing here reads a file or a clock.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

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

    ``rule`` is a stable name, ``value`` the value as the user wrote it, ``source`` the line where that
    helps to see what is wrong, ``scene_id`` the id of the scene that ``path`` leads to.
    """

    place: Place
    path: DataPath
    rule: str
    message: str
    value: str | None = None
    severity: Severity = "error"
    source: str = ""
    scene_id: str | None = None


def counted(problems: Iterable[Problem]) -> str:
    """``2 errors, 1 warning``."""
    severities = [problem.severity for problem in problems]
    found = {severity: severities.count(severity) for severity in ("error", "warning")}
    return ", ".join(f"{number} {name}{'' if number == 1 else 's'}" for name, number in found.items() if number)


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
class RequestFacts:
    """What is known of a request once it has left the manifest: its hash, and the document as it is written down.

    ``document`` is `Request.as_json`; who needs something of it asks for it by name here.
    """

    sha256: str
    document: Mapping[str, Any]
    tier: str | None = None
    characters: tuple[str, ...] = ()

    @property
    def model(self) -> str | None:
        """The model's name."""
        return _text_of(self.document, "model")

    @property
    def prompt(self) -> str:
        """The prompt, as it is submitted."""
        return _text_of(self.document.get("input"), "prompt") or ""

    @property
    def size(self) -> str | None:
        """Width*height in pixels."""
        return _text_of(self.document.get("parameters"), "size")

    @property
    def seconds(self) -> int | None:
        """How long the video is to be."""
        return _number_of(self.document.get("parameters"), "duration")

    @property
    def seed(self) -> int | None:
        """The seed, None where none is sent."""
        return _number_of(self.document.get("parameters"), "seed")

    def changes(self, now: "RequestFacts") -> tuple[str, ...]:
        """The fields in which another request differs, as ``input.prompt`` or ``parameters.size``.

        Of a reference, its content counts and not its name.
        """
        found = ["model"] if self.model != now.model else []
        for part in ("input", "parameters"):
            old, new = self.document.get(part, {}), now.document.get(part, {})
            names = sorted(old.keys() | new.keys())
            found += [f"{part}.{name}" for name in names if _identity(old.get(name)) != _identity(new.get(name))]
        return tuple(found)


def _text_of(fields: Any, name: str) -> str | None:
    value = fields.get(name) if isinstance(fields, Mapping) else None
    return value if isinstance(value, str) else None


def _number_of(fields: Any, name: str) -> int | None:
    value = fields.get(name) if isinstance(fields, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _identity(value: object) -> object:
    """A value of a request, without what does not shape the result."""
    if isinstance(value, list):
        return [_identity(item) for item in value]
    if isinstance(value, dict) and "sha256" in value:
        return {name: item for name, item in value.items() if name != "source"}
    return value


def is_document(value: Any) -> bool:
    """Whether something is a request as it is written down."""
    return isinstance(value, Mapping) and all(isinstance(value.get(part), Mapping) for part in ("input", "parameters"))


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a finished task brought: the address of its video, and what the gateway said it charged.

    Amounts are US dollars, ``discount`` is as it was said; None where nothing was.
    """

    video_url: str | None = None
    job_id: str | None = None
    cost_usd: Decimal | None = None
    discount: Decimal | None = None

    def __post_init__(self) -> None:
        """Raise TypeError where an amount has passed through a float."""
        for amount in (self.cost_usd, self.discount):
            if amount is not None and not isinstance(amount, Decimal):
                raise TypeError(f"{amount!r} is not a Decimal")


@dataclass(frozen=True, slots=True)
class Scene:
    """One video to generate: a shot of the manifest, or one of its takes.

    ``path`` leads to the entry of the manifest that it comes from, ``characters`` names the cast
    members among its references, in order of their numbers. ``take`` is None where the shot has one
    only. ``title`` and ``note`` are for people and have no part in the request.
    """

    id: str
    path: DataPath
    request: Request
    tier: str | None
    characters: tuple[str, ...]
    shot: str
    take: int | None = None
    title: str | None = None
    note: str | None = None

    def facts(self) -> RequestFacts:
        """What is known of its request without the files."""
        return RequestFacts(self.request.sha256, self.request.as_json(), self.tier, self.characters)


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

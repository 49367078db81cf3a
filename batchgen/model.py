"""The words of the house: what a manifest, a scene, a request and a problem are.

Plain frozen data, shared by every room. Nothing here reads a file or a clock.
"""

import hashlib
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self, TypeAlias

from batchgen.references import Reference, ResultReference
from batchgen.values import value

Severity: TypeAlias = Literal["error", "warning"]
Scalar: TypeAlias = str | int | Decimal | bool | None
Data: TypeAlias = "Scalar | list[Data] | dict[str, Data]"
"""What a manifest is made of once it is read: JSON's types, with decimals kept exact."""
DataPath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root of a manifest to one of its values."""
ReferencePrice: TypeAlias = Decimal | Literal["same"] | None
"""US dollars per second of reference video, the price of the tier for ``same``; None where nothing is said of it."""


class CellPlace(NamedTuple):
    """A cell of a spreadsheet: its file as the manifest names it, its row and column, both counted from 1."""

    file: str
    row: int
    column: int


class Place(NamedTuple):
    """A line and a column in a file, both counted from 1, columns in Unicode characters."""

    line: int
    column: int

    @property
    def cell(self) -> CellPlace | None:
        """The cell that the value there comes from, where a list is put into a manifest."""
        return None


class RowPlace(Place):
    """A place whose value comes from a cell; one that is made of it with `_replace` has none."""

    _cell: CellPlace | None = None

    def __new__(cls, line: int, column: int, cell: CellPlace | None = None) -> Self:
        """Take the place in the manifest, and the cell."""
        self = super().__new__(cls, line, column)
        self._cell = cell
        return self

    @property
    def cell(self) -> CellPlace | None:
        """The cell that the value there comes from."""
        return self._cell


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


@value
class Asked:
    """What a request asks for, as far as prices, checks and reports need it by name; None where it is not said.

    ``size`` is width*height in pixels, ``seconds`` how long the video is to be, ``seed`` None where none is sent.
    ``reference_videos`` is how many of its references are videos, ``reference_seconds`` how many seconds of them
    are billed, where reference video is; journals of versions before say neither.
    """

    model: str | None = None
    prompt: str = ""
    size: str | None = None
    seconds: int | None = None
    seed: int | None = None
    reference_videos: int | None = None
    reference_seconds: Decimal | None = None


Lasted: TypeAlias = tuple[float, float]
"""Two ages of a task in seconds since it was created: it ended after the first and not after the second."""
AskedOf: TypeAlias = Callable[[Mapping[str, Any]], Asked]
"""Reads what a request asks for from the document that was written down; ValueError for what is not one."""


def unread(_: Mapping[str, Any]) -> Asked:
    """Read nothing: enough where it is written beside the document."""
    return Asked()


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """All that a scene asks for, by the manifest's names; ``others`` are explicit, defaults included.

    A local sound is a reference among them.
    """

    model: str
    prompt: str
    references: tuple[Reference, ...]
    others: Mapping[str, Scalar | float | Reference]

    def asked(self) -> Asked:
        """What is remembered of it by name."""
        size, seconds, seed = (self.others.get(name) for name in ("size", "duration", "seed"))
        return Asked(
            self.model,
            self.prompt,
            size if isinstance(size, str) else None,
            whole_number(seconds),
            seed if isinstance(seed, int) else None,
        )


def whole_number(value: Scalar | float | Reference) -> int | None:
    """A whole number, also one that an API takes as a text."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= _MOST_DIGITS:
        return int(value)
    return value if isinstance(value, int) else None


_MOST_DIGITS = 9
SOUND = "audio/"
"""How the MIME type of a sound begins."""

RequestDocument: TypeAlias = Mapping[str, Any]
"""A request as its provider lays it out: JSON in which a `Reference` stands for a file. Nobody else looks inside."""


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What a model takes, and how its provider lays out a request.

    ``settings`` are the schemas of its settings by the manifest's names, ``required`` those that no
    request does without.
    """

    settings: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...]
    document: Callable[[SceneSettings], RequestDocument]


@dataclass(frozen=True)
class Request:
    """One complete request to the API: what it asks for, and the document that its provider makes of that."""

    asked: Asked
    document: RequestDocument

    def as_json(self) -> dict[str, Any]:
        """The document for people and programs: with the source of each reference."""
        return {name: _rendered(value, Reference.as_json) for name, value in self.document.items()}

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that shapes the result; names of local files have no part in it."""
        identity = {name: _rendered(value, Reference.identity) for name, value in self.document.items()}
        canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The files that go with it, in their order."""
        return tuple(_references(self.document))

    @property
    def is_ready(self) -> bool:
        """Whether all that it is made of is there."""
        return all(each.is_there for each in self.references)

    def made_of(self, found: Mapping[ResultReference, Reference]) -> "Request":
        """The same request with what was found in place of the results that it waits for."""
        return self.with_references(lambda each: each if each.result is None else found[each.result])

    def with_references(self, replaced: Callable[[Reference], Reference]) -> "Request":
        """The same request with something else in place of each reference."""
        return Request(self.asked, {name: _rendered(value, replaced) for name, value in self.document.items()})

    @cached_property
    def upload_bytes(self) -> int:
        """How many bytes of local files go with it."""
        return self.upload_bytes_without(())

    def upload_bytes_without(self, left_out: Container[str]) -> int:
        """How many bytes of local files go with it, but for those of these hashes."""
        contents = (one.content for one in self.references)
        sent = (one for one in contents if one is not None and one.is_file and one.sha256 not in left_out)
        return sum(content.facts.bytes for content in sent)


def _references(value: Any) -> Iterator[Reference]:
    """The references in a document, at any depth."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _references(item)


def _rendered(value: Any, reference: Callable[[Reference], Any]) -> Any:
    """A document with something else in place of each reference, at any depth."""
    if isinstance(value, Reference):
        return reference(value)
    if isinstance(value, dict):
        return {name: _rendered(item, reference) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rendered(item, reference) for item in value]
    return value


@value
class RequestFacts:
    """What is known of a request once it has left the manifest.

    ``document`` is `Request.as_json`, as it is written down; what is needed of it by name stands in ``asked``.
    """

    sha256: str
    document: Mapping[str, Any]
    tier: str | None = None
    characters: tuple[str, ...] = ()
    asked: Asked = Asked()

    @property
    def model(self) -> str | None:
        """The model's name."""
        return self.asked.model

    @property
    def prompt(self) -> str:
        """The prompt, as it is submitted."""
        return self.asked.prompt

    @property
    def size(self) -> str | None:
        """Width*height in pixels."""
        return self.asked.size

    @property
    def seconds(self) -> int | None:
        """How long the video is to be."""
        return self.asked.seconds

    @property
    def seed(self) -> int | None:
        """The seed, None where none is sent."""
        return self.asked.seed

    def changes(self, now: "RequestFacts") -> tuple[str, ...]:
        """Where the document of another request differs: keys, joined by a point where one lies in the other.

        Of a reference, its content counts and not its name.
        """
        return tuple(_differences(self.document, now.document))


def _differences(old: Mapping[str, Any], now: Mapping[str, Any], inside: str = "") -> Iterator[str]:
    """In the order of the first document at the top; what lies deeper than one object counts as one value."""
    for name in dict.fromkeys([*old, *now]) if not inside else sorted(old.keys() | now.keys()):
        before, after = old.get(name, {}), now.get(name, {})
        if not inside and isinstance(before, dict) and isinstance(after, dict):
            yield from _differences(before, after, f"{name}.")
        elif _identity(old.get(name)) != _identity(now.get(name)):
            yield inside + name


def _identity(value: object) -> object:
    """A value of a request, without what does not shape the result."""
    if isinstance(value, list):
        return [_identity(item) for item in value]
    if isinstance(value, dict) and ("sha256" in value or "moment" in value):
        return {name: item for name, item in value.items() if name != "source"}
    return value


def frames_in(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], int]]:
    """The stills of results in a request that was written down: hash and moment, and the number of the frame."""
    frame, sha256, source = (document.get(name) for name in ("frame", "sha256", "source"))
    if isinstance(frame, int) and isinstance(sha256, str) and isinstance(source, str):
        yield (sha256, ResultReference.from_text(source).moment), frame
    for inside in document.values():
        for item in inside if isinstance(inside, list) else [inside]:
            if isinstance(item, dict):
                yield from frames_in(item)


@value
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

"""YAML text → data, with the place of every key and value.

Built on PyYAML's events and not on its constructors, for three reasons: every key and value keeps
its line and column; what YAML 1.1 would quietly turn into something else is noticed; and the work
is bounded whatever the text, because nothing is nested or repeated beyond the bounds below.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml
from yaml import events as ev

from batchgen.manifest.document import NO_KEYS, Document, Spot, UnreadableManifest, place_of, stop
from batchgen.manifest.scalars import READINGS, read_plain, tag_of
from batchgen.manifest.yaml_syntax import syntax_problem
from batchgen.manifest.yaml_text import decoded, place_after
from batchgen.model import Data, DataPath, Place, Problem, Scalar

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]  # the same interface

MAX_DEPTH = 32
MAX_VALUES: Mapping[type, int] = {yaml.SafeLoader: 60_000, Loader: 400_000}
"""Keys and values, aliases counted as often as they are used, by parser: the pure one is slower."""

MOST_PROBLEMS = 10_000
"""Problems told of a hopeless manifest; more are let be, so that the work stays bounded."""

_STRING_TAGS = (None, "!", "tag:yaml.org,2002:str")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def read(content: bytes, loader: type = Loader, names: Collection[str] = ()) -> Document:
    """Read one YAML document. ``names`` are the settings that a manifest may have: they help to tell slips apart.

    Raises `UnreadableManifest` for what is not UTF-8, not YAML, empty, more than one document,
    nested too deeply, or repeats itself beyond measure through aliases. Lesser faults (a key used
    twice, a value that YAML takes for something else) are in the document's problems.
    """
    return _Reader(loader, names).read(decoded(content), loader)


@dataclass(slots=True)
class _Anchor:
    value: Data
    spot: Spot
    size: int
    complete: bool


@dataclass(slots=True)
class _Frame:
    """A mapping or a list whose end has not been read yet."""

    value: "dict[str, Data] | list[Data]"
    spot: Spot
    started_at: int
    anchor: _Anchor | None
    key: str | None = None
    merging: bool = False
    merges: "list[_Item] | None" = None

    def expects_key(self) -> bool:
        """Whether what comes next is a key of this mapping."""
        return self.key is None and isinstance(self.value, dict)


_MERGE_TAG = "tag:yaml.org,2002:merge"
_Item: TypeAlias = tuple[Data, Spot]


class _Reader:
    """Turns events into data. One instance reads one text."""

    def __init__(self, loader: type, names: Collection[str]) -> None:
        self._names = names
        self._limit = MAX_VALUES.get(loader, min(MAX_VALUES.values()))
        self._count = 0
        self._problems: list[Problem] = []
        self._misread: dict[Place, tuple[DataPath, str]] = {}
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Anchor] = {}
        # By exact type: this is looked up for every scalar of a large manifest.
        self._takers: Mapping[type, Callable[[Any], _Item | None]] = {
            ev.ScalarEvent: self._scalar,
            ev.MappingStartEvent: self._open,
            ev.SequenceStartEvent: self._open,
            ev.MappingEndEvent: self._close,
            ev.SequenceEndEvent: self._close,
            ev.AliasEvent: self._alias,
        }

    def read(self, text: str, loader: type) -> Document:
        root: _Item | None = None
        for event in self._events(text, loader):
            item = self._take(event)
            if item is not None:
                root = item
        if root is None:
            message = "the file holds comments only; `batchgen init` writes a manifest to start from"
            raise stop(Place(1, 1), "yaml.empty", message)
        return Document(root[0], root[1], tuple(self._problems), self._misread, tuple(text.splitlines()))

    def _events(self, text: str, loader: type) -> Iterator[ev.Event]:
        documents = 0
        event = None
        try:
            for event in yaml.parse(text, Loader=loader):
                if isinstance(event, ev.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        message = "a second document begins here; keep one manifest to a file"
                        raise stop(place_of(event.start_mark), "yaml.second-document", message)
                yield event
        except yaml.MarkedYAMLError as error:
            raise UnreadableManifest(syntax_problem(text, error, event, self._names)) from None
        except yaml.reader.ReaderError as error:
            at = text.find(chr(error.character)) if isinstance(error.character, int) else -1
            message = (
                f"the character U+{ord(text[at]):04X} is not allowed in YAML; take it out" if at >= 0 else error.reason
            )
            raise stop(place_after(text[: max(at, 0)]), "yaml.character", message) from None
        except (ValueError, OverflowError) as error:
            # PyYAML lets these out: an escape for no character, a version number without end.
            place = place_of(event.end_mark) if event else Place(1, 1)
            raise stop(place, "yaml.syntax", f"this is not YAML: {error}") from None

    def _take(self, event: ev.Event) -> _Item | None:
        """Take in one event; returns the finished root when this event finishes it."""
        take = self._takers.get(type(event))
        return None if take is None else take(event)

    def _grow(self, size: int, event: ev.Event) -> None:
        self._count += size
        if self._count > self._limit:
            message = (
                f"the manifest has more than {self._limit} keys and values, aliases counted each time they are used"
            )
            message += "; split it into several manifests"
            if not yaml.__with_libyaml__:
                message += ", or install PyYAML with its C parser, which takes larger ones"
            raise stop(place_of(event.start_mark), "yaml.too-large", message)

    def _scalar(self, event: ev.ScalarEvent) -> _Item | None:
        self._grow(1, event)
        text = event.value
        spot = Spot(place_of(event.start_mark))
        if event.style == '"' and not text.isascii() and _HALF_CHARACTER.search(text):
            # The C parser refuses this itself.
            raise stop(spot.place, "yaml.syntax", "this is not YAML: an escape in this text is half a character")
        frame = self._frames[-1] if self._frames else None
        tag = tag_of(text) if event.tag is None and event.implicit[0] else None
        if event.tag not in _STRING_TAGS:
            self._refuse_tag(event)
        if frame is not None and frame.expects_key():
            self._key(frame, text, spot, tag)
            return None
        value: Scalar = text
        if tag is not None:
            spot.written = text
            value, reading = read_plain(text, tag)
            if reading is not None and len(self._misread) < MOST_PROBLEMS and not self._is_repeated():
                self._misread[spot.place] = self._path(), reading
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(value, spot, 1, complete=True)
        return self._put(value, spot)

    def _tell(self, problem: Problem) -> None:
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(problem)

    def _is_repeated(self) -> bool:
        """Whether what is being read is the value of a key used before, which is dropped."""
        return (
            bool(self._frames) and self._frames[-1].key is not None and self._frames[-1].key in self._frames[-1].value
        )

    def _key(self, frame: _Frame, text: str, spot: Spot, tag: str | None) -> None:
        frame.key = text
        if tag == _MERGE_TAG:
            frame.merging = True
            return
        if tag is not None:
            message = f"the key {text or 'left empty here'} is read by YAML as {READINGS[tag]}; write it in quotes"
            self._tell(Problem(spot.place, self._path(), "yaml.key", message, text))
        if text in frame.spot.keys:
            first = frame.spot.keys[text].line
            message = f"the key {text!r} stands here twice, first in line {first}; keep one of them"
            self._tell(Problem(spot.place, self._path(), "yaml.duplicate-key", message, text))
        else:
            frame.spot.keys[text] = spot.place

    def _open(self, event: ev.MappingStartEvent | ev.SequenceStartEvent) -> None:
        self._grow(1, event)
        place = place_of(event.start_mark)
        if event.tag is not None and not event.implicit:
            self._refuse_tag(event)
        if len(self._frames) >= MAX_DEPTH:
            raise stop(place, "yaml.depth", f"nested more than {MAX_DEPTH} levels deep; a manifest needs five")
        self._refuse_complex_key(place)
        value: dict[str, Data] | list[Data] = {} if isinstance(event, ev.MappingStartEvent) else []
        spot = Spot(place)
        spot.inside, spot.keys = ({}, {}) if isinstance(value, dict) else ([], NO_KEYS)
        anchor = None
        if event.anchor is not None:
            anchor = self._anchors[event.anchor] = _Anchor(value, spot, 0, complete=False)
        self._frames.append(_Frame(value, spot, self._count - 1, anchor))

    def _close(self, _: ev.CollectionEndEvent) -> _Item | None:
        frame = self._frames.pop()
        if isinstance(frame.value, dict):
            for merged, spot in frame.merges or ():
                self._merge(frame, merged, spot)
        if frame.anchor is not None:
            frame.anchor.size = self._count - frame.started_at
            frame.anchor.complete = True
        return self._put(frame.value, frame.spot)

    def _alias(self, event: ev.AliasEvent) -> _Item | None:
        place = place_of(event.start_mark)
        self._refuse_complex_key(place)
        anchor = self._anchors.get(str(event.anchor))
        if anchor is None:
            raise stop(place, "yaml.alias", f"*{event.anchor} has no anchor &{event.anchor} before it")
        if not anchor.complete:
            raise stop(place, "yaml.alias", f"*{event.anchor} stands inside the value that it stands for; take it out")
        self._grow(anchor.size, event)
        return self._put(anchor.value, anchor.spot)

    def _refuse_complex_key(self, place: Place) -> None:
        if self._frames and self._frames[-1].expects_key():
            raise stop(place, "yaml.key", "a key has to be a plain word; write { and [ that belong to a text in quotes")

    def _refuse_tag(self, event: ev.ScalarEvent | ev.MappingStartEvent | ev.SequenceStartEvent) -> None:
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        message = f"the tag {tag} has no meaning in a manifest; take it out"
        self._tell(Problem(place_of(event.start_mark), self._path(), "yaml.tag", message, tag))

    def _put(self, value: Data, spot: Spot) -> _Item | None:
        """Put a finished value where it belongs; the root belongs nowhere and is returned."""
        if not self._frames:
            return value, spot
        frame = self._frames[-1]
        if isinstance(frame.value, list) and isinstance(frame.spot.inside, list):
            frame.value.append(value)
            frame.spot.inside.append(spot)
        elif isinstance(frame.value, dict) and isinstance(frame.spot.inside, dict) and frame.key is not None:
            key, frame.key = frame.key, None
            if frame.merging:
                frame.merging = False
                frame.merges = [*(frame.merges or ()), (value, spot)]
            elif key not in frame.value:
                frame.value[key] = value
                frame.spot.inside[key] = spot
        return None

    def _merge(self, frame: _Frame, merged: Data, spot: Spot) -> None:
        """Add what ``<<`` names: the mapping's own keys win, and of several the earlier."""
        sources = merged if isinstance(merged, list) else [merged]
        spots = spot.inside if isinstance(merged, list) and isinstance(spot.inside, list) else [spot]
        for source, source_spot in zip(sources, spots, strict=True):
            if not isinstance(source, dict) or not isinstance(source_spot.inside, dict):
                message = "<< takes in the keys of another mapping; give it an alias of one, such as <<: *style"
                self._tell(Problem(source_spot.place, self._path(), "yaml.merge", message))
                continue
            for key, value in source.items():
                if key not in frame.value and isinstance(frame.value, dict) and isinstance(frame.spot.inside, dict):
                    frame.value[key] = value
                    frame.spot.inside[key] = source_spot.inside[key]
                    frame.spot.keys[key] = source_spot.keys[key]

    def _path(self) -> DataPath:
        """The path of the value that is being read."""
        steps = (len(frame.value) if isinstance(frame.value, list) else frame.key for frame in self._frames)
        return tuple(step for step in steps if step is not None)

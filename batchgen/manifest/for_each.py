"""``for_each``: a shot as a template, one shot a row of a list. Pure.

It comes before everything else that is checked: what follows sees a manifest with the shots written out, each value
with the place of its cell, so that all rules hold for rows as they are. What they find is brought back to the manifest
as it is written, with `Expanded.in_manifest`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from batchgen.manifest.document import Document, Spot, in_line
from batchgen.manifest.row_file import RowFile
from batchgen.manifest.row_shots import Accepts, Fault, ShotTemplate
from batchgen.manifest.templates import Names, names_in
from batchgen.model import CellPlace, Data, DataPath, Place, Problem, RowPlace
from batchgen.schemas import Schema, compiled
from batchgen.sheets.table import show_cell

KEY = "for_each"
MOST_CHARACTERS = 64 * 1024 * 1024
"""Characters that all rows together put into texts: as many as a manifest may have bytes."""
_SCENE_COSTS = 1_000
"""What a row counts besides its characters, so that many small ones come to an end, too."""
_TO_SCENE = 2
"""Steps of a path that lead to a scene."""

Read: TypeAlias = Callable[[str, Collection[str]], RowFile]
"""Reads the list of a name; the names in braces of all shots tell its columns."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a scene comes from: the entry of the manifest, and the row where that is a template.

    ``cell`` is that of the id, None where no row was read; ``by_row`` are the settings with a column in them.
    """

    entry: int
    is_template: bool = False
    cell: CellPlace | None = None
    by_row: frozenset[str] = frozenset()


@dataclass(slots=True)
class Expanded:
    """A manifest with its rows written out.

    ``problems`` have paths of the manifest as it is written. ``refused`` are settings that the rules cannot use,
    ``told`` those of them of which all is said.
    """

    document: Document
    sources: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    refused: set[DataPath] = field(default_factory=set)
    told: set[DataPath] = field(default_factory=set)

    def in_manifest(self, found: Iterable[Problem]) -> list[Problem]:
        """What was found, at its place in the manifest as it is written; what all rows share is told once."""
        alone: list[Problem] = []
        shared: dict[tuple[DataPath, str, str], list[tuple[Problem, Source]]] = defaultdict(list)
        for problem in found:
            source = self._source(problem.path)
            if source is None or problem.path[: _TO_SCENE + 1] in self.told:
                alone += [problem] if source is None else []
                continue
            here = _back(problem, source)
            if not source.is_template or _is_of_row(here, source):
                alone.append(_without_quotes(here) if source.is_template else here)
            else:
                said = here.message.replace(f"scene {here.scene_id}", _SHOT)
                shared[here.path, here.rule, said].append((here, source))
        rows = Counter(source.entry for source in self.sources)
        told = (each for (path, _, said), group in shared.items() for each in _shared(said, group, rows[int(path[1])]))
        return [*self.problems, *alone, *told]

    def _source(self, path: DataPath) -> Source | None:
        is_inside = path[:1] == ("scenes",) and len(path) >= _TO_SCENE
        return self.sources[int(path[1])] if is_inside and self.sources else None


def _shared(said: str, group: Sequence[tuple[Problem, Source]], rows: int) -> Iterator[Problem]:
    """A problem of a setting without a column: one for all ``rows``, or one for each row that has it."""
    problem, _ = group[0]
    if problem.rule.startswith(_OF_YAML) or len(group) == rows:
        yield replace(problem, message=said, scene_id=None, place=Place(*problem.place))
    else:
        yield from (replace(one, place=RowPlace(*one.place, source.cell)) for one, source in group)


_SHOT = "the shot"
_BY_NUMBER = ("unknown-key", "not-here")
"""Rules whose messages call a scene by its number, although it has an id."""
_OF_YAML = "yaml."
"""What rules begin with that no row has a part in."""


def _back(problem: Problem, source: Source) -> Problem:
    """A problem with the path in the manifest as it is written; a scene that is called by its number has that there."""
    here = replace(problem, path=("scenes", source.entry, *problem.path[_TO_SCENE:]))
    if here.scene_id is not None and not here.rule.endswith(_BY_NUMBER):
        return here
    name = _SHOT if source.is_template else f"scene {source.entry + 1}"
    return replace(here, message=re.sub(rf"\bscene {int(problem.path[1]) + 1}\b", name, here.message))


def _is_of_row(problem: Problem, source: Source) -> bool:
    """Whether a problem is about what stands in a row, or about the row as a whole."""
    setting = problem.path[_TO_SCENE:][:1]
    return source.cell is not None and (not setting or setting[0] in source.by_row)


def _without_quotes(problem: Problem) -> Problem:
    """A problem of a cell: there are no quotes there to take away."""
    return replace(problem, message=problem.message.replace(", without quotes", "").replace(" without quotes", ""))


def expanded(document: Document, most: int, read: Read, accepts: Accepts, required: Collection[str]) -> Expanded:
    """Write out the rows of every shot that has ``for_each``.

    ``most`` is how many scenes a manifest may have, ``required`` are the settings that no request does without.
    """
    data = document.data
    listed = data.get("scenes") if isinstance(data, dict) else None
    if not isinstance(listed, list) or not any(isinstance(entry, dict) and KEY in entry for entry in listed):
        return Expanded(document)
    return _Expansion(document, most, read, accepts, required).run(listed)


def written_out(whole: Schema) -> Schema:
    """The schema of a manifest whose rows are written out: no shot has for_each, and the word is still known."""
    scenes = whole["properties"]["scenes"]
    shot = scenes["items"]["else"]
    settings, *others = shot.get("allOf", [shot])
    known = {**settings, "properties": {**settings["properties"], KEY: {}}}
    scenes = {**scenes, "items": {**shot, "allOf": [known, *others]} if "allOf" in shot else known}
    return {**whole, "properties": {**whole["properties"], "scenes": scenes}}


def accepting(settings: Mapping[str, Any]) -> Accepts:
    """Tells by the schemas of settings whether one takes a text; of a key in a mapping, nothing is known."""
    validators = {name: compiled(schema) for name, schema in settings.items() if isinstance(schema, dict)}
    return lambda name, text: name in validators and validators[name].is_valid(text)


def name_of_place(place: Place) -> str:
    """What a place is called where that is enough to find it: its cell, if it has one."""
    return show_cell(place.cell) if place.cell else in_line(place)


class _Expansion:
    """One manifest, entry by entry."""

    def __init__(self, document: Document, most: int, read: Read, accepts: Accepts, required: Collection[str]) -> None:
        self._document = document
        self._data: Mapping[str, Data] = document.data if isinstance(document.data, dict) else {}
        self._most = most
        self._room = MOST_CHARACTERS
        self._read = read
        self._accepts = accepts
        self._required = required
        self._used: frozenset[str] = frozenset()
        self._told: set[str] = set()
        self._others = frozenset(name for kind in ("cast", "vars") for name in self._names(kind))
        self._scenes: list[Data] = []
        self._spots: list[Spot] = []
        self._first: list[int] = []
        self._result = Expanded(document)

    def run(self, listed: Sequence[Data]) -> Expanded:
        shots = [entry for entry in listed if isinstance(entry, dict) and KEY in entry]
        self._used = frozenset(name for shot in shots for name in names_in(list(shot.values())))
        for index, entry in enumerate(listed):
            self._first.append(len(self._scenes))
            spot = self._document.spot(("scenes", index))
            if isinstance(entry, dict) and KEY in entry:
                self._shot(index, entry, spot)
            else:
                self._add(entry, spot, Source(index))
        self._result.document = self._written_out()
        return self._result

    def _add(self, scene: Data, spot: Spot, source: Source) -> None:
        self._scenes.append(scene)
        self._spots.append(spot)
        self._result.sources.append(source)

    def _written_out(self) -> Document:
        """The document with all scenes; the paths of what is known of it lead to the first scene of each entry."""
        document = self._document
        root, scenes = Spot(document.root.place), Spot(document.spot(("scenes",)).place)
        inside = document.root.inside
        scenes.inside, root.keys = self._spots, document.root.keys
        root.inside = {**(inside if isinstance(inside, dict) else {}), "scenes": scenes}
        return replace(
            document,
            data={**self._data, "scenes": self._scenes},
            root=root,
            problems=tuple(replace(problem, path=self._moved(problem.path)) for problem in document.problems),
            misread={place: (self._moved(path), reading) for place, (path, reading) in document.misread.items()},
            name_of_place=name_of_place,
        )

    def _moved(self, path: DataPath) -> DataPath:
        is_inside = path[:1] == ("scenes",) and len(path) >= _TO_SCENE
        return ("scenes", self._first[int(path[1])], *path[_TO_SCENE:]) if is_inside else path

    def _tell(self, index: int, fault: Fault) -> None:
        place = RowPlace(*fault.spot.place, fault.cell) if fault.cell else fault.spot.place
        self._result.problems.append(Problem(place, ("scenes", index, *fault.path), fault.rule, fault.message))

    def _shot(self, index: int, entry: dict[str, Data], spot: Spot) -> None:
        """One entry with ``for_each``: a scene a row, or where no row can be used the entry as it stands."""
        shot = {name: value for name, value in entry.items() if name != KEY}
        at = spot.child(KEY) or spot
        for rule, message, cell in self._write(index, shot, spot, entry[KEY]):
            self._tell(index, Fault(at, (KEY,), rule, message, cell))
        if self._first[index] == len(self._scenes):
            self._leave(index, shot, spot)

    def _write(
        self, index: int, shot: dict[str, Data], spot: Spot, name: Data
    ) -> Iterator[tuple[str, str, CellPlace | None]]:
        """Add the scenes of a shot; what is wrong with its list: rule, message, and cell."""
        if not isinstance(name, str) or not name:
            yield "for_each.type", "for_each has to be the name of a CSV file, relative to the manifest", None
            return
        rows = self._read(name, self._used)
        if name not in self._told:  # what is wrong with a list is told once, where a shot names it first
            self._told.add(name)
            yield from ((fault.rule, fault.message, fault.cell) for fault in rows.faults)
            yield from self._collisions(rows)
        if len(rows.rows) > self._most - len(self._scenes):
            message = f"with {len(rows.rows)} rows the manifest has more than {self._most} scenes; split the list"
            yield "scenes.maxItems", message, None
        elif rows.columns and not self._has_room(index, shot, spot, rows):
            message = f"the rows put more than {MOST_CHARACTERS} characters into texts; split the list"
            yield "for_each.too-large", message, None

    def _collisions(self, rows: RowFile) -> Iterator[tuple[str, str, CellPlace | None]]:
        for kind in ("cast", "vars"):
            for name in (name for name in rows.columns if name in self._names(kind)):
                message = f"{name} is in {kind} and a column of {rows.name}; {{{name}}} can be one of them: rename one"
                yield "for_each.name", message, rows.cell(rows.header, rows.columns[name])

    def _names(self, kind: str) -> Collection[str]:
        """The names of the cast, or of the vars."""
        found = self._data.get(kind)
        return found if isinstance(found, dict) else ()

    def _has_room(self, index: int, shot: dict[str, Data], spot: Spot, rows: RowFile) -> bool:
        """Add a scene for each row, as long as there is room for its texts."""
        names = Names(rows.name, rows.columns, self._others)
        template = ShotTemplate(shot, spot, names, self._accepts, self._required)
        for fault in template.faults:
            self._tell(index, fault)
        for row in rows.rows:
            scene = template.scene(row, rows)
            self._room -= scene.characters + _SCENE_COSTS
            if self._room < 0:
                return False
            for fault in scene.faults:
                self._tell(index, fault)
            self._mark({*template.faulty, *(str(fault.path[0]) for fault in scene.faults)})
            self._add(scene.settings, scene.spot, Source(index, True, scene.cell, template.by_row))  # noqa: FBT003
        return True

    def _mark(self, settings: Collection[str], more: Collection[str] = ()) -> None:
        """Have no more said of settings of the next scene; of ``more`` at least the rules say nothing."""
        scene: DataPath = ("scenes", len(self._scenes))
        self._result.told |= {(*scene, name) for name in settings}
        self._result.refused |= {(*scene, name) for name in (*settings, *more)}

    def _leave(self, index: int, shot: dict[str, Data], spot: Spot) -> None:
        """Keep a shot whose rows are not there: what has no column in it is checked all the same."""
        self._mark({"id", *(name for name, value in shot.items() if any(True for _ in names_in(value)))}, shot)
        self._add(shot, spot, Source(index, is_template=True))

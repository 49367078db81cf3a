"""A shot with columns in its texts → the scene that a row makes of it, each value with the place of its cell. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from batchgen.manifest.document import Spot
from batchgen.manifest.messages import name_of
from batchgen.manifest.row_file import RowFile
from batchgen.manifest.templates import Names, Template, cut, plain
from batchgen.model import CellPlace, Data, DataPath, RowPlace
from batchgen.sheets.table import Row

Accepts: TypeAlias = Callable[[str, str], bool]
"""Whether a setting takes a text as it is."""
_FOR_PEOPLE = ("title", "note")
"""Settings in which nothing may stand for an empty cell."""
_ALWAYS_NEEDED = ("id", "prompt", "references")
_TEXTS = ("id", "prompt", "references", "scene", *_FOR_PEOPLE)
"""Keys whose values are texts, whatever a cell looks like."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a shot, ``path`` from it; ``cell`` where it is one of a row."""

    spot: Spot
    path: DataPath
    rule: str
    message: str
    cell: CellPlace | None = None


@dataclass(frozen=True, slots=True)
class RowScene:
    """What a row makes of a shot. ``characters`` is how many its texts have."""

    settings: dict[str, Data]
    spot: Spot
    faults: tuple[Fault, ...]
    characters: int
    cell: CellPlace


@dataclass(frozen=True, slots=True)
class _Node:
    """A value of a shot: ``template`` for a text with braces, ``items`` for what has such texts inside."""

    value: Data
    spot: Spot
    template: Template | None = None
    items: "tuple[tuple[str | int, _Node], ...]" = ()

    def columns(self) -> Iterator[int]:
        """The columns in it, in their order."""
        yield from self.template.columns if self.template else ()
        for _, item in self.items:
            yield from item.columns()


class _EmptyCell(Exception):  # noqa: N818 - it is caught where the setting is read
    """Nothing stands in a cell of ``column`` that is a part of a text, or with ``is_whole`` all of it."""

    def __init__(self, column: int, *, is_whole: bool) -> None:
        super().__init__(column)
        self.column = column
        self.is_whole = is_whole


class ShotTemplate:
    """A shot as a template: ``faults`` are wrong in every row, ``faulty`` the settings that have them.

    ``by_row`` are the settings with a column in them.
    """

    def __init__(
        self, shot: Mapping[str, Data], spot: Spot, names: Names, accepts: Accepts, required: Collection[str]
    ) -> None:
        """Cut every text of the shot at its columns. ``required`` are the settings that no request does without."""
        self.faults: list[Fault] = []
        self._accepts = accepts
        self._needed = {*_ALWAYS_NEEDED, *required}
        self._names = names
        self._spot = spot
        self._values: dict[tuple[str, str], Data] = {}
        self._nodes = {name: self._node(value, spot.child(name) or spot, (name,)) for name, value in shot.items()}
        self.by_row = frozenset(name for name, node in self._nodes.items() if any(True for _ in node.columns()))
        self._check_id()
        self.faulty = frozenset(str(fault.path[0]) for fault in self.faults)

    def _check_id(self) -> None:
        if "id" in self.by_row or any(fault.path == ("id",) for fault in self.faults):
            return
        example = next(iter(self._names.columns))
        message = f'a shot with for_each needs a column in its id, so that each row has its own: id: "{{{example}}}"'
        self.faults.append(Fault(self._spot.child("id") or self._spot, ("id",), "id.for_each", message))

    def _node(self, value: Data, spot: Spot, path: DataPath) -> _Node:
        if isinstance(value, str):
            return self._text(value, spot, path)
        if isinstance(value, dict) and value and all(item is None for item in value.values()):
            written = f"{{{', '.join(value)}}}"
            message = f'{name_of(path)} has to be in quotes, since {{ begins a mapping in YAML; write "{written}"'
            self.faults.append(Fault(spot, path, "for_each.quotes", message))
        if not isinstance(value, list | dict):
            return _Node(value, spot)
        steps = enumerate(value) if isinstance(value, list) else value.items()
        items = tuple((step, self._node(item, spot.child(step) or spot, (*path, step))) for step, item in steps)
        return _Node(value, spot, items=items if any(item.template or item.items for _, item in items) else ())

    def _text(self, text: str, spot: Spot, path: DataPath) -> _Node:
        if "{" not in text and "}" not in text:
            return _Node(text, spot)
        template, faults = cut(text, path, self._names)
        self.faults += [Fault(spot, path, rule, message) for rule, message in faults]
        return _Node(text, spot) if faults else _Node(text, spot, template)

    def scene(self, row: Row, rows: RowFile) -> RowScene:
        """The scene of a row; it lacks settings that are faulty in every row, or whose cells are empty."""
        return _Filling(row, rows, self._spot, self._nodes, self._needed, self._typed).scene()

    def _typed(self, setting: str, text: str) -> Data:
        """The value of a setting of which a cell is all: what the text is for YAML, unless a text is wanted."""
        key = (setting, text)
        if key not in self._values:
            self._values[key] = text if setting in _TEXTS or self._accepts(setting, text) else plain(text)
        return self._values[key]


class _Filling:
    """One row on its way into a shot."""

    def __init__(  # noqa: PLR0913, PLR0917 - what filling needs
        self,
        row: Row,
        rows: RowFile,
        spot: Spot,
        nodes: Mapping[str, _Node],
        needed: Collection[str],
        typed: Callable[[str, str], Data],
    ) -> None:
        self._row = row
        self._rows = rows
        self._spot = spot
        self._nodes = nodes
        self._needed = needed
        self._typed = typed
        self._faults: list[Fault] = []
        self._characters = 0

    def scene(self) -> RowScene:
        settings: dict[str, Data] = {}
        inside: dict[str, Spot] = {}
        for name, node in self._nodes.items():
            try:
                settings[name], inside[name] = self._value(node, name, may_be_empty=name in _FOR_PEOPLE)
            except _EmptyCell as empty:
                if empty.is_whole and node.template and name not in self._needed:
                    continue
                if name != "id":
                    settings[name], inside[name] = node.value, node.spot
                self._faults.append(self._empty(name, node, empty.column))
        cell = self._cell(next(self._nodes["id"].columns(), 0) if "id" in self._nodes else 0)
        spot = Spot(RowPlace(*self._spot.place, cell))
        spot.inside, spot.keys = inside, self._spot.keys
        return RowScene(settings, spot, tuple(self._faults), self._characters, cell)

    def _empty(self, name: str, node: _Node, column: int) -> Fault:
        title, number = self._rows.titles[column], self._row.number
        message = f"nothing stands under {title}, and the {name} of row {number} needs it; fill the cell"
        return Fault(node.spot, (name,), "for_each.empty-cell", message, self._cell(column))

    def _cell(self, column: int) -> CellPlace:
        return self._rows.cell(self._row.number, column)

    def _value(self, node: _Node, name: str, *, may_be_empty: bool) -> tuple[Data, Spot]:
        """The value of a node in this row. Raises `_EmptyCell`."""
        if node.template is not None:
            return self._text(node.template, name, may_be_empty=may_be_empty), self._spot_of(node)
        if not node.items:
            return node.value, node.spot
        spot = self._spot_of(node)
        filled = {
            step: self._value(item, step if isinstance(step, str) else name, may_be_empty=may_be_empty)
            for step, item in node.items
        }
        if isinstance(node.value, list):
            spot.inside = [inner for _, inner in filled.values()]
            return [value for value, _ in filled.values()], spot
        spot.inside = {str(step): inner for step, (_, inner) in filled.items()}
        spot.keys = node.spot.keys
        return {str(step): value for step, (value, _) in filled.items()}, spot

    def _text(self, template: Template, name: str, *, may_be_empty: bool) -> Data:
        for column in template.columns:
            if self._row.cell(column).is_empty and not may_be_empty:
                raise _EmptyCell(column, is_whole=template.is_whole)
        text = "".join(part if isinstance(part, str) else self._row.cell(part).text for part in template.parts)
        self._characters += len(text)
        return self._typed(name, text) if template.is_whole else text

    def _spot_of(self, node: _Node) -> Spot:
        column = next(node.columns(), None)
        return Spot(node.spot.place if column is None else RowPlace(*node.spot.place, self._cell(column)))

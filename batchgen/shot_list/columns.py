"""Which column of a list is which setting: by the names in its header, or as the user says. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from batchgen.errors import Remedy
from batchgen.sheets.table import LOOKED_AT, Recognised, Row, Table, UnreadableTable, column_index, column_name

_SHOT_NUMBERS = ("shot", "shot no", "shot nr", "shot number", "einstellung", "einstellung nr", "einstellungsnummer")
"""Many lists count these anew in each scene."""
_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "scene id", "shot id", *_SHOT_NUMBERS, "nr", "no", "nummer", "number", "#"),
    "scene": ("scene", "scene no", "scene nr", "scene number", "szene", "szene nr", "szenennummer"),
    "take": ("take", "take no", "take nr"),
    "takes": ("takes", "number of takes", "anzahl takes"),
    "title": ("title", "titel", "name", "bezeichnung"),
    "prompt": ("prompt", "action", "aktion", "handlung", "description", "beschreibung"),
    "references": (
        *("references", "reference", "refs", "ref", "reference images", "reference image"),
        *("referenzen", "referenz", "referenzbilder", "referenzbild"),
    ),
    "size": ("size", "resolution", "grösse", "groesse", "auflösung", "aufloesung", "bildgrösse"),
    "duration": ("duration", "length", "seconds", "dauer", "länge", "laenge", "sekunden"),
    "seed": ("seed", "startwert"),
    "note": (
        *("note", "notes", "comment", "comments", "remark", "remarks"),
        *("notiz", "notizen", "anmerkung", "anmerkungen", "bemerkung", "bemerkungen", "kommentar", "kommentare"),
    ),
}
"""What the columns are called, the likeliest name first; settings that are not here have their own name alone."""
_BESIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_UNIT = re.compile(r" in (s|sec|secs|seconds|sek|sekunden|pixel|pixels|px)\Z")
_MARKS = re.compile(r"[\s_\-./:*#]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """The header of a list, and the column of each setting that it has, counted from 0.

    Two settings are no settings of a manifest: ``scene``, which goes before the number of a shot, and ``take``.
    """

    header: Row
    of: Mapping[str, int]

    @property
    def unused(self) -> list[int]:
        """The columns with a name that nothing is read from."""
        named = [index for index, cell in enumerate(self.header.cells) if cell.text]
        return [index for index in named if index not in self.of.values()]

    def in_order(self) -> list[tuple[str, int]]:
        """Each setting with its column, from left to right."""
        return sorted(self.of.items(), key=lambda item: item[1])

    def title(self, index: int) -> str:
        """A column as the user knows it: its letters and its name."""
        return f"{column_name(index)} {' '.join(self.header.cell(index).text.split())}".strip()


def recogniser(settings: Collection[str], said: Mapping[str, str]) -> Recognised:
    """Count the settings that a row would name if it were the header."""

    def recognised(texts: Sequence[str]) -> int:
        # Letters are a column of every row: only a name that stands there speaks for a header.
        names = {_normalised(column) for column in said.values()} - {""}
        found = _found(texts, settings, said)
        return sum(setting not in said or _normalised(texts[index]) in names for setting, index in found.items())

    return recognised


def find(table: Table, settings: Collection[str], said: Mapping[str, str]) -> Columns:
    """The columns of a list. ``said`` are those that the user names, by setting: a name, letters, or nothing for none.

    Raises `UnreadableTable` where no row is a header, or where it cannot be told which column is meant.
    """
    if not table.rows:
        raise UnreadableTable("there is nothing in the list")
    recognised = recogniser(settings, said)
    rows = table.rows[:LOOKED_AT]
    header = max(rows, key=lambda row: recognised(_texts(row)))
    if not recognised(_texts(header)):
        header = next((row for row in rows if sum(map(bool, _texts(row))) > 1), rows[0])
    columns = Columns(header, _found(_texts(header), settings, said))
    _check_said(columns, said)
    _check_twice(columns, settings, said)
    if "prompt" not in columns.of:
        named = ", ".join(columns.title(index) for index, cell in enumerate(header.cells) if cell.text)
        message = f"no column is the prompt; this row, taken for the header, has {named}"
        raise UnreadableTable(message, header.place(0), Remedy.MAP_COLUMN)
    return columns


def _texts(row: Row) -> list[str]:
    return [cell.text for cell in row.cells]


def _found(texts: Sequence[str], settings: Collection[str], said: Mapping[str, str]) -> dict[str, int]:
    """The column of each setting that these names speak of."""
    names = [_normalised(text) for text in texts]
    found = {}
    for setting in ("scene", "take", *settings):
        if setting in said:
            index = _said_index(names, said[setting])
        else:
            index = next((names.index(name) for name in _names_of(setting) if name in names), None)
        if index is not None:
            found[setting] = index
    if "scene" in found and "scene" not in said:
        _settle_scene(found, names, is_said="id" in said)
    return found


def _names_of(setting: str) -> tuple[str, ...]:
    return _NAMES.get(setting, (_normalised(setting),))


def _settle_scene(found: dict[str, int], names: Sequence[str], *, is_said: bool) -> None:
    """A scene alone is the id. It goes before the number of a shot, and is let be beside a running number."""
    if "id" not in found:
        found["id"] = found.pop("scene")
    elif is_said or names[found["id"]] not in _SHOT_NUMBERS:
        del found["scene"]


def _said_index(names: Sequence[str], column: str) -> int | None:
    """The column with this name, else the one with these letters."""
    name = _normalised(column)
    if name in names and name:
        return names.index(name)
    index = column_index(column.strip())
    return index if index is not None and index < len(names) else None


def _normalised(name: str) -> str:
    """The name of a column without letter case, marks, and what stands behind it in brackets."""
    plain = _BESIDE.sub(" ", normalize("NFC", name).casefold()).replace("ß", "ss")
    words = _MARKS.sub(" ", plain).strip()
    return _UNIT.sub("", words) or ("#" if "#" in plain else "")


def _check_said(columns: Columns, said: Mapping[str, str]) -> None:
    for setting, column in said.items():
        if column.strip() and setting not in columns.of:
            named = ", ".join(columns.title(index) for index, cell in enumerate(columns.header.cells) if cell.text)
            message = f"there is no column {column!r} for {setting}; this row, taken for the header, has {named}"
            raise UnreadableTable(message, columns.header.place(0))


def _check_twice(columns: Columns, settings: Collection[str], said: Mapping[str, str]) -> None:
    names = [_normalised(text) for text in _texts(columns.header)]
    for setting in ("scene", "take", *settings):
        index = columns.of.get(setting)
        if index is not None and setting not in said and names.count(names[index]) > 1:
            twin = names.index(names[index], index + 1)
            message = f"the columns {columns.title(index)} and {columns.title(twin)} have the same name"
            raise UnreadableTable(message, columns.header.place(twin), Remedy.MAP_COLUMN)

"""The rows of a list → the scenes of a manifest, each value with the place of its cell. Pure.

What comes out is a `Document`, as if YAML had been read: the rules on manifests are those of the list, and
what they find stands in a cell.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from batchgen.manifest.document import Document, Spot
from batchgen.model import Data, DataPath, Place, Problem
from batchgen.sheets.table import Row, Table, UnreadableTable, cell_name
from batchgen.shot_list import cells
from batchgen.shot_list.columns import Columns
from batchgen.text import slug

_ID_MARKS = "._-"
_LONGEST_ID = 64
_FIRST = ("id", "title", "prompt", "references")
_LAST = ("seed", "takes", "note")
_COLUMNLESS = ".required"
_CUT = "row.cells"
_LONGEST_ROW = 120


@dataclass(frozen=True, slots=True)
class ShotList:
    """The scenes of a list, what is wrong with its cells, and what to tell of it.

    ``rows`` are those that the scenes come from, one each; ``numbered`` the ids that do not stand in the list.
    ``longer`` is what to say of rows with more cells than the header, where anything is wrong with them.
    """

    document: Document
    scenes: tuple[Mapping[str, Data], ...]
    rows: tuple[Row, ...]
    columns: Columns
    notes: tuple[str, ...]
    numbered: frozenset[str] = frozenset()
    longer: Mapping[int, Problem] = field(default_factory=dict)


def shot_list(
    table: Table,
    columns: Columns,
    kinds: Mapping[str, str],
    settings: Mapping[str, Data],
    is_file: Callable[[str], bool],
) -> ShotList:
    """Read the rows below the header. ``kinds`` are the settings that a scene may have and what each is.

    ``settings`` go to the top of the manifest. Raises `UnreadableTable` where there is no shot.
    """
    below = [row for row in table.rows if row.number > columns.header.number]
    headings = [row for row in below if columns.of["prompt"] in row.covered]
    rows = [row for row in below if columns.of["prompt"] not in row.covered]
    if not rows:
        raise UnreadableTable("there is no shot below this row, taken for the header", columns.header.place(0))
    reader = _Reader(columns, kinds, is_file)
    scenes = [reader.scene(index, row) for index, row in enumerate(rows)]
    longer = _longer(columns, rows, table.delimiter) if table.delimiter else {}
    problems = [*reader.problems, *(longer[row] for row in longer if _has_moved(columns, rows[row]))]
    root = Spot(columns.header.place(0))
    listed = Spot(columns.header.place(0))
    listed.inside = reader.spots
    root.inside = {"scenes": listed}
    data: dict[str, Data] = {**settings, "scenes": list(map(dict, scenes))}
    document = Document(data, root, tuple(problems), {}, name_of_place=cell_name)
    notes = (*table.notes, *_told_of(headings, "left out, since headings"), *reader.notes())
    return ShotList(document, tuple(scenes), tuple(rows), columns, notes, frozenset(reader.numbered), longer)


def _told_of(rows: list[Row], what: str) -> Iterator[str]:
    if rows:
        numbers = ", ".join(str(row.number) for row in rows)
        yield f"{what}: row{'s' if len(rows) > 1 else ''} {numbers}"


def _longer(columns: Columns, rows: list[Row], delimiter: str) -> dict[int, Problem]:
    """Rows with more cells than the header: a text with a comma in it was cut in two, and the rest has moved."""
    width, mark = len(columns.header.cells), "a tab" if delimiter == "\t" else delimiter
    message = (
        "this row has {} cells, and the header {}: " + f"a text with {mark} in it was cut in two, and what follows "
        'stands in the wrong columns; put that text in double quotes: "…"'
    )
    return {
        index: Problem(
            row.place(width),
            ("scenes", index),
            _CUT,
            message.format(len(row.cells), width),
            _row_as_text(row, delimiter),
        )
        for index, row in enumerate(rows)
        if len(row.cells) > width
    }


def _has_moved(columns: Columns, row: Row) -> bool:
    """Whether anything stands beyond the last column; a list may end its rows with empty cells."""
    return any(cell.text for cell in row.cells[len(columns.header.cells) :])


def _row_as_text(row: Row, delimiter: str) -> str:
    return f'"{delimiter.join(cell.text for cell in row.cells)[:_LONGEST_ROW]}"'


class _Reader:
    """Reads one row after the other, and keeps what is wrong and what is to be told."""

    def __init__(self, columns: Columns, kinds: Mapping[str, str], is_file: Callable[[str], bool]) -> None:
        middle = [name for name in kinds if name not in (*_FIRST, *_LAST)]
        self._settings = [name for name in (*_FIRST, *middle, *_LAST) if name in columns.of and name != "id"]
        self._columns = columns
        self._kinds = kinds
        self._is_file = is_file
        self.spots: list[Spot] = []
        self.problems: list[Problem] = []
        self._with_braces: list[str] = []
        self.numbered: list[str] = []

    def scene(self, index: int, row: Row) -> dict[str, Data]:
        """The scene in a row."""
        path: DataPath = ("scenes", index)
        scene: dict[str, Data] = {"id": self._id(path, row)}
        for setting in self._settings:
            cell = row.cell(self._columns.of[setting])
            if self._is_refused((*path, setting), row, setting) or cell.text:
                scene[setting] = self._value(setting, cell.text)
        if "{{" in str(scene.get("prompt")) or "}}" in str(scene.get("prompt")):
            self._with_braces.append(str(scene["id"]))
        self.spots.append(self._spot(row, scene))
        return scene

    def _value(self, setting: str, text: str) -> Data:
        if self._kinds[setting] == "references":
            return cells.references(text, self._is_file)
        return cells.value(self._kinds[setting], text)

    def _is_refused(self, path: DataPath, row: Row, setting: str) -> bool:
        column = self._columns.of[setting]
        found = cells.refusal("id" if setting == "scene" else setting, row.cell(column))
        if found is not None:
            shown = f'"{row.cell(column).text}"' if row.cell(column).text else None
            self.problems.append(Problem(row.place(column), path, *found, shown))
        return found is not None

    def _id(self, path: DataPath, row: Row) -> str:
        """The id of a scene: what stands in the list, with the scene before and the take behind it, or a number."""
        named = [setting for setting in ("scene", "id", "take") if setting in self._columns.of]
        refused = [self._is_refused((*path, "id"), row, setting) for setting in named]
        texts = {setting: row.cell(self._columns.of[setting]).text for setting in named}
        scene, shot = (slug(texts.get(setting, ""), _ID_MARKS) for setting in ("scene", "id"))
        take = slug(str(cells.value("integer", texts.get("take", ""))), _ID_MARKS)
        if any(refused) or not (scene or shot):
            shot, scene = f"s{int(path[1]) + 1:02d}", ""
            self.numbered += [] if any(refused) else [shot]
        name = shot if _says_scene(scene, shot) else "-".join(filter(None, (scene, shot)))
        suffix = f"-t{take}" if take else ""
        return f"{name[: _LONGEST_ID - len(suffix)]}{suffix}"

    def _spot(self, row: Row, scene: Mapping[str, Data]) -> Spot:
        """The places of a scene: of the row, and of the cell of each setting."""
        first = self._columns.of.get("id", self._columns.of["prompt"])
        spot = Spot(row.place(first))
        inside = {name: Spot(row.place(self._columns.of.get(name, first))) for name in scene}
        spot.keys = {name: each.place for name, each in inside.items()}
        for name, value in scene.items():
            if isinstance(value, list):
                inside[name].inside = [Spot(inside[name].place) for _ in value]
        spot.inside = inside
        return spot

    def notes(self) -> Iterator[str]:
        """What to tell of the whole list."""
        if self.numbered:
            where = "where the list has no number for a shot" if "id" in self._columns.of else "in their order"
            yield f"named {where}: {_few(self.numbered)}; a row put in between changes the names behind it"
        if self._with_braces:
            yield (
                f"braces in prompts, written {{{{ and }}}} to stand for themselves: {_few(self._with_braces)}; where a "
                "name of cast or vars is meant, write single ones in the manifest"
            )


def _says_scene(scene: str, shot: str) -> bool:
    """Whether the number of a shot begins with that of its scene: 12A, 12-3."""
    return shot.startswith(scene) and not shot[len(scene) : len(scene) + 1].isdigit()


def _few(names: list[str]) -> str:
    most = 5
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def in_cells(found: tuple[Problem, ...], shots: ShotList) -> tuple[Problem, ...]:
    """What the rules found, each at the cell that it is about.

    A cell that says nothing has one problem, as has a row that was cut, and a column that is not there for all rows.
    """
    cut = _cut(found, shots)
    own = {(problem.path, problem.rule) for problem in shots.document.problems}
    refused = {path for path, _ in own}
    found = (*cut.values(), *_doubtful(cut, shots), *(problem for problem in found if problem.path[:2] not in cut))
    told: dict[tuple[Place, str, str], Problem] = {}
    for problem in found:
        setting = problem.path[2] if len(problem.path) > 2 else None  # noqa: PLR2004 - scenes, number, setting
        if refused & {problem.path[:2], problem.path[:3]} and (problem.path, problem.rule) not in own:
            continue
        if problem.rule.endswith(_COLUMNLESS):
            problem = _missing(problem, str(setting), shots)  # noqa: PLW2901 - the same one, at its place
        told.setdefault((problem.place, problem.rule, problem.message), problem)
    return tuple(sorted(told.values(), key=lambda problem: (problem.severity, problem.place)))


def _cut(found: tuple[Problem, ...], shots: ShotList) -> dict[DataPath, Problem]:
    """Rows that were cut in two, by their path: what else is wrong with them follows from that."""
    wrong = {problem.path[:2] for problem in found if problem.severity == "error"}
    return {problem.path: problem for problem in shots.longer.values() if problem.path in wrong}


def _doubtful(cut: Mapping[DataPath, Problem], shots: ShotList) -> Iterator[Problem]:
    """Longer rows of which nothing else is wrong, as warnings; a program may end all rows with an empty cell."""
    if len(shots.longer) < len(shots.rows):
        yield from (replace(one, severity="warning") for one in shots.longer.values() if one.path not in cut)


def _missing(problem: Problem, setting: str, shots: ShotList) -> Problem:
    column = shots.columns.of.get(setting)
    if column is not None:
        return replace(problem, place=shots.rows[int(problem.path[1])].place(column))
    message = f"the list has no column for {setting}, which the model needs; add one, or take another model"
    place = shots.columns.header.place(len(shots.columns.header.cells))
    return replace(problem, place=place, message=message, path=("scenes",), scene_id=None)

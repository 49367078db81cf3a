"""A shot list from a spreadsheet, made into a manifest that is valid."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchgen.app.keywords import StrPath
from batchgen.errors import InvalidInput, Remedy, UsageError
from batchgen.files import write_atomically
from batchgen.manifest.load import check_document
from batchgen.model import Data, Problem, counted
from batchgen.providers.registry import request_form
from batchgen.schemas import DEFAULT_MODEL, shipped
from batchgen.sheets.csv_table import read_csv
from batchgen.sheets.table import MARK, MAX_BYTES, OLD_MARK, Table, UnreadableTable, column_name
from batchgen.shot_list.columns import find, recogniser
from batchgen.shot_list.other_files import other_kind
from batchgen.shot_list.shots import ShotList, in_cells, shot_list
from batchgen.shot_list.xlsx_table import read_xlsx
from batchgen.shot_list.yaml_writer import manifest_text
from batchgen.text import on_one_line, slug

_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|/")
"""The beginning of a reference that is not relative to a folder."""
_BEFORE_ID = ("id", "scene", "take")


@dataclass(frozen=True, slots=True)
class ImportedShots:
    """A manifest made of a list: what each column was taken for, doubts about cells, and what to tell."""

    manifest: Path
    shots: int
    used: Mapping[str, str]
    unused: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


class InvalidShotList(InvalidInput):
    """A list with wrong cells; ``problems`` holds them all, ``used`` and ``unused`` what columns were taken for."""

    def __init__(self, path: Path, problems: Sequence[Problem], used: Mapping[str, str], unused: Sequence[str]) -> None:
        """Say how many there are."""
        super().__init__(f"{path}: {counted(problems)}; nothing was written")
        self.path = path
        self.problems = tuple(problems)
        self.used = dict(used)
        self.unused = tuple(unused)

    def __reduce__(self) -> tuple[object, ...]:
        return InvalidShotList, (self.path, self.problems, self.used, self.unused)


def import_shots(  # noqa: PLR0913 - the options of the command
    source: StrPath,
    *,
    out: StrPath,
    model: str | None = None,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    force: bool = False,
) -> ImportedShots:
    """Write a manifest of the shots in a CSV file or a workbook; whole, or not at all.

    ``columns`` says by setting which column it is, by name or letters, an empty text that it is none. Raises
    `InvalidShotList` for wrong cells, `InvalidInput` for a file that is no list, and `UsageError` for a manifest that
    is there already unless ``force`` is set, and for what cannot be read or written.
    """
    source, out, said = Path(source), Path(out), columns or {}
    kinds = _kinds(model or DEFAULT_MODEL, said)
    _check_free(source, out, force=force)
    try:
        shots = _read(source, out, model, kinds, said, sheet, encoding)
    except UnreadableTable as error:
        place = f":{error.place.line}:{column_name(error.place.column - 1)}" if error.place else ""
        raise InvalidInput(f"{source}{place}: {error}", error.remedy) from None
    loaded = check_document(shots.document, source.parent, shipped(), request_form)
    found = in_cells(loaded.problems, shots)
    used = {setting: shots.columns.title(index) for setting, index in shots.columns.in_order()}
    unused = tuple(shots.columns.title(index) for index in shots.columns.unused)
    if loaded.manifest is None:
        raise InvalidShotList(source, found, used, unused)
    _write(out, _as_text(source, out, shots))
    return ImportedShots(out, len(shots.scenes), used, unused, found, shots.notes)


def _kinds(model: str, said: Mapping[str, str]) -> dict[str, str]:
    """The settings of a scene, and what each is. Raises `UsageError` for a model or a setting that there is not."""
    catalogue = shipped()
    if model not in catalogue.models():
        raise UsageError(f"there is no model {model!r}; there is {', '.join(catalogue.models())}")
    taken = catalogue.for_model(model, "settings")["$defs"]["settings"]["properties"]
    own = {"prompt": "prompt", "references": "references", "size": "size", "seed": "seed"}
    kinds = {
        "references": "references",
        **{name: own.get(name, schema.get("type", "")) for name, schema in taken.items()},
    }
    known = [*_BEFORE_ID, *(name for name in kinds if name not in _BEFORE_ID)]
    for setting, column in said.items():
        if setting not in known:
            turned = f"; write {column}={setting}" if column in known else f"; there is {', '.join(known)}"
            raise UsageError(f"{setting!r} is not a setting of a scene{turned}")
    return kinds


def _check_free(source: Path, out: Path, *, force: bool) -> None:
    try:
        if not (out.exists() or out.is_symlink()):
            return
        if out.is_dir():
            raise UsageError(f"nothing written: {out} is a folder; name a file, such as {out / 'film.yaml'}")
        if out.exists() and out.samefile(source):
            raise UsageError(f"nothing written: {out} is the list itself")
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from None
    if not force:
        raise UsageError(f"nothing written: {out} is there already, and would be replaced", Remedy.REPLACE)


def _read(  # noqa: PLR0913, PLR0917 - all of the options
    source: Path,
    out: Path,
    model: str | None,
    kinds: Mapping[str, str],
    said: Mapping[str, str],
    sheet: str | None,
    encoding: str | None,
) -> ShotList:
    """The list in a file. Raises `UnreadableTable` and `UsageError`."""
    table = _table(_content(source), kinds, said, sheet, encoding)
    settings: dict[str, Data] = {"version": 1, "name": _name(out)}
    if model is not None:
        settings["model"] = model
    is_file = _is_file_in(source.parent)
    return shot_list(table, find(table, kinds, said), kinds, settings, is_file)


def _content(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise UnreadableTable(f"the file has more than {MAX_BYTES} bytes, which is the most for a list")
    return content


def _table(
    content: bytes, kinds: Mapping[str, str], said: Mapping[str, str], sheet: str | None, encoding: str | None
) -> Table:
    if content.startswith(OLD_MARK):
        raise UnreadableTable("this is a workbook of an old form, or locked with a password; save it as .xlsx or CSV")
    kind = other_kind(content)
    if kind:
        raise UnreadableTable(f"this is {kind}, and not a list; give the list as .xlsx or CSV")
    if content.startswith(MARK):
        return read_xlsx(content, sheet, recogniser(kinds, said))
    if sheet is not None:
        raise UsageError("a CSV file has no sheets")
    try:
        return read_csv(content, encoding, recogniser(kinds, said))
    except LookupError:
        raise UsageError(f"there is no encoding {encoding!r}; usual ones are utf-8, utf-16 and cp1252") from None


def _is_file_in(folder: Path) -> Callable[[str], bool]:
    def is_file(name: str) -> bool:
        try:
            return (folder / name).is_file()
        except (OSError, ValueError):  # too long, or with a zero byte
            return False

    return is_file


def _name(out: Path) -> str:
    """The name of the batch: that of the file, or of its folder where the file is called as any other."""
    stem = out.stem if out.stem.casefold() != "manifest" else out.resolve().parent.name
    return slug(stem, "_-") or "batch"


def _as_text(source: Path, out: Path, shots: ShotList) -> str:
    """The manifest, with references that lead from its own folder to the same files."""
    data = shots.document.data
    settings = {name: value for name, value in (data.items() if isinstance(data, dict) else ()) if name != "scenes"}
    scenes = [{**scene, **_rebased(scene, source, out)} for scene in shots.scenes]
    rows = {str(scene["id"]): f"row {row.number}" for scene, row in zip(shots.scenes, shots.rows, strict=True)}
    beside = {scene_id: row for scene_id, row in rows.items() if scene_id in shots.numbered}
    return manifest_text(f"Made of {on_one_line(source.name)} by batchgen import.", settings, scenes, beside)


def _rebased(scene: Mapping[str, Data], source: Path, out: Path) -> dict[str, Data]:
    """The settings of a scene that name files, as they are called from another folder; none in the same folder."""
    before, now = source.parent.resolve(), out.parent.resolve()
    named = {name: scene[name] for name in ("references", "audio_url") if name in scene and before != now}
    return {name: _seen_from(now, before, value) for name, value in named.items()}


def _seen_from(now: Path, before: Path, value: Data) -> Data:
    if isinstance(value, list):
        return [_seen_from(now, before, each) for each in value]
    if not isinstance(value, str) or _ELSEWHERE.match(value):
        return value
    try:
        return Path(os.path.relpath(before / value, now)).as_posix()
    except ValueError:  # on another drive
        return (before / value).as_posix()


def _write(out: Path, text: str) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from None

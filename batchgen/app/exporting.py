"""Exports what stands for each shot: to the edit suite, as an animatic, one picture, a shot list, or for a client.

Results are read, and never written, moved or linked into anything that is.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypeAlias

from batchgen.app.client_folder import check_folder, write_folder
from batchgen.app.keywords import StrPath
from batchgen.app.output_places import look_where_unknown
from batchgen.app.run_directory import RunDirectory
from batchgen.engine.states import State
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.export.formats import FORMATS, Format
from batchgen.export.interface import Result, Sequence, Shot, common_rate, timecode_rate
from batchgen.layout import CONTROL, EMULATOR, LEDGER, POSTERS, REPORT, RESULTS, VIDEOS
from batchgen.media.film import measured
from batchgen.media.probe import UnusableMedia
from batchgen.media.provenance import marks_of
from batchgen.report.as_csv import as_csv
from batchgen.report.for_others import PRIVATE
from batchgen.report.rows import SceneStatus
from batchgen.report.shot_list import SHOT_LIST_COLUMNS, has_unnamed_references, named_references, shot_row
from batchgen.report.standing import Standing, standing
from batchgen.report.tables import some_of
from batchgen.store.cache import brought_back
from batchgen.text import on_one_line

Media: TypeAlias = Literal["link", "copy"]
"""Whether an export refers to results where they lie, or to copies beside it."""
SHOT_LIST = "csv"
EDL = "edl"
_BOM = "\ufeff"
"""Without it Excel takes UTF-8 for the encoding of its country, and ü for two other letters."""
FOLDER = "html"
"""The storyboard with the videos that stand for shots: a folder, and no file."""
NAMES = (*FORMATS, SHOT_LIST, FOLDER)
"""What can be exported, by name."""
_KEPT = (RESULTS, VIDEOS, REPORT, LEDGER, POSTERS, CONTROL, EMULATOR)
_WRITABLE = 0o222
_UNSTATED_S = 5
"""How long a shot without a result is, whose model has no durations."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written where; ``missing`` names each shot without a result and why, ``notes`` what else to know."""

    path: Path
    shots: int
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def write_export(
    run_dir: StrPath, form: str, out: StrPath, *, costs: bool = True, media: Media = "link"
) -> ExportResult:
    """Write what stands for each shot in a format to a file, for "html" a folder; an earlier export is replaced.

    Without ``costs`` there is no money in it, no seed and no error. With ``media`` as "copy", the results are copied
    into a folder beside it, which it refers to then. Works while a run goes on. Raises `UsageError` where it
    cannot be done so, `RunDirectoryError` where the journal or a result cannot be read.
    """
    directory, out = RunDirectory(Path(run_dir)), Path(out)
    state = directory.state()
    _check(directory, state, form, out, media)
    look_where_unknown(directory, state)
    found = standing(state, directory.missing(state))
    folder = _media_folder(out) if media == "copy" and form != FOLDER else None
    shots = [_shot(directory, one, folder, costs=costs) for one in found]
    sequence = Sequence(on_one_line(state.name), tuple(shots), common_rate(shots), directory.is_rehearsal())
    if form == FOLDER:
        sent = [one.attempt for one, shot in zip(found, shots, strict=True) if one.attempt and shot.result]
        with _told(out):
            write_folder(directory, state, sent, out, costs=costs)
    else:
        with _replacing(out) as path:
            _write(form, found, sequence, out, path, costs=costs)
    missing = tuple(f"{shot.name}: {shot.missing}" if costs else shot.name for shot in shots if shot.result is None)
    return ExportResult(out, len(shots), missing, tuple(_notes(form, found, sequence)))


def _write(  # noqa: PLR0913 - what is written, and where
    form: str, found: list[Standing], sequence: Sequence, out: Path, path: Path, *, costs: bool
) -> None:
    """Write one file, which will be called ``out``, to a path."""
    if form == SHOT_LIST:
        path.write_text(_shot_list(found, sequence, out, costs=costs), encoding="utf-8", newline="")
    else:
        FORMATS[form].write(sequence, path)


def _check(directory: RunDirectory, state: State, form: str, out: Path, media: Media) -> None:
    """Raise `UsageError` before anything is read or written."""
    if form not in NAMES:
        raise UsageError(f"there is no format {form!r}; there is {', '.join(NAMES)}")
    if form != FOLDER:
        _check_file(form, out, media)
    if not state.scenes:
        raise UsageError(f"{directory} has no scenes yet; there is nothing to export")
    place = out.resolve()
    kept = [(directory.path / name).resolve() for name in _KEPT]
    if place in kept or any(folder in place.parents for folder in kept):
        raise UsageError(f"{out} lies where batchgen keeps what a run leaves; export it to somewhere else")
    if not place.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}; make it first")
    if form == FOLDER:
        check_folder(out)
    elif place.is_file() and not place.stat().st_mode & _WRITABLE:
        raise UsageError(f"{out} is read-only, as results are; export it to somewhere else")


def _check_file(form: str, out: Path, media: Media) -> None:
    """Raise `UsageError` where a format cannot be written to a file of that name."""
    how = FORMATS.get(form, Format(lambda *_: None, (".csv",), refers=True))
    how.check()
    if out.suffix.lower() not in how.suffixes:
        raise UsageError(f"{out} would be {form}, and has to end with {' or '.join(how.suffixes)}")
    if media == "copy" and not how.refers:
        raise UsageError(f"{form} refers to no media that could be copied")


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A name beside the target, which it takes over once it is whole. Raises `UsageError`, `RunDirectoryError`."""
    temporary = out.with_name(f".batchgen-{secrets.token_hex(8)}{out.suffix}")
    try:
        with _told(out):
            yield temporary
            temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _told(out: Path) -> Iterator[None]:
    """What keeps an export from being written, as `UsageError` or `RunDirectoryError`."""
    try:
        yield
    except UnusableMedia as error:
        raise RunDirectoryError(f"the result {error}; once it is taken away, the next run fetches it again") from None
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from None


def _media_folder(out: Path) -> Path:
    return out.with_name(f"{out.stem}-media")


def _shot(directory: RunDirectory, one: Standing, copies: Path | None, *, costs: bool) -> Shot:
    """A shot with its result, measured; with one that cannot be read, without."""
    row = one.row
    shot = Shot(
        name=one.shot,
        title=str(row["title"]),
        prompt=str(row["prompt"]),
        seconds=one.scene.request.seconds or _UNSTATED_S,
        missing=_missing(one) if costs else "missing",
        facts=_facts(one, costs=costs),
    )
    if one.attempt is None:
        return shot
    path = directory.path / str(one.attempt.video_path)
    try:
        film = measured(brought_back(path, str(one.attempt.video_sha256)))
    except UnusableMedia as error:
        return replace(shot, missing=f"{path.name} {error}" if costs else "missing")
    except OSError as error:
        raise RunDirectoryError(f"{path.name} cannot be fetched back: {error.strerror}") from None
    marks = marks_of(path)
    facts = {**shot.facts, "provenance": {"c2pa": marks.c2pa, "xmp": marks.xmp, "aigc": marks.aigc}}
    kept = path if copies is None else _copied(path, copies)
    name = f"{one.scene.scene_id}@{one.attempt.number}"
    return replace(shot, name=name, result=Result(kept, film), missing="", facts=facts)


def _missing(one: Standing) -> str:
    """Why the result of a shot is not there: its status and code."""
    if one.row["status"] == SceneStatus.COMPLETED:
        return "completed, and its file was not fetched"
    return on_one_line(" ".join(filter(None, (str(one.row["status"]), str(one.row["error_code"])))))


def _facts(one: Standing, *, costs: bool) -> dict[str, object]:
    """The row of the report and what stands in none of its columns, as JSON."""
    row = {name: value for name, value in one.row.items() if costs or name not in PRIVATE}
    references = [_plain(source) for source in named_references(one.scene)]
    return {
        **{name: _plain(value) for name, value in row.items()},
        "note": _plain(one.scene.note),
        "references": references,
    }


def _plain(value: str | float | bool | Decimal | None) -> str | float | bool | None:  # noqa: FBT001 - a cell
    """A value as JSON has it; halves of characters, which no file can hold, become question marks."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _copied(path: Path, folder: Path) -> Path:
    """A copy of a result of its own, not a second name of it: whoever writes to the copy must not reach the result."""
    copy = folder / path.name
    try:
        folder.mkdir(exist_ok=True)
        with _replacing(copy) as temporary:
            shutil.copyfile(path, temporary)
    except OSError as error:
        raise UsageError(f"{copy} cannot be written: {error.strerror}") from None
    return copy


def _shot_list(found: list[Standing], sequence: Sequence, out: Path, *, costs: bool) -> str:
    files = (None if shot.result is None else _from(out.parent, shot.result.path) for shot in sequence.shots)
    stands = {one.shot: one.scene.scene_id for one in found}
    rows = (
        shot_row(one, file, costs=costs, rehearsal=sequence.rehearsal, stands=stands)
        for one, file in zip(found, files, strict=True)
    )
    return _BOM + as_csv(rows, SHOT_LIST_COLUMNS)


def _from(folder: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return path.resolve().as_posix()


def _notes(form: str, found: list[Standing], sequence: Sequence) -> Iterator[str]:
    yield from _of_origin(form, sequence)
    if form == SHOT_LIST:
        unnamed = [one.shot for one in found if has_unnamed_references(one.scene.request)]
        if unnamed:
            yield f"references in data URIs have no name and are not in the list: {some_of(unnamed)}"
        if any(named_references(one.scene) for one in found):
            yield "references stand as in the manifest: import finds the files where the list lies beside that"
        if any(one.scene.sources for one in found):
            yield "references to results of scenes name the take that stands for its shot"
    if form == EDL:
        rate = float(timecode_rate(sequence.rate))
        yield f"its timecode counts {rate:.5g} frames a second, which no EDL can say: give the sequence that rate"


def _of_origin(form: str, sequence: Sequence) -> Iterator[str]:
    """What is known of the origin of what is exported."""
    carried = [shot.name for shot in sequence.shots if any(dict(_marks(shot)).values())]
    if carried:
        yield f"{len(carried)} of {len(sequence.results)} results carry metadata of their origin: {some_of(carried)}"
    if form == "mp4":
        yield "the animatic carries no metadata of its origin (C2PA, XMP, AIGC)"


def _marks(shot: Shot) -> dict[str, object]:
    marks = shot.facts.get("provenance")
    return marks if isinstance(marks, dict) else {}

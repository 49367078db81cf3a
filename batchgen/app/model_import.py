"""A model's folder, drafted from the specification that its provider publishes."""

import json
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from batchgen.app.keywords import StrPath
from batchgen.errors import InvalidInput, Remedy, UsageError
from batchgen.files import sync_folder, write_atomically
from batchgen.providers.model_draft import ModelDraft, draft
from batchgen.providers.registry import DEFAULT, PROVIDERS
from batchgen.providers.specification import WRONG_FORM, InvalidSpecification, Specification
from batchgen.schemas import Schema, shipped

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A model's new folder, the settings that its scenes may have, and what of it had to be assumed."""

    name: str
    folder: Path
    files: tuple[Path, ...]
    settings: tuple[str, ...]
    notes: tuple[str, ...]


def import_model(  # noqa: PLR0913 - the options of the command
    source: StrPath,
    *,
    out: StrPath,
    contract: bool = False,
    name: str | None = None,
    priced_by: str | None = None,
    force: bool = False,
) -> ImportedModel:
    """Draft a model's folder below ``out`` from a provider's specification; whole, or not at all.

    ``contract`` says that the file is a contract and not a list of parameters. ``name`` names the model, which else
    the file does, ``priced_by`` the setting that prices hang on. Raises `InvalidInput` for a file that no model can
    be made of, and `UsageError` for a name that cannot be one, for a model that is there already unless ``force`` is
    set, and for what cannot be read or written.
    """
    source, models = Path(source), Path(out)
    document = _read(source)
    try:
        specification = PROVIDERS[DEFAULT].specifications["contract" if contract else "list"](document)
        called = _named(specification, name)
        if not force:
            _check_free(called, models / called)
        drafted = draft(specification, called, DEFAULT, priced_by)
    except InvalidSpecification as error:
        raise _invalid(source, error) from None
    except RecursionError:
        raise InvalidInput(f"{source}: its objects lie too deep in one another; nothing was written") from None
    _write(models, called, drafted)
    folder = models / called
    return ImportedModel(
        called, folder, tuple(folder / file for file in drafted.files), drafted.settings, drafted.notes
    )


def _invalid(source: Path, error: InvalidSpecification) -> InvalidInput:
    """Every problem of a specification, as the command shows it."""
    found = [f"{source}: {each.message}\n    at {each.path}, rule {each.rule}" for each in error.problems]
    remedy = Remedy.OTHER_FORM if any(each.rule == WRONG_FORM for each in error.problems) else None
    summary = f"{source}: {len(found)} error{'s' if len(found) > 1 else ''}; nothing was written"
    return InvalidInput("\n".join([*found, summary]), remedy)


def _read(source: Path) -> Mapping[str, Any]:
    """The JSON object in a file."""
    try:
        document = json.loads(source.read_text(encoding="utf-8-sig"), parse_constant=_number, parse_float=_number)
        json.dumps(document, ensure_ascii=False).encode()
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{source}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}") from None
    except UnicodeEncodeError:
        raise InvalidInput(f"{source}: half a character (\\ud800 to \\udfff) is no text; nothing was written") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidInput(f"{source}: this is not JSON: {reason}") from None
    if not isinstance(document, dict):
        raise InvalidInput(f"{source}: a specification is a JSON object\n    at $, rule specification.type")
    return document


def _number(text: str) -> float:
    """A number with a fraction. Raises ValueError where JSON has no such number."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is not a number")
    return number


def _named(specification: Specification, name: str | None) -> str:
    called = specification.name if name is None else name
    if _NAME.match(called):
        return called
    said = f"{called!r} cannot be the name of a model" if called else "the file does not say the model's name"
    raise UsageError(f"{said}, of letters, digits, dot, - and _", Remedy.NAME_MODEL)


def _check_free(name: str, folder: Path) -> None:
    if folder.exists():
        raise UsageError(f"nothing written: {folder} is there already, and would be replaced", Remedy.REPLACE)
    if name in shipped().models():
        said = f"nothing written: there is a model {name} already, and the new one would take its place"
        raise UsageError(said, Remedy.REPLACE)


def _write(models: Path, name: str, drafted: ModelDraft) -> None:
    """Give the folder its name only once it is whole. Raises `UsageError`."""
    made = models / f".batchgen-{secrets.token_hex(8)}"
    try:
        models.mkdir(parents=True, exist_ok=True)
        made.mkdir()
        for file, schema in drafted.files.items():
            write_atomically(made / file, _as_text(schema))
        _put_in_place(made, models / name)
        sync_folder(models)
    except OSError as error:
        raise UsageError(f"cannot write {models / name}: {error.strerror}") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _put_in_place(made: Path, target: Path) -> None:
    """Rename a folder, in place of what has that name; that is kept until the new one is there."""
    if not target.exists():
        made.rename(target)
        return
    before = made.with_name(f"{made.name}-before")
    target.rename(before)
    try:
        made.rename(target)
    except OSError:
        before.rename(target)
        raise
    shutil.rmtree(before)


def _as_text(schema: Schema) -> bytes:
    return json.dumps(schema, indent=2, ensure_ascii=False).encode() + b"\n"

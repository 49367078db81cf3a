"""Checks the folders that a manifest names under ``run:``."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchgen.layout import JOURNAL
from batchgen.manifest.document import Document
from batchgen.manifest.messages import show_value
from batchgen.model import DataPath, Problem
from batchgen.options import OPTIONS

_OWN: DataPath = ("run", "run_dir")
"""The run directory of the batch, which may be new; all other folders are earlier ones."""


def problems(document: Document, settings: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    """What is wrong with the folders in ``settings``, relative to ``folder``; the schema has accepted the settings."""
    for path, name in _folders(settings):
        is_earlier = path != _OWN
        reason = _not_a_folder(folder / name, is_needed=is_earlier)
        if reason is None and is_earlier and not (folder / name / JOURNAL).is_file():
            reason = f"there is no {JOURNAL} in it, so it is not a run directory"
        if reason is not None:
            message = f"{show_value(name)}: {reason}"
            yield Problem(document.spot(path).place, path, f"{path[1]}.unusable", message, show_value(name))


def _folders(settings: Mapping[str, Any]) -> Iterator[tuple[DataPath, str]]:
    """The folders that are named, each with its path in the manifest."""
    for setting in (name for name in settings if OPTIONS[name].is_path):
        value = settings[setting]
        if isinstance(value, list):
            yield from ((("run", setting, index), each) for index, each in enumerate(value))
        else:
            yield ("run", setting), value


def _not_a_folder(folder: Path, *, is_needed: bool) -> str | None:
    """Why it cannot be a folder; one that is not there yet can be made unless it is needed."""
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        return "there is no such folder" if is_needed else None
    except OSError as error:
        return str(error.strerror)
    return None if stat.S_ISDIR(mode) else "it is not a folder"

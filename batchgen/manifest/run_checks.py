"""Checks the folders that a manifest names under ``run:``."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchgen.layout import JOURNAL
from batchgen.manifest.messages import show_value
from batchgen.manifest.yaml_reader import Document
from batchgen.model import DataPath, Problem


def problems(document: Document, settings: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    """What is wrong with the folders in ``settings``, relative to ``folder``; the schema has accepted the settings."""
    named: dict[DataPath, str] = {("run", "run_dir"): settings["run_dir"]} if "run_dir" in settings else {}
    earlier: dict[DataPath, str] = {
        ("run", "history", index): name for index, name in enumerate(settings.get("history", ()))
    }
    for path, name in {**named, **earlier}.items():
        reason = _not_a_folder(folder / name, is_needed=path in earlier)
        if reason is None and path in earlier and not (folder / name / JOURNAL).is_file():
            reason = f"there is no {JOURNAL} in it, so it is not a run directory"
        if reason is not None:
            message = f"{show_value(name)}: {reason}"
            yield Problem(document.spot(path).place, path, f"{path[1]}.unusable", message, show_value(name))


def _not_a_folder(folder: Path, *, is_needed: bool) -> str | None:
    """Why it cannot be a folder; one that is not there yet can be made unless it is needed."""
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        return "there is no such folder" if is_needed else None
    except OSError as error:
        return str(error.strerror)
    return None if stat.S_ISDIR(mode) else "it is not a folder"

"""Finds the run directories that a command means when it is given none."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from batchgen.app.run_directory import RUNS, RunDirectory
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.manifest.document import UnreadableManifest
from batchgen.manifest.yaml_reader import read
from batchgen.options import placed

_SUFFIXES = frozenset({".yaml", ".yml"})
_KEY = b"run_dir"


def found_from(folder: Path = Path()) -> list[RunDirectory]:
    """The run directories under ``runs/``, and those that manifests in the folder name under ``run:``.

    Raises `UsageError` where there is none.
    """
    runs = folder / RUNS
    candidates = (*_named_in(folder), *_inside(runs))
    found = {each.resolve(): RunDirectory(each) for each in candidates if _is_begun(each)}
    if not found:
        raise UsageError(f"there is no run directory in {runs}; name one, or go where the manifest lies")
    return sorted(found.values(), key=str)


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_begun(folder: Path) -> bool:
    with suppress(RunDirectoryError):
        return RunDirectory(folder).is_begun()
    return False


def _named_in(folder: Path) -> Iterator[Path]:
    """The run directories that the manifests in a folder name; whatever else lies there is passed over."""
    for path in _inside(folder):
        with suppress(OSError, UnreadableManifest):
            content = path.read_bytes() if path.suffix in _SUFFIXES and path.is_file() else b""
            data = read(content).data if _KEY in content else None
            settings = data.get("run") if isinstance(data, dict) else None
            named = settings.get("run_dir") if isinstance(settings, dict) else None
            if isinstance(named, str):
                yield placed({"run_dir": named}, folder)["run_dir"]


def only_one(found: list[RunDirectory]) -> RunDirectory:
    """The run directory, where it is the only one. Raises `UsageError`."""
    if len(found) > 1:
        raise UsageError(f"there are {len(found)} run directories: {', '.join(map(str, found))}; name one")
    return found[0]

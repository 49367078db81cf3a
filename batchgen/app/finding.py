"""Finds the run directories that a command means when it is given none."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from batchgen.app.run_directory import RUNS, RunDirectory
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.layout import JOURNAL
from batchgen.manifest.document import UnreadableManifest
from batchgen.manifest.yaml_reader import read
from batchgen.model import Data
from batchgen.options import placed
from batchgen.text import on_one_line

_SUFFIXES = frozenset({".yaml", ".yml"})
_KEY = b"run_dir"
_MOST_NAMED = 3


def found_from(folder: Path = Path()) -> list[RunDirectory]:
    """The run directories under ``runs/``, and those that manifests in the folder name under ``run:``.

    Raises `UsageError` where there is none.
    """
    runs = folder / RUNS
    candidates = (*_named_in(folder), *_inside(runs))
    found = {each.resolve(): RunDirectory(each) for each in candidates if _is_begun(each)}
    if not found:
        near = ", ".join(_below(folder))
        named = f"name one, such as {near}" if near else "name one, or go where the manifest lies"
        raise UsageError(f"there is no run directory in {runs}; {named}")
    return sorted(found.values(), key=str)


def _below(folder: Path) -> list[str]:
    """A few run directories of manifests that lie one folder further down."""
    with suppress(OSError):
        found = islice(folder.glob(f"*/{RUNS}/*/{JOURNAL}"), _MOST_NAMED)
        return sorted(on_one_line(str(journal.parent)) for journal in found)
    return []


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_begun(folder: Path) -> bool:
    with suppress(RunDirectoryError):
        return RunDirectory(folder).is_begun()
    return False


def manifest_of(directory: RunDirectory, name: str) -> Path | None:
    """The manifest of that name in the present folder, or where it lies by default; None unless there is just one."""
    above = directory.path if len(directory.path.parts) > 1 else directory.path.resolve()
    folders = {folder.resolve(): folder for folder in (above.parent.parent, Path())}
    read_in = (found for folder in folders.values() for found in _manifests_in(folder, name.encode()))
    paths = [path for path, data in read_in if data.get("name") == name and "scenes" in data]
    return paths[0] if len(paths) == 1 else None


def _named_in(folder: Path) -> Iterator[Path]:
    """The run directories that the manifests in a folder name."""
    for _, data in _manifests_in(folder, _KEY):
        settings = data.get("run")
        named = settings.get("run_dir") if isinstance(settings, dict) else None
        if isinstance(named, str):
            yield placed({"run_dir": named}, folder)["run_dir"]


def _manifests_in(folder: Path, word: bytes) -> Iterator[tuple[Path, dict[str, Data]]]:
    """The manifests of a folder in which a word stands; whatever else lies there is passed over."""
    for path in _inside(folder):
        with suppress(OSError, UnreadableManifest):
            content = path.read_bytes() if path.suffix in _SUFFIXES and path.is_file() else b""
            data = read(content).data if word in content else None
            if isinstance(data, dict):
                yield path, data


def only_one(found: list[RunDirectory]) -> RunDirectory:
    """The run directory, where it is the only one. Raises `UsageError`."""
    if len(found) > 1:
        raise UsageError(f"there are {len(found)} run directories: {', '.join(map(str, found))}; name one")
    return found[0]

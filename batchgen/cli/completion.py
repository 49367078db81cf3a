"""What a shell offers behind Tab: manifests and the ids of scenes. It is silent whatever goes wrong."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from batchgen.model import Data

_AS_TYPED = re.compile(r"[\w./~+-]*\Z")
"""Names that no shell needs quotes for; the shell completes others itself."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
"""What an id may be: a shell is handed nothing else from a file."""


def manifests(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":  # noqa: ARG001 - click's signature
    """YAML files; where there is none, whatever the shell would offer."""
    from click.shell_completion import CompletionItem

    found: list[str] = []
    with suppress(OSError, ValueError):
        before, slash, name = incomplete.rpartition("/")
        folder = Path(before + slash or ".")
        names = sorted(path.name for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
        found = [f"{before}{slash}{each}" for each in names if each.startswith(name)]
    if not found or not all(map(_AS_TYPED.match, found)):
        return [CompletionItem(incomplete, type="file")]
    return [CompletionItem(each) for each in found]


def scenes_of_manifest(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":  # noqa: ARG001
    """The ids of the shots in the manifest that is named before."""
    # While the value of an option is typed, click leaves the words before it unread.
    words = [str(context.params.get("manifest") or ""), *context.args]
    return _offered((shot for word in words for shot in _shots(Path(word))), incomplete)


def profiles_of_manifest(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> "list[CompletionItem]":
    """The names of the profiles in the manifests that are named before."""
    named = context.params.get("manifest") or context.params.get("manifests") or ()
    words = [*map(str, named if isinstance(named, tuple) else (named,)), *context.args]
    return _offered((name for word in words for name in _profiles(Path(word))), incomplete)


def scenes_of_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":  # noqa: ARG001
    """The ids of the scenes in the report of the run directory that is named before."""
    return _offered(_reported(Path(str(context.params.get("run_dir") or ""))), incomplete)


def _offered(names: Iterable[str], incomplete: str) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    found = dict.fromkeys(name for name in names if name.startswith(incomplete) and _ID.match(name))
    return [CompletionItem(name) for name in found]


def _shots(path: Path) -> Iterator[str]:
    scenes = _read(path).get("scenes")
    for scene in scenes if isinstance(scenes, list) else ():
        if isinstance(scene, dict) and isinstance(scene.get("id"), str):
            yield str(scene["id"])


def _profiles(path: Path) -> Iterator[str]:
    profiles = _read(path).get("profiles")
    yield from profiles if isinstance(profiles, dict) else ()


def _read(path: Path) -> "Mapping[str, Data]":
    """A manifest as it is written; empty where it cannot be read."""
    if not path.is_file():
        return {}
    from batchgen.manifest.document import UnreadableManifest
    from batchgen.manifest.yaml_reader import read

    with suppress(OSError, UnreadableManifest):
        data = read(path.read_bytes()).data
        return data if isinstance(data, dict) else {}
    return {}


def _reported(run_dir: Path) -> Iterator[str]:
    import csv

    from batchgen.layout import REPORT

    with suppress(OSError, UnicodeDecodeError, csv.Error), (run_dir / REPORT).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row.get("scene_id") or ""

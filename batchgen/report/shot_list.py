"""What stands for each shot as rows of a shot list, in the columns that one is imported from. Pure."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from batchgen.engine.events import SceneFacts
from batchgen.engine.states import TAKE
from batchgen.model import SOUND, RequestFacts
from batchgen.references import WHOLE, ResultReference
from batchgen.report.rows import Row
from batchgen.report.standing import Standing

SHOT_LIST_COLUMNS = (
    "shot", "take", "title", "prompt", "references", "size", "duration", "seed", "status", "cost_usd", "file", "note",
)  # fmt: skip
_OF_DATA_URIS = "data:"


def shot_row(
    one: Standing, file: str | None, *, costs: bool, rehearsal: bool, stands: Mapping[str, str] = MappingProxyType({})
) -> Row:
    """The row of a shot whose result lies at ``file``; without ``costs``, money and seed are left empty.

    ``stands`` says which scene stands for each shot, and so has a row of its own.
    """
    row = one.row
    return {
        "shot": one.shot,
        "take": row["take"],
        "title": row["title"],
        "prompt": row["prompt"],
        "references": "\n".join(named_references(one.scene, stands)),
        "size": row["size"],
        "duration": row["duration_s"],
        "seed": row["seed"] if costs else None,
        "status": f"{row['status']} (rehearsal)" if rehearsal else str(row["status"]),
        "cost_usd": row["cost_usd"] if costs else None,
        "file": file,
        "note": one.scene.note,
    }


def named_references(scene: SceneFacts, stands: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """The references of a scene as the manifest names them; a data URI has no name and is left out.

    The result of a scene is named as ``s01#last``, ``s01#2.5``, ``s01#video``; of a shot with takes it is the take
    that ``stands`` for it, or else the one that the scene is built on.
    """
    built_on = dict(zip(scene.sources, scene.built_on, strict=False))
    results = {source: ResultReference.from_text(source) for source in scene.sources}
    names = {source: _name(result, built_on.get(source, ""), stands) for source, result in results.items()}
    listed = _sources(scene.request.document)
    return [names.get(source, source) for source in listed if not source.startswith(_OF_DATA_URIS)]


def _name(result: ResultReference, attempt: str, stands: Mapping[str, str]) -> str:
    stood = stands.get(result.scene)
    named = standing_for(result, attempt) if stood is None else result._replace(scene=stood)
    return f"{named.scene}#{named.moment or WHOLE}"


def standing_for(result: ResultReference, attempt: str) -> ResultReference:
    """The same of the take that stands for a shot, where ``attempt``, on which is built, is of one."""
    of_scene = attempt.rpartition("@")[0]
    return result._replace(scene=of_scene) if TAKE.sub("", of_scene) == result.scene else result


def has_unnamed_references(request: RequestFacts) -> bool:
    """Whether a reference of the request stands in a data URI, of which only the beginning was kept."""
    return any(source.startswith(_OF_DATA_URIS) for source in _sources(request.document))


def _sources(value: Any) -> Iterator[str]:
    """What the references in a document were read from, at any depth; each is an object with a source, and no sound."""
    if isinstance(value, Mapping) and isinstance(value.get("source"), str):
        if not str(value.get("mime", "")).startswith(SOUND):
            yield value["source"]
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _sources(item)

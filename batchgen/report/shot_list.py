"""What stands for each shot as rows of a shot list, in the columns that one is imported from. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from batchgen.model import SOUND, RequestFacts
from batchgen.report.rows import Row
from batchgen.report.standing import Standing

SHOT_LIST_COLUMNS = (
    "shot", "take", "title", "prompt", "references", "size", "duration", "seed", "status", "cost_usd", "file", "note",
)  # fmt: skip
_OF_DATA_URIS = "data:"


def shot_row(one: Standing, file: str | None, *, costs: bool, rehearsal: bool) -> Row:
    """The row of a shot whose result lies at ``file``; without ``costs``, money and seed are left empty."""
    row = one.row
    return {
        "shot": one.shot,
        "take": row["take"],
        "title": row["title"],
        "prompt": row["prompt"],
        "references": "\n".join(named_references(one.scene.request)),
        "size": row["size"],
        "duration": row["duration_s"],
        "seed": row["seed"] if costs else None,
        "status": f"{row['status']} (rehearsal)" if rehearsal else str(row["status"]),
        "cost_usd": row["cost_usd"] if costs else None,
        "file": file,
        "note": one.scene.note,
    }


def named_references(request: RequestFacts) -> list[str]:
    """The references of a request as the manifest names them; a data URI has no name and is left out."""
    return [source for source in _sources(request.document) if not source.startswith(_OF_DATA_URIS)]


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

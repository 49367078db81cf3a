"""What is known of the origin of each result, in a file of JSON beside it.

Nothing in it is invented: what is not known is null. It is written once, and tells what was known then.
"""

import json
import logging
import os
import secrets
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.states import State
from batchgen.layout import RESULTS
from batchgen.media.provenance import marks_of
from batchgen.version import __version__

VERSION = 1
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = f"{_SOURCE_TYPES}trainedAlgorithmicMedia"
"""IPTC: made by a model that was trained on sampled content."""
DRAWN = f"{_SOURCE_TYPES}algorithmicMedia"
"""IPTC: made by an algorithm that no content was sampled for, as the emulator is."""
_READ_ONLY = 0o444
_log = logging.getLogger("batchgen")


def write_sidecars(folder: Path, state: State, *, rehearsal: bool) -> None:
    """Write ``results/SCENE@N.json`` of a run directory for each result that has none.

    Where that cannot be done it is logged, and the results stand without.
    """
    try:
        there = _names(folder / RESULTS)
        for attempt in state.all_attempts():
            path = folder / str(attempt.video_path)
            beside = path.with_suffix(".json")
            if attempt.has_file and path.name in there and beside.name not in there:
                _write(beside, sidecar(attempt, state, path, rehearsal=rehearsal))
    except OSError as error:
        _log.warning("the origin of results could not be written beside them: %s", error.strerror)


def has_sidecar(folder: Path, attempt: Attempt, state: State, *, rehearsal: bool) -> bool:
    """Whether the origin of a result is beside it; it is written where it is not."""
    path = folder / str(attempt.video_path)
    try:
        if not path.with_suffix(".json").is_file():
            _write(path.with_suffix(".json"), sidecar(attempt, state, path, rehearsal=rehearsal))
    except OSError as error:
        _log.warning("the origin of %s could not be written beside it: %s", path.name, error.strerror)
        return False
    return True


def _names(folder: Path) -> set[str]:
    """What is in a folder and not empty; nothing where nothing was fetched yet. Raises OSError."""
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.stat(follow_symlinks=False).st_size}


def sidecar(attempt: Attempt, state: State, path: Path, *, rehearsal: bool) -> Mapping[str, object]:
    """What is known of the origin of the result of an attempt, which lies at a path."""
    request, result = attempt.request, attempt.result
    marks = marks_of(path)
    return {
        "version": VERSION,
        "written_by": f"batchgen {__version__}",
        "file": path.name,
        "sha256": attempt.video_sha256,
        "rehearsal": rehearsal,
        "digitalSourceType": DRAWN if rehearsal else GENERATED,
        "name": state.name,
        "scene_id": attempt.scene_id,
        "attempt": attempt.number,
        "model": request.model,
        "request": dict(request.document),
        "request_sha256": request.sha256,
        "built_on": _built_on(attempt, state),
        "seed": request.seed,
        "gateway": state.gateway or None,
        "task_id": attempt.task_id,
        "job_id": result.job_id,
        "submitted_at": attempt.submitted_at or None,
        "finished_at": attempt.finished_at,
        "cost_usd": _text(result.cost_usd),
        "discount": _text(result.discount),
        "reused_from": attempt.reused_from or None,
        "mismatch": attempt.message if attempt.state is AttemptState.MISMATCHED else None,
        "carries": {"c2pa": marks.c2pa, "xmp": marks.xmp, "aigc": marks.aigc},
    }


def _built_on(attempt: Attempt, state: State) -> Mapping[str, str] | None:
    """The attempts whose results are among the references; None where the scene asks for something else by now."""
    scene = state.scene(attempt.scene_id)
    if scene is None or not scene.has_request or not attempt.asks_for(scene):
        return None
    return dict(zip(scene.sources, scene.built_on, strict=True))


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def _write(path: Path, document: Mapping[str, object]) -> None:
    """Write a file that is whole or not there, and read-only as the result is. Raises OSError.

    It is not made durable: what a power failure leaves empty is written anew from the journal.
    """
    temporary = path.with_name(f".batchgen-{secrets.token_hex(8)}")
    try:
        with temporary.open("x", encoding="ascii") as file:
            file.write(json.dumps(document, indent=1) + "\n")
        temporary.chmod(temporary.stat().st_mode & _READ_ONLY)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

"""Takes of a shot, and what happens until one is there."""

import hashlib
from dataclasses import replace
from decimal import Decimal

from batchgen.engine import events as ev
from batchgen.model import TaskResult

from helpers.engine_support import scene

HASH = "ab" * 32


def take(number: int, shot: str = "s1") -> ev.SceneFacts:
    """A take with a title and a note."""
    made = scene(f"{shot}-t{number}", request=f"{shot}{number}")
    sha256 = hashlib.sha256(made.scene_id.encode()).hexdigest()
    request = replace(made.request, sha256=sha256)
    return replace(made, request=request, shot=shot, take=number, title="The gate", note="in rain")


def bought(one: ev.SceneFacts, *, attempt: int = 1, mismatch: str | None = None) -> list[ev.Event]:
    """A scene with its result, its attempt being right or wrong."""
    name = one.scene_id
    return [
        ev.Submitting("t0", name, attempt, one.request, Decimal("0.5")),
        ev.Submitted("t1", name, attempt, f"task-{name}-{attempt}"),
        ev.Completed("t2", name, attempt, TaskResult("https://cdn/v", "job", Decimal("0.4"))),
        ev.Downloaded("t3", name, attempt, f"results/{name}@{attempt}.mp4", HASH, mismatch),
    ]


TAKES = (take(1), take(2), take(3))

"""A plan on disk, bound to everything it was made from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from batchgen.app.planning import Plan
from batchgen.engine.steps import Choice
from batchgen.errors import RefusedRun, Remedy, UsageError
from batchgen.files import write_atomically
from batchgen.report.plan import as_json as plan_as_json

VERSION = 4


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it was saved; ``history`` are the run directories whose prices were learned from.

    ``reuse`` are those whose results are linked in, ``profile`` is the one that held.
    """

    choice: Choice
    history: tuple[Path, ...]
    reuse: tuple[Path, ...]
    bound_to: Mapping[str, str]
    content: Any
    profile: str | None = None


def save_plan(path: Path, plan: Plan, history: Sequence[Path], reuse: Sequence[Path] = ()) -> None:
    """Write a plan with the hashes of what it was made from. Raises `UsageError`."""
    document = {
        "version": VERSION,
        "choice": asdict(plan.choice),
        "profile": plan.batch.manifest.profile,
        "history": [str(folder.resolve()) for folder in history],
        "reuse": [str(folder.resolve()) for folder in reuse],
        "bound_to": bindings(plan),
        "plan": _content(plan),
    }
    try:
        write_atomically(path, json.dumps(document, indent=2).encode() + b"\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def read_plan(path: Path) -> SavedPlan:
    """Read a saved plan. Raises `UsageError` where it is none."""
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != VERSION:
            raise UsageError(f"{path} was saved by another version of batchgen; save it again", Remedy.SAVE_PLAN)
        choice = document["choice"]
        globs = tuple(map(str, choice["globs"]))
        again = tuple(map(str, choice["again"]))
        chosen = Choice(globs, bool(choice["retry_failed"]), bool(choice["download"]), int(choice["attempts"]), again)
        history = tuple(Path(str(folder)).resolve() for folder in document["history"])
        reuse = tuple(Path(str(folder)).resolve() for folder in document["reuse"])
        profile = None if document.get("profile") is None else str(document["profile"])
        return SavedPlan(chosen, history, reuse, dict(document["bound_to"]), document["plan"], profile)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{path} is not a plan that batchgen has saved", Remedy.SAVE_PLAN) from None


def verify_plan(path: Path, saved: SavedPlan, plan: Plan) -> None:
    """Refuse a saved plan that does not hold any more. Raises `RefusedRun` and says what has changed."""
    changed = _changes(saved.bound_to, saved.content, plan)
    if changed:
        raise RefusedRun(
            f"{path} does not hold any more: {changed} changed since it was saved. "
            "Nothing was submitted; look at a new plan and save that"
        )


def bound(plan: Plan) -> Plan:
    """A plan that remembers what it was made from."""
    return replace(plan, bound_to=bindings(plan))


def verify(bound_plan: Plan, plan: Plan) -> None:
    """Refuse a plan that was made before, where the one of now is another. Raises `RefusedRun`."""
    changed = _changes(bound_plan.bound_to, _content(bound_plan), plan)
    if changed:
        raise RefusedRun(
            f"the plan does not hold any more: {changed} changed since it was made. "
            "Nothing was submitted; look at a new plan"
        )


def _changes(bound_to: Mapping[str, str], content: object, plan: Plan) -> str:
    """What has changed since a plan was made."""
    changed = [name for name, digest in bindings(plan).items() if bound_to.get(name) != digest]
    if not changed and content != _content(plan):
        changed = ["the plan itself"]
    return ", ".join(changed)


def _content(plan: Plan) -> object:
    """What is carried out; what the gateway said of its cost, or others would cost, may be another the next time."""
    outlook = replace(plan.outlook(), gateway_costs=None, profile_costs=None)
    return json.loads(json.dumps(plan_as_json(outlook)))


def bindings(plan: Plan) -> dict[str, str]:
    """Hashes of manifest and references, of the prices, and of the state."""
    expanded = plan.batch.manifest.as_json()
    del expanded["pricing"]
    declared = {name: expanded.pop(name, None) for name in ("reference_video", "budget_usd")}
    prices = {"prices": plan.prices.as_json(), **declared}
    # A line that was never finished is cut off by the run that carries the plan out.
    journal = plan.batch.directory.journal
    content = journal.read_bytes() if journal.exists() else b""
    return {
        "manifest and references": _digest(expanded),
        "prices": _digest(prices),
        "state": hashlib.sha256(content[: content.rfind(b"\n") + 1]).hexdigest(),
    }


def _digest(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

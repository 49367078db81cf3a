"""A plan on disk, bound to everything it was made from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from batchgen.cli.batch import Prepared
from batchgen.engine.planner import Choice
from batchgen.errors import RefusedRun, UsageError
from batchgen.files import write_atomically
from batchgen.journal.log import FILE
from batchgen.report.plan import as_json as plan_as_json

VERSION = 1


def save(path: Path, prepared: Prepared) -> None:
    """Write a plan with the hashes of what it was made from. Raises `UsageError`."""
    document = {
        "version": VERSION,
        "choice": asdict(prepared.choice),
        "bound_to": bindings(prepared),
        "plan": plan_as_json(prepared.steps, prepared.state),
    }
    try:
        write_atomically(path, json.dumps(document, indent=2).encode() + b"\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def load(path: Path) -> tuple[Choice, Mapping[str, str], Any]:
    """Choice, bindings and plan of a saved plan. Raises `UsageError` where it is none."""
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != VERSION:
            raise UsageError(f"{path} was saved by another version of batchgen; make it again with plan --out")
        choice = document["choice"]
        globs = tuple(map(str, choice["globs"]))
        chosen = Choice(globs, bool(choice["retry_failed"]), bool(choice["download"]))
        return chosen, dict(document["bound_to"]), document["plan"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{path} is no plan that plan --out has saved") from None


def verify(path: Path, prepared: Prepared) -> None:
    """Refuse a plan that does not hold any more. Raises `RefusedRun` and says what has changed."""
    _, bound_to, plan = load(path)
    now = bindings(prepared)
    changed = [name for name, digest in now.items() if bound_to.get(name) != digest]
    if not changed and plan != json.loads(json.dumps(plan_as_json(prepared.steps, prepared.state))):
        changed = ["the plan itself"]
    if changed:
        raise RefusedRun(
            f"{path} does not hold any more: {', '.join(changed)} changed since it was saved. "
            "Nothing was submitted; look at a new plan and save that"
        )


def bindings(prepared: Prepared) -> dict[str, str]:
    """Hashes of manifest and references, of the prices, and of the state."""
    expanded = prepared.batch.manifest.as_json()
    prices = {"pricing": expanded.pop("pricing"), "budget_usd": expanded.pop("budget_usd")}
    journal = prepared.folder / FILE
    return {
        "manifest and references": _digest(expanded),
        "prices": _digest(prices),
        "state": hashlib.sha256(journal.read_bytes() if journal.exists() else b"").hexdigest(),
    }


def _digest(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

"""Puts deliberate faults into copies of the package; the simulation has to notice every one of them.

    python tests/mutations

Ends with 1 where one goes unnoticed, where the package as it is does not pass, or where a fault
does not fit the source any more.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "batchgen"
TIMEOUT_S = 180
_NO_PROGRAM = ("AttributeError", "ImportError", "NameError", "TypeError")
"""What ends a history because a fault was written down wrongly, and not because a promise broke."""


def main() -> int:
    """Check all faults, or those whose names hold a text."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from mutations.faults import FAULTS, Fault

    parser = argparse.ArgumentParser(prog="python tests/mutations", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="only faults whose names hold this text")
    parser.add_argument("--seeds", type=int, default=5_000, help="how many histories a fault may take at most")
    options = parser.parse_args()
    chosen = [fault for fault in FAULTS if options.only in fault.name]
    unnoticed = _check(Fault("(none: the package as it is)", "", ()), options.seeds, wanted=False)
    unnoticed += sum(_check(fault, options.seeds, wanted=True) for fault in chosen)
    print(f"\n{len(chosen)} faults, " + (f"{unnoticed} not as it should be" if unnoticed else "each of them noticed"))
    return 1 if unnoticed else 0


def changed(text: str, changes: Sequence[tuple[str, str]]) -> str:
    """A text with each change made. Raises ValueError where one does not fit exactly once."""
    for before, after in changes:
        if text.count(before) != 1:
            raise ValueError(f"found {text.count(before)} times and not once:\n{before}")
        text = text.replace(before, after)
    return text


def _check(fault: Any, seeds: int, *, wanted: bool) -> int:
    """Play against a faulty copy; 1 where the outcome is not the one that is wanted."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name).resolve() / "batchgen"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if fault.changes:
            path = copy / fault.file
            path.write_text(changed(path.read_text(encoding="utf-8"), fault.changes), encoding="utf-8")
        options = ["--first", "0", "--seeds", str(seeds), "--jobs", "1", "--no-sweep", "--json"]
        figures = json.loads(_played(options, copy).stdout)
        if figures["package"] != str(copy):
            raise RuntimeError(f"the copy was not played but {figures['package']}")
        noticed = figures["broken"]
        # The command that is printed has to show the same.
        if noticed and _played(shlex.split(figures["command"])[2:], copy).returncode != 1:
            noticed = f"{figures['command']} does not show it again"
            wanted = not wanted
        elif noticed and noticed.startswith(_NO_PROGRAM):
            noticed = f"the changed text is no program: {noticed}"
            wanted = not wanted
    good = bool(noticed) is wanted
    print(
        f"{'ok  ' if good else 'BAD '} {fault.name:<52} {figures['histories']:>6}  {noticed or '-'}"[:200], flush=True
    )
    return 0 if good else 1


def _played(options: Sequence[str], copy: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(copy.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(ROOT / "tests" / "simulation"), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


if __name__ == "__main__":
    sys.exit(main())

"""Puts deliberate faults into copies of the package; the simulation has to notice every one of them.

    python tests/campaigns/mutations

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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "batchgen"
TIMEOUT_S = 180
AS_IT_IS = "(none: the package as it is)"
_LONGEST = 100
_AS_IT_IS_SEEDS = 500
"""That the package as it is breaks no promise is for the simulation to say, of many more."""
_NO_PROGRAM = ("AttributeError", "ImportError", "NameError", "TypeError")
"""What ends a history because a fault was written down wrongly, and not because a promise broke."""


def main() -> int:
    """Check all faults, or those whose names hold a text."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from campaigns.mutations.fault import Fault
    from campaigns.mutations.faults import FAULTS

    parser = argparse.ArgumentParser(
        prog="python tests/campaigns/mutations", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", default="", help="only faults whose names hold this text")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the outcomes into docs/reliability.md")
    parser.add_argument("--seeds", type=int, default=10_000, help="how many histories a fault may take at most")
    options = parser.parse_args()
    chosen = [fault for fault in FAULTS if options.only in fault.name]
    tests = sorted({"", *(fault.tests for fault in FAULTS)})
    # Each waits for a process of its own.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        as_it_is = (Fault(AS_IT_IS, "", (), each) for each in tests)
        outcomes = [*pool.map(lambda fault: _check(fault, _AS_IT_IS_SEEDS, wanted=False), as_it_is)]
        outcomes += pool.map(lambda fault: _check(fault, options.seeds, wanted=True), chosen)
    wrong = sum(not outcome.good for outcome in outcomes)
    print(f"\n{len(chosen)} faults, " + (f"{wrong} not as it should be" if wrong else "each of them noticed"))
    if options.write is not None:
        _write(options.write, outcomes)
    return 1 if wrong else 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a fault: after how many histories it was noticed, by what, and whether that is as it should be."""

    name: str
    file: str
    histories: int
    noticed: str
    good: bool


def _write(page: Path, outcomes: Sequence[Outcome]) -> None:
    """Put the outcomes into a page."""
    from helpers import pages

    rows = [(one.name, one.file and f"`{one.file}`", one.histories, _short(one.noticed)) for one in outcomes]
    text = pages.made_by("python tests/campaigns/mutations", os.cpu_count() or 1)
    pages.put(page, "mutations", text + pages.table(("fault", "in", "histories", "noticed as"), rows))


def _short(noticed: str) -> str:
    return noticed if len(noticed) <= _LONGEST else f"{noticed[:_LONGEST]}…"


def changed(text: str, changes: Sequence[tuple[str, str]]) -> str:
    """A text with each change made. Raises ValueError where one does not fit exactly once."""
    for before, after in changes:
        if text.count(before) != 1:
            raise ValueError(f"found {text.count(before)} times and not once:\n{before}")
        text = text.replace(before, after)
    return text


def _check(fault: Any, seeds: int, *, wanted: bool) -> Outcome:
    """Play against a faulty copy."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name).resolve() / "batchgen"
        shutil.copytree(PACKAGE, copy)  # with what Python has compiled of it, which goes by the time of a file
        if fault.changes:
            path = copy / fault.file
            path.write_text(changed(path.read_text(encoding="utf-8"), fault.changes), encoding="utf-8")
        if fault.tests:
            return _tested(fault, copy, wanted=wanted)
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
            noticed = f"the changed text is not a program: {noticed}"
            wanted = not wanted
    return _told(Outcome(fault.name, fault.file, figures["histories"], noticed or "-", bool(noticed) is wanted))


def _tested(fault: Any, copy: Path, *, wanted: bool) -> Outcome:
    """Run tests against a faulty copy: one of them has to fail, and name what is wrong."""
    command = [
        "-P",
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(ROOT),
        str(ROOT / fault.tests),
    ]
    ended = _in_copy(command, copy)
    failed = [line.partition("::")[2] for line in ended.stdout.splitlines() if line.startswith("FAILED")]
    good = (ended.returncode, bool(failed)) == ((1, True) if wanted else (0, False))
    return _told(Outcome(fault.name, fault.file, 0, failed[0] if failed else "-", good))


def _told(outcome: Outcome) -> Outcome:
    begin = f"{'ok  ' if outcome.good else 'BAD '} {outcome.name:<58} {outcome.histories:>6}"
    print(f"{begin}  {_short(outcome.noticed)}", flush=True)
    return outcome


def _played(options: Sequence[str], copy: Path) -> "subprocess.CompletedProcess[str]":
    return _in_copy([str(ROOT / "tests" / "campaigns" / "simulation"), *options], copy)


def _in_copy(arguments: Sequence[str], copy: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(copy.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


if __name__ == "__main__":
    sys.exit(main())

"""Fuzzes one target in a child process and says what came of it.

Whatever ends the child is a finding: a broken promise, more time or memory than an input may take,
or a death inside native code. The input is kept.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
EXAMPLES = TESTS / "examples"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one input may take, and what is needed to find such inputs.

    ``memory_mb`` is for the whole process, the interpreter and all inputs kept included. ``more`` are
    folders of inputs to begin from beside the target's own, ``watched`` the packages whose coverage
    steers the search.
    """

    longest: int
    seconds: int = 10
    memory_mb: int = 512
    more: tuple[Path, ...] = ()
    watched: tuple[str, ...] = ("batchgen",)


TARGETS: Mapping[str, Bounds] = {
    "manifest": Bounds(longest=16_384, more=(EXAMPLES / "valid", EXAMPLES / "invalid")),
    "answers": Bounds(longest=8_192),
    "journal": Bounds(longest=16_384),
    "media": Bounds(longest=65_536, memory_mb=1_024, watched=("batchgen", "PIL")),
    "text": Bounds(longest=1_024),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a campaign did: inputs tried, edges of code reached, seconds, and the end of what it said.

    ``findings`` are the files with the inputs that broke something.
    """

    inputs: int
    edges: int
    seconds: float
    findings: tuple[Path, ...]
    ended_well: bool
    told: str


def run(  # noqa: PLR0913 - how far to go, each on its own
    module: str,
    bounds: Bounds,
    findings: Path,
    *,
    corpus: Path | None = None,
    runs: int = -1,
    seconds: int = 0,
    seed: int = 0,
) -> Figures:
    """Fuzz until so many inputs were tried or so many seconds have passed, or until the first finding.

    ``corpus`` is where new inputs of interest are kept; without it they are forgotten. ``seed`` makes
    it try the same inputs each time; 0 draws one.
    """
    name = module.rpartition(".")[2]
    findings.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    with TemporaryDirectory(prefix="fuzz-") as scratch:
        grown = corpus or Path(scratch, "corpus")
        grown.mkdir(parents=True, exist_ok=True)
        seeds = [HERE / "corpus" / name, HERE / "regressions" / name, *bounds.more]
        words = HERE / "words" / f"{name}.dict"
        command = [
            *(sys.executable, "-P", "-m", "campaigns.fuzz.engine", module, ",".join(bounds.watched)),
            f"-runs={runs}",
            f"-max_total_time={seconds}",
            f"-seed={seed}",
            f"-max_len={bounds.longest}",
            f"-timeout={bounds.seconds}",
            f"-rss_limit_mb={bounds.memory_mb}",
            f"-artifact_prefix={findings}{os.sep}{name}-",
            "-keep_seed=1",  # what reaches no new code of ours may do so inside a decoder
            "-print_final_stats=1",
            *([f"-dict={words}"] if words.exists() else []),
            *(str(folder) for folder in (grown, *seeds) if folder.is_dir()),
        ]
        ended = _ended(command, Path(scratch))
    found = tuple(sorted(set(findings.iterdir()) - before))
    if not found and not before:
        findings.rmdir()
    return _figures(ended, found)


def _ended(command: list[str], scratch: Path) -> subprocess.CompletedProcess[str]:
    """Run the child to its end; temporary files go into ``scratch``, for it ends without tidying up.

    A shell stands between: Linux counts the most memory that a process ever had, and takes what the one
    had that starts a program for the program's own.
    """
    # Coverage of what fuzzing reaches would say nothing of the tests, and slow it down.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment |= {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "TMPDIR": str(scratch)}
    return subprocess.run(
        ["/bin/sh", "-c", '"$@"; exit $?', "sh", *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # where atheris prints the traceback
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _figures(ended: subprocess.CompletedProcess[str], findings: tuple[Path, ...]) -> Figures:
    def last(pattern: str) -> int:
        found = re.findall(pattern, ended.stdout)
        return int(found[-1]) if found else 0

    return Figures(
        inputs=last(r"stat::number_of_executed_units: *(\d+)") or last(r"(?m)^#(\d+)\t"),
        edges=last(r" cov: (\d+)"),
        seconds=last(r"in (\d+) second"),
        findings=findings,
        ended_well=ended.returncode == 0 and "\nDone " in ended.stdout,
        told=ended.stdout[-4000:],
    )

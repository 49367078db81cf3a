"""CPU that commands take before they do anything, over that of a Python which does nothing.

Beside them the library that parses their options, alone, and an SDK of the gateway. Each runs as a process of
its own, with its modules compiled, as an installation has them.
"""

import sys
from collections.abc import Sequence

from bench.cpu import cpu_ms

ROUNDS = 11
_NOTHING = ("-c", "pass")
_PROGRAMS: tuple[tuple[str, Sequence[str], str], ...] = (
    ("import click", ("-c", "import click"), ""),
    ("import seaart_sdk", ("-c", "import seaart_sdk"), ""),
    ("import batchgen", ("-c", "import batchgen"), ""),
    ("batchgen --help", ("-m", "batchgen", "--help"), "aim: at most 40"),
    ("batchgen --version", ("-m", "batchgen", "--version"), ""),
    ("batchgen validate --help", ("-m", "batchgen", "validate", "--help"), ""),
    ("batchgen run --help", ("-m", "batchgen", "run", "--help"), ""),
    ("batchgen.run", ("-c", "import batchgen; batchgen.run"), "all that a run imports before it is called"),
)


def run() -> None:
    """Print milliseconds of CPU over those of ``python -c pass``."""
    programs = [_NOTHING, *(arguments for _, arguments, _ in _PROGRAMS)]
    rounds = [[cpu_ms([sys.executable, *arguments]) for arguments in programs] for _ in range(ROUNDS)]
    nothing, *took = map(min, zip(*rounds, strict=True))
    print(f"ms of CPU over the {nothing:.0f} of python -c pass, best of {ROUNDS}")
    for (name, _, note), ms in zip(_PROGRAMS, took, strict=True):
        print(f"{name:26}{ms - nothing:6.1f}   {note}".rstrip())

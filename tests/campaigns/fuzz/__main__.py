"""Fuzzes what reads bytes from elsewhere, steered by the coverage of batchgen's code.

    python tests/campaigns/fuzz manifest --for 600
    python tests/campaigns/fuzz all --for 3600 --corpus /var/tmp/fuzz
    python tests/campaigns/fuzz media --replay FILE...

Each target runs in a process of its own, one after the other, until its first finding or its time
is up. A finding's input is kept under ``--findings``: once it is mended, put it into
``tests/campaigns/fuzz/regressions/TARGET/``, where the ordinary tests take it up.
"""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

# Started as a program of its own, or as part of the tests: in both cases they are one package.
sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from campaigns.fuzz.campaign import TARGETS, Figures, run  # noqa: E402 - not to be found before
from helpers import pages  # noqa: E402 - not to be found before


def main() -> int:
    """0 where nothing was found, 1 where something was."""
    told = _arguments().parse_args()
    targets = list(TARGETS) if told.target == "all" else [told.target]
    if told.replay:
        return _replay(targets, told.replay)
    print(f"{'target':<10} {'inputs':>10} {'seconds':>8} {'edges':>6}  findings", flush=True)
    worst = 0
    rows = []
    for target in targets:
        corpus = told.corpus / target if told.corpus else None
        figures = run(
            f"campaigns.fuzz.targets.{target}",
            TARGETS[target],
            told.findings,
            corpus=corpus,
            runs=told.runs,
            seconds=told.seconds,
        )
        print(_row(target, figures), flush=True)
        rows.append(
            (target, *(f"{number:,}" for number in (figures.inputs, figures.seconds, figures.edges)), _found(figures))
        )
        if not figures.ended_well:
            print(figures.told, file=sys.stderr)
            worst = 1
    if told.write is not None:
        text = pages.made_by(f"python tests/campaigns/fuzz {told.target} --for {told.seconds}", os.cpu_count() or 1)
        pages.put(told.write, "fuzzing", text + pages.table(_HEAD, rows))
    return worst


_HEAD = ("target", "inputs", "seconds", "edges of batchgen's code", "findings")


def _row(target: str, figures: Figures) -> str:
    return f"{target:<10} {figures.inputs:>10} {figures.seconds:>8} {figures.edges:>6}  {_found(figures)}"


def _found(figures: Figures) -> str:
    return ", ".join(str(path) for path in figures.findings) or ("none" if figures.ended_well else "see below")


def _replay(targets: list[str], files: list[Path]) -> int:
    """Give the files to the targets; what they break comes out as it is."""
    for target in targets:
        for file in files:
            import_module(f"campaigns.fuzz.targets.{target}").check(file.read_bytes())
            print(f"{target}: {file} breaks nothing")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/campaigns/fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--for", dest="seconds", type=int, default=60, metavar="SECONDS", help="a target; default 60")
    parser.add_argument("--runs", type=int, default=-1, metavar="N", help="at most so many inputs a target")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), metavar="DIR")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures into docs/reliability.md")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="where inputs of interest are kept, and begun from")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="try these inputs only")
    return parser


if __name__ == "__main__":
    sys.exit(main())

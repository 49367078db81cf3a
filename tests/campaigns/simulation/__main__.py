"""Plays histories: ``python tests/campaigns/simulation --help``. Ends with 1 where one breaks a promise."""

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import Counter

    from campaigns.simulation.campaign import Played


def main() -> int:
    """Read the options, play, and say what was seen."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from campaigns.simulation import campaign

    options = _options()
    if options.seed is not None:
        crashes = tuple(campaign.placed(text) for text in options.crash)
        placed = campaign.Placing(options.seed, crashes) if crashes or options.swept else None
        played = campaign.play(placed or campaign.Seeds(range(options.seed, options.seed + 1), options.linked))
    else:
        seeds = None if options.seconds is not None and options.seeds is None else (options.seeds or 20_000)
        first = random.SystemRandom().randrange(10**9) if options.first is None else options.first
        print(f"seeds from {first}, on {options.jobs} cores", file=sys.stderr)
        begun = time.monotonic()
        until = begun + options.seconds if options.seconds is not None else float("inf")
        ahead = campaign.portions(first, seeds, swept=not options.no_sweep)
        played = campaign.carry_out(ahead, jobs=options.jobs, until=until)
        _report(played, time.monotonic() - begun, options)
    if played.failure:
        campaign.show(played.failure)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python tests/campaigns/simulation",
        description="Plays histories of runs, crashes and resumes against a model of the gateway, in virtual time.",
    )
    parser.add_argument("--seeds", type=int, help="how many random histories (20000, or no end with --for)")
    parser.add_argument("--first", type=int, help="the first seed; by default one that was never tried")
    parser.add_argument("--for", dest="seconds", type=float, help="stop after so many seconds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes")
    parser.add_argument("--no-sweep", action="store_true", help="leave out those with a crash at every point")
    parser.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures into docs/reliability.md")
    parser.add_argument("--seed", type=int, help="play this one again")
    parser.add_argument("--crash", action="append", default=[], metavar="POINT:HOW:BYTE", help="with crashes placed so")
    parser.add_argument("--linked", action="store_true", help="with scenes that are built on the results of others")
    parser.add_argument("--swept", action="store_true", help="as it is played before a crash is placed in it")
    return parser.parse_args()


def _report(played: "Played", seconds: float, options: argparse.Namespace) -> None:
    import batchgen

    seen, histories = played.seen, played.seen["histories"]
    figures = {
        "package": str(Path(batchgen.__file__).parent),
        "histories": histories,
        "with_placed_crashes": seen["swept"],
        "processes": seen["processes"],
        "crashes": seen["crashes"],
        "seconds": round(seconds, 1),
        "histories_per_second_and_core": round(histories / max(played.cpu_s, 1e-9)),
        "broken": played.failure and played.failure.broken,
        "command": played.failure and played.failure.command,
        "seen": dict(sorted(seen.items())),
    }
    if options.write is not None:
        _write(options, figures, seen)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        if name != "seen":
            print(f"{name.replace('_', ' ')}: {value:,}" if isinstance(value, int | float) else f"{name}: {value}")
    for name, times in sorted(seen.items()):
        print(f"  {name}: {times:,}")


_ROWS = {
    "crashes before, within and after a write of the journal": ("write before", "write torn", "write after"),
    "writes that the disk took only a part of": ("write full", "write short"),
    "what is left of a cut-off line is cut off, and a crash before or after": ("cut before", "cut after"),
    "crashes before a call and after the gateway acted on it": tuple(
        f"{call} {when}" for call in ("create", "read", "fetch") for when in ("before", "after")
    ),
    "submissions: created, refused, outcome unknown": ("create created", "create refused", "create uncertain"),
    "submissions that no answer came to": ("create answered by broken", "create answered by timed_out"),
    "readings: completed, failed, trouble": ("read done", "read failed", "read transient"),
    "downloads that broke off, expired, found no room, or were not what was asked for": (
        "fetch cut", "fetch expired", "fetch disk", "fetch mismatch",
    ),
    "runs stopped: budget, account, unreachable, storage, interrupted": tuple(
        f"stop {why}" for why in ("budget", "account", "unreachable", "storage", "interrupted")
    ),
    "unknown submissions that the user settled": ("resolved",),
    "requests made of results of other scenes, submissions of such requests": ("request made", "sent with sources"),
    "takes chosen for scenes that are built on their shot, looks and picks by the user": (
        "chosen among takes", "picked after a look", "picked",
    ),
}  # fmt: skip


def _write(options: argparse.Namespace, figures: dict[str, Any], seen: "Counter[str]") -> None:
    """Put the figures into a page."""
    from helpers import pages

    broken = 0 if figures["broken"] is None else 1
    rows: list[tuple[str, object]] = [
        ("histories", f"{figures['histories']:,}"),
        ("of them with crashes placed at every point in turn, some in pairs", f"{figures['with_placed_crashes']:,}"),
        ("processes", f"{figures['processes']:,}"),
        ("crashes", f"{figures['crashes']:,}"),
        *((what, ", ".join(f"{seen[name]:,}" for name in names)) for what, names in _ROWS.items()),
        ("histories a second and core", figures["histories_per_second_and_core"]),
        ("**promises broken**", f"**{broken}**"),
    ]
    command = f"python tests/campaigns/simulation {' '.join(word for word in _figures_of(options))}".strip()
    text = pages.made_by(command, os.cpu_count() or 1) + pages.table(("what", "how many"), rows)
    pages.put(options.write, "simulation", text)


def _figures_of(options: argparse.Namespace) -> list[str]:
    given = {"--first": options.first, "--seeds": options.seeds, "--for": options.seconds}
    return [f"{name} {value:g}" for name, value in given.items() if value is not None]


if __name__ == "__main__":
    sys.exit(main())

"""How full batchgen keeps a gateway, whatever that does, beside the public SDK on a pool of threads.

Each scenario is played with real processes against an emulator in a process of its own, with either in turn, in
several rounds; the medians count. 1 is the ideal: every end is seen at once, and the next task begins. Which limits
there are, and what would bring the figures closer, stands in bench/README.md.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median

from bench import pace_in_flight
from bench.pace_play import Play, play_batchgen, play_sdk
from bench.pace_scenarios import SCENARIOS, Scenario

_ROUNDS = 3
_HEADER = f"{'scenario':15}{'goal':>15}{'batchgen':>10}{'SDK':>7}{'ratio':>7}   {'reads a task':15}"


def run(options: Sequence[str]) -> int:
    """Play all scenarios, or one of them and what it is compared with."""
    parser = argparse.ArgumentParser(prog="python -m bench pace", description=__doc__.partition("\n")[0])
    names = [*(scenario.name for scenario in SCENARIOS), pace_in_flight.NAME]
    parser.add_argument("--only", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--rounds", type=_count, default=_ROUNDS, metavar="N", help="%(default)s if not said")
    chosen = parser.parse_args(options)
    begun = time.perf_counter()
    _scenarios(_chosen(chosen.only), chosen.rounds)
    if chosen.only in (None, pace_in_flight.NAME):
        print("\n".join(pace_in_flight.play().lines()))
    print(f"in {time.perf_counter() - begun:.0f} s")
    return 0


def _count(text: str) -> int:
    rounds = int(text)
    if rounds < 1:
        raise argparse.ArgumentTypeError("at least 1 round")
    return rounds


def _chosen(only: str | None) -> list[Scenario]:
    beside = {scenario.than for scenario in SCENARIOS if scenario.name == only}
    return [scenario for scenario in SCENARIOS if only in (None, scenario.name) or scenario.name in beside]


def _scenarios(scenarios: Sequence[Scenario], rounds: int) -> None:
    if scenarios:
        print(_HEADER)
    seconds: dict[str, tuple[float, float]] = {}
    for scenario in scenarios:
        plays = [(play_batchgen(scenario), play_sdk(scenario)) for _ in range(min(rounds, scenario.most_rounds))]
        ours, others = [batchgen for batchgen, _ in plays], [sdk for _, sdk in plays]
        seconds[scenario.name] = _median(ours, _seconds), _median(others, _seconds)
        print(_row(scenario, ours, others, seconds.get(scenario.than)), flush=True)


def _row(scenario: Scenario, ours: Sequence[Play], others: Sequence[Play], without: tuple[float, float] | None) -> str:
    """What was reached, of the ideal or of the scenario that it is compared with, and the reads of the first round."""
    took = _median(ours, _seconds), _median(others, _seconds)
    of_ideal = _median(ours, _ratio), _median(others, _ratio)
    batchgen, sdk = of_ideal if without is None else (took[0] / without[0], took[1] / without[1])
    figures = f"{batchgen:10.2f}{sdk:7.2f}{took[0] / took[1]:7.2f}"
    return f"{scenario.name:15}{scenario.goal:>15}{figures}   {ours[0].reads:.2f} / {others[0].reads:.2f}"


def _median(plays: Sequence[Play], figure: Callable[[Play], float]) -> float:
    return median(map(figure, plays))


def _seconds(play: Play) -> float:
    return play.seconds


def _ratio(play: Play) -> float:
    return play.ratio

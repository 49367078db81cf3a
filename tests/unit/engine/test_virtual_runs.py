"""How full a gateway is kept: whole runs in virtual time, beside the ideal that sees each end at once."""

from collections.abc import Callable
from random import Random
from statistics import mean

import pytest

from batchgen.engine.scheduler import Settings

from helpers.virtual_run import Played, VirtualRun, ideal_s

FAST = Settings(workers=64, max_in_flight=50, poll_interval_s=0.5)
REAL = Settings(workers=64, max_in_flight=50, poll_interval_s=5.0)
FIXED = [2.3] * 200
SLOW_PHASE = [20.0] * 8 + [0.5] * 192
CAPPED = [60.0] * 40
SEEDS = range(4)


def between(least_s: float, most_s: float, count: int, seed: int) -> list[float]:
    random = Random(seed)  # noqa: S311 - a game
    return [random.uniform(least_s, most_s) for _ in range(count)]


def spread(seed: int) -> list[float]:
    return between(1.5, 3.1, 200, seed)


def one_of_two(seed: int) -> list[float]:
    random = Random(seed)  # noqa: S311 - a game
    return [random.choice((1.0, 4.0)) for _ in range(200)]


def ratio(run: VirtualRun) -> tuple[float, Played]:
    played = run.play()
    at_once = min(run.settings.max_in_flight, run.takes)
    assert played.most_in_flight <= run.settings.max_in_flight
    assert len(played.seen_after) == len(run.lengths)
    return played.seconds / ideal_s(run.lengths, at_once), played


@pytest.mark.parametrize(
    ("run", "most", "most_reads"),
    [
        (VirtualRun(FIXED, FAST), 1.03, 5.0),
        (VirtualRun([(1.0, 4.0)[n % 2] for n in range(200)], FAST, duration_of=lambda n: 5 + n % 2), 1.06, 6.1),
        (VirtualRun(SLOW_PHASE, FAST), 1.5, 4.0),
        (VirtualRun(FIXED, FAST, lost_reads=1 / 3), 1.3, 7.5),
        (VirtualRun(FIXED, FAST, answer_s=0.3), 1.25, 4.0),
        (VirtualRun(CAPPED, REAL, takes=2), 1.03, 14.0),
        (VirtualRun(FIXED, FAST, busy_until=0.02), 1.2, 5.0),
        (VirtualRun([120.0] * 400, REAL, busy_until=0.01), 1.03, 26.0),
        (VirtualRun(between(60, 300, 150, seed=1), REAL, takes=20), 1.05, 40.0),
    ],
    ids=["fixed", "two kinds", "slow phase", "lost reads", "slow answers", "cap 2", "burst", "one 429", "cap 20"],
)
def test_the_makespan_is_close_to_the_ideal(run: VirtualRun, most: float, most_reads: float) -> None:
    found, played = ratio(run)
    assert found <= most
    assert played.reads / len(run.lengths) <= most_reads


@pytest.mark.parametrize(
    "lengths_of", [lambda seed: between(1.5, 3.1, 200, seed), one_of_two], ids=["spread", "clusters"]
)
def test_the_makespan_is_close_to_the_ideal_on_average(lengths_of: Callable[[int], list[float]]) -> None:
    runs = [ratio(VirtualRun(lengths_of(seed), FAST)) for seed in SEEDS]
    assert mean(found for found, _ in runs) <= 1.06
    assert mean(played.reads for _, played in runs) / 200 <= 6.1


def test_a_cap_is_found_with_few_refusals() -> None:
    _, played = ratio(VirtualRun(CAPPED, REAL, takes=2))
    assert played.refused <= len(CAPPED) * 1.5

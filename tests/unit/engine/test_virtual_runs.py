"""How full a gateway is kept: whole runs in virtual time, beside the ideal that sees each end at once."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from statistics import mean

import pytest

from batchgen.engine.pacing import EarlierLengths
from batchgen.engine.scheduler import Settings

from helpers.virtual_run import Played, VirtualRun, ideal_s

FAST = Settings(workers=64, max_in_flight=50, poll_interval_s=0.5)
REAL = Settings(workers=64, max_in_flight=50, poll_interval_s=5.0)
FIXED = [2.3] * 200
LENGTHS = (2.03, 2.12, 2.21, 2.3, 2.39, 2.48, 2.57)
"""Wherever a length falls between the spans of what is known of lengths."""
SLOW_PHASE = [20.0] * 8 + [0.5] * 192
CAPPED = [60.0] * 40
SEEDS = range(4)


def between(least_s: float, most_s: float, count: int, seed: int) -> list[float]:
    random = Random(seed)  # noqa: S311 - a game
    return [random.uniform(least_s, most_s) for _ in range(count)]


def spread(seed: int) -> list[float]:
    return between(1.5, 3.1, 200, seed)


def with_a_tail(number: int) -> list[float]:
    random = Random(number)  # noqa: S311 - a game
    return [LENGTHS[number] + random.expovariate(10) for _ in range(200)]


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
        (VirtualRun([(1.0, 4.0)[n % 2] for n in range(200)], FAST, duration_of=lambda n: 5 + n % 2), 1.06, 6.1),
        (VirtualRun(SLOW_PHASE, FAST), 1.5, 4.0),
        (VirtualRun(FIXED, FAST, lost_reads=1 / 3), 1.3, 7.5),
        (VirtualRun(FIXED, FAST, answer_s=0.3), 1.3, 4.0),
        (VirtualRun(CAPPED, REAL, takes=2), 1.03, 14.0),
        (VirtualRun(FIXED, FAST, busy_until=0.02), 1.2, 5.0),
        (VirtualRun([120.0] * 400, REAL, busy_until=0.01), 1.03, 26.0),
        (VirtualRun(between(60, 300, 150, seed=1), REAL, takes=20), 1.05, 40.0),
    ],
    ids=["two kinds", "slow phase", "lost reads", "slow answers", "cap 2", "burst", "one 429", "cap 20"],
)
def test_the_makespan_is_close_to_the_ideal(run: VirtualRun, most: float, most_reads: float) -> None:
    found, played = ratio(run)
    assert found <= most
    assert played.reads / len(run.lengths) <= most_reads


@pytest.mark.parametrize(
    ("lengths_of", "most", "most_reads"),
    [
        (lambda number: [LENGTHS[number]] * 200, 1.03, 5.0),
        (lambda number: between(LENGTHS[number], LENGTHS[number] + 0.05, 200, number), 1.035, 5.0),
        (with_a_tail, 1.035, 5.2),
        (lambda number: between(1.5, 3.1, 200, number), 1.06, 6.1),
        (one_of_two, 1.06, 6.1),
    ],
    ids=["fixed", "almost fixed", "tail", "spread", "clusters"],
)
def test_the_makespan_is_close_to_the_ideal_on_average(
    lengths_of: Callable[[int], list[float]], most: float, most_reads: float
) -> None:
    runs = [ratio(VirtualRun(lengths_of(number), FAST)) for number in range(len(LENGTHS))]
    assert mean(found for found, _ in runs) <= most
    assert mean(played.reads for _, played in runs) / 200 <= most_reads


def test_of_many_that_began_together_the_short_ones_do_not_hurry_the_others() -> None:
    shares = []
    for seed in SEEDS:
        lengths = between(60, 300, 150, seed)
        found, played = ratio(VirtualRun(lengths, replace(REAL, max_in_flight=150)))
        assert found <= 1.04
        assert max(played.seen_after) <= 2.1 * REAL.poll_interval_s
        shares.append(played.reads / sum(length / REAL.poll_interval_s + 1 for length in lengths))
    assert mean(shares) <= 1.2


def test_a_cap_is_found_with_few_refusals() -> None:
    _, played = ratio(VirtualRun(CAPPED, REAL, takes=2))
    assert played.refused <= len(CAPPED) * 1.5


AT_ONCE = FAST.max_in_flight
"""So many tasks are one round: of none of them anything is known by the time that the others end."""


def after(known: EarlierLengths, lengths: list[float]) -> tuple[float, float]:
    """What a run takes that begins with what is known: of the ideal, and readings a task."""
    found, played = ratio(VirtualRun(lengths, replace(FAST, earlier_lengths=known)))
    return found, played.reads / len(lengths)


def test_a_second_run_looks_well_from_its_first_task_on() -> None:
    first = [after({}, [length] * AT_ONCE) for length in LENGTHS]
    second = [after(VirtualRun([length] * 200, FAST).play().known, [length] * AT_ONCE) for length in LENGTHS]
    assert mean(found for found, _ in second) <= 1.03
    assert mean(reads for _, reads in second) <= mean(reads for _, reads in first) - 1


def test_what_earlier_runs_knew_gives_way_to_what_this_one_sees() -> None:
    known = VirtualRun(FIXED, FAST).play().known
    others = (0.8, 1.0, 1.15, 1.3, 1.5, 1.9, 3.0, 3.5, 4.6)
    misled = [after(known, [length] * 200) for length in others]
    blind = [after({}, [length] * 200) for length in others]
    assert mean(found for found, _ in misled) <= mean(found for found, _ in blind) + 0.05
    assert mean(reads for _, reads in misled) <= mean(reads for _, reads in blind) * 1.04


def test_a_machine_that_slept_has_learned_nothing_wrong() -> None:
    later = []
    for length in LENGTHS:
        played = VirtualRun([length] * 200, FAST, sleeps_at=5.0, sleeps_s=3600.0).play()
        ended = [attempt.lasted for attempt in played.state.all_attempts() if attempt.lasted]
        assert len(ended) == 200
        assert all(above <= length <= until for above, until in ended)
        assert max(until - above for above, until in ended) > 3600, "some of them ended while it slept"
        later.append(after(played.known, [length] * AT_ONCE))
    assert mean(found for found, _ in later) <= 1.03
    assert mean(reads for _, reads in later) <= 4.2


def test_lengths_that_the_gateway_states_are_known_sharply() -> None:
    stated = [ratio(VirtualRun([length] * 200, FAST, says_lengths=True)) for length in LENGTHS]
    unstated = [ratio(VirtualRun([length] * 200, FAST)) for length in LENGTHS]
    for _, played in stated:
        ended = [attempt.lasted for attempt in played.state.all_attempts() if attempt.lasted]
        assert max(until - above for above, until in ended) < 0.02
    assert mean(found for found, _ in stated) <= 1.025
    assert sum(played.reads for _, played in stated) < 0.95 * sum(played.reads for _, played in unstated)

"""How fast: waits between readings, waits between repetitions, and the pace of submissions."""

from itertools import pairwise

import pytest

from batchgen.engine.pacing import LOST_AFTER_S, Lengths, Pace, Reach, poll_wait, retry_wait


def least() -> float:
    return 0.0


def most() -> float:
    return 1.0


def middle() -> float:
    return 0.5


@pytest.mark.parametrize("polls", [0, 1, 5, 100, 10_000])
def test_readings_are_spread_by_a_fifth(polls: int) -> None:
    usual = poll_wait(5, polls, middle)
    assert poll_wait(5, polls, least) == pytest.approx(0.8 * usual)
    assert poll_wait(5, polls, most) == pytest.approx(1.2 * usual)
    assert 5 <= usual <= 30


def test_repetitions_wait_longer_each_time_up_to_a_minute() -> None:
    waits = [retry_wait(failures, most) for failures in range(1, 12)]
    assert waits[:4] == [1, 2, 4, 8]
    assert all(later >= sooner for sooner, later in pairwise(waits))
    assert waits[-1] == 60
    assert retry_wait(3, least) == 2
    assert retry_wait(0, most) == 1
    assert retry_wait(10**9, most) == 60


def test_without_a_rate_nothing_is_held() -> None:
    pace = Pace(5)
    pace.sent(10)
    assert pace.opens_at() == 0


def test_a_rate_spaces_submissions_and_saves_nothing_up() -> None:
    pace = Pace(5, per_second=2)
    pace.sent(100)
    assert pace.opens_at() == 100.5
    pace.sent(200)
    assert pace.opens_at() == 200.5


def test_a_hold_is_never_shortened() -> None:
    pace = Pace(5)
    pace.hold(50)
    pace.hold(20)
    assert pace.opens_at() == 50


def test_the_limit_falls_to_what_the_gateway_bore() -> None:
    pace = Pace(50)
    pace.throttled(0, 20, None)
    assert pace.limit == 20
    pace.throttled(0, 30, None)
    assert pace.limit == 20
    pace.throttled(0, 0, None)
    assert pace.limit == 1, "one task can always be tried"


def test_the_limit_recovers_by_one_for_as_many_tasks_as_it_allows() -> None:
    pace = Pace(6)
    pace.throttled(0, 4, 1.0)
    taken = 0
    while pace.limit == 4:
        pace.accepted(pace.limit)
        taken += 1
    assert (pace.limit, taken) == (5, 4)
    for _ in range(100):
        pace.accepted(pace.limit)
    assert pace.limit == 6, "never beyond what the user allows"


def test_tasks_taken_below_the_limit_prove_nothing() -> None:
    pace = Pace(9)
    pace.throttled(0, 4, None)
    for _ in range(100):
        pace.accepted(3)
    assert pace.limit == 4


def test_throttling_goes_on_longer_until_a_task_is_taken() -> None:
    pace, now, waits = Pace(9), 0.0, []
    for _ in range(8):
        pace.throttled(now, 3, None)
        pace.throttled(now, 2, None)  # refused together with the first
        waits.append(pace.opens_at() - now)
        now = pace.opens_at()
    assert waits == [1, 2, 4, 8, 16, 32, 32, 32]
    pace.accepted(1)
    pace.throttled(now, 3, None)
    assert pace.opens_at() - now == 1


def test_what_the_gateway_asks_for_is_what_it_gets() -> None:
    pace = Pace(9)
    pace.throttled(100, 3, 0.25)
    assert pace.opens_at() == 100.25
    pace.throttled(100, 3, 500)
    assert pace.opens_at() == 600


def test_the_gateway_counts_as_lost_after_half_a_minute_without_any_answer() -> None:
    reach = Reach()
    assert not reach.lost(100)
    assert not reach.lost(100 + LOST_AFTER_S - 0.1)
    assert reach.lost(100 + LOST_AFTER_S)
    reach.answered()
    assert not reach.lost(500)
    assert reach.wait(most) == 1


def test_attempts_to_connect_never_get_too_rare_to_notice() -> None:
    reach = Reach()
    for now in range(20):
        reach.lost(now)
    assert reach.wait(most) == 8


def test_the_first_reading_comes_shortly_before_the_shortest_task_known_of_its_kind() -> None:
    lengths = Lengths()
    assert lengths.first_wait("a") == 0
    for seconds in (30.0, 20.0, 40.0):
        lengths.completed("a", seconds)
    assert lengths.first_wait("a") == 18
    assert lengths.first_wait("b") == 0
    for _ in range(20):
        lengths.completed("a", 50.0)
    assert lengths.first_wait("a") == 45, "the last twenty count"

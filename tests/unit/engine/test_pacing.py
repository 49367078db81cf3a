"""When tasks are looked at, and how long things wait before they are tried again."""

from itertools import pairwise

import pytest

from batchgen.engine.backoff import retry_wait, submit_wait
from batchgen.engine.pacing import TaskDurations, poll_wait
from batchgen.limits import MOST_POSTS


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


def test_what_is_free_is_tried_again_after_waits_that_grow_to_a_minute() -> None:
    waits = [retry_wait(failures, most) for failures in range(1, 12)]
    assert waits[:4] == [1, 2, 4, 8]
    assert all(later >= sooner for sooner, later in pairwise(waits))
    assert waits[-1] == 60
    assert retry_wait(3, least) == 2
    assert retry_wait(0, most) == 1
    assert retry_wait(10**9, most) == 60


def test_a_refused_scene_is_submitted_six_times_over_about_a_minute() -> None:
    waits = [submit_wait(refusals, middle) for refusals in range(1, MOST_POSTS)]
    assert waits == [2, 4, 8, 16, 30]
    assert submit_wait(10**9, middle) == 30
    assert (submit_wait(1, least), submit_wait(1, most)) == (1.6, 2.4)


def test_the_first_reading_comes_shortly_before_the_shortest_task_known_of_its_kind() -> None:
    lengths = TaskDurations()
    assert lengths.first_wait("a") == 0
    for seconds in (30.0, 20.0, 40.0):
        lengths.completed("a", seconds)
    assert lengths.first_wait("a") == 18
    assert lengths.first_wait("b") == 0
    for _ in range(20):
        lengths.completed("a", 50.0)
    assert lengths.first_wait("a") == 45, "the last twenty count"

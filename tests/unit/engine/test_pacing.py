"""When tasks are looked at, and how long things wait before they are tried again."""

from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.engine.backoff import retry_wait, submit_wait
from batchgen.engine.pacing import Pacing, age_s, poll_wait
from batchgen.engine.task_lengths import TaskLengths
from batchgen.limits import CLOSEST_LOOK, FARTHEST_LOOK, MOST_POSTS


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


def test_of_an_unknown_kind_the_first_looks_are_spread_over_an_interval_and_the_others_follow() -> None:
    pacing = Pacing(10.0)
    first = sorted(pacing.first_look("a") for _ in range(50))
    assert 5 <= first[0] < first[-1] < 15
    assert max(later - sooner for sooner, later in pairwise(first)) < 0.5
    assert pacing.next_look("a", 40.0, middle) == 50.0


def test_a_length_that_is_always_the_same_is_looked_at_when_it_is_over() -> None:
    pacing = Pacing(10.0)
    for number in range(40):
        looked = 46.0 - (number % 7) * 0.7 + 0.35
        pacing.ended("a", (looked - 5, looked + 0.4))
    looks = [pacing.first_look("a")]
    while looks[-1] < 46:
        looks.append(pacing.next_look("a", looks[-1], middle))
    assert len(looks) <= 46 / 10 + 2
    assert min(abs(look - 46.4) for look in looks) < 1
    assert pacing.first_look("b") < 15, "kinds are learned apart"


@given(
    st.lists(st.tuples(st.floats(0, 400), st.floats(0.01, 60)), min_size=1, max_size=60), st.sampled_from((0.5, 5.0))
)
def test_looks_are_a_fifth_to_three_intervals_apart_whatever_was_learned(
    lengths: list[tuple[float, float]], interval_s: float
) -> None:
    pacing = Pacing(interval_s)
    for above, more in lengths:
        pacing.ended("a", (above, above + more))
    looks = [pacing.first_look("a")]
    assert looks[0] <= FARTHEST_LOOK * interval_s * 1.2
    for _ in range(50):
        looks.append(pacing.next_look("a", looks[-1], middle))
    for sooner, later in pairwise(looks):
        assert CLOSEST_LOOK * interval_s * 0.999 <= later - sooner <= (FARTHEST_LOOK + 2 * CLOSEST_LOOK) * interval_s


def test_what_was_long_ago_is_forgotten() -> None:
    pacing = Pacing(1.0)
    for _ in range(50):
        pacing.ended("a", (19.5, 20.5))
    news = [pacing.ended("a", (0.4, 0.6)) for _ in range(100)]
    assert news[0], "what nobody expected is news"
    assert not any(news[-20:])
    assert pacing.first_look("a") <= 1


def test_a_task_of_a_day_teaches_nothing_and_harms_nothing() -> None:
    pacing = Pacing(0.1)
    assert not pacing.ended("a", (0.0, 86_400.0))
    assert pacing.next_look("a", 5.0, middle) == pytest.approx(5.1)


HOSTILE = [(nan, 1.0), (1.0, nan), (-5.0, -4.0), (2.0, 1.0), (inf, inf), (0.0, inf), (1e9, 1e9), (0.0, 3_600.0)]


def test_of_earlier_runs_only_what_can_be_and_was_seen_closely_counts() -> None:
    assert Pacing(1.0, {"a": HOSTILE}).next_look("a", 7.0, middle) == 8.0, "nothing is known"
    among, alone = Pacing(1.0, {"a": [*HOSTILE, (19.8, 20.2)]}), Pacing(1.0, {"a": [(19.8, 20.2)]})
    assert among.next_look("a", 18.0, middle) == alone.next_look("a", 18.0, middle) != 19.0


@pytest.mark.parametrize(("before", "lately"), [(5.0, 20.0), (20.0, 5.0)])
def test_what_earlier_runs_knew_last_counts_most(before: float, lately: float) -> None:
    pacing = Pacing(1.0, {"a": [(before - 0.1, before)] * 60 + [(lately - 0.1, lately)] * 60})
    looks = [pacing.first_look("a")]
    while looks[-1] < 25:
        looks.append(pacing.next_look("a", looks[-1], middle))
    assert min(look - lately for look in looks if look >= lately) < 0.15
    assert max(lately - look for look in looks if look < lately and lately - look < 3) > 0.5, "none right before it"


def test_the_age_of_a_task_is_the_time_since_it_was_submitted() -> None:
    assert age_s("2026-01-02T00:00:00Z", "2026-01-02T00:01:30.500Z") == 90.5
    assert age_s("2026-01-02T00:01:00Z", "2026-01-02T00:00:00Z") == 0, "clocks are set back"
    assert age_s("yesterday", "2026-01-02T00:00:00Z") == 0
    assert age_s("2026-01-02T00:00:00", "2026-01-02T00:00:00Z") == 0


def looks_of(running_s: list[float]) -> list[float]:
    """The looks that are planned where tasks took 5 s and 20 s, while others run."""
    lengths = TaskLengths(1.0)
    for above_s in (4.9, 4.9, 4.9, 19.9):
        lengths.add(above_s, above_s + 0.1, lambda: running_s)
    return list(lengths.looks)


def test_looks_are_not_spent_on_what_tasks_outlast() -> None:
    alone, outlasting = looks_of([]), looks_of([21.0] * 100)
    assert 5 in alone
    assert len(outlasting) < len(alone)
    assert {round(later - look, 3) for look, later in pairwise(outlasting)} == {FARTHEST_LOOK}, "none is known to end"

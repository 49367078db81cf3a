"""How fast scenes are submitted, and when submissions rest."""

import pytest

from batchgen.engine.throttle import Hold, Pace
from batchgen.limits import FIRST_TRIAL_S, LONGEST_TRIAL_S


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


def test_a_hold_is_never_shortened_and_keeps_its_reason() -> None:
    pace = Pace(5)
    pace.hold(50, "long")
    pace.hold(20, "short")
    assert (pace.opens_at(), pace.held) == (50, Hold(50, "long"))


def throttled(pace: Pace, running: int, at: float, wait_s: float | None = None) -> None:
    """Refused with 429 at once, with so many tasks running."""
    pace.throttled(running, at, at, wait_s, "busy")


def test_a_cap_is_what_was_running_when_one_more_was_refused() -> None:
    pace = Pace(50)
    for running in range(1, 21):
        pace.accepted(running, 1.0, 1.0)
    throttled(pace, 20, 2.0)
    assert (pace.limit(1.9), pace.limit(3.0)) == (20, 21), "one more is tried once the rest is over"
    assert pace.trial_at() == 2.0
    throttled(pace, 20, 3.0)
    assert (pace.limit(3.0), pace.trial_at()) == (20, 3.0 + FIRST_TRIAL_S), "then that comes later each time"
    throttled(pace, 20, 13.0)
    assert pace.trial_at() == 13.0 + 2 * FIRST_TRIAL_S
    assert pace.opens_at() == 14.0, "and costs no longer rest each time: a task that ends makes room"


def test_a_trial_that_costs_a_long_rest_is_rare() -> None:
    pace = Pace(50)
    throttled(pace, 2, 1.0)
    throttled(pace, 2, 2.0, wait_s=30)
    assert pace.trial_at() == 302.0
    for number in range(9):
        throttled(pace, 2, 400.0 * (number + 1), wait_s=30)
    assert pace.trial_at() == 3600.0 + LONGEST_TRIAL_S


def test_a_limit_that_was_none_is_forgotten_within_a_few_answers() -> None:
    pace = Pace(50)
    throttled(pace, 4, 1.0)
    limits = []
    for _ in range(6):
        pace.accepted(pace.limit(2.0), 2.0, 2.0)
        limits.append(pace.limit(2.0))
    assert limits == [6, 8, 12, 20, 36, 50]
    assert pace.trial_at() is None


def test_fewer_tasks_than_were_taken_before_are_no_cap_until_it_is_said_often() -> None:
    pace = Pace(50)
    pace.accepted(40, 1.0, 1.0)
    for moment in (2.0, 10.0):
        throttled(pace, 12, moment)
        assert pace.limit(moment) == 50, "it was asked too often"
    throttled(pace, 12, 30.0)
    assert pace.limit(29.9) == 12


def test_where_nothing_is_running_there_is_no_cap() -> None:
    pace = Pace(50)
    for number in range(9):
        throttled(pace, 0, 100.0 * (number + 1))
    assert pace.limit(2000.0) == 50


def test_after_a_refusal_one_is_asked_and_then_twice_as_many_at_once() -> None:
    pace = Pace(50)
    assert pace.allows(0, 49, 1.0)
    throttled(pace, 0, 1.0)
    under_way = []
    for running in range(1, 9):
        under_way.append(next(sending for sending in range(99) if not pace.allows(0, sending, 3.0)))
        pace.accepted(running, 3.0, 3.0)
    assert under_way == [1, 2, 4, 8, 16, 32, 50, 50]


def test_tasks_that_were_under_way_when_others_were_refused_show_what_is_borne() -> None:
    pace = Pace(50)
    pace.throttled(12, 1.0, 1.1, None, "busy")
    for running in range(13, 21):
        pace.accepted(running, 1.0, 1.2)
    assert (pace.limit(1.0), pace.allows(0, 1, 3.0)) == (20, False)


@pytest.mark.parametrize("asked", [None, 0.0, -5.0, 0.5])
def test_refusals_are_waited_out_longer_each_time_whatever_little_the_gateway_asks_for(asked: float | None) -> None:
    pace, now, waits = Pace(9), 0.0, []
    for _ in range(8):
        pace.refused(now, now + 0.1, asked, "busy")
        pace.refused(now, now + 0.1, asked, "busy")  # was on its way with the first
        waits.append(pace.opens_at() - now - 0.1)
        now = pace.opens_at()
    assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 32, 32])
    pace.accepted(1, now, now)
    pace.refused(now + 1, now + 1, asked, "busy")
    now += 1
    assert pace.opens_at() - now == pytest.approx(1)


def test_what_the_gateway_asks_for_is_the_least_it_gets() -> None:
    pace = Pace(9)
    pace.refused(100, 100, 0.25, "busy")
    assert pace.opens_at() == 101
    pace.refused(100, 100, 500, "busy")
    assert pace.opens_at() == 600


def test_a_refusal_of_what_was_sent_after_the_last_one_is_waited_out_though_another_came_late() -> None:
    pace = Pace(9)
    pace.refused(0, 0, None, "busy")
    pace.refused(0, 3, None, "busy")  # was on its way all the time
    assert pace.opens_at() == 3
    pace.refused(2, 5, None, "busy")
    assert pace.opens_at() == 7


def test_another_bound_holds_at_once_and_keeps_what_was_learned() -> None:
    free, learned = Pace(50), Pace(50)
    throttled(learned, 20, 2.0)
    for pace in (free, learned):
        pace.bound(30)
    assert free.limit(3.0) == 30
    assert learned.limit(1.9) == 20
    learned.bound(10)
    assert learned.limit(100.0) == 10
    free.bound(60)
    assert free.allows(59, 59, 100.0)
    assert not free.allows(60, 0, 100.0)

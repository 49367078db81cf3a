"""How fast scenes are submitted, and when submissions rest."""

import pytest

from batchgen.engine.throttle import Hold, Pace


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


def test_the_limit_falls_to_what_the_gateway_bore() -> None:
    pace = Pace(50)
    pace.throttled(20)
    assert pace.limit == 20
    pace.throttled(30)
    assert pace.limit == 20
    pace.throttled(0)
    assert pace.limit == 1, "one task can always be tried"


def test_the_limit_recovers_by_one_for_as_many_tasks_as_it_allows() -> None:
    pace = Pace(6)
    pace.throttled(4)
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
    pace.throttled(4)
    for _ in range(100):
        pace.accepted(3)
    assert pace.limit == 4


@pytest.mark.parametrize("asked", [None, 0.0, -5.0, 0.5])
def test_refusals_are_waited_out_longer_each_time_whatever_little_the_gateway_asks_for(asked: float | None) -> None:
    pace, now, waits = Pace(9), 0.0, []
    for _ in range(8):
        pace.refused(now, now + 0.1, asked, "busy")
        pace.refused(now, now + 0.1, asked, "busy")  # was on its way with the first
        waits.append(pace.opens_at() - now - 0.1)
        now = pace.opens_at()
    assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 32, 32])
    pace.accepted(1)
    pace.refused(now, now, asked, "busy")
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

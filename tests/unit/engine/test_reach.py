"""Whether the gateway can be reached, and is the one that has our tasks."""

from batchgen.engine.reach import Reach
from batchgen.limits import LOST_AFTER_S


def most() -> float:
    return 1.0


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


def test_404_to_all_of_several_tasks_for_half_a_minute_is_the_wrong_gateway() -> None:
    reach = Reach()
    reach.missed("t1", 0)
    reach.missed("t1", 1000)
    assert (reach.misses_all, reach.elsewhere_at) == (False, None), "one task may well be gone"
    reach.missed("t2", 1000)
    assert reach.misses_all
    reach.answered()
    reach.missed("t1", 1010)
    assert reach.elsewhere_at == 1000 + LOST_AFTER_S, "counted from when it was so for several"
    reach.knows_task()
    assert not reach.misses_all


def test_once_any_task_is_known_a_404_is_about_its_own_task() -> None:
    reach = Reach()
    reach.knows_task()
    for now in range(0, 1000, 10):
        reach.missed(f"t{now}", now)
    assert not reach.misses_all


def test_an_outage_does_not_hide_that_a_gateway_knows_none_of_the_tasks() -> None:
    reach = Reach()
    reach.missed("t1", 0)
    reach.lost(10)
    reach.answered()
    reach.missed("t2", 20)
    assert reach.misses_all

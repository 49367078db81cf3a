"""Settings that are changed while a run is under way."""

from dataclasses import replace
from decimal import Decimal

import pytest

from batchgen.engine.commands import Poll, Stop
from batchgen.engine.events import Event, SceneFacts, Steered
from batchgen.engine.scheduler import Settings
from batchgen.engine.steerable import Steerable
from batchgen.engine.steering import CannotSteer, Change

from helpers.engine_support import PRICE, RUNNING, Bench, clock, kinds, scene

ONE_BY_ONE = Settings(max_in_flight=1, poll_interval_s=10)


def scenes(count: int) -> list[SceneFacts]:
    return [scene(f"s{number}", request=f"r{number}") for number in range(count)]


def steer(bench: Bench, setting: Steerable, value: str | None) -> list[Event]:
    change = Change(setting, None if value is None else Decimal(value))
    return bench.scheduler.steer([change], bench.now, clock(bench.now))


def test_a_run_that_is_paused_submits_nothing_and_reads_on() -> None:
    bench = Bench(scenes(3), ONE_BY_ONE).running()
    assert steer(bench, Steerable.PAUSED, "1") == [Steered(clock(bench.now), "paused", "1")]
    steer(bench, Steerable.MAX_IN_FLIGHT, "3")
    assert kinds(bench.begin(20)) == ["Poll"]
    bench.read(RUNNING)
    assert not bench.scheduler.is_finished()
    steer(bench, Steerable.PAUSED, "0")
    assert kinds(bench.begin()) == ["Submit", "Submit"]


def test_a_run_that_is_paused_with_nothing_at_the_gateway_waits_and_asks_for_no_turn() -> None:
    bench = Bench(scenes(3), ONE_BY_ONE)
    steer(bench, Steerable.PAUSED, "1")
    assert bench.begin() == []
    assert bench.scheduler.wakes_at() is None
    assert not bench.scheduler.is_finished()


def test_more_tasks_at_once() -> None:
    bench = Bench(scenes(9), ONE_BY_ONE).running()
    assert bench.begin() == []
    steer(bench, Steerable.MAX_IN_FLIGHT, "4")
    assert len(bench.begin()) == 3


def test_a_rate_and_none() -> None:
    bench = Bench(scenes(9), replace(ONE_BY_ONE, max_in_flight=9, submit_rate=0.1))
    assert len(bench.begin()) == 1
    steer(bench, Steerable.SUBMIT_RATE, None)
    assert len(bench.begin(10)) == 7
    assert steer(bench, Steerable.SUBMIT_RATE, "2.50") == [Steered(clock(bench.now), "submit_rate", "2.50")]


@pytest.mark.parametrize(("rate", "wait"), [("2", 0.5), (None, 0.0)])
def test_a_faster_rate_does_not_wait_for_what_the_slow_one_would_have(rate: str | None, wait: float) -> None:
    bench = Bench(scenes(9), replace(ONE_BY_ONE, max_in_flight=9, submit_rate=0.001))
    assert len(bench.begin()) == 1
    steer(bench, Steerable.SUBMIT_RATE, rate)
    assert len(bench.begin(wait)) >= 1


def test_a_look_that_is_due_and_waits_for_a_worker_is_not_planned_a_second_time() -> None:
    bench = Bench(scenes(4), Settings(workers=3, max_in_flight=4, poll_interval_s=10)).running(4)
    assert kinds(bench.begin(20)) == ["Poll"] * 3
    steer(bench, Steerable.POLL_INTERVAL, "1")
    bench.read(RUNNING)
    bench.read(RUNNING)
    assert kinds(bench.begin(0.1)) == ["Poll"]
    while bench.commands:
        bench.read(RUNNING)


def test_looks_go_by_the_new_interval_at_once_also_at_what_waits() -> None:
    bench = Bench(scenes(1), replace(ONE_BY_ONE, poll_interval_s=1000)).running()
    assert bench.begin(20) == []
    steer(bench, Steerable.POLL_INTERVAL, "1")
    assert [type(command) for command in bench.begin(2)] == [Poll]


def test_a_budget_ends_the_run_that_goes_beyond_it_and_not_one_that_was_raised_in_time() -> None:
    bench = Bench(scenes(4), replace(ONE_BY_ONE, max_in_flight=4, budget_usd=2 * PRICE))
    steer(bench, Steerable.BUDGET, str(3 * PRICE))
    assert len(bench.begin()) == 3
    for _ in range(3):
        bench.submitted()
    bench.begin()
    assert bench.scheduler.stop is Stop.BUDGET
    assert len(list(bench.state.all_attempts())) == 3
    assert f"{3 * PRICE} USD" in bench.scheduler.why


@pytest.mark.parametrize("place", [0, 2])
def test_a_budget_that_cannot_be_kept_for_want_of_a_price_is_refused(place: int) -> None:
    listed = scenes(3)
    listed[place] = replace(listed[place], estimated_cost_usd=None)
    bench = Bench(listed, ONE_BY_ONE).running()
    with pytest.raises(CannotSteer, match="without a price"):
        steer(bench, Steerable.BUDGET, "100")
    steer(bench, Steerable.BUDGET, None)
    assert bench.scheduler.stop is None


@pytest.mark.parametrize("setting", [each for each in Steerable if each is not Steerable.POLL_INTERVAL])
def test_what_submits_nothing_more_takes_no_setting_for_submissions(setting: Steerable) -> None:
    bench = Bench(scenes(2), replace(ONE_BY_ONE, budget_usd=PRICE, max_in_flight=2)).running()
    bench.begin()
    with pytest.raises(CannotSteer, match="budget"):
        steer(bench, setting, "5")
    assert steer(bench, Steerable.POLL_INTERVAL, "5")

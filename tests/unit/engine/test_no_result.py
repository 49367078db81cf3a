"""A task that is called completed and names no video: paid for, and asked for again before anything is bought."""

from decimal import Decimal

from batchgen.engine.attempts import AttemptState
from batchgen.engine.scheduler import Settings
from batchgen.engine.steps import Choice
from batchgen.limits import LOOKS_AT_MISSING, LOOKS_FOR_RESULT
from batchgen.model import TaskResult

from helpers.engine_support import DONE, ENDED, GONE, HICCUP, NO_VIDEO, PRICE, RUNNING, URL, Bench, kinds, submit

TOLD, UNTOLD = TaskResult(cost_usd=PRICE, discount=Decimal("0.7")), TaskResult()


def without_a_video(bench: Bench) -> Bench:
    """Let a run hear of its task that it is completed, and nothing of a video, as often as it asks."""
    for number in range(1, LOOKS_FOR_RESULT + 1):
        events = bench.polled(NO_VIDEO, TOLD if number == 1 else UNTOLD)
        assert kinds(events) == (["Failed"] if number == LOOKS_FOR_RESULT else [])
    return bench


def test_it_is_read_again_a_few_times_within_a_minute() -> None:
    for interval_s in (0.5, 5.0, 600.0):
        for jitter in (0.0, 1.0):
            bench = Bench(settings=Settings(poll_interval_s=interval_s)).running()
            bench.jitter = jitter
            bench.polled(NO_VIDEO, TOLD)
            begun = bench.now
            for _ in range(LOOKS_FOR_RESULT - 1):
                bench.polled(NO_VIDEO)
            assert bench.attempt().state is AttemptState.NO_RESULT
            assert 2 * min(interval_s, 5) < bench.now - begun < 60


def test_then_it_has_failed_and_its_cost_is_kept() -> None:
    bench = without_a_video(Bench().running())
    attempt = bench.attempt()
    assert (attempt.state, attempt.code) == (AttemptState.NO_RESULT, "no_result")
    assert (attempt.result, attempt.is_paid) == (TOLD, True)
    assert bench.scheduler.is_finished()


def test_a_video_that_is_only_late_is_fetched_and_costs_what_was_told() -> None:
    bench = Bench().running()
    bench.polled(NO_VIDEO, TOLD)
    bench.polled(HICCUP)
    bench.polled(RUNNING)
    assert kinds(bench.polled(DONE, TaskResult(URL))) == ["Completed"]
    assert bench.attempt().result == TaskResult(URL, None, PRICE, Decimal("0.7"))


def test_each_later_run_reads_it_once_more_and_buys_nothing() -> None:
    bench = without_a_video(Bench().running())
    for _ in range(2):
        bench = bench.again()
        assert kinds(bench.polled(NO_VIDEO)) == ["Failed"]
        assert bench.scheduler.is_finished()
        assert bench.attempt().result == TOLD
    bench = bench.again()
    assert kinds(bench.polled(DONE, TaskResult(URL))) == ["Completed"]
    assert bench.attempt().result == TaskResult(URL, None, PRICE, Decimal("0.7"))
    bench.next_act()
    assert kinds(bench.fetched()) == ["Downloaded"]
    assert bench.tasks == 1


def test_it_is_read_before_another_is_bought_by_wish() -> None:
    for choice in (Choice(retry_failed=True), Choice(attempts=2), Choice(again=("s1",))):
        asked = without_a_video(Bench().running()).again(choice=choice)
        asked.polled(NO_VIDEO)
        assert asked.begin() == [submit("s1", 2)]
        there = without_a_video(Bench().running()).again(choice=choice)
        there.polled(DONE)
        there.next_act()
        there.fetched()
        assert there.scheduler.is_finished(), "it came free"


def test_attempts_go_on_in_the_same_run_once_it_was_read_often_enough() -> None:
    bench = without_a_video(Bench(settings=Settings(attempts=2)).running())
    assert bench.next_act() == submit("s1", 2)


def test_a_gateway_that_has_forgotten_it_makes_nothing_worse() -> None:
    bench = without_a_video(Bench().running()).again()
    while not bench.scheduler.is_finished():
        assert bench.polled(GONE) == []
    assert (bench.attempt().state, bench.attempt().result) == (AttemptState.NO_RESULT, TOLD)
    assert bench.scheduler.stop is None
    asked = bench.again(choice=Choice(retry_failed=True))
    for _ in range(LOOKS_AT_MISSING):
        asked.polled(GONE)
    assert asked.begin() == [submit("s1", 2)]


def test_a_verdict_that_comes_later_counts_and_takes_no_cost_away() -> None:
    bench = without_a_video(Bench().running()).again()
    assert kinds(bench.polled(ENDED)) == ["Failed"]
    assert (bench.attempt().state, bench.attempt().code) == (AttemptState.FAILED, "001028095")
    assert bench.attempt().result == TOLD


def test_what_was_bought_stays_bought_when_its_fresh_address_is_missing() -> None:
    bench = Bench().running()
    bench.polled(DONE)
    bench.next_act()
    bench.fetched(failure="expired", expired=True)
    for _ in range(LOOKS_FOR_RESULT - 1):
        assert bench.polled(NO_VIDEO) == []
    assert kinds(bench.polled(NO_VIDEO)) == ["DownloadFailed"]
    assert bench.attempt().result.cost_usd == PRICE


def test_it_is_not_bought_again_where_a_later_one_brought_something_else_than_was_asked_for() -> None:
    bench = without_a_video(Bench(settings=Settings(attempts=3)).running())
    bench.running()
    bench.polled(DONE)
    bench.next_act()
    bench.fetched(path="results/s1@2.mp4", sha256="ab", mismatch="too small")
    again = bench.again(choice=Choice(attempts=3), settings=Settings(attempts=3))
    again.polled(NO_VIDEO)
    assert again.begin() == []
    assert again.scheduler.is_finished()
    asked = again.again(choice=Choice(attempts=3, retry_failed=True), settings=Settings(attempts=3))
    asked.polled(NO_VIDEO)
    assert asked.begin() == [submit("s1", 3)]

"""One run once tasks exist: how readings, failures, downloads and interrupts end."""

from decimal import Decimal
from itertools import pairwise

import pytest

from batchgen.engine.attempts import AttemptState
from batchgen.engine.classification import Classification, Kind
from batchgen.engine.commands import Fetch, Poll, Stop, Submit
from batchgen.engine.events import (
    Completed,
    Downloaded,
    DownloadFailed,
    Failed,
    Resolved,
    Submitted,
    Submitting,
    TaskTimedOut,
)
from batchgen.engine.scheduler import Settings
from batchgen.engine.steps import Choice
from batchgen.model import TaskResult

from helpers.engine_support import (
    BUSY,
    DENIED,
    DONE,
    ENDED,
    GONE,
    HICCUP,
    NOT_MADE,
    PASSING,
    PRICE,
    RECHECK,
    REFUSED,
    RUNNING,
    THROTTLED,
    UNCERTAIN,
    UNREACHED,
    WRONG,
    Bench,
    kinds,
    scene,
    scenes,
    submit,
)

ONE_BY_ONE = Settings(workers=1, max_in_flight=1)


def test_a_task_that_outlasts_the_run_keeps_running() -> None:
    bench = Bench(settings=Settings(task_timeout_s=100)).running()
    begun = bench.now
    while not bench.scheduler.is_finished():
        bench.polled(RUNNING)
    assert bench.now - begun == 100, "the last look comes when the time is up"
    assert kinds(bench.events)[-1] == "TaskTimedOut"
    attempt = bench.attempt()
    assert (attempt.state, attempt.code) == (AttemptState.RUNNING, "task_timeout")
    after = bench.again()
    assert after.begin() == [Poll("s1", 1, "t1")]
    after.read(DONE)
    assert bench.attempt().code == ""


def test_the_last_look_counts() -> None:
    bench = Bench(settings=Settings(task_timeout_s=100, poll_interval_s=300)).running()
    begun = bench.now
    bench.polled(DONE)
    assert bench.now - begun == 100
    assert bench.attempt().state is AttemptState.COMPLETED


def test_a_stuck_task_makes_room_for_others() -> None:
    bench = Bench(scenes(2), Settings(workers=1, max_in_flight=1, task_timeout_s=10)).running()
    while bench.attempt().code != "task_timeout":
        bench.polled(RUNNING)
    bench.running()
    bench.polled(DONE)
    bench.next_act()
    bench.fetched()
    assert bench.scheduler.is_finished()


def test_some_failures_have_to_be_said_five_times_in_a_row() -> None:
    bench = Bench(settings=Settings(attempts=3)).running()
    for _ in range(4):
        assert bench.polled(RECHECK) == []
    bench.polled(RUNNING)
    for _ in range(4):
        assert bench.polled(RECHECK) == []
    (event,) = bench.polled(RECHECK)
    assert isinstance(event, Failed)
    assert bench.scheduler.is_finished()


def test_different_stories_confirm_nothing() -> None:
    bench = Bench().running()
    for classification in (PASSING, RECHECK) * 6:
        assert bench.polled(classification) == []


def missed(bench: Bench, classification: Classification = GONE) -> Bench:
    """Let a run meet its tasks with 404 until it ends."""
    while not bench.scheduler.is_finished():
        if bench.commands or bench.begin():
            bench.answered(classification)
        elif not bench.scheduler.is_finished():
            wakes_at = bench.scheduler.wakes_at()
            assert wakes_at is not None
            bench.now = wakes_at
    return bench


def test_404_is_no_verdict_before_the_task_timeout() -> None:
    bench = Bench(settings=Settings(task_timeout_s=1000)).running()
    begun = bench.now
    missed(bench)
    assert bench.now - begun == 1000
    attempt = bench.attempt()
    assert (attempt.state, attempt.code) == (AttemptState.NOT_FOUND, "task_not_found")
    assert bench.scheduler.stop is None


def test_a_task_that_was_not_found_is_looked_for_by_every_later_run_and_for_free() -> None:
    bench = missed(Bench(settings=Settings(task_timeout_s=100)).running())
    for _ in range(3):
        begun = bench.now
        bench = missed(bench.again())
        assert bench.now - begun < 60, "a few looks, and not the whole time-out"
        assert bench.attempt().state is AttemptState.NOT_FOUND
    found = bench.again()
    found.polled(GONE)
    assert kinds(found.polled(RUNNING)) == ["TaskSeen"]
    assert kinds(found.polled(DONE)) == ["Completed"]
    assert (found.attempt().number, found.attempt().result.cost_usd) == (1, PRICE)
    assert not any(isinstance(command, Submit) for command in found.commands)


def test_what_was_not_found_is_bought_again_only_when_asked_and_only_after_one_more_look() -> None:
    bench = missed(Bench(settings=Settings(task_timeout_s=100)).running())
    asked = bench.again(choice=Choice(retry_failed=True))
    for _ in range(2):
        assert asked.polled(GONE) == []
    assert kinds(asked.polled(GONE)) == ["TaskNotFound"]
    assert asked.begin() == [submit("s1", 2)]
    there = missed(Bench(settings=Settings(task_timeout_s=100)).running()).again(choice=Choice(retry_failed=True))
    there.polled(DONE)
    there.next_act()
    there.fetched()
    assert there.scheduler.is_finished(), "it was there after all"


def test_anything_said_of_a_task_makes_404_an_outage() -> None:
    bench = Bench(settings=Settings(task_timeout_s=100)).running()
    bench.polled(RUNNING)
    missed(bench)
    assert (bench.attempt().state, bench.attempt().code) == (AttemptState.RUNNING, "task_timeout")


def test_404_from_a_page_is_nothing_said_of_the_task() -> None:
    page = Classification(Kind.TRANSIENT, "http_404", "the gateway answered 404", not_found=True)
    bench = missed(Bench(settings=Settings(task_timeout_s=100)).running(), page)
    assert bench.attempt().code == "task_timeout"


def test_404_to_all_tasks_is_a_gateway_that_cannot_be_reached() -> None:
    bench = Bench(scenes(4), Settings(max_in_flight=3, task_timeout_s=9999)).running(3)
    begun = bench.now
    missed(bench)
    assert bench.scheduler.stop is Stop.UNREACHABLE
    assert 30 <= bench.now - begun < 120
    assert {attempt.state for attempt in bench.state.all_attempts()} == {AttemptState.RUNNING}
    assert bench.state.latest("s4") is None
    assert "address" in bench.state.held["s4"].message


def test_404_to_some_tasks_is_about_those() -> None:
    bench = Bench(scenes(2), Settings(workers=1, task_timeout_s=200, download=False)).running(2)
    bench.polled(DONE)
    missed(bench)
    assert bench.scheduler.stop is None
    assert sorted(attempt.state.value for attempt in bench.state.all_attempts()) == ["completed", "not_found"]


def test_an_id_that_was_given_by_hand_counts_once_the_gateway_shows_it() -> None:
    bench = Bench()
    bench.begin()
    bench.submitted(UNCERTAIN)
    bench.state.apply(Resolved("now", "s1", 1, "t9"))
    after = bench.again()
    after.polled(HICCUP)
    assert after.attempt().state is AttemptState.RESOLVED
    assert kinds(after.polled(RUNNING)) == ["TaskSeen"]
    assert after.polled(RUNNING) == []
    assert after.attempt().state is AttemptState.RUNNING


def test_a_failure_that_was_rechecked_can_turn_out_well() -> None:
    bench = Bench().running()
    bench.polled(RECHECK)
    bench.polled(RECHECK)
    assert kinds(bench.polled(DONE)) == ["Completed"]


def test_what_was_said_of_one_task_does_not_count_for_the_next() -> None:
    bench = Bench(settings=Settings(attempts=2)).running()
    for _ in range(5):
        bench.polled(PASSING)
    bench.running()
    assert bench.attempt().number == 2
    for _ in range(4):
        assert bench.polled(PASSING) == []
    assert kinds(bench.polled(PASSING)) == ["Failed"]
    assert bench.scheduler.is_finished()


def test_a_failed_look_says_nothing_of_the_task() -> None:
    bench = Bench(settings=Settings(task_timeout_s=1e6)).running()
    for _ in range(50):
        assert bench.polled(Classification(Kind.RUNNING, "001028098", "status check error")) == []
    assert kinds(bench.polled(DONE)) == ["Completed"]


def test_troubled_readings_wait_longer_and_as_long_as_they_were_told() -> None:
    bench = Bench(settings=Settings(poll_interval_s=1)).running()
    bench.polled(Classification(Kind.TRANSIENT, "http_503", wait_s=77))
    before = bench.now
    bench.polled(HICCUP)
    assert bench.now - before == pytest.approx(77)


def test_one_task_that_cannot_be_read_is_asked_for_at_the_pace_of_the_others() -> None:
    bench = Bench(scenes(2), Settings(poll_interval_s=10)).running(2)
    waits = {"s1": [bench.now], "s2": [bench.now]}
    for _ in range(40):
        command = bench.next_act()
        assert isinstance(command, Poll)
        waits[command.scene_id].append(bench.now)
        bench.read(HICCUP if command.scene_id == "s1" else RUNNING)
    gaps = [later - sooner for sooner, later in pairwise(waits["s1"])]
    assert max(gaps) <= 15


def test_a_gateway_that_answers_no_reading_is_asked_less_and_less() -> None:
    bench = Bench(settings=Settings(poll_interval_s=1)).running()
    moments = []
    for _ in range(20):
        bench.polled(HICCUP)
        moments.append(bench.now)
    assert moments[-1] - moments[-2] > 20


def test_a_task_that_was_never_made_is_submitted_again_for_free_but_not_for_ever() -> None:
    bench = Bench().running()
    for number in range(1, 6):
        assert bench.attempt().number == number
        bench.polled(NOT_MADE)
        bench.running()
    bench.polled(NOT_MADE)
    assert bench.scheduler.is_finished()
    assert kinds(bench.again().begin()) == ["Submit"], "the next run may, it is free"


@pytest.mark.parametrize(("allowed", "made"), [(1, 1), (2, 2), (3, 3)])
def test_a_failed_generation_is_bought_again_within_the_attempts(allowed: int, made: int) -> None:
    bench = Bench(settings=Settings(attempts=allowed))
    while not bench.scheduler.is_finished():
        bench.running()
        bench.polled(ENDED)
    assert bench.attempt().number == made
    after = bench.again()
    assert after.begin() == [], "not without being asked"
    asked = bench.again(choice=Choice(retry_failed=True))
    assert asked.begin() == [submit("s1", made + 1)]


def test_a_lasting_failure_is_not_bought_again() -> None:
    bench = Bench(settings=Settings(attempts=5)).running()
    bench.polled(WRONG, TaskResult(cost_usd=Decimal("0.20")))
    assert bench.scheduler.is_finished()
    assert bench.attempt().result.cost_usd == Decimal("0.20")


@pytest.mark.parametrize("ending", [DONE, WRONG])
def test_a_scene_that_was_changed_while_its_task_ran_is_submitted_after_it(ending: Classification) -> None:
    bench = Bench().running()
    after = bench.again([scene(request="r2")])
    assert after.begin() == [Poll("s1", 1, "t1")]
    after.read(ending)
    begun = after.begin()
    assert submit("s1", 2) in begun
    assert [one.attempt for one in begun if isinstance(one, Fetch)] == [1] * (ending is DONE), "it was paid for"
    assert after.attempt().request.sha256 == "sha-r2"


def test_a_changed_scene_that_cannot_be_paid_any_more_says_so() -> None:
    bench = Bench(settings=Settings(budget_usd=PRICE)).running()
    after = bench.again([scene(request="r2"), scene("s2", request="r3")])
    after.begin()
    after.read(DONE)
    assert kinds(after.begin()) == ["Fetch"]
    assert set(after.state.held) == {"s1", "s2"}


def test_an_expired_address_is_looked_up_again() -> None:
    bench = Bench().running()
    bench.polled(DONE)
    first = bench.attempt()
    bench.begin()
    assert bench.fetched(failure="410", expired=True) == []
    assert kinds(bench.polled(DONE, TaskResult("https://cdn.example/fresh", None, None, None))) == ["Completed"]
    assert bench.begin() == [Fetch("s1", 1, "https://cdn.example/fresh", "1280*720", 5)]
    bench.fetched()
    last = bench.attempt()
    assert (last.state, last.result.cost_usd, last.finished_at) == (AttemptState.DELIVERED, PRICE, first.finished_at)


def test_addresses_that_keep_expiring_end_the_download() -> None:
    bench = Bench().running()
    bench.polled(DONE)
    for _ in range(2):
        bench.begin()
        bench.fetched(failure="410", expired=True)
        bench.polled(DONE)
    bench.begin()
    (event,) = bench.fetched(failure="410", expired=True)
    assert isinstance(event, DownloadFailed)
    assert bench.scheduler.is_finished()


@pytest.mark.parametrize("classification", [RUNNING, HICCUP, GONE])
def test_a_lookup_that_brings_nothing_ends_and_what_was_bought_stays_bought(classification: Classification) -> None:
    bench = Bench(settings=Settings(task_timeout_s=60)).running()
    bench.polled(DONE)
    bench.begin()
    bench.fetched(failure="403", expired=True)
    for _ in range(100):
        if bench.scheduler.is_finished():
            break
        bench.polled(classification)
    assert bench.attempt().state is AttemptState.DOWNLOAD_FAILED
    assert bench.attempt().result.cost_usd == PRICE
    assert bench.again().begin() == [Fetch("s1", 1, "https://cdn.example/v.mp4", "1280*720", 5)], (
        "the next run fetches it again"
    )


def test_a_download_is_tried_a_few_times() -> None:
    bench = Bench().running()
    bench.polled(DONE)
    for number in range(4):
        assert isinstance(bench.next_act(), Fetch)
        assert kinds(bench.fetched(failure="cut")) == (["DownloadFailed"] if number == 3 else [])
    assert bench.scheduler.is_finished()
    assert bench.attempt().message == "cut"


def test_a_mismatch_keeps_its_file_and_is_not_bought_again() -> None:
    bench = Bench().running()
    bench.polled(DONE)
    bench.begin()
    bench.fetched(path="videos/s1.mp4", sha256="ab", mismatch="it is 4 s long")
    attempt = bench.attempt()
    assert (attempt.state, attempt.code, attempt.video_path) == (
        AttemptState.MISMATCHED,
        "media_mismatch",
        "videos/s1.mp4",
    )
    assert bench.again().begin() == []
    assert bench.again(choice=Choice(retry_failed=True)).begin() == [submit("s1", 2)]


def test_what_cannot_be_stored_is_not_bought() -> None:
    bench = Bench(scenes(3), ONE_BY_ONE).running()
    bench.polled(DONE)
    assert kinds(bench.begin()) == ["Fetch"]
    bench.fetched(failure="no space", unstorable=True)
    assert bench.scheduler.stop is Stop.STORAGE
    while not bench.scheduler.is_finished():
        assert isinstance(bench.next_act(), Fetch)
        bench.fetched(failure="no space", unstorable=True)
    assert bench.attempt().state is AttemptState.DOWNLOAD_FAILED
    assert bench.state.latest("s2") is None


def test_an_interrupt_waits_for_submissions_only() -> None:
    bench = Bench(scenes(9), Settings(workers=3)).running(3)
    bench.begin(30)
    assert set(kinds(bench.commands)) == {"Submit", "Poll"}
    bench.scheduler.interrupt()
    assert not bench.scheduler.is_finished()
    bench.read(DONE)
    while bench.scheduler.sending:
        bench.submitted()
    assert bench.scheduler.is_finished()
    assert bench.scheduler.stop is Stop.INTERRUPTED
    assert bench.begin(9999) == []
    assert {attempt.state for attempt in bench.state.all_attempts()} <= {AttemptState.RUNNING, AttemptState.COMPLETED}


@pytest.mark.parametrize("classification", [BUSY, THROTTLED, UNREACHED, DENIED])
def test_nothing_is_sent_again_after_an_interrupt(classification: Classification) -> None:
    bench = Bench(scenes(2), ONE_BY_ONE)
    bench.begin()
    bench.scheduler.interrupt()
    bench.submitted(classification)
    assert bench.scheduler.is_finished()
    assert bench.scheduler.stop is Stop.INTERRUPTED
    assert bench.begin(9999) == []


@pytest.mark.parametrize("how", [{"failure": "cut"}, {"failure": "410", "expired": True}])
def test_a_download_that_breaks_after_an_interrupt_is_for_the_next_run(how: dict[str, object]) -> None:
    bench = Bench().running()
    bench.polled(DONE)
    bench.begin()
    bench.scheduler.interrupt()
    assert kinds(bench.fetched(**how)) == ["DownloadFailed"]
    assert kinds(bench.again().begin()) == ["Fetch"]


def test_without_waiting_the_run_leaves_once_all_is_submitted() -> None:
    bench = Bench(scenes(3), Settings(wait=False)).running(3)
    assert bench.scheduler.is_finished()
    after = bench.again()
    assert after.begin(9999) == [], "nor are known tasks read"
    assert after.scheduler.is_finished()
    assert kinds(bench.again(settings=Settings()).begin()) == ["Poll"] * 3


def test_without_waiting_tasks_are_read_only_to_make_room() -> None:
    bench = Bench(scenes(3), Settings(wait=False, max_in_flight=1))
    for number in range(3):
        bench.running()
        assert bench.scheduler.is_finished() is (number == 2)
        if number < 2:
            bench.polled(DONE)
    assert [attempt.state.value for attempt in bench.state.all_attempts()] == ["completed", "completed", "running"]
    assert kinds(bench.again(settings=Settings()).begin()) == ["Poll", "Fetch", "Fetch"]


def test_without_downloads_bought_is_done() -> None:
    bench = Bench(settings=Settings(download=False)).running()
    bench.polled(DONE)
    assert bench.scheduler.is_finished()
    assert bench.again(choice=Choice(download=False)).begin() == []
    assert kinds(bench.again(settings=Settings()).begin()) == ["Fetch"]


def test_a_file_that_is_gone_is_fetched_again_without_a_submission() -> None:
    bench = Bench().running()
    bench.polled(DONE)
    bench.begin()
    bench.fetched()
    after = bench.again(missing=("s1",))
    assert kinds(after.begin()) == ["Fetch"]
    assert after.fetched(failure="410", expired=True) == []
    after.polled(DONE)
    after.begin()
    assert kinds(after.fetched()) == ["Downloaded"]
    assert (bench.attempt().number, bench.attempt().result.cost_usd) == (1, PRICE)


def test_remembered_events_are_the_state() -> None:
    bench = Bench(scenes(2), Settings(attempts=2)).running(2)
    bench.polled(ENDED)
    bench.running()
    bench.polled(DONE)
    seen = {type(event) for event in bench.events}
    assert seen >= {Submitting, Submitted, Failed, Completed}
    assert not seen & {TaskTimedOut, Downloaded}


def test_a_task_is_not_read_before_others_of_its_kind_have_ended() -> None:
    settings = Settings(workers=1, max_in_flight=1, download=False, poll_interval_s=10)
    bench = Bench(scenes(9), settings)
    for _ in range(8):
        bench.running()
        created = bench.now
        while bench.now < created + 24:
            bench.polled(RUNNING)
        bench.polled(DONE)
    bench.running()
    created = bench.now
    assert isinstance(bench.next_act(), Poll)
    assert bench.now - created > 15


def test_what_is_news_of_a_length_has_others_looked_at_sooner() -> None:
    bench = Bench(scenes(2), Settings(max_in_flight=2, download=False, poll_interval_s=10)).running(2)
    first = bench.next_act()
    assert isinstance(first, Poll)
    bench.read(DONE)
    second = bench.scheduler.wakes_at()
    assert second is not None
    assert second - bench.now < 5, "it began at the same time, and is probably done"


def test_a_cost_that_was_told_once_is_not_forgotten_by_later_readings() -> None:
    bench = Bench().running()
    bench.polled(RECHECK, TaskResult(cost_usd=PRICE, discount=Decimal(1)))
    for _ in range(4):
        bench.polled(RECHECK)
    assert (bench.attempt().state, bench.attempt().result.cost_usd, bench.attempt().result.discount) == (
        AttemptState.FAILED, PRICE, Decimal(1)
    )  # fmt: skip


def test_the_file_of_a_scene_whose_edit_was_taken_back_is_fetched_for_the_attempt_that_made_it() -> None:
    bench = Bench().running()
    bench.polled(DONE)
    bench.next_act()
    bench.fetched()
    edited = bench.again([scene(request="edited")])
    edited.next_act()
    edited.submitted(REFUSED)
    back = edited.again(scenes(1), missing=("s1",))
    assert isinstance(command := back.next_act(), Fetch)
    assert command.attempt == 1
    back.fetched()
    assert back.state.attempts["s1"][0].state is AttemptState.DELIVERED
    assert back.scheduler.is_finished()

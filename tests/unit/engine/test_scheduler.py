"""One run up to its tasks: what is submitted, when, within which bounds, and what stops it."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from batchgen.engine.attempts import AttemptState
from batchgen.engine.classification import Classification, Kind
from batchgen.engine.commands import Fetch, Poll, Stop, Submit, SubmitResult
from batchgen.engine.events import (
    HeldBack,
    OutcomeUnknown,
    Refused,
    Resolved,
    Submitting,
)
from batchgen.engine.scheduler import Settings
from batchgen.engine.steps import Choice
from batchgen.limits import LEAST_ASKS
from batchgen.model import TaskResult

from helpers.engine_support import (
    BUSY,
    CREATED,
    DENIED,
    DONE,
    HICCUP,
    PRICE,
    REFUSED,
    RUNNING,
    THROTTLED,
    UNCERTAIN,
    UNREACHED,
    UNREAD,
    WRONG,
    Bench,
    kinds,
    scene,
    scenes,
    submit,
)

ONE_BY_ONE = Settings(workers=1, max_in_flight=1)


def test_the_intent_comes_with_the_submission_it_guards() -> None:
    bench = Bench()
    events, commands = bench.scheduler.begin(bench.now, "now")
    assert commands == [submit("s1", 1)]
    assert [(event.scene_id, event.attempt) for event in events if isinstance(event, Submitting)] == [("s1", 1)]


def test_a_scene_goes_all_the_way() -> None:
    bench = Bench()
    bench.begin()
    assert kinds(bench.submitted()) == ["Submitted"]
    assert kinds(bench.polled(DONE)) == ["Completed"]
    assert bench.begin() == [Fetch("s1", 1, "https://cdn.example/v.mp4", "1280*720", 5)]
    assert kinds(bench.fetched()) == ["Downloaded"]
    assert bench.scheduler.is_finished()
    assert bench.scheduler.stop is None
    attempt = bench.attempt()
    assert (attempt.state, attempt.result.cost_usd) == (AttemptState.DELIVERED, PRICE)


def test_a_task_is_first_read_after_it_was_remembered_and_after_a_wait() -> None:
    bench = Bench(settings=Settings(poll_interval_s=10))
    bench.begin()
    assert bench.begin(100) == []
    bench.submitted()
    assert bench.begin(4.9) == []
    assert bench.begin(10.1) == [Poll("s1", 1, "t1")]


def test_readings_come_an_interval_apart_as_long_as_nothing_is_known() -> None:
    bench = Bench(settings=Settings(poll_interval_s=10)).running()
    moments = []
    for _ in range(12):
        bench.polled(RUNNING)
        moments.append(bench.now)
    assert [later - sooner for sooner, later in pairwise(moments)] == pytest.approx([10.0] * 11)


def test_no_more_acts_than_workers() -> None:
    bench = Bench(scenes(9), Settings(workers=3))
    assert len(bench.begin()) == 3
    assert bench.begin() == []
    assert bench.scheduler.wakes_at() is None, "a full house has nothing to wake up for"
    bench.submitted()
    assert len(bench.begin()) == 1


def test_no_more_tasks_than_allowed() -> None:
    bench = Bench(scenes(5), Settings(max_in_flight=2)).running(2)
    assert bench.scheduler.in_flight == 2
    assert isinstance(bench.next_act(), Poll)
    bench.read(DONE)
    assert kinds(bench.begin()) == ["Fetch", "Submit"]


def test_submissions_keep_to_their_rate() -> None:
    bench = Bench(scenes(4), Settings(submit_rate=0.5))
    sent = []
    for _ in range(3):
        assert isinstance(bench.next_act(), Submit)
        sent.append(bench.now)
    assert [moment - sent[0] for moment in sent] == [0, 2, 4]


def test_submissions_do_not_starve_readings_and_downloads() -> None:
    bench = Bench(scenes(40), Settings(workers=1, poll_interval_s=0.001, max_in_flight=100))
    begun: list[str] = []
    for _ in range(30):
        command = bench.next_act()
        begun.append(type(command).__name__)
        bench.now += 1
        if isinstance(command, Submit):
            bench.submitted()
        elif isinstance(command, Poll):
            bench.read(DONE)
        else:
            bench.fetched()
    assert {"Submit", "Poll", "Fetch"} == set(begun[:6])


def test_too_many_requests_bring_down_what_is_in_flight_and_hold_submissions() -> None:
    bench = Bench(scenes(6), Settings(workers=4)).running(2)
    bench.begin()
    bench.submitted(THROTTLED)
    assert kinds(bench.begin()) == [], "held back"
    assert bench.scheduler.stop is None
    while any(isinstance(command, Submit) for command in bench.commands):
        bench.submitted(THROTTLED)
    assert bench.scheduler.in_flight == 2
    assert isinstance(bench.next_act(), Poll), "no submission while two tasks are in flight"
    bench.read(DONE)
    assert "Submit" in kinds(bench.begin(5))


def test_a_throttled_scene_is_submitted_again_as_the_same_attempt_and_first() -> None:
    bench = Bench(scenes(3), ONE_BY_ONE)
    bench.begin()
    assert kinds(bench.submitted(THROTTLED)) == ["Refused"]
    assert bench.next_act() == submit("s1", 1)
    assert bench.attempt().sends == 2


@pytest.mark.parametrize(
    "classification",
    [
        Classification(Kind.REFUSED, "http_429", again=True, throttled=True, wait_s=40),
        Classification(Kind.UNCERTAIN, "submit_unknown", wait_s=40),
    ],
)
def test_retry_after_holds_all_submissions(classification: Classification) -> None:
    bench = Bench(scenes(3), ONE_BY_ONE)
    bench.begin()
    bench.submitted(classification)
    assert bench.begin(39.9) == []
    assert kinds(bench.begin(0.2)) == ["Submit"]


@pytest.mark.parametrize("asked", [None, 0.0, 0.25])
def test_refusals_are_bounded_whatever_little_the_gateway_asks_for(asked: float | None) -> None:
    overloaded = Classification(Kind.REFUSED, "http_503", "overloaded", again=True, wait_s=asked)
    bench = Bench(scenes(3))
    begun, posts = bench.now, 0
    while not bench.scheduler.is_finished():
        posts += bench.answered(overloaded)
    assert posts == 3 * 6
    assert 45 < bench.now - begun < 200
    assert {attempt.again for attempt in bench.state.all_attempts()} == {True}, "the next run submits them"
    assert bench.scheduler.stop is None


@pytest.mark.parametrize("asked", [None, 0.0, 30.0, 86_400.0])
def test_a_run_that_is_not_let_in_waits_ten_minutes_and_no_longer(asked: float | None) -> None:
    busy = replace(THROTTLED, wait_s=asked)
    bench = Bench(scenes(3))
    begun, posts = bench.now, 0
    while not bench.scheduler.is_finished():
        posts += bench.answered(busy)
        bench.begin()
    assert bench.scheduler.stop is Stop.SHUT_OUT
    assert bench.now - begun <= 600
    assert posts < 60
    assert set(bench.state.held) == {"s1", "s2", "s3"}
    assert "too many requests" in bench.scheduler.why


def test_throttling_is_waited_out_while_tasks_go_on() -> None:
    bench = Bench(scenes(3), Settings(workers=1, task_timeout_s=1e6)).running(2)
    begun = bench.now
    while bench.now - begun < 5000:
        if isinstance(bench.next_act(), Submit):
            bench.submitted(THROTTLED)
        else:
            bench.read(RUNNING)
    assert bench.scheduler.stop is None


def test_a_hold_is_there_to_be_told() -> None:
    bench = Bench(scenes(2), ONE_BY_ONE)
    bench.begin()
    bench.submitted(replace(THROTTLED, wait_s=40))
    assert (bench.scheduler.hold.until, bench.scheduler.hold.reason) == (bench.now + 40, "too many requests")


def test_uncertain_answers_one_after_the_other_end_the_run_before_the_batch_is_burnt() -> None:
    bench = Bench(scenes(300), Settings(workers=40, max_in_flight=300))
    while not bench.scheduler.is_finished():
        bench.answered(UNCERTAIN)
    assert bench.scheduler.stop is Stop.UNANSWERED
    unknown = sum(attempt.is_unknown for attempt in bench.state.all_attempts())
    assert unknown == LEAST_ASKS + 3, "those under way when it showed, and three more, one at a time"
    assert len(bench.state.held) == 300 - unknown
    assert {held.code for held in bench.state.held.values()} == {"unanswered"}


def test_a_probe_that_is_answered_opens_the_way_again() -> None:
    bench = Bench(scenes(20), Settings(workers=5, max_in_flight=300))
    bench.begin()
    while bench.commands:
        bench.submitted(UNCERTAIN)
    assert kinds(bench.begin()) == ["Submit"]
    assert bench.begin() == [], "one at a time"
    bench.submitted()
    assert kinds(bench.begin()) == ["Submit"] * 5


def test_an_id_that_another_attempt_has_leaves_the_later_one_unknown_and_names_both() -> None:
    bench = Bench(scenes(2), Settings(workers=1)).running()
    (command,) = bench.begin()
    assert isinstance(command, Submit)
    (event,) = bench.end(SubmitResult(command, CREATED, "t1"))
    assert isinstance(event, OutcomeUnknown)
    assert (event.code, event.candidate_id) == ("task_id_repeated", "t1")
    assert "t1" in event.message
    assert "scene s1, attempt 1" in event.message
    assert bench.attempt("s2").is_unknown
    assert bench.attempt("s1").state is AttemptState.RUNNING


def test_what_came_with_an_answer_of_no_use_is_kept() -> None:
    bench = Bench()
    (command,) = bench.begin()
    assert isinstance(command, Submit)
    (event,) = bench.end(SubmitResult(command, UNCERTAIN, candidate_id="t 9", excerpt='{"id": "t 9'))
    assert isinstance(event, OutcomeUnknown)
    attempt = bench.attempt()
    assert (attempt.candidate_id, attempt.excerpt, attempt.task_id) == ("t 9", '{"id": "t 9', None)


@pytest.mark.parametrize(("classification", "stop"), [(DENIED, Stop.ACCOUNT), (UNREACHED, Stop.UNREACHABLE)])
def test_what_stops_a_run_is_written_down_of_every_scene_that_waits(classification: Classification, stop: Stop) -> None:
    bench = Bench(scenes(3), ONE_BY_ONE)
    while not bench.scheduler.is_finished():
        bench.next_act()
        bench.submitted(classification)
    assert bench.scheduler.stop is stop
    assert {"s2", "s3"} <= set(bench.state.held)
    assert all(classification.reason in held.message for held in bench.state.held.values())


def test_retry_after_on_a_reading_holds_submissions_too() -> None:
    bench = Bench(scenes(2), Settings(workers=1, submit_rate=0.1)).running()
    assert isinstance(bench.next_act(), Poll)
    bench.read(Classification(Kind.TRANSIENT, "http_429", wait_s=100))
    assert bench.begin(99) == []
    assert kinds(bench.begin(2)) == ["Submit"]


def test_a_refusal_without_hope_fails_the_scene() -> None:
    bench = Bench()
    bench.begin()
    (event,) = bench.submitted(REFUSED)
    assert isinstance(event, Refused)
    assert not event.again
    assert bench.scheduler.is_finished()
    assert bench.begin(9999) == []


def test_a_refusal_with_hope_is_repeated_a_few_times() -> None:
    bench = Bench()
    for _ in range(6):
        assert isinstance(bench.next_act(), Submit)
        bench.submitted(BUSY)
    assert bench.scheduler.is_finished()
    assert (bench.attempt().sends, bench.attempt().number) == (6, 1)


@pytest.mark.parametrize("kind", [Kind.UNCERTAIN, Kind.RUNNING, Kind.TRANSIENT, Kind.DONE, Kind.FAILED])
def test_whatever_is_not_certain_is_never_sent_again(kind: Kind) -> None:
    bench = Bench(settings=Settings(attempts=9))
    bench.begin()
    (event,) = bench.submitted(Classification(kind, "submit_unknown", again=True, passing=True))
    assert isinstance(event, OutcomeUnknown)
    assert bench.scheduler.is_finished()
    for choice in (Choice(), Choice(retry_failed=True)):
        assert bench.again(choice=choice).begin(9999) == []
    assert bench.again([scene(request="r2")]).begin() == [], "not even where the scene was changed"


def test_a_created_task_without_an_id_is_unknown() -> None:
    bench = Bench()
    (command,) = bench.begin()
    assert isinstance(command, Submit)
    assert kinds(bench.end(SubmitResult(command, CREATED))) == ["OutcomeUnknown"]


def test_cut_off_in_sending_is_unknown_until_resolved() -> None:
    bench = Bench()
    bench.begin()
    after = bench.again()
    assert after.begin() == []
    assert after.scheduler.is_finished()
    bench.state.apply(Resolved("now", "s1", 1, "t9"))
    assert bench.again().begin() == [Poll("s1", 1, "t9")]


def test_resolved_as_not_created_is_submitted_again() -> None:
    bench = Bench()
    bench.begin()
    bench.submitted(UNCERTAIN)
    bench.state.apply(Resolved("now", "s1", 1, None))
    assert bench.again().begin() == [submit("s1", 2)]


def test_a_refused_account_stops_submissions_and_lets_tasks_finish() -> None:
    bench = Bench(scenes(4), Settings(workers=1)).running(1)
    bench.begin()
    bench.submitted(DENIED)
    assert bench.scheduler.stop is Stop.ACCOUNT
    assert (bench.attempt("s2").state, bench.attempt("s2").again) == (AttemptState.REFUSED, True)
    bench.polled(DONE)
    assert isinstance(bench.next_act(), Fetch)
    bench.fetched()
    assert bench.scheduler.is_finished()
    assert bench.state.latest("s3") is None


def test_a_refused_account_on_reading_stops_all_but_downloads() -> None:
    bench = Bench(scenes(3), Settings(workers=1, max_in_flight=2)).running(2)
    bench.polled(DENIED)
    assert bench.scheduler.stop is Stop.ACCOUNT
    assert bench.scheduler.is_finished()
    assert bench.attempt("s1").state is AttemptState.RUNNING
    assert kinds(bench.again().begin()) == ["Poll"], "the next run goes on with it"


def test_without_any_connection_the_run_gives_up_after_half_a_minute() -> None:
    bench = Bench(scenes(3), ONE_BY_ONE)
    begun = bench.now
    while not bench.scheduler.is_finished():
        assert isinstance(bench.next_act(), Submit)
        bench.submitted(UNREACHED)
    assert bench.scheduler.stop is Stop.UNREACHABLE
    assert 30 <= bench.now - begun < 45
    assert kinds(bench.again().begin()) == ["Submit"]


def test_tasks_that_cannot_be_read_stay_running_when_the_connection_is_lost() -> None:
    bench = Bench().running()
    begun = bench.now
    while not bench.scheduler.is_finished():
        bench.polled(UNREAD)
    assert bench.scheduler.stop is Stop.UNREACHABLE
    assert 30 <= bench.now - begun < 50
    assert bench.attempt().state is AttemptState.RUNNING


def test_any_answer_says_that_the_gateway_is_there() -> None:
    bench = Bench().running()
    for _ in range(20):
        bench.polled(UNREAD)
        bench.polled(HICCUP)
    assert bench.scheduler.stop is None


def test_the_budget_counts_what_is_in_flight() -> None:
    bench = Bench(scenes(5), Settings(budget_usd=Decimal("1.20")))
    assert kinds(bench.begin()) == ["Submit", "Submit"]
    bench.submitted()
    assert (bench.begin(), bench.scheduler.stop) == ([], None), "the other one may be refused, and is free then"
    bench.submitted()
    assert (bench.begin(), bench.scheduler.stop) == ([], Stop.BUDGET)
    assert [event.scene_id for event in bench.events if isinstance(event, HeldBack)] == ["s3", "s4", "s5"]
    bench.polled(DONE)
    assert not any(isinstance(command, Submit) for command in bench.commands)


def test_the_budget_counts_unknown_submissions_over_runs() -> None:
    bench = Bench(scenes(2), Settings(workers=1, budget_usd=Decimal("0.50")))
    bench.begin()
    bench.submitted(UNCERTAIN)
    assert bench.begin() == []
    assert bench.scheduler.stop is Stop.BUDGET
    after = bench.again()
    assert after.begin() == []
    assert after.scheduler.stop is Stop.BUDGET
    assert kinds(bench.again(settings=Settings(budget_usd=Decimal("1.00"))).begin()) == ["Submit"]


def test_charges_that_outrun_their_estimates_are_counted() -> None:
    bench = Bench(scenes(3), Settings(workers=1, max_in_flight=1, budget_usd=Decimal("1.50"))).running()
    bench.polled(DONE, TaskResult("u", None, Decimal("1.20"), None))
    assert kinds(bench.begin()) == ["Fetch"]
    bench.fetched()
    assert bench.begin() == []
    assert bench.scheduler.stop is Stop.BUDGET


def test_what_is_cheaper_or_free_makes_room() -> None:
    bench = Bench(scenes(3), Settings(workers=1, max_in_flight=1, budget_usd=Decimal("1.00")))
    for cost in ("0.10", "0.10", "0.10"):
        bench.running()
        bench.polled(DONE, TaskResult("u", None, Decimal(cost), None))
        bench.next_act()
        bench.fetched()
    assert bench.scheduler.stop is None
    failing = Bench(scenes(3), Settings(workers=1, max_in_flight=1, budget_usd=PRICE)).running()
    failing.polled(WRONG, TaskResult(cost_usd=Decimal(0)))
    assert kinds(failing.begin()) == ["Submit"], "a failed task that was told to be free cost nothing"
    untold = Bench(scenes(3), Settings(workers=1, max_in_flight=1, budget_usd=PRICE)).running()
    untold.polled(WRONG)
    assert (untold.begin(), untold.scheduler.stop) == ([], Stop.BUDGET), "what was not told may have been charged"


def test_an_amount_that_nobody_knows_cannot_be_kept_to_a_budget() -> None:
    bench = Bench([scene("s1", price=None), scene("s2")], Settings(budget_usd=Decimal(100)))
    assert bench.begin() == []
    assert bench.scheduler.stop is Stop.BUDGET
    before = Bench([scene("s1", price=None)]).running()
    assert kinds(before.again([scene("s2")], settings=Settings(budget_usd=Decimal(9))).begin()) == ["Poll"]


def test_what_is_refused_for_too_many_requests_is_not_left_to_the_budget() -> None:
    bench = Bench(scenes(4), Settings(budget_usd=3 * PRICE))
    assert kinds(bench.begin()) == ["Submit"] * 3
    bench.submitted()
    bench.submitted(THROTTLED)
    bench.submitted(THROTTLED)
    assert not bench.state.held
    for _ in range(2):
        while not any(isinstance(command, Submit) for command in bench.commands):
            bench.begin(1.0)
        bench.submitted()
    bench.begin()
    assert (bench.scheduler.stop, set(bench.state.held)) == (Stop.BUDGET, {"s4"})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_repetition_in_waiting_is_held_back(workers: int) -> None:
    bench = Bench(scenes(3), Settings(workers=workers, budget_usd=PRICE))
    bench.begin()
    bench.submitted(BUSY)
    assert bench.begin() == [submit("s2", 1)]
    bench.submitted()
    bench.begin()
    assert bench.scheduler.stop is Stop.BUDGET
    assert set(bench.state.held) == {"s1", "s3"}


def test_an_account_that_is_refused_after_the_budget_was_reached_is_what_ends_the_run() -> None:
    bench = Bench(scenes(3), Settings(budget_usd=Decimal("1.20"), workers=9)).running(2)
    bench.begin()
    stops = [bench.scheduler.stop]
    bench.polled(DENIED)
    assert [*stops, bench.scheduler.stop] == [Stop.BUDGET, Stop.ACCOUNT]

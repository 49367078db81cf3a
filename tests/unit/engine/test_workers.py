"""What may be under way at once: readings go on, whatever uploads and downloads do."""

from dataclasses import replace

import pytest

from batchgen.engine.commands import Command, Fetch, Poll, Submit
from batchgen.engine.events import SceneFacts
from batchgen.engine.queues import CommandKind
from batchgen.engine.scheduler import Settings
from batchgen.engine.workers import Workers
from batchgen.limits import LEAST_ASKS, MOST_SLOW_SUBMISSIONS, MOST_UPLOADED

from helpers.engine_support import CREATED, DONE, HICCUP, RUNNING, UNCERTAIN, Bench, kinds, scene

DEFAULT = Settings(max_in_flight=100, poll_interval_s=5)
LARGE = 100 * 1024**2


def scenes(count: int) -> list[SceneFacts]:
    return [scene(f"s{number}", request=f"r{number}") for number in range(count)]


def answered(seconds: float, most: int = 64) -> Workers:
    workers = Workers(most)
    workers.answered(seconds)
    return workers


def asks(workers: Workers) -> int:
    """How many readings may be under way at once."""
    count = 0
    while workers.may_ask():
        workers.begun(CommandKind.POLL)
        count += 1
    return count


@pytest.mark.parametrize(
    ("answer_s", "most", "at_once"),
    [(0.004, 64, 8), (0.02, 64, 8), (0.05, 64, 20), (0.3, 64, 64), (0.3, 100, 100), (0.3, 5, 5), (0.001, 5, 5)],
)
def test_requests_under_way_follow_the_time_of_an_answer(answer_s: float, most: int, at_once: int) -> None:
    assert asks(answered(answer_s, most)) == at_once


def test_one_late_answer_among_fast_ones_changes_little() -> None:
    workers = answered(0.005)
    workers.answered(0.1)
    assert asks(workers) < 16


@pytest.mark.parametrize(("answer_s", "at_once"), [(0.3, 32), (1.9, 32), (2.1, MOST_SLOW_SUBMISSIONS)])
def test_one_answer_takes_long_and_more_are_asked_for_at_once(answer_s: float, at_once: int) -> None:
    bench = Bench(scenes(100), DEFAULT)
    assert kinds(bench.begin()) == ["Submit"] * LEAST_ASKS
    bench.now += answer_s
    bench.submitted(CREATED)
    assert len(bench.begin()) == at_once - LEAST_ASKS + 1


@pytest.mark.parametrize(("most", "submissions"), [(64, 32), (200, 100), (24, 16), (5, 5)])
def test_submissions_that_nobody_answers_leave_half_of_the_workers_to_readings(most: int, submissions: int) -> None:
    workers, under_way = answered(0.6, most), 0
    while workers.may_submit(0):
        workers.begun(CommandKind.SUBMIT)
        under_way += 1
    assert under_way == submissions
    assert asks(workers) == most - submissions


def test_submissions_that_are_timed_out_make_no_more_of_them() -> None:
    bench = Bench(scenes(100), DEFAULT)
    bench.begin()
    bench.now += 60
    bench.submitted(UNCERTAIN)
    bench.begin()
    assert len(bench.commands) == LEAST_ASKS


def test_readings_that_fail_late_make_no_more_of_them() -> None:
    bench = Bench(scenes(20), replace(DEFAULT, max_in_flight=20)).running(20)
    bench.begin(10)
    bench.now += 60
    bench.read(HICCUP)
    bench.begin()
    assert kinds(bench.commands) == ["Poll"] * LEAST_ASKS


def test_downloads_leave_half_of_the_workers_while_there_is_anything_else_to_do() -> None:
    bench = Bench(scenes(40), replace(DEFAULT, workers=8, max_in_flight=40)).running(40)
    seen = done(bench, 20)
    assert seen.count("Fetch") == 4, "and the tasks that run are read on"
    done(bench, 20)
    bench.begin()
    assert [type(command) for command in bench.commands] == [Fetch] * 8, "once nothing else is left"


def test_no_more_results_wait_than_tasks_may_be_in_flight() -> None:
    bench = Bench(scenes(60), replace(DEFAULT, workers=8, max_in_flight=10)).running(10)
    done(bench, 14)
    bench.read(RUNNING)
    assert "Submit" not in kinds(bench.begin()), "though a worker is free"
    assert bench.scheduler.in_flight < 10
    bench.fetched()
    assert "Submit" in kinds(bench.begin())


def done(bench: Bench, count: int) -> list[str]:
    """Have so many tasks end, while no download does; what is under way then."""
    while count:
        bench.begin(0.5)
        if any(isinstance(command, Submit) for command in bench.commands):
            bench.submitted()
        elif any(isinstance(command, Poll) for command in bench.commands):
            bench.read(DONE)
            count -= 1
    bench.begin()
    return [type(command).__name__ for command in bench.commands]


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 8, 64])
def test_uploads_and_downloads_leave_a_worker_for_readings(workers: int) -> None:
    shares = Workers(workers)
    begun = 0
    while shares.may_submit(1) or shares.may_fetch(is_alone=False):
        kind = CommandKind.SUBMIT if shares.may_submit(1) else CommandKind.FETCH
        shares.begun(kind, int(kind is CommandKind.SUBMIT))
        begun += 1
    assert begun == max(1, workers - max(1, workers // 4))
    assert shares.may_ask() is (workers > 1)


def test_large_files_go_one_after_the_other_and_readings_go_on() -> None:
    settings = replace(DEFAULT, upload_bytes=lambda scene_id: LARGE if scene_id != "s0" else 0)
    bench = Bench(scenes(5), settings)
    begun = bench.begin()
    assert [command.scene_id for command in begun] == ["s0", "s1"]
    bench.submitted(CREATED, "s0")
    reads: list[Command] = []
    for _ in range(20):
        reads += bench.begin(1.0)
    assert kinds(reads) == ["Poll"], "the upload is under way all the time"
    bench.submitted(CREATED, "s1")
    assert [command.scene_id for command in bench.begin() if isinstance(command, Submit)] == ["s2"]


def test_small_files_go_together() -> None:
    bench = Bench(scenes(100), replace(DEFAULT, upload_bytes=lambda _: MOST_UPLOADED // 10))
    assert len(bench.begin()) == 11


def test_the_time_of_an_upload_is_not_the_time_of_an_answer() -> None:
    bench = Bench(scenes(100), replace(DEFAULT, upload_bytes=lambda _: LARGE))
    bench.begin()
    bench.now += 100
    bench.submitted(CREATED)
    assert len(bench.begin()) == 1

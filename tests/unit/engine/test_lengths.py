"""How long tasks took: what is seen of it, what the gateway says of it, and what the next run knows."""

from math import inf, nan

import pytest

from batchgen.engine import events as ev
from batchgen.engine.classification import Classification
from batchgen.engine.commands import Poll, PollResult
from batchgen.engine.earlier_lengths import MOST_EARLIER, earlier_lengths
from batchgen.engine.states import State
from batchgen.journal.records import decode, encode
from batchgen.model import Lasted, TaskResult

from helpers.engine_support import DONE, RUNNING, URL, Bench, clock, scene


def read_at(bench: Bench, age_s: float, ending: Classification, said: Lasted | None = None) -> None:
    """The next reading begins in its time, and its answer comes at an age of the task."""
    assert isinstance(bench.next_act(), Poll)
    bench.now = max(bench.now, 1000.0 + age_s)
    bench.end(PollResult(bench.taken(Poll), ending, TaskResult(URL), said))


def lasted(bench: Bench) -> Lasted | None:
    """What was written down, which is what the state holds."""
    event = next(event for event in reversed(bench.events) if isinstance(event, ev.Completed))
    known = None if event.lasted_above_s is None else (event.lasted_above_s, event.lasted_until_s)
    assert bench.attempt().lasted == known
    return bench.attempt().lasted


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (None, (5.59, 12.0)),
        ((8.25, 8.26), (8.25, 8.26)),
        ((2.0, 7.0), (5.59, 7.0)),
        ((11.0, 300.0), (11.0, 12.0)),
        ((4.0, 4.001), (5.59, 12.0)),
        ((12.0, 13.0), (5.59, 12.0)),
        ((nan, nan), (5.59, 12.0)),
        ((-inf, inf), (5.59, 12.0)),
    ],
)
def test_a_task_took_as_long_as_was_seen_and_within_that_as_was_said(said: Lasted | None, found: Lasted) -> None:
    bench = Bench().running()
    read_at(bench, 0.0, RUNNING)
    read_at(bench, 12.0, DONE, said)
    assert lasted(bench) == found


def test_a_gateway_may_have_counted_while_the_submission_was_under_way() -> None:
    bench = Bench()
    bench.next_act()
    bench.now += 4.0
    bench.submitted()
    read_at(bench, 4.0, RUNNING)
    read_at(bench, 16.0, DONE, (10.0, 10.5))
    assert lasted(bench) == (6.0, 10.5)


def test_a_task_that_was_done_at_the_first_look_of_a_run_took_as_long_as_the_gateway_says() -> None:
    for said, found in ((None, None), ((95.5, 95.75), (95.5, 95.75)), ((700.0, 701.0), None)):
        bench = Bench().running().again(now=1600.0)
        read_at(bench, 600.0, DONE, said)
        assert lasted(bench) == found


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("2026-01-02T00:16:52.000Z", (5.59, 12.0)),
        ("2026-01-02T04:16:52.000Z", (5.59, 14_412.0)),
        ("2026-01-01T04:16:52.000Z", (5.59, 12.0)),
        ("2096-01-02T00:16:52.000Z", None),
        ("9999-12-31T23:59:59.999Z", None),
        ("soon", (5.59, 12.0)),
    ],
)
def test_what_the_clock_of_the_machine_says_makes_a_length_vaguer_not_other(at: str, found: Lasted | None) -> None:
    bench = Bench().running()
    read_at(bench, 0.0, RUNNING)
    bench.next_act()
    bench.now = 1012.0
    events = bench.scheduler.end(PollResult(bench.taken(Poll), DONE, TaskResult(URL)), bench.now, at)
    assert bench.attempt().lasted == found
    completed = next(event for event in events if isinstance(event, ev.Completed))
    assert decode(encode(completed)).event == completed, "the state is the replay of the journal"


def test_a_fresh_address_says_nothing_new_of_how_long_the_task_took() -> None:
    bench = Bench().running()
    read_at(bench, 9.0, DONE, (8.0, 8.5))
    bench.begin()
    bench.fetched(failure="403", expired=True)
    read_at(bench, 40.0, DONE, (30.0, 31.0))
    assert bench.attempt().lasted == (8.0, 8.5)


def test_the_lengths_of_earlier_runs_are_the_latest_ones_of_each_kind() -> None:
    state = State()
    for number in range(MOST_EARLIER + 50):
        name = f"s{number}"
        at = clock(1000 - number)
        asked = scene(name, request=f"r{number}", duration=5 + number % 2)
        state.apply(ev.Submitting(at, name, 1, asked.request, None))
        state.apply(ev.Submitted(at, name, 1, f"t{number}"))
        state.apply(ev.Completed(at, name, 1, TaskResult(URL), float(number), number + 0.5))
    state.apply(ev.Completed("9", "s0", 1, TaskResult(f"{URL}?fresh")))
    known = earlier_lengths(state.all_attempts())
    assert [len(lengths) for lengths in known.values()] == [125, 125]
    assert [lengths[-1] for _, lengths in sorted(known.items())] == [(0.0, 0.5), (1.0, 1.5)]
    many = earlier_lengths([*state.all_attempts()] * 3)
    assert {len(lengths) for lengths in many.values()} == {MOST_EARLIER}

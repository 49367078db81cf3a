"""A request that was refused is sent again, and stands in the journal once."""

from dataclasses import replace
from decimal import Decimal

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.engine.commands import Submit
from batchgen.engine.outcome_events import submitting
from batchgen.journal.records import encode

from helpers.attempts import EVENTS, WAYS, replay
from helpers.engine_support import THROTTLED, Bench, scene

SENT_AGAIN = Submit("s1", 1, request_id="second", request_format="params")
REFUSED = replay(WAYS[AttemptState.REFUSED])


def told_again(now: ev.SceneFacts) -> ev.Submitting | ev.SubmittingAgain:
    """What the journal gets when a scene is sent once more that was refused."""
    return submitting("t2", now, SENT_AGAIN, REFUSED.attempt(("s1", 1)))


def test_what_was_asked_for_is_not_written_twice() -> None:
    bench = Bench()
    bench.begin()
    bench.submitted(THROTTLED)
    events, commands = bench.scheduler.begin(bench.now + 100, "t1")
    assert [type(command) for command in commands] == [Submit]
    assert [type(event) for event in events] == [ev.SubmittingAgain]
    assert b"character1" not in encode(events[0])
    (one,) = bench.state.all_attempts()
    assert (one.sends, one.request, one.state) == (2, scene().request, AttemptState.SUBMITTING)


def test_the_attempt_is_as_new() -> None:
    """But for how often it was sent: nothing is left of the refusal, as where the request is written out."""
    short, written_out = (replay(WAYS[AttemptState.REFUSED]) for _ in range(2))
    event = told_again(scene())
    assert isinstance(event, ev.SubmittingAgain)
    short.apply(event)
    request, usd = scene().request, event.estimated_cost_usd
    written_out.apply(ev.Submitting("t2", "s1", 1, request, usd, scene().any_seed, "second", "params"))
    assert short == written_out


@pytest.mark.parametrize(
    "now",
    [
        scene(request="r2"),
        replace(scene(), any_seed="r0"),
        replace(scene(), request=replace(scene().request, document={"prompt": "the same file under another name"})),
    ],
    ids=["edited", "any seed will do", "another name of a file"],
)
def test_what_is_not_the_same_to_the_last_letter_is_written_out(now: ev.SceneFacts) -> None:
    event = told_again(now)
    assert isinstance(event, ev.Submitting)
    assert (event.request, event.any_seed) == (now.request, now.any_seed)


def test_another_estimate_is_in_the_short_line() -> None:
    event = told_again(replace(scene(), estimated_cost_usd=Decimal("0.70")))
    assert isinstance(event, ev.SubmittingAgain)
    assert event.estimated_cost_usd == Decimal("0.70")


def test_a_new_attempt_is_written_out() -> None:
    assert isinstance(submitting("t", scene(), replace(SENT_AGAIN, attempt=2), None), ev.Submitting)
    assert EVENTS[ev.SubmittingAgain].attempt == 1

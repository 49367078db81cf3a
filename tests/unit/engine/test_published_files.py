"""Files that a request names by URL are published just before the scene is submitted, and looked at again if late."""

from dataclasses import replace
from typing import Any

import pytest

from batchgen.engine.commands import Publication, Publish, PublishResult, Stop, Submit
from batchgen.engine.events import HeldBack, Published, Submitting
from batchgen.engine.scheduler import Settings
from batchgen.limits import MOST_PUBLISHES

from helpers.engine_support import DENIED, DONE, THROTTLED, Bench, clock, kinds, scenes

SHA = "ab" * 32
LONG = "9999-01-01T00:00:00.000Z"


def bench(count: int = 1, **settings: Any) -> Bench:
    return Bench(scenes(count), Settings(publishes=lambda _: True, **settings))


def published(made: Bench, until: str = LONG, **how: Any) -> list[Any]:
    """The oldest publishing ends, by default well."""
    publication = Publication(SHA, "s3://bucket", "https://files.example/1", until)
    told = how or {"published": (publication,), "good_until": until}
    return made.end(PublishResult(made.taken(Publish), **told))


def test_a_scene_is_published_and_then_submitted() -> None:
    made = bench()
    assert kinds(made.begin()) == ["Publish"]
    (event,) = published(made)
    assert event == Published(clock(made.now), SHA, "s3://bucket", "https://files.example/1", LONG)
    assert made.state.published["s3://bucket", SHA] == event
    assert kinds(made.begin()) == ["Submit"]


def test_a_scene_without_such_files_waits_for_nobody() -> None:
    made = Bench(scenes(2), Settings(publishes=lambda scene_id: scene_id == "s1", request_formats=("",)))
    assert sorted(kinds(made.begin())) == ["Publish", "Submit"]


def test_little_is_published_beyond_what_is_submitted() -> None:
    made = bench(50, max_in_flight=1)
    assert kinds(made.begin()) == ["Publish"] * MOST_PUBLISHES
    for _ in range(MOST_PUBLISHES):
        published(made)
    submits = [command for command in made.begin() if isinstance(command, Submit)]
    assert [command.scene_id for command in submits] == ["s1"], "in the order of the manifest"
    made.submitted()
    assert "Publish" not in kinds(made.begin()), "the only place is taken"
    assert sum(isinstance(event, Published) for event in made.events) <= 2 * MOST_PUBLISHES


def test_what_the_budget_does_not_allow_is_not_published() -> None:
    made = bench(3, budget_usd=scenes(1)[0].estimated_cost_usd, max_in_flight=1)
    made.begin()
    while any(isinstance(command, Publish) for command in made.commands):
        published(made)
    made.begin()
    made.submitted()
    made.polled(DONE)
    made.begin()
    assert made.scheduler.stop is Stop.BUDGET
    assert {event.scene_id for event in made.events if isinstance(event, HeldBack)} == {"s2", "s3"}


def test_what_was_published_long_ago_is_looked_at_again() -> None:
    made = bench()
    made.begin()
    published(made, until=clock(made.now + 60))
    made.begin()
    made.submitted(THROTTLED)
    made.now += 120
    assert isinstance(made.next_act(), Publish)
    published(made)
    assert isinstance(made.next_act(), Submit)


def test_a_failure_is_tried_again_a_few_times_and_then_left_to_a_later_run() -> None:
    made = bench(2)
    for _ in range(MOST_PUBLISHES):
        assert isinstance(made.next_act(), Publish)
        while made.commands:
            published(made, failure="cut", again=True)
    for _ in range(100):
        if made.scheduler.is_finished():
            break
        if made.begin():
            published(made, failure="cut", again=True)
        made.now += 10
    held = made.state.held
    assert {name: one.code for name, one in held.items()} == {"s1": "publish_failed", "s2": "publish_failed"}
    assert held["s1"].message == "not submitted: cut"
    assert (made.scheduler.stop, made.scheduler.is_finished()) == (None, True)
    assert not made.state.attempts, "nothing was sent"


def test_what_will_not_get_better_is_tried_once() -> None:
    made = bench()
    made.begin()
    (event,) = published(made, failure="no such bucket")
    assert (event.code, made.scheduler.is_finished()) == ("publish_failed", True)


def test_after_one_was_given_up_others_are_tried_once_until_one_succeeds() -> None:
    made = bench(9)
    while not made.state.held:
        made.next_act()
        while made.commands:
            published(made, failure="cut", again=True)
    given_up = len(made.state.held)
    assert isinstance(made.next_act(), Publish)
    published(made, failure="cut", again=True)
    assert len(made.state.held) == given_up + 1, "not tried again"
    made.next_act()
    published(made)
    assert isinstance(made.next_act(), Submit)


def test_who_may_not_publish_submits_nothing_more() -> None:
    made = bench(3)
    made.begin()
    published(made, failure="answered 403", denied=True)
    assert (made.scheduler.stop, made.scheduler.why) == (Stop.PUBLISHING, "answered 403")
    while made.commands:
        published(made)
    assert {name: one.code for name, one in made.state.held.items()} == dict.fromkeys(
        ("s1", "s2", "s3"), "publish_failed"
    )
    assert made.scheduler.is_finished()
    assert made.begin() == []


def test_a_scene_that_is_being_published_when_the_account_is_refused_is_held_back_with_it() -> None:
    made = bench(2, request_formats=("",))
    made.begin()
    published(made)
    assert kinds(made.begin()) == ["Submit"]
    made.submitted(DENIED)
    published(made)
    assert {one.code for one in made.state.held.values()} == {"http_403"}
    assert made.scheduler.is_finished()


def test_what_another_scene_asked_for_meanwhile_is_not_bought_again() -> None:
    made = bench(2)
    made.begin()
    twin = replace(made.listed[0], scene_id="n1")
    made.start(Submitting(clock(made.now), "n1", 1, twin.request, twin.estimated_cost_usd))
    published(made)
    published(made)
    submits = [command for command in made.begin() if isinstance(command, Submit)]
    assert [command.scene_id for command in submits] == ["s2"], "what became of the other one is not known"


@pytest.mark.parametrize("wait", [True, False])
def test_a_run_does_not_end_while_files_are_to_be_published(wait: bool) -> None:  # noqa: FBT001
    made = bench(wait=wait)
    made.begin()
    published(made, failure="cut", again=True)
    assert not made.scheduler.is_finished()
    assert made.scheduler.wakes_at() is not None

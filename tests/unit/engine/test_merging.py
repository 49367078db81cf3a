"""Several states as one: each task once, the attempts of all, and what was chosen."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from batchgen.engine import events as ev
from batchgen.engine.budget import charged
from batchgen.engine.merging import merged
from batchgen.engine.states import State
from batchgen.report.rows import ledger_rows, report_rows

from helpers.engine_support import scene
from helpers.takes import TAKES, bought

SCENES = [scene("s1", request="r1"), scene("s2", request="r2")]


def state(scenes: Sequence[ev.SceneFacts], *events: Iterable[ev.Event], gateway: str = "https://g") -> State:
    """A state of one run."""
    made = State()
    made.apply(ev.RunStarted("t0", "1", gateway=gateway))
    made.apply(ev.ManifestRead("t0", "film", "m", tuple(scenes)))
    for event in (event for listed in events for event in listed):
        made.apply(event)
    return made


def made(one: ev.SceneFacts, at: str, task: str, sha256: str, *, attempt: int = 1) -> list[ev.Event]:
    """The life of an attempt that began at a moment."""
    submitting, _, completed, downloaded = bought(one, attempt=attempt)
    assert isinstance(submitting, ev.Submitting)
    assert isinstance(downloaded, ev.Downloaded)
    submitted = ev.Submitted(at, one.scene_id, attempt, task)
    return [replace(submitting, at=at), submitted, completed, replace(downloaded, sha256=sha256)]


def outline(found: State) -> list[tuple[object, ...]]:
    """The ledger in short."""
    return [(row["scene_id"], row["attempt"], row["task_id"], row["superseded"]) for row in ledger_rows(found)]


def test_shards_are_put_together() -> None:
    one, two = state(SCENES, made(SCENES[0], "t1", "a", "1")), state(SCENES, made(SCENES[1], "t2", "b", "2"))
    found = merged([one, two])
    assert [row["status"] for row in report_rows(found.state)] == ["completed", "completed"]
    assert outline(found.state) == [("s1", 1, "a", False), ("s2", 1, "b", False)]
    assert charged(found.state.all_attempts()).usd == Decimal("0.8")
    assert {key: which for key, (which, _) in found.origins.items()} == {("s1", 1): 0, ("s2", 1): 1}
    assert found.state.bound_to == "https://g"


def test_a_scene_that_is_in_two_was_paid_for_twice_and_the_newest_counts() -> None:
    late, early = (state(SCENES, made(SCENES[0], at, task, at)) for at, task in (("t9", "late"), ("t1", "early")))
    found = merged([late, early]).state
    assert outline(found) == [("s1", 1, "early", True), ("s1", 2, "late", False)]
    (row, _) = report_rows(found)
    assert (row["task_id"], row["cost_usd"], row["attempts"]) == ("late", Decimal("0.8"), 2)
    early.apply(ev.Picked("t5", "s1", "s1", 1))
    (row, _) = report_rows(merged([late, early]).state)
    assert (row["task_id"], row["picked"]) == ("early", "yes")


def test_a_copy_and_what_was_linked_in_count_once() -> None:
    lender = state(SCENES, made(SCENES[0], "t1", "a", "1"))
    linked = [ev.Reused("t2", "s1", 1, SCENES[0].request, "lender:s1@1", "results/s1@1.mp4", "1")]
    joined = state(SCENES, linked, made(SCENES[1], "t3", "b", "2"))
    expected = [("s1", 1, "a", False), ("s2", 1, "b", False)]
    assert outline(merged([joined, lender, lender]).state) == expected
    twice = merged([joined, state(SCENES, linked)]).state
    assert outline(twice) == [("s1", 1, None, False), ("s2", 1, "b", False)], "what its lender is not here for stays"


def test_an_older_copy_changes_nothing() -> None:
    begun, submitted, *rest = made(SCENES[0], "t1", "a", "1")
    assert isinstance(begun, ev.Submitting)
    begun = replace(begun, request_id="call-1")
    failed = ev.Failed("t5", "s1", 1, "code", "words", Decimal("0.1"), None, again=False)
    for ended in (rest, [failed]):
        now = state(SCENES, [begun, submitted, *ended])
        for older in (state(SCENES, [begun]), state(SCENES, [begun, submitted])):
            for order in ([older, now], [now, older]):
                assert ledger_rows(merged(order).state) == ledger_rows(now)


def test_a_task_that_was_given_to_a_submission_of_each_counts_once() -> None:
    def resolved(at: str, *, request_id: str) -> State:
        submitting, *_ = bought(SCENES[0])
        assert isinstance(submitting, ev.Submitting)
        given = ev.Resolved("t5", "s1", 1, "a")
        return state(SCENES, [replace(submitting, at=at, request_id=request_id), given])

    states = [resolved("t1", request_id="call-1"), resolved("t2", request_id="call-2")]
    assert outline(merged(states).state) == [("s1", 1, "a", False)]


def test_what_the_first_manifest_has_otherwise_is_superseded() -> None:
    edited = scene("s2", request="r2, edited")
    older = state(SCENES, made(SCENES[1], "t1", "b", "2"), made(SCENES[0], "t2", "a", "1"))
    found = merged([state([edited]), older]).state
    assert outline(found) == [("s2", 1, "b", True), ("s1", 1, "a", True)]
    assert [row["status"] for row in report_rows(found)] == ["pending"]


def test_what_cannot_be_sent_again_is_unknown_in_all() -> None:
    submitting, *_ = bought(SCENES[0])
    found = merged([state(SCENES), state(SCENES, [submitting])]).state
    assert [row["status"] for row in report_rows(found)] == ["unknown", "pending"]


def test_picks_and_reasons_are_those_of_the_first_that_has_any() -> None:
    held = ev.HeldBack("t3", "s1-t3", "budget", "no money")
    one = state(TAKES, bought(TAKES[0]), [ev.Picked("t4", "s1-t1", None, None)])
    two = state(TAKES, bought(TAKES[1]), [ev.Picked("t4", "s1-t2", None, None), held])
    found = merged([one, two]).state
    assert found.picked_scenes == {"s1": "s1-t1"}
    assert report_rows(found)[2]["error_code"] == "budget"


def test_a_follower_is_built_on_the_attempt_that_it_was_made_from() -> None:
    follower = replace(scene("s2", request="waits"), sources=("s1#last",))
    plain = [SCENES[0], follower]
    request = replace(follower.request, sha256="made")
    told = ev.RequestMade("t5", "s2", request, None, ("s1@1",))
    with_it = state(plain, made(SCENES[0], "t8", "late", "1"), [told])
    other = state(plain, made(SCENES[0], "t1", "early", "2"))
    found = merged([other, with_it]).state
    assert [row["request_sha256"] for row in report_rows(found)][1] == "made"
    assert found.scenes[1].built_on == ("s1@2",)
    alone = merged([state([follower], [replace(told, built_on=("gone@3",))])]).state
    assert alone.scenes[0].built_on == ("gone@3",)
    waiting = merged([state([follower]), state([follower])]).state
    assert waiting.scenes == (follower,)

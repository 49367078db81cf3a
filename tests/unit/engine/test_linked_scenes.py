"""Scenes that are built on the results of others: what is planned, and what a run does with them and in which order."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState, IllegalTransition
from batchgen.engine.classification import Classification
from batchgen.engine.commands import (
    Command,
    Fetch,
    Prepare,
    PrepareResult,
    Stop,
    Submit,
    SubmitResult,
)
from batchgen.engine.sources import scene_for
from batchgen.engine.states import State
from batchgen.engine.steps import Choice, Elsewhere
from batchgen.engine.waiting import held_for_review, stale

from helpers.attempts import replay
from helpers.engine_support import (
    DENIED,
    ENDED,
    UNCERTAIN,
    WRONG,
    clock,
    known_request,
)
from helpers.linked_play import Play, shot, takes

S = AttemptState

CHAIN = [shot("s3", "s2#last"), shot("s1"), shot("s2", "s1#last", "s1"), shot("other")]


def test_a_chain_is_planned_with_what_it_waits_for_and_costs() -> None:
    play = Play(CHAIN)
    assert play.steps() == {
        "s3": "wait s2 buys", "s1": "submit buys", "s2": "wait s1 buys", "other": "submit buys"
    }  # fmt: skip
    assert play.reasons()["s3"] == "waits for s2"


def test_a_run_submits_each_when_its_sources_are_there() -> None:
    play = Play(CHAIN).run()
    assert play.submitted == ["s1", "other", "s2", "s3"]
    assert (play.built_on("s2"), play.built_on("s3")) == (("s1@1", "s1@1"), ("s2@1",))
    assert play.run().told == []
    assert play.steps() == dict.fromkeys(("s3", "s1", "s2", "other"), "done")


def test_a_diamond_is_one_of_each() -> None:
    play = Play([shot("d", "b#last", "c#last"), shot("b", "a"), shot("c", "a#first"), shot("a")]).run()
    assert play.submitted == ["a", "b", "c", "d"]
    assert play.built_on("d") == ("b@1", "c@1")


def test_a_failure_upstream_leaves_all_below_and_nothing_else() -> None:
    play = Play(CHAIN).run({"s1": WRONG})
    assert play.submitted == ["s1", "other"]
    assert play.steps() == {
        "s3": "wait s2 blocked", "s1": "failed", "s2": "wait s1 blocked", "other": "done"
    }  # fmt: skip
    assert play.reasons()["s3"] == "waits for s2, not to come in this run"
    assert play.run(choice=Choice(retry_failed=True)).told == ["s1", "s2", "s3"]


def test_an_unknown_source_is_waited_for_until_it_is_settled() -> None:
    play = Play(CHAIN).run({"s1": UNCERTAIN})
    assert play.status("s1") == "unknown"
    assert play.steps()["s2"] == "wait s1 blocked"
    play.state.apply(ev.Resolved("t", "s1", 1, "by-hand"))
    assert play.steps()["s2"] == "wait s1 buys"
    assert play.run().told == ["s2", "s3"]


def test_a_source_that_is_settled_as_not_created_is_submitted_with_all_below() -> None:
    play = Play(CHAIN).run({"s1": UNCERTAIN})
    play.state.apply(ev.Resolved("t", "s1", 1, None))
    assert play.run().told == ["s1", "s2", "s3"]


def test_an_edit_above_makes_all_below_new_and_taking_it_back_makes_them_free() -> None:
    play = Play(CHAIN).run()
    edited = [replace(shot("s1", version="b")) if one.scene_id == "s1" else one for one in CHAIN]
    play.listed = edited
    assert play.steps() == {
        "s3": "wait s2 buys", "s1": "submit buys", "s2": "wait s1 buys", "other": "done"
    }  # fmt: skip
    assert play.reasons()["s2"] == "waits for s1; paid for again, since s1 changes"
    assert play.run().told == ["s1", "s2", "s3"]
    assert play.built_on("s2") == ("s1@2", "s1@2")
    play.listed = CHAIN
    assert set(play.steps().values()) == {"done"}
    assert play.run().told == []
    assert play.built_on("s3") == ("s2@1",)


def test_a_note_that_changes_upstream_makes_nothing_new() -> None:
    play = Play(CHAIN).run()
    play.listed = [replace(one, note="new", title="new") for one in CHAIN]
    assert set(play.steps().values()) == {"done"}


def test_again_renews_all_below_each_once() -> None:
    play = Play(CHAIN).run()
    assert play.steps(again=("s1",)) == {
        "s3": "wait s2 buys", "s1": "submit buys", "s2": "wait s1 buys", "other": "done"
    }  # fmt: skip
    assert play.run(choice=Choice(again=("s1",))).told == ["s1", "s2", "s3"]
    assert play.run().told == []
    assert play.built_on("s2") == ("s1@2", "s1@2")


def test_a_follower_alone_is_taken_only_when_its_sources_are_there_and_stay() -> None:
    play = Play(CHAIN)
    assert play.steps(globs=("s2",)) == {"s2": "wait s1 blocked"}
    assert play.run(choice=Choice(globs=("s2",))).told == []
    play.run(choice=Choice(globs=("s1",)))
    assert play.steps(globs=("s2",)) == {"s2": "submit buys"}
    assert play.run(choice=Choice(globs=("s2",))).told == ["s2"]


def test_nothing_is_built_on_a_file_that_is_gone_and_does_not_come_again() -> None:
    play = Play(CHAIN).run(choice=Choice(globs=("s1",)))
    play.missing = ("s1",)
    assert play.steps(globs=("s2",)) == {"s2": "wait s1 blocked"}
    assert play.steps(download=False)["s2"] == "wait s1 blocked"
    assert play.steps()["s2"] == "wait s1 buys"


def test_without_downloads_nothing_can_be_built_on() -> None:
    play = Play(CHAIN)
    assert play.steps(download=False)["s2"] == "wait s1 blocked"
    assert play.run(choice=Choice(download=False), download=False).told == ["s1", "other"]
    assert play.run().told == ["s2", "s3"]


def test_without_waiting_what_is_ready_is_submitted_and_the_rest_left() -> None:
    play = Play(CHAIN).run(wait=False)
    assert play.told == ["s1", "other"]
    assert play.run(wait=False).told == []
    assert play.run().told == ["s2", "s3"]


def test_the_budget_holds_what_it_stops_and_what_follows_waits() -> None:
    play = Play(CHAIN).run(budget_usd=Decimal("1.00"))
    assert play.told == ["s1", "other"]
    assert play.stop is Stop.BUDGET
    assert {name: held.code for name, held in play.state.held.items()} == {"s2": "budget"}
    assert play.run().told == ["s2", "s3"]


def test_a_request_that_cannot_be_made_waits_with_the_reason() -> None:
    play = Play(CHAIN).run({"s2": WRONG})
    assert play.told == ["s1", "other"]
    assert {name: (held.code, held.message) for name, held in play.state.held.items()} == {
        "s2": ("waits_for", "cannot be built on")
    }
    assert play.run().told == ["s2", "s3"]


def test_a_refused_account_is_what_keeps_a_scene_that_is_being_made() -> None:
    """The request is made while the account is refused for another: it is held back for that, and not forgotten."""
    listed = [shot("s1"), shot("late", version="x")]
    play = Play([*listed, shot("s2", "s1")])
    play.run(choice=Choice(globs=("s1",)))
    scheduler = play.begun()
    _, commands = scheduler.begin(play.now, clock(play.now))
    (prepare,) = (command for command in commands if isinstance(command, Prepare))
    (submit,) = (command for command in commands if isinstance(command, Submit))
    scheduler.end(SubmitResult(submit, DENIED), play.now, clock(play.now))
    scheduler.end(play.result(prepare, {}), play.now, clock(play.now))
    assert {name: held.code for name, held in play.state.held.items()} == {"s2": "http_403"}
    assert play.status("late") == "refused"
    assert scheduler.is_finished()
    assert play.run().told == ["late", "s2"]


# Takes: which of them stands for a shot


def test_what_stands_for_a_shot_is_its_first_take_that_can_come() -> None:
    play = Play([shot("next", "s1#last"), *takes("s1", 3)]).run({"s1-t1": WRONG})
    assert play.built_on("next") == ("s1-t2@1",)
    assert play.state.chosen_scenes == {"s1": "s1-t2"}


def test_what_was_chosen_never_flips() -> None:
    play = Play([shot("next", "s1#last"), *takes("s1", 2)]).run({"s1-t1": WRONG})
    assert play.run(choice=Choice(retry_failed=True)).told == ["s1-t1"]
    assert play.status("s1-t1") == "delivered"
    assert play.steps()["next"] == "done"
    assert play.built_on("next") == ("s1-t2@1",)


def test_an_earlier_take_is_waited_for_where_it_may_come() -> None:
    play = Play([shot("next", "s1#last"), *takes("s1", 2)])
    play.run({"s1-t1": UNCERTAIN})
    assert play.steps()["next"] == "wait s1-t1 blocked"
    play.state.apply(ev.Resolved("t", "s1-t1", 1, "by-hand"))
    play.run()
    assert play.built_on("next") == ("s1-t1@1",)


def test_a_pick_stands_above_what_was_chosen_and_clearing_goes_back() -> None:
    play = Play([shot("next", "s1#last"), *takes("s1", 2)]).run()
    assert play.built_on("next") == ("s1-t1@1",)
    play.state.apply(ev.Picked("t", "s1-t2", None, None))
    assert [one.scene_id for one in stale(play.state)] == ["next"]
    assert play.steps()["next"] == "submit buys"
    assert play.run().told == ["next"]
    assert (play.built_on("next"), stale(play.state)) == (("s1-t2@1",), [])
    play.state.apply(ev.PicksCleared("t", "s1"))
    assert play.steps()["next"] == "done", "what was bought before is free"
    assert play.run().told == []
    assert play.built_on("next") == ("s1-t1@1",)


def test_an_attempt_that_is_picked_is_what_is_built_on() -> None:
    play = Play([shot("s1"), shot("s2", "s1")]).run().run(choice=Choice(again=("s1",)))
    assert play.built_on("s2") == ("s1@2",)
    play.state.apply(ev.Picked("t", "s1", "s1", 1))
    assert play.steps()["s2"] == "done"
    assert play.run().told == []
    assert play.built_on("s2") == ("s1@1",)


def test_an_attempt_that_is_picked_stands_whatever_is_bought_beside_it() -> None:
    play = Play([shot("s1"), shot("s2", "s1")]).run()
    play.state.apply(ev.Picked("t", "s1", "s1", 1))
    assert play.steps(again=("s1",)) == {"s1": "submit buys", "s2": "done"}
    assert play.run(choice=Choice(again=("s1",))).told == ["s1"]


def test_what_is_picked_by_its_attempt_is_not_made_anew() -> None:
    play = Play(CHAIN).run()
    play.state.apply(ev.Picked("t", "s2", "s2", 1))
    play.listed = [shot("s1", version="b") if one.scene_id == "s1" else one for one in CHAIN]
    assert play.steps() == {"s3": "done", "s1": "submit buys", "s2": "done", "other": "done"}
    assert play.run().told == ["s1"]
    assert stale(play.state) == []


def test_what_becomes_ready_with_its_source_is_waited_for_by_others_of_that() -> None:
    """When ``a`` is there, ``b`` is ready and ``c`` still lacks it: that is no reason to leave ``c`` out."""
    for listed in ([shot("a"), shot("b", "a"), shot("c", "a", "b")], [shot("c", "a", "b"), shot("b", "a"), shot("a")]):
        assert Play(listed).run().told == ["a", "b", "c"]


def test_one_take_is_named_and_follows_nothing_else() -> None:
    play = Play([shot("next", "s1-t2#first"), *takes("s1", 2)]).run()
    assert play.built_on("next") == ("s1-t2@1",)
    play.state.apply(ev.Picked("t", "s1-t1", None, None))
    assert play.steps()["next"] == "done"


def test_a_take_that_is_gone_stands_for_its_shot_no_longer() -> None:
    play = Play([shot("next", "s1#last"), *takes("s1", 2)]).run({"s1-t1": WRONG})
    play.listed = [shot("next", "s1#last"), *takes("s1", 1)]
    assert play.steps()["next"] == "wait s1-t1 blocked"
    assert play.run().told == []
    assert stale(play.state) == []


def test_what_is_unknown_stays_so_whatever_becomes_of_its_source() -> None:
    play = Play(CHAIN).run({"s2": UNCERTAIN})
    play.listed = [shot("s1", version="b") if one.scene_id == "s1" else one for one in CHAIN]
    assert play.steps()["s2"] == "unknown"
    assert play.run().told == ["s1"]
    play.state.apply(ev.Resolved("t", "s2", 1, None))
    assert play.run().told == ["s2", "s3"]


def test_a_shot_that_has_no_takes_left_has_nothing_that_stands_for_it() -> None:
    assert scene_for("gone", State(), lambda _: True) is None
    state = replay([ev.ManifestRead("t", "n", "m", (shot("s2", "gone#last"),))])
    assert held_for_review(state) == set()
    assert stale(state) == []


# Gates


def test_a_gate_holds_what_builds_on_it_until_it_is_picked() -> None:
    play = Play([shot("s1", review=True), shot("s2", "s1"), shot("s3", "s2#last"), shot("free")])
    assert play.steps()["s2"] == "wait s1 blocked"
    assert play.run().told == ["s1", "free"]
    assert play.reasons()["s2"] == "waits for a pick of s1"
    assert held_for_review(play.state) == {"s2", "s3"}
    play.state.apply(ev.Picked("t", "s1", None, None))
    assert held_for_review(play.state) == set()
    assert play.run().told == ["s2", "s3"]


def test_of_a_gate_with_takes_the_picked_one_goes_on() -> None:
    play = Play([*takes("s1", 2, review=True), shot("s2", "s1")]).run()
    assert play.reasons()["s2"] == "waits for a pick of s1"
    play.state.apply(ev.Picked("t", "s1-t2", None, None))
    play.run()
    assert play.built_on("s2") == ("s1-t2@1",)


def test_a_look_at_a_draft_opens_no_gate_of_the_final() -> None:
    play = Play([*takes("s1", 2, review=True), shot("s2", "s1")]).run()
    play.state.apply(ev.Picked("t", "s1-t2", None, None))
    play.listed = [shot("s1", version="final", review=True), shot("s2", "s1", version="final")]
    assert play.run().told == ["s1"]
    play.state.apply(ev.Picked("t", "s1", None, None))
    assert play.run().told == ["s2"]


def test_a_gate_that_is_put_up_later_takes_nothing_back() -> None:
    play = Play([shot("s1"), shot("s2", "s1")]).run()
    play.listed = [shot("s1", review=True), shot("s2", "s1")]
    assert play.steps() == {"s1": "done", "s2": "done"}
    assert play.run().told == []


def test_what_waits_for_more_than_a_look_is_not_held_for_that_alone() -> None:
    play = Play([shot("s1", review=True), shot("bad"), shot("s2", "s1", "bad")]).run({"bad": WRONG})
    assert held_for_review(play.state) == set()
    assert play.reasons()["s2"] == "waits for a pick of s1; waits for bad, not to come in this run"


# Twins, and requests that turn out not to be new


def test_twins_of_one_source_are_one_request() -> None:
    one, other = (replace(shot(name, "s1#last"), request=shot("twin").request) for name in ("a", "b"))
    play = Play([shot("s1"), one, other])
    assert play.steps() == {"s1": "submit buys", "a": "wait s1 buys", "b": "wait s1"}
    assert play.reasons()["b"] == "asks for the same as a, and waits for s1"
    assert play.run().told == ["s1", "a"]
    assert play.steps() == {"s1": "done", "a": "done", "b": "reuse"}


def test_a_scene_that_builds_on_a_twin_goes_on_with_its_result() -> None:
    one, other = (replace(shot(name, "s1#last"), request=shot("twin").request) for name in ("a", "b"))
    play = Play([shot("end", "b"), other, one, shot("s1")]).run()
    assert play.submitted == ["s1", "b", "end"]
    twins_first = Play([one, other, shot("end", "b"), shot("s1")]).run()
    assert twins_first.submitted == ["s1", "a", "end"]
    assert twins_first.run().told == []


def test_a_source_that_brings_what_it_brought_before_makes_nothing_new() -> None:
    """Its bytes are the same, so that what is built on it is what was bought: it is not bought a second time."""
    play = Play([shot("s1"), shot("s2", "s1")]).run()
    first = play.result

    def with_the_same_bytes(command: Command, answers: Mapping[str, Classification]) -> Any:
        result = first(command, answers)
        return replace(result, sha256="file-s1@1") if isinstance(command, Fetch) else result

    play.result = with_the_same_bytes  # type: ignore[method-assign]
    assert play.run(choice=Choice(again=("s1",))).told == ["s1"]
    assert play.steps() == {"s1": "done", "s2": "done"}


def test_two_scenes_that_turn_out_to_ask_for_the_same_are_bought_once() -> None:
    """What they are built on differs in name only: both films have the same bytes."""
    one = replace(shot("a", "s1"), request=shot("twin").request)
    other = replace(shot("b", "s2"), request=replace(shot("twin").request, sha256="sha-other"))
    play = Play([shot("s1"), shot("s2"), one, other])
    first = play.result

    def all_alike(command: Command, answers: Mapping[str, Classification]) -> Any:
        if isinstance(command, Prepare):
            return PrepareResult(command, replace(shot("twin").request, sha256="sha-same"), None)
        return first(command, answers)

    play.result = all_alike  # type: ignore[method-assign]
    assert play.run().told[:2] == ["s1", "s2"]
    assert len(play.told) == 3
    assert (play.status("a"), play.status("b")) == ("delivered", "delivered")


# Results of other run directories


def test_a_whole_chain_is_linked_in_from_elsewhere() -> None:
    film = Play([shot("s1"), shot("s2", "s1#last"), shot("s3", "s2")]).run()
    lent = {
        attempt.request.sha256: [
            Elsewhere(f"old:{attempt.name}", attempt.request, str(attempt.video_path), str(attempt.video_sha256))
        ]
        for attempt in film.state.all_attempts()
    }
    fresh = Play(film.listed)
    assert fresh.steps(lent) == dict.fromkeys(("s1", "s2", "s3"), "reuse")
    assert [one.built_on for one in fresh.planned(Choice(), lent)[0]] == [(), ("s1@1",), ("s2@1",)]
    del lent[film.state.scene("s3").request.sha256]  # type: ignore[union-attr]
    assert fresh.steps(lent)["s3"] == "submit buys"


def lent_of(film: Play, name: str) -> dict[str, list[Elsewhere]]:
    """What a directory with that film lends of a scene."""
    made = film.state.attempts[name][-1]
    listed = [Elsewhere(f"old:{made.name}", made.request, f"/old/{made.video_path}", str(made.video_sha256))]
    return {sha256: listed for sha256 in (made.request.sha256, made.any_seed) if sha256}


def test_what_is_asked_for_only_in_the_course_of_a_run_is_linked_in_too() -> None:
    film = Play([shot("s1"), shot("s2", "s1#last"), shot("s3", "s2")]).run()
    fresh = Play(film.listed, lent=lent_of(film, "s2"))
    assert fresh.run().told == ["s1", "s3"]
    assert [(one.scene_id, one.attempt, one.path) for one in fresh.linked] == [("s2", 1, "/old/results/s2@1.mp4")]
    assert fresh.state.attempts["s2"][0].reused_from == "old:s2@1"
    assert fresh.built_on("s3") == ("s2@1",)
    assert fresh.run().told == []


def test_where_any_seed_will_do_what_is_lent_in_a_run_serves_one_scene() -> None:
    two = [shot("s1"), shot("a", "s1", any_seed="sha-any"), shot("b", "s1", any_seed="sha-any")]
    film = Play(two[:2]).run()
    fresh = Play(two, lent={"sha-any": lent_of(film, "a")["sha-any"]}).run()
    assert (fresh.told, [one.scene_id for one in fresh.linked]) == (["s1", "b"], ["a"])


def test_twins_are_both_linked_in_and_neither_is_bought() -> None:
    film = Play([shot("s1"), shot("a", "s1#last")]).run()
    fresh = Play([*film.listed, replace(shot("b", "s1#last"), request=shot("a").request)], lent=lent_of(film, "a"))
    assert fresh.run().told == ["s1"]
    assert (fresh.status("a"), fresh.status("b")) == ("delivered", "delivered")


def test_what_cannot_be_linked_in_is_not_bought_meanwhile() -> None:
    film = Play([shot("s1"), shot("s2", "s1#last"), shot("other")]).run()
    fresh = Play(film.listed, lent=lent_of(film, "s2"), link_fails=("its file is gone",))
    assert fresh.run().told == ["s1", "other"]
    assert (fresh.state.held["s2"].code, fresh.state.held["s2"].message) == ("waits_for", "its file is gone")
    assert fresh.stop is None
    full = Play(film.listed, lent=lent_of(film, "s2"), link_fails=("no space", True)).run()
    assert (full.stop, full.status("s2")) == (Stop.STORAGE, "-")


# The state


def test_a_request_that_no_scene_waits_for_is_illegal() -> None:
    state = replay([ev.ManifestRead("t", "n", "m", (shot("s1"), shot("s2", "s1")))])
    made = ev.RequestMade("t", "s2", shot("x").request, None, ("s1@1",))
    for wrong in (replace(made, scene_id="gone"), replace(made, scene_id="s1"), replace(made, built_on=())):
        with pytest.raises(IllegalTransition, match="is not made of"):
            state.apply(wrong)
    assert not state.scene("s2").has_request  # type: ignore[union-attr]
    state.apply(made)
    assert state.scene("s2").has_request  # type: ignore[union-attr]


def test_which_frame_a_moment_is_is_read_from_requests() -> None:
    still = {"source": "s1#last", "sha256": "f", "frame": 71}
    listed = {"prompt": "p", "reference_urls": [still, {"source": "a", "url": "b"}]}
    request = known_request("sha", {"input": listed, "parameters": {}})
    state = replay([ev.ManifestRead("t", "n", "m", (shot("s1"), shot("s2", "s1#last")))])
    state.apply(ev.RequestMade("t", "s2", request, None, ("s1@1",)))
    assert state.frames == {("f", "last"): 71}


def test_a_task_of_what_it_was_built_on_before_is_waited_for_and_then_renewed() -> None:
    play = Play([shot("s1"), shot("s2", "s1")])
    play.run(choice=Choice(globs=("s1",)))
    play.run(choice=Choice(globs=("s2",)), wait=False)
    play.listed = [shot("s1", version="b"), shot("s2", "s1")]
    assert play.steps()["s2"] == "resume s1 buys"
    assert play.run().told == ["s1", "s2"]
    assert (play.status("s2"), play.built_on("s2")) == ("delivered", ("s1@2",))


def test_a_source_that_is_bought_again_while_what_follows_is_at_the_gateway() -> None:
    """Its task is waited for and its result kept; then it is made anew in the same run, as the plan has said."""
    play = Play([shot("s1"), shot("s2", "s1")])
    play.run(choice=Choice(globs=("s1",)))
    play.run(choice=Choice(globs=("s2",)), wait=False)
    assert play.steps(again=("s1",)) == {"s1": "submit buys", "s2": "resume s1 buys"}
    assert play.run(choice=Choice(again=("s1",))).told == ["s1", "s2"]
    assert [attempt.state for attempt in play.state.attempts["s2"]] == [S.DELIVERED, S.DELIVERED]
    assert play.built_on("s2") == ("s1@2",)
    assert play.run().told == []


def test_a_follower_that_fails_is_not_bought_a_second_time_unasked() -> None:
    play = Play([shot("s1"), shot("s2", "s1")])
    assert play.run({"s2": ENDED}).told == ["s1", "s2"]
    assert play.run({"s2": ENDED}).told == []


def test_a_wish_for_a_scene_that_still_waits_is_fulfilled_once() -> None:
    play = Play(CHAIN)
    assert sorted(play.run(choice=Choice(again=("s2",))).told) == ["other", "s1", "s2", "s3"]
    assert play.run().told == []


def test_a_failed_attempt_at_a_follower_is_tried_again_while_attempts_are_left() -> None:
    play = Play([shot("s1"), shot("s2", "s1")]).run({"s2": ENDED}, Choice(attempts=2), attempts=2)
    assert play.told == ["s1", "s2", "s2"]
    assert play.status("s2") == "failed"


def test_what_was_chosen_never_flips_under_another_name_either() -> None:
    """The shot is renamed; its takes have what was bought under the old name, free, and the same one stands."""
    play = Play([shot("next", "s1#last"), *takes("s1", 2)]).run({"s1-t1": WRONG})
    renamed = [replace(one, scene_id=one.scene_id.replace("s1", "a1"), shot="a1") for one in takes("s1", 2)]
    play.listed = [shot("next", "a1#last"), *renamed]
    play.run()
    assert play.state.chosen_scenes["a1"] == "a1-t2"
    assert play.run(choice=Choice(retry_failed=True)).told == ["a1-t1"]
    assert play.built_on("next") == ("s1-t2@1",)
    assert play.run().told == []

"""Attempts by what they asked for: whose they are, and what is done with them under other names."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from batchgen.engine import events as ev
from batchgen.engine.adoptions import adoptions
from batchgen.engine.attempts import AttemptState, IllegalTransition
from batchgen.engine.commands import Fetch, Poll, PollResult, Submit
from batchgen.engine.planner import plan
from batchgen.engine.scheduler import Settings
from batchgen.engine.states import State
from batchgen.engine.steps import Action, Choice, Elsewhere
from batchgen.model import TaskResult

from helpers.attempts import replay
from helpers.engine_support import DONE, ENDED, WRONG, Bench, scene

S = AttemptState
SHA = "ab" * 32


def loose(name: str, seed: str = "") -> ev.SceneFacts:
    """A scene for which any seed will do: with a seed of its own that nobody wrote, or with none."""
    return replace(scene(name, request=f"any{seed}"), any_seed="sha-any" if not seed else "sha-but-for-seed")


def read(*scenes: ev.SceneFacts) -> ev.ManifestRead:
    return ev.ManifestRead("t", "garden", "m", scenes)


def sent(made: ev.SceneFacts, number: int = 1) -> ev.Submitting:
    return ev.Submitting("t", made.scene_id, number, made.request, made.estimated_cost_usd, made.any_seed)


def bought(made: ev.SceneFacts, number: int = 1, mismatch: str | None = None) -> list[ev.Event]:
    """A paid attempt up to its file."""
    name = made.scene_id
    return [
        sent(made, number),
        ev.Submitted("t", name, number, f"task-{name}-{number}"),
        ev.Completed("t", name, number, TaskResult("u", None, Decimal("0.5"), None)),
        ev.Downloaded("t", name, number, f"results/{name}@{number}.mp4", SHA, mismatch),
    ]


def failed(made: ev.SceneFacts, number: int = 1) -> list[ev.Event]:
    name = made.scene_id
    end = ev.Failed("t", name, number, "001028004", "no", Decimal("0.1"), None, again=False)
    return [sent(made, number), ev.Submitted("t", name, number, f"task-{name}-{number}"), end]


def steps(scenes: Iterable[ev.SceneFacts], state: State, choice: Choice = Choice()) -> dict[str, str]:  # noqa: B008 - frozen
    """The actions; in front of each, the attempt that it is about."""
    found = plan(list(scenes), state, choice)
    return {one.scene.scene_id: f"{one.attempt.name if one.attempt else '-'} {one.action}" for one in found}


def test_of_several_attempts_at_a_request_the_newest_that_is_here_counts() -> None:
    asked = scene("s1")
    state = replay([read(asked), *bought(asked), *bought(replace(asked, scene_id="old")), *failed(asked, 2)])
    current = state.current_attempt(asked)
    assert current is not None
    assert (current.name, [one.name for one in state.attempts_for(asked)]) == ("old@1", ["s1@1", "old@1", "s1@2"])


def test_a_request_that_was_refused_and_changed_is_found_by_what_it_asks_for_now() -> None:
    first, edited = scene("s1"), scene("s1", request="r2")
    refused = ev.Refused("t", "s1", 1, "http_400", "no", again=False)
    state = replay([sent(first), refused, sent(edited), ev.Submitted("t", "s1", 1, "task")])
    assert [one.name for one in state.attempts_for(edited)] == ["s1@1"]
    assert state.attempts_for(first) == []


@pytest.mark.parametrize("seeds", [("", "", ""), ("1", "2", "3")], ids=["random", "derived"])
def test_what_a_scene_that_is_gone_has_left_serves_one_other(seeds: tuple[str, str, str]) -> None:
    old = [loose("a", seeds[0]), loose("b", seeds[1])]
    made = replay([read(*old), *bought(old[0]), *bought(old[1])])
    new = [loose("x", seeds[2]), loose("y", seeds[2] and "4"), loose("z", seeds[2] and "5")]
    assert steps(new, made) == {"x": "a@1 reuse", "y": "b@1 reuse", "z": "- submit"}
    assert steps([*old, new[0]], made) == {"a": "a@1 done", "b": "b@1 done", "x": "- submit"}
    assert steps([old[0], new[0]], made) == {"a": "a@1 done", "x": "b@1 reuse"}
    assert made.adopted == {}, "a plan changes nothing"


def test_what_was_taken_over_stays_so_until_the_scene_is_back() -> None:
    old, new = [loose("a"), loose("b")], [loose("x"), loose("y")]
    state = replay([read(*old), *bought(old[0]), *bought(old[1]), read(*new)])
    for adoption in list(adoptions(state, "t")):
        state.apply(adoption)
    assert state.adopted == {"x": ("a", 1), "y": ("b", 1)}
    assert steps(reversed(new), state) == {"y": "b@1 reuse", "x": "a@1 reuse"}, "in any order"
    assert steps([new[1]], state) == {"y": "b@1 reuse"}
    assert steps([new[1], old[0]], state) == {"y": "b@1 reuse", "a": "a@1 done"}
    assert steps([*new, old[0]], state) == {"x": "- submit", "y": "b@1 reuse", "a": "a@1 done"}
    with pytest.raises(IllegalTransition):
        state.apply(ev.Adopted("t", "x", "nobody", 1))


def test_a_failure_is_taken_over_and_a_refusal_is_not() -> None:
    old, new = loose("a"), loose("x")
    assert steps([new], replay([read(old), *failed(old)])) == {"x": "a@1 failed"}
    refused: list[ev.Event] = [sent(old), ev.Refused("t", "a", 1, "http_400", "no", again=False)]
    assert steps([new], replay([read(old), *refused])) == {"x": "- submit"}


def test_attempts_of_versions_before_are_known_by_the_manifest_that_is_read_next() -> None:
    old = loose("a", "1")
    before = replace(old, any_seed=None)
    state = replay([read(before), *bought(before), read(old)])
    assert steps([loose("x", "2")], state) == {"x": "a@1 reuse"}


def test_twins_are_submitted_once_and_under_one_name() -> None:
    twins = [scene("s1"), scene("s2")]
    assert steps(twins, State()) == {"s1": "- submit", "s2": "- wait"}
    assert steps(twins, State(), Choice(("s2",))) == {"s2": "- submit"}
    assert steps(twins, replay(failed(twins[0])), Choice(retry_failed=True)) == {"s1": "s1@1 submit", "s2": "s1@1 wait"}
    assert steps([loose("s1"), loose("s2")], State()) == {"s1": "- submit", "s2": "- submit"}, "a result each"


def test_a_result_elsewhere_is_linked_in_free() -> None:
    lent = Elsewhere("runs/old:s@1", scene("s").request, "/runs/old/results/s@1.mp4", SHA)
    there = {"sha-r1": [lent], "sha-any": [lent]}
    asked = [scene("s1"), scene("twin"), loose("s2"), loose("s3")]
    found = plan(asked, State(), Choice(), (), there)
    assert [(one.action, one.elsewhere is not None) for one in found] == [
        (Action.REUSE, True),
        (Action.REUSE, False),
        (Action.SUBMIT, False),
        (Action.SUBMIT, False),
    ], "where any seed will do it serves one scene"
    assert [one.action for one in plan(asked[2:], State(), Choice(), (), there)] == [Action.REUSE, Action.SUBMIT]
    (linked, *_) = plan([scene("s1")], replay(failed(scene("s1"))), Choice(retry_failed=True), (), there)
    assert linked.action is Action.REUSE, "before it is paid for again"


def test_what_is_lent_is_known_by_its_file_and_not_by_the_name_of_its_folder() -> None:
    """The folder was moved, or is named from elsewhere, or a copy of it or of this one is named as well."""

    def lent(folder: str, sha256: str = SHA) -> Elsewhere:
        return Elsewhere(f"{folder}:s@1", loose("s").request, f"/{folder}/results/s@1.mp4", sha256)

    takes = [loose("t1"), loose("t2")]
    had = ev.Reused("t", "t1", 1, loose("s").request, "runs/old:s@1", "results/t1@1.mp4", SHA, "sha-any")
    moved = {"sha-any": [lent("moved"), lent("copy")]}
    for state in (replay([read(*takes), had]), replay([read(*takes), *bought(takes[0])])):
        assert [one.action for one in plan(takes, state, Choice(), (), moved)] == [Action.DONE, Action.SUBMIT]
    assert [one.action for one in plan(takes, State(), Choice(), (), moved)] == [Action.REUSE, Action.SUBMIT]


def test_a_linked_result_whose_file_is_gone_comes_back_from_where_it_is() -> None:
    """It is told to name that directory; what else is lent there goes to others."""
    asked, other = loose("t1"), loose("t2")
    had = ev.Reused("t", "t1", 1, loose("s").request, "runs/old:s@1", "results/t1@1.mp4", SHA, "sha-any")
    state = replay([read(asked, other), had])
    newer, same = (
        Elsewhere(f"moved:s@{number}", loose("s").request, f"/moved/results/s@{number}.mp4", sha256)
        for number, sha256 in ((2, "newer"), (1, SHA))
    )
    found = plan([asked, other], state, Choice(), ("t1",), {"sha-any": [newer, same]})
    assert [(one.action, one.elsewhere) for one in found] == [(Action.REUSE, same), (Action.REUSE, newer)]
    alone = plan([asked], state, Choice(), ("t1",))
    assert (alone[0].action, "--reuse" in alone[0].reason) == (Action.FAILED, True)


def test_a_pick_goes_over_to_the_same_file_that_was_linked_in_once_more() -> None:
    """Else the picked attempt, whose file is gone, would have it linked in by each run anew."""
    asked = loose("t1")
    first, other, same = (
        ev.Reused("t", "t1", number, asked.request, "runs/old:s@1", f"results/t1@{number}.mp4", sha256, "sha-any")
        for number, sha256 in ((1, SHA), (2, "other"), (3, SHA))
    )
    state = replay([read(asked), first, ev.Picked("t", "t1", "t1", 1), other])
    assert state.picked_attempts == {"t1": ("t1", 1)}
    state.apply(same)
    assert state.picked_attempts == {"t1": ("t1", 3)}
    assert steps([asked], state) == {"t1": "t1@3 done"}


def wished(*made: ev.Event) -> State:
    asked = scene("s1")
    return replay([read(asked), *bought(asked), ev.RunStarted("t", "1"), ev.WantedAgain("t", "s1"), *made])


def test_a_wish_is_fulfilled_once_whatever_comes_in_between() -> None:
    again, asked = Choice(again=("s1",)), scene("s1")
    assert steps([asked], wished()) == {"s1": "s1@1 submit"}, "also without being asked once more"
    refused = wished(sent(asked, 2), ev.Refused("t", "s1", 2, "http_503", "later", again=True))
    assert steps([asked], refused) == {"s1": "s1@1 submit"}
    unknown = wished(sent(asked, 2), ev.OutcomeUnknown("t", "s1", 2, "submit_unknown", "?"))
    assert steps([asked], unknown, again) == {"s1": "s1@2 unknown"}
    running = wished(sent(asked, 2), ev.Submitted("t", "s1", 2, "task"))
    assert [one.action for one in plan([asked], running, again)] == [Action.DONE, Action.RESUME], "it is waited for"
    served = wished(*bought(asked, 2))
    assert steps([asked], served, again) == {"s1": "s1@2 done"}, "the run that was cut off has done it"
    served.apply(ev.RunEnded("t", 0))
    assert steps([asked], served, again) == {"s1": "s1@2 submit"}, "a wish of its own"


def test_picks_hold_until_they_are_cleared() -> None:
    first, edited = replace(scene("s1-t1"), shot="s1", take=1), scene("s1-t1", request="r2")
    state = replay([read(first), *bought(first, mismatch="it is 4 s long")])
    assert steps([first], state) == {"s1-t1": "s1-t1@1 failed"}
    state.apply(ev.Picked("t", "s1-t1", None, None))
    state.apply(ev.Picked("t", "s1-t1", "s1-t1", 1))
    assert (state.picked_scenes, state.picked_attempts) == ({"s1": "s1-t1"}, {"s1-t1": ("s1-t1", 1)})
    assert steps([edited], state, Choice(retry_failed=True)) == {"s1-t1": "s1-t1@1 done"}
    state.apply(ev.Picked("t", "s1-t1", None, None))
    assert state.picked_attempts == {}, "with all its edits"
    state.apply(ev.Picked("t", "s1-t1", "s1-t1", 1))
    state.apply(ev.PicksCleared("t", "s1"))
    assert (state.picked_scenes, state.picked_attempts) == ({}, {})
    with pytest.raises(IllegalTransition):
        state.apply(ev.Picked("t", "s1-t1", "s1-t1", 2))


def test_a_run_directory_belongs_to_the_gateway_of_its_first_task() -> None:
    asked, here, there = scene("s1"), "https://one.example", "https://two.example"
    state = replay([ev.RunStarted("t", "1", gateway=here), sent(asked)])
    assert state.bound_to == here, "it may have been created"
    state.apply(ev.Refused("t", "s1", 1, "http_400", "no", again=False))
    assert state.bound_to == ""
    for event in (ev.RunStarted("t", "1", gateway=there), sent(asked), ev.Submitted("t", "s1", 1, "task")):
        state.apply(event)
    assert state.bound_to == there
    state.apply(ev.RunStarted("t", "1", gateway=here, rebound=True))
    assert state.bound_to == here


def begun(bench: Bench, kind: type) -> list[str]:
    """For which scenes acts of a kind begin now."""
    return [command.scene_id for command in bench.begin() if isinstance(command, kind)]


def test_of_scenes_that_become_one_request_while_their_tasks_run_one_is_submitted() -> None:
    before = [scene("s1"), scene("s2", request="r2")]
    bench = Bench(before).running(2)
    after = bench.again([scene("s1", request="same"), scene("s2", request="same")])
    assert len(after.begin()) == 2
    for _ in range(2):
        after.read(WRONG)
    assert begun(after, Submit) == ["s1"], "the plan lets one of them submit"


def test_reading_a_picked_result_again_buys_nothing_though_its_scene_was_edited() -> None:
    first, edited = scene("s1"), scene("s1", request="r2")
    state = replay([read(first), *bought(first), ev.Picked("t", "s1", "s1", 1)])
    bench = Bench([edited], state=state, missing=("s1",))
    assert begun(bench, Fetch) == ["s1"]
    bench.fetched(failure="410", expired=True)
    bench.polled(DONE)
    assert [type(command) for command in bench.begin()] == [Fetch]


def test_a_wish_for_twins_is_one_purchase_also_when_it_is_repeated() -> None:
    twins, again = [scene("s1"), scene("s2")], Choice(again=("s*",))
    state = replay([read(*twins), *bought(twins[0]), ev.RunStarted("t", "1")])
    found = plan(twins, state, again)
    assert [(one.action, one.again) for one in found] == [(Action.SUBMIT, True), (Action.WAIT, True)]
    for event in [*(ev.WantedAgain("t", one.scene.scene_id) for one in found), *bought(twins[0], 2)]:
        state.apply(event)
    assert {one.action for one in plan(twins, state, again)} == {Action.DONE, Action.REUSE}


def test_a_wish_is_for_what_was_asked_for_then() -> None:
    edited = scene("s1", request="r2")
    state = wished(read(edited))
    assert steps([edited], state) == {"s1": "- submit"}
    for event in bought(edited, 2):
        state.apply(event)
    assert steps([edited], state) == {"s1": "s1@2 done"}


def test_what_is_lent_is_asked_for_though_the_task_of_before_still_runs() -> None:
    gone, running, edited = loose("a"), scene("b"), loose("b")
    state = replay([read(gone, running), *bought(gone), sent(running), ev.Submitted("t", "b", 1, "task-b")])
    found = plan([edited], state, Choice())
    assert [(one.action, one.attempt and one.attempt.name) for one in found] == [
        (Action.REUSE, "a@1"),
        (Action.RESUME, "b@1"),
    ]


def test_all_results_of_a_scene_that_is_gone_are_lent() -> None:
    gone = loose("a")
    state = replay([read(gone), *bought(gone), *bought(gone, 2)])
    assert steps([loose("x"), loose("y"), loose("z")], state) == {"x": "a@2 reuse", "y": "a@1 reuse", "z": "- submit"}


def test_renamed_takes_have_each_its_own_result_though_one_was_bought_twice() -> None:
    takes = [loose(f"s-t{number}", str(number)) for number in (1, 2)]
    state = replay([read(*takes), *bought(takes[0]), *bought(takes[1]), *bought(takes[0], 2)])
    renamed = [loose(f"r-t{number}", str(number + 2)) for number in (1, 2, 3)]
    assert steps(renamed, state) == {"r-t1": "s-t1@2 reuse", "r-t2": "s-t2@1 reuse", "r-t3": "s-t1@1 reuse"}


def test_a_submission_that_was_settled_by_hand_keeps_its_number_and_can_be_corrected() -> None:
    asked = scene("s1")
    unknown = ev.OutcomeUnknown("t", "s1", 1, "submit_unknown", "?")
    lost: list[ev.Event] = [sent(asked), unknown, ev.Resolved("t", "s1", 1, None)]
    state = replay([ev.RunStarted("t", "1", gateway="https://one.example"), read(asked), *lost])
    assert state.next_number("s1") == 2
    for event in [*bought(asked, 2), ev.Resolved("t", "s1", 1, "task")]:
        state.apply(event)
    assert state.attempt(("s1", 1)).state is S.RESOLVED
    assert state.bound_to == "https://one.example"


def test_what_has_come_meanwhile_is_not_submitted() -> None:
    asked = scene("s1")
    bench = Bench([asked], state=replay([read(asked)]), settings=Settings(workers=1))
    for event in bought(replace(asked, scene_id="other")):
        bench.state.apply(event)
    assert bench.begin() == []
    assert bench.scheduler.is_finished()


def test_a_shot_has_one_pick() -> None:
    takes = [replace(scene(f"s1-t{take}", request=f"r{take}"), shot="s1", take=take) for take in (1, 2)]
    state = replay([read(*takes), *bought(takes[0]), *bought(takes[1])])
    for event in (ev.Picked("t", "s1-t2", None, None), ev.Picked("t", "s1-t2", "s1-t2", 1)):
        state.apply(event)
    state.apply(ev.Picked("t", "s1-t1", None, None))
    assert (state.picked_scenes, state.picked_attempts) == ({"s1": "s1-t1"}, {})
    state.apply(ev.Picked("t", "s1-t2", "s1-t2", 1))
    state.apply(read(takes[0]))
    state.apply(ev.PicksCleared("t", "s1"))
    assert state.picked_attempts == {}, "of takes that are gone, too"


@pytest.mark.parametrize("is_passing", [True, False])
def test_a_scene_takes_what_else_is_left_before_it_is_bought_again(is_passing: bool) -> None:  # noqa: FBT001
    gone = [loose("a"), loose("b")]
    state = replay([read(*gone), *(event for one in gone for event in bought(one)[:2])])
    bench = Bench([loose("x")], state=state, settings=Settings(attempts=2))
    bench.start(read(loose("x")))
    for adopted in list(adoptions(bench.state, "t")):
        bench.state.apply(adopted)
    bench = Bench([loose("x")], state=bench.state, settings=Settings(attempts=2))
    bench.begin()
    first = bench.state.adopted["x"]
    other = next(one.key for one in bench.state.all_attempts() if one.key != first)
    polls = [command for command in bench.commands if isinstance(command, Poll)]
    command = next(command for command in polls if (command.scene_id, command.attempt) == first)
    bench.end(PollResult(command, replace(ENDED, passing=is_passing, confirm=1)))
    assert not any(isinstance(command, Submit) for command in bench.begin(300))
    assert (bench.state.adopted["x"] == other) is is_passing

"""What a run would do with a scene, why, and what it would cost."""

from decimal import Decimal

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import OPEN, AttemptState
from batchgen.engine.planner import plan
from batchgen.engine.states import State
from batchgen.engine.steps import Action, Choice, Step
from batchgen.model import RequestFacts, TaskResult

from helpers.attempts import WAYS, attempts_at, replay
from helpers.engine_support import known_request, scene

S = AttemptState
SAME = scene(request="r1")
OTHER = scene(request="r2")


def step(state: State, choice: Choice = Choice(), *, asked: ev.SceneFacts = SAME, missing: bool = False) -> Step:  # noqa: B008 - frozen
    found = plan([asked], state, choice, ("s1",) if missing else ())
    assert all(other.removed and not other.buys for other in found[1:])
    return found[0]


def test_a_task_that_was_not_found_is_looked_for_before_it_is_paid_for_again() -> None:
    state = attempts_at(S.NOT_FOUND)
    assert (step(state).buys, step(state, Choice(retry_failed=True)).buys) == (False, True)


@pytest.mark.parametrize(
    ("choice", "buys"),
    [
        (Choice(), False),
        (Choice(retry_failed=True), True),
        (Choice(attempts=2), True),
        (Choice(again=("s1",)), True),
        (Choice(again=("s2",)), False),
    ],
)
def test_a_task_without_a_video_is_read_again_before_another_is_paid_for(choice: Choice, buys: bool) -> None:  # noqa: FBT001 - a column
    found = step(attempts_at(S.NO_RESULT), choice)
    assert (found.action, found.buys, found.again) == (Action.RESUME, buys, False)
    assert ("paid for again if it is not there" in found.reason) == buys


@pytest.mark.parametrize(
    ("passing", "attempts", "expected"), [(True, 2, Action.SUBMIT), (True, 1, Action.FAILED), (False, 9, Action.FAILED)]
)
def test_attempts_count_over_runs(passing: bool, attempts: int, expected: Action) -> None:  # noqa: FBT001 - a column
    failed = ev.Failed("t2", "s1", 1, "001028095", "sorry", None, None, again=False, passing=passing)
    state = replay([*WAYS[S.RUNNING], failed])
    found = step(state, Choice(attempts=attempts))
    assert (found.action, found.paid_before) == (expected, True)
    assert step(state, Choice(attempts=attempts), asked=OTHER).action is Action.SUBMIT, "that is another request"


def test_a_new_scene_is_submitted() -> None:
    found = step(State())
    assert (found.action, found.reason, found.paid_before) == (Action.SUBMIT, "new", False)
    assert found.new_cost_usd == Decimal("0.50")


@pytest.mark.parametrize(
    ("before", "usual", "retried", "without_files"),
    [
        (S.SUBMITTING, Action.UNKNOWN, Action.UNKNOWN, Action.UNKNOWN),
        (S.UNKNOWN, Action.UNKNOWN, Action.UNKNOWN, Action.UNKNOWN),
        (S.RESOLVED, Action.RESUME, Action.RESUME, Action.RESUME),
        (S.RUNNING, Action.RESUME, Action.RESUME, Action.RESUME),
        (S.NOT_FOUND, Action.RESUME, Action.RESUME, Action.RESUME),
        (S.NO_RESULT, Action.RESUME, Action.RESUME, Action.RESUME),
        (S.COMPLETED, Action.DOWNLOAD, Action.DOWNLOAD, Action.DONE),
        (S.DOWNLOAD_FAILED, Action.DOWNLOAD, Action.DOWNLOAD, Action.DONE),
        (S.DELIVERED, Action.DONE, Action.DONE, Action.DONE),
        (S.MISMATCHED, Action.FAILED, Action.SUBMIT, Action.FAILED),
        (S.FAILED, Action.FAILED, Action.SUBMIT, Action.FAILED),
        (S.REFUSED, Action.FAILED, Action.SUBMIT, Action.FAILED),
    ],
)
def test_an_unchanged_scene(before: AttemptState, usual: Action, retried: Action, without_files: Action) -> None:
    state = attempts_at(before)
    assert step(state).action is usual
    assert step(state, Choice(retry_failed=True)).action is retried
    assert step(state, Choice(download=False)).action is without_files
    assert step(state).paid_before is (before is not S.REFUSED)
    assert step(state).changed == ()
    if usual is not Action.SUBMIT:
        assert step(state).new_cost_usd == 0


@pytest.mark.parametrize("before", WAYS)
def test_a_changed_scene_is_paid_for_anew_unless_something_is_under_way(before: AttemptState) -> None:
    found = step(attempts_at(before), asked=OTHER)
    if before in (S.SUBMITTING, S.UNKNOWN):
        assert found.action is Action.UNKNOWN
        return
    assert found.changed == ("input.prompt",)
    assert "input.prompt" in found.reason
    assert found.action is (Action.RESUME if before in OPEN else Action.SUBMIT)
    assert ("paid for again" in found.reason) is (before is not S.REFUSED)


def test_a_running_task_is_resumed_though_nobody_can_say_what_changed() -> None:
    asked = ev.SceneFacts("s1", known_request("another hash", SAME.request.document, "720P", ()), None)
    found = step(attempts_at(S.RUNNING), asked=asked)
    assert found.action is Action.RESUME
    assert "the request" in found.reason


def test_a_file_that_is_gone_is_fetched_again() -> None:
    state = attempts_at(S.DELIVERED)
    assert step(state, missing=True).action is Action.DOWNLOAD
    assert step(state, Choice(download=False), missing=True).action is Action.DONE


def test_what_created_no_task_is_submitted_again_unasked() -> None:
    refused = replay([*WAYS[S.SUBMITTING], ev.Refused("t", "s1", 1, "http_503", "later", again=True)])
    assert (step(refused).action, step(refused).paid_before) == (Action.SUBMIT, False)
    failed = replay([*WAYS[S.RUNNING], ev.Failed("t", "s1", 1, "001028099", "no", None, None, again=True)])
    assert (step(failed).action, step(failed).paid_before) == (Action.SUBMIT, False)


def test_money_spent_before_a_free_failure_is_not_forgotten() -> None:
    begin = WAYS[S.SUBMITTING][0]
    assert isinstance(begin, ev.Submitting)
    second = ev.Submitting("t", "s1", 2, begin.request, None)
    last = ev.Failed("t", "s1", 2, "001028099", "no", None, None, again=True)
    state = replay([*WAYS[S.FAILED], second, ev.Submitted("t", "s1", 2, "t2"), last])
    assert step(state).paid_before


@pytest.mark.parametrize(
    ("globs", "taken"),
    [
        ((), ["a1", "a2", "B1"]),
        (("a*",), ["a1", "a2"]),
        (("a2", "B?"), ["a2", "B1"]),
        (("b*",), []),
        (("[aB]1",), ["a1", "B1"]),
    ],
)
def test_scenes_are_selected_by_their_ids(globs: tuple[str, ...], taken: list[str]) -> None:
    listed = [scene(name) for name in ("a1", "a2", "B1")]
    assert [found.scene.scene_id for found in plan(listed, State(), Choice(globs))] == taken


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ({"model": "m", "input": {"prompt": "p"}, "parameters": {"seed": 1}}, ()),
        ({"model": "n", "input": {"prompt": "q"}, "parameters": {}}, ("model", "input.prompt", "parameters.seed")),
        ({"model": "m", "input": {"prompt": "p", "audio_url": "u"}, "parameters": {"seed": 1}}, ("input.audio_url",)),
        ({"model": "m"}, ("input.prompt", "parameters.seed")),
    ],
)
def test_changed_fields_are_named(now: dict[str, object], found: tuple[str, ...]) -> None:
    before = RequestFacts("x", {"model": "m", "input": {"prompt": "p"}, "parameters": {"seed": 1}})
    assert before.changes(RequestFacts("y", now)) == found


def _asked(*references: object) -> RequestFacts:
    return RequestFacts("x", {"model": "m", "input": {"reference_urls": list(references)}, "parameters": {}})


def test_of_a_local_reference_the_content_counts_and_not_the_name() -> None:
    one = {"source": "a.png", "sha256": "1", "mime": "image/png"}
    assert _asked(one).changes(_asked({**one, "source": "b.png"})) == ()
    assert _asked(one).changes(_asked({**one, "sha256": "2"})) == ("input.reference_urls",)
    url = {"source": "https://x/a", "url": "https://x/a"}
    assert _asked(one, url).changes(_asked(url, one)) == ("input.reference_urls",)
    assert _asked("plain").changes(_asked("plain")) == ()


def test_a_task_whose_scene_was_taken_out_of_the_manifest_is_waited_for() -> None:
    running = attempts_at(S.RUNNING)
    other = [scene("s2", request="r2")]
    found = plan(other, running, Choice())
    assert [(one.scene.scene_id, one.action) for one in found] == [("s2", Action.SUBMIT), ("s1", Action.RESUME)]
    assert found[1].scene.request.sha256 == running.attempts["s1"][-1].request.sha256
    assert [one.scene.scene_id for one in plan(other, running, Choice(("s2",)))] == ["s2"]
    assert [one.scene.scene_id for one in plan(other, attempts_at(S.DELIVERED), Choice())] == ["s2"]


def test_an_edit_that_was_refused_and_taken_back_is_not_paid_for_again() -> None:
    edit = ev.Submitting("t", "s1", 2, OTHER.request, Decimal("0.5"))
    refused: list[ev.AttemptEvent] = [edit, ev.Refused("t", "s1", 2, "http_422", "no", again=False)]
    assert step(replay([*WAYS[S.DELIVERED], *refused])).action is Action.DONE
    assert step(replay([*WAYS[S.DELIVERED], *refused]), missing=True).action is Action.DOWNLOAD
    assert step(replay([*WAYS[S.DOWNLOAD_FAILED], *refused])).action is Action.DOWNLOAD
    assert step(replay([*WAYS[S.FAILED], *refused])).action is Action.FAILED


def test_a_changed_scene_that_is_waited_for_and_then_submitted_costs_what_that_will_cost() -> None:
    found = step(attempts_at(S.RUNNING), asked=OTHER)
    assert (found.action, found.buys, found.new_cost_usd) == (Action.RESUME, True, Decimal("0.50"))
    same = step(attempts_at(S.RUNNING))
    assert (same.action, same.buys, same.new_cost_usd) == (Action.RESUME, False, Decimal(0))


def test_the_id_of_a_shot_takes_all_its_takes() -> None:
    listed = [scene(name) for name in ("s2-t1", "s2-t2", "s2-tail", "s20-t1")]
    assert [found.scene.scene_id for found in plan(listed, State(), Choice(("s2",)))] == ["s2-t1", "s2-t2"]
    assert [found.scene.scene_id for found in plan(listed, State(), Choice(("s2-t2",)))] == ["s2-t2"]


# Other profiles

DRAFT, FINAL, EDITED = scene(request="draft"), scene(request="final"), scene(request="draft, edited")


def run_with(profile: str, asked: ev.SceneFacts, number: int) -> list[ev.Event]:
    """A run that buys a scene."""
    return [
        ev.RunStarted("t", "1", profile=profile),
        ev.ManifestRead("t", "film", "m", (asked,)),
        ev.Submitting("t", "s1", number, asked.request, Decimal("0.5")),
        ev.Submitted("t", "s1", number, f"task-{number}"),
        ev.Completed("t", "s1", number, TaskResult("u", None, Decimal("0.5"), None)),
        ev.Downloaded("t", "s1", number, f"results/s1@{number}.mp4", f"{number}" * 64, None),
    ]


def planned_with(profile: str, asked: ev.SceneFacts, *before: ev.Event) -> Step:
    return step(replay(before).with_profile(profile), asked=asked)


def test_what_another_profile_alone_has_paid_for_is_not_paid_for_again() -> None:
    drafted = run_with("draft", DRAFT, 1)
    found = planned_with("final", FINAL, *drafted)
    assert (found.action, found.buys, found.paid_before, found.changed) == (Action.SUBMIT, True, False, ())
    assert found.reason == "new in this profile; it was paid for with profile draft"
    assert planned_with("", FINAL, *run_with("final", DRAFT, 1)).paid_as == "with profile final"
    assert planned_with("final", FINAL, *run_with("", DRAFT, 1)).paid_as == "without one"
    edited = planned_with("final", FINAL, *drafted, *run_with("draft", EDITED, 2))
    assert (edited.paid_before, edited.paid_as) == (False, "with profile draft")


def test_an_edit_is_paid_for_again_in_its_own_profile() -> None:
    both = [*run_with("draft", DRAFT, 1), *run_with("final", FINAL, 2)]
    found = planned_with("final", scene(request="final, edited"), *both)
    assert (found.paid_before, found.paid_as) == (True, "")
    assert planned_with("draft", EDITED, *both).paid_before
    assert planned_with("", EDITED, *run_with("", DRAFT, 1)).paid_before, "without profiles all is as ever"


def test_a_task_of_another_profile_is_waited_for_and_is_not_this_one() -> None:
    found = planned_with("final", FINAL, *run_with("draft", DRAFT, 1)[:4])
    assert (found.action, found.buys, found.paid_before) == (Action.RESUME, True, False)
    assert found.reason.endswith("it was paid for with profile draft, and its task still runs and is waited for")


def test_a_request_that_two_profiles_share_is_paid_for_again_where_it_is_wanted_again() -> None:
    both = [*run_with("draft", DRAFT, 1), ev.RunStarted("t", "1", profile="final")]
    state = replay(both).with_profile("final")
    (found, *_) = plan([DRAFT], state, Choice(again=("s1",)))
    assert (found.again, found.paid_before, found.paid_as) == (True, True, "")

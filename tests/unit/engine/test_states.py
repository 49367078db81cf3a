"""Every transition of an attempt, and that every other one raises and changes nothing."""

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import OPEN, PAID, TRANSITIONS, AttemptState, IllegalTransition
from batchgen.engine.states import State
from batchgen.model import TaskResult

from helpers.attempts import ASKED, EVENTS, NOT_CREATED, RAN, WAYS, S, attempts_at, replay, submitting
from helpers.engine_support import scene

EVERY = [(before, kind) for before in (None, *WAYS) for kind in TRANSITIONS]
LEGAL = [(before, kind) for before, kind in EVERY if before in TRANSITIONS[kind]]
ILLEGAL = [(before, kind) for before, kind in EVERY if before not in TRANSITIONS[kind]]


def test_the_table_speaks_of_every_state_and_event() -> None:
    assert set(WAYS) == set(AttemptState)
    assert set(EVENTS) == set(TRANSITIONS)
    assert {S.REFUSED} == set(AttemptState) - PAID


@pytest.mark.parametrize("before", WAYS)
def test_every_state_can_be_reached(before: AttemptState) -> None:
    latest = attempts_at(before).latest("s1")
    assert latest is not None
    assert latest.state is before


@pytest.mark.parametrize(("before", "kind"), LEGAL)
def test_a_transition_of_the_table(before: AttemptState | None, kind: type) -> None:
    state = attempts_at(before)
    state.apply(EVENTS[kind])
    latest = state.latest("s1")
    assert latest is not None
    assert latest.state is TRANSITIONS[kind][before]
    assert len(list(state.all_attempts())) == 1


@pytest.mark.parametrize(("before", "kind"), ILLEGAL)
def test_any_other_transition_raises_and_changes_nothing(before: AttemptState | None, kind: type) -> None:
    state = attempts_at(before)
    untouched = deepcopy(state)
    with pytest.raises(IllegalTransition, match="s1: "):
        state.apply(EVENTS[kind])
    assert state == untouched


@pytest.mark.parametrize("number", [-1, 0, 2, 3])
def test_attempts_are_numbered_without_gaps(number: int) -> None:
    state = State()
    with pytest.raises(IllegalTransition):
        state.apply(submitting(number))
    assert state == State()


def test_a_second_attempt_follows_the_first() -> None:
    state = replay([*WAYS[S.FAILED], submitting(2)])
    assert [attempt.number for attempt in state.all_attempts()] == [1, 2]
    with pytest.raises(IllegalTransition):
        state.apply(submitting(2))


def test_a_refused_attempt_that_is_sent_again_counts_its_sends() -> None:
    state = replay([*WAYS[S.REFUSED], submitting()])
    latest = state.latest("s1")
    assert latest is not None
    assert (latest.sends, latest.code, latest.finished_at) == (2, "", None)


def test_resolved_as_not_created() -> None:
    for before in (S.UNKNOWN, S.SUBMITTING, S.RESOLVED):
        state = attempts_at(before)
        state.apply(NOT_CREATED)
        latest = state.latest("s1")
        assert latest is not None
        assert (latest.state, latest.again, latest.code) == (S.REFUSED, True, "not_created")


def test_resolved_with_an_id_forgets_that_it_was_unknown() -> None:
    state = attempts_at(S.UNKNOWN)
    state.apply(EVENTS[ev.Resolved])
    latest = state.latest("s1")
    assert latest is not None
    assert (latest.is_open, latest.task_id, latest.code, latest.message) == (True, "task", "", "")


def test_what_the_user_said_can_be_said_otherwise_until_the_task_was_seen() -> None:
    state = attempts_at(S.RESOLVED)
    state.apply(ev.Resolved("t5", "s1", 1, "another"))
    assert (state.owner_of("task"), state.owner_of("another")) == (None, state.latest("s1"))
    state.apply(NOT_CREATED)
    assert state.owner_of("another") is None
    state.apply(ev.Resolved("t6", "s1", 1, "task"))
    state.apply(EVENTS[ev.TaskSeen])
    with pytest.raises(IllegalTransition):
        state.apply(ev.Resolved("t7", "s1", 1, "another"))


def test_a_task_that_an_earlier_version_gave_up_for_good_is_looked_for_again() -> None:
    state = replay([*RAN, ev.Failed("t2", "s1", 1, "task_not_found", "gone", None, None, again=False)])
    latest = state.latest("s1")
    assert latest is not None
    assert (latest.state, latest.is_open, latest.finished_at) == (S.NOT_FOUND, True, None)


def test_an_id_of_two_attempts_belongs_to_the_first() -> None:
    state = replay([*RAN, replace(submitting(), scene_id="s2"), replace(EVENTS[ev.Submitted], scene_id="s2")])
    owner = state.owner_of("task")
    assert owner is not None
    assert owner.scene_id == "s1"
    assert state.owner_of("nobody") is None


def test_reading_a_finished_task_again_loses_nothing_that_was_known() -> None:
    state = attempts_at(S.DOWNLOAD_FAILED)
    state.apply(ev.Completed("t9", "s1", 1, TaskResult("https://cdn/fresh", None, None, None)))
    latest = state.latest("s1")
    assert latest is not None
    assert (latest.result.video_url, latest.code) == ("https://cdn/fresh", "")
    assert (latest.result.cost_usd, latest.result.discount, latest.result.job_id) == (
        Decimal("0.4"),
        Decimal("0.8"),
        "job",
    )
    assert latest.finished_at == "t2"


def test_reading_a_finished_task_again_adds_what_was_not_known() -> None:
    state = replay([*RAN, ev.Completed("t2", "s1", 1, TaskResult("u", None, None, None))])
    state.apply(ev.Completed("t9", "s1", 1, TaskResult("u", "job", Decimal("0.4"), None)))
    latest = state.latest("s1")
    assert latest is not None
    assert (latest.result.cost_usd, latest.result.job_id, latest.finished_at) == (Decimal("0.4"), "job", "t2")


def test_runs_scenes_and_what_was_held_back() -> None:
    held = ev.HeldBack("t", "s1", "budget", "too much")
    read = ev.ManifestRead("t", "garden", "m", (scene(),))
    state = replay([ev.RunStarted("t", "1"), read, held])
    assert (state.runs, state.cut_off, state.held, state.name, state.model) == (1, True, {"s1": held}, "garden", "m")
    assert [one.scene_id for one in state.scenes] == ["s1"]
    state.apply(ev.RunEnded("t", 4))
    assert not state.cut_off
    assert state.held, "until the next run"
    state.apply(ev.RunStarted("t", "1"))
    assert (state.runs, state.held) == (2, {})


def test_nothing_is_known_of_a_scene_that_was_never_submitted() -> None:
    assert State().latest("s1") is None


def asked(sha256: str) -> ev.SceneFacts:
    """The scene with another request."""
    return replace(ASKED, request=replace(ASKED.request, sha256=sha256))


def refused_edit(before: AttemptState) -> State:
    """An attempt, and behind it one at another version of the scene that created nothing."""
    edit = replace(submitting(2), request=replace(ASKED.request, sha256="edited"))
    return replay([*WAYS[before], edit, replace(EVENTS[ev.Refused], attempt=2)])


@pytest.mark.parametrize("before", [S.DELIVERED, S.COMPLETED, S.DOWNLOAD_FAILED, S.MISMATCHED, S.FAILED])
def test_an_edit_that_was_refused_and_taken_back_leaves_the_scene_where_it_stood(before: AttemptState) -> None:
    state = refused_edit(before)
    current_attempt, edited = (
        state.current_attempt(ASKED),
        state.current_attempt(asked("edited")),
    )
    assert current_attempt is not None
    assert edited is not None
    assert (current_attempt.number, current_attempt.state) == (1, before)
    assert (edited.number, edited.state) == (2, S.REFUSED)
    assert state.current_attempt(asked("a third version")) is None


@pytest.mark.parametrize("before", WAYS)
def test_of_another_request_only_what_is_under_way_or_unknown_says_where_a_scene_stands(before: AttemptState) -> None:
    state = attempts_at(before)
    assert state.current_attempt(ASKED) is state.latest("s1")
    holds_up = before in (S.SUBMITTING, S.UNKNOWN, *OPEN)
    assert state.current_attempt(asked("edited")) is (state.latest("s1") if holds_up else None)
    assert State().current_attempt(ASKED) is None


def test_the_budget_is_that_of_the_last_run() -> None:
    state = replay([ev.RunStarted("t", "1", budget_usd=Decimal("2.50"))])
    assert state.budget_usd == Decimal("2.50")
    state.apply(ev.RunStarted("t", "1"))
    assert state.budget_usd is None

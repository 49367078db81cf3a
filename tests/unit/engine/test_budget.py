"""What was spent, what may have been, and what a budget still allows."""

from dataclasses import replace
from decimal import Decimal

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.budget import Budget, Sum, charged, committed_cost, exposure
from batchgen.model import TaskResult

from helpers.attempts import WAYS, attempts_at, replay

S = AttemptState
ESTIMATE, COST = Decimal("0.5"), Decimal("0.4")


def attempt(before: AttemptState) -> Attempt:
    latest = attempts_at(before).latest("s1")
    assert latest is not None
    return latest


@pytest.mark.parametrize(
    ("before", "spent", "open_", "committed"),
    [
        (S.SUBMITTING, Sum(), Sum(ESTIMATE), Sum(ESTIMATE)),
        (S.REFUSED, Sum(), Sum(), Sum()),
        (S.UNKNOWN, Sum(), Sum(ESTIMATE), Sum(ESTIMATE)),
        (S.RESOLVED, Sum(), Sum(ESTIMATE), Sum(ESTIMATE)),
        (S.RUNNING, Sum(), Sum(ESTIMATE), Sum(ESTIMATE)),
        (S.NOT_FOUND, Sum(), Sum(ESTIMATE), Sum(ESTIMATE)),
        (S.NO_RESULT, Sum(COST), Sum(), Sum(COST)),
        (S.COMPLETED, Sum(COST), Sum(), Sum(COST)),
        (S.DOWNLOAD_FAILED, Sum(COST), Sum(), Sum(COST)),
        (S.DELIVERED, Sum(COST), Sum(), Sum(COST)),
        (S.MISMATCHED, Sum(COST), Sum(), Sum(COST)),
        (S.FAILED, Sum(Decimal("0.1")), Sum(), Sum(Decimal("0.1"))),
    ],
)
def test_every_state(before: AttemptState, spent: Sum, open_: Sum, committed: Sum) -> None:
    listed = [attempt(before)]
    assert (charged(listed), exposure(listed), committed_cost(listed[0])) == (spent, open_, committed)


def test_every_state_was_looked_at() -> None:
    assert set(WAYS) == set(AttemptState)


def test_a_result_without_a_stated_cost_is_unknown_and_counts_at_its_estimate() -> None:
    listed = list(
        replay([*WAYS[S.RUNNING], ev.Completed("t", "s1", 1, TaskResult("u", None, None, None))]).all_attempts()
    )
    assert charged(listed) == Sum(Decimal(0), 1)
    assert exposure(listed) == Sum(ESTIMATE)
    assert committed_cost(listed[0]) == Sum(ESTIMATE)


@pytest.mark.parametrize("code", ["001028004", "001028095", "001028096"])
def test_a_failure_without_a_stated_cost_may_have_been_charged(code: str) -> None:
    failed = ev.Failed("t", "s1", 1, code, "m", None, None, again=False)
    listed = list(replay([*WAYS[S.RUNNING], failed]).all_attempts())
    assert charged(listed) == Sum(Decimal(0), 1)
    assert exposure(listed) == committed_cost(listed[0]) == Sum(ESTIMATE)
    told = list(replay([*WAYS[S.RUNNING], replace(failed, cost_usd=COST)]).all_attempts())
    assert (charged(told), exposure(told), committed_cost(told[0])) == (Sum(COST), Sum(), Sum(COST))


def test_a_task_that_was_never_created_is_free() -> None:
    failed = ev.Failed("t", "s1", 1, "001028099", "m", None, None, again=True)
    listed = list(replay([*WAYS[S.RUNNING], failed]).all_attempts())
    assert charged(listed) == exposure(listed) == committed_cost(listed[0]) == Sum()


def test_zero_is_known() -> None:
    assert Sum().plus(Decimal(0)) == Sum(Decimal(0), 0)
    assert Sum().plus(None) == Sum(Decimal(0), 1)


def test_a_sum_is_exact() -> None:
    total = Sum()
    for _ in range(10):
        total = total.plus(Decimal("0.1"))
    assert total.usd == 1


def test_a_budget_follows_attempts() -> None:
    budget = Budget(Decimal("1.0"), [attempt(S.RUNNING)])
    assert budget.allows(Decimal("0.5"))
    assert not budget.allows(Decimal("0.51"))
    assert not budget.allows(None)
    budget.changed(attempt(S.RUNNING), attempt(S.COMPLETED))
    assert budget.allows(Decimal("0.6"))
    budget.changed(None, attempt(S.SUBMITTING))
    assert not budget.allows(Decimal("0.6"))
    budget.changed(attempt(S.SUBMITTING), attempt(S.REFUSED))
    assert budget.committed == Sum(COST)


def test_without_a_budget_anything_goes() -> None:
    assert Budget(None, []).allows(None)

"""How to go on: what is put right first, and when nothing is left."""

from decimal import Decimal

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.engine.commands import Stop
from batchgen.engine.planner import plan
from batchgen.engine.prices import Prices
from batchgen.engine.steps import Choice
from batchgen.report.going_on import budget_needed, comes_first, is_anything_left
from batchgen.report.plan import Outlook

from helpers.attempts import ASKED, WAYS, replay
from helpers.engine_support import scenes

S = AttemptState


def outlook(*events: ev.Event, budget: str | None = None, price: str | None = "0.50", download: bool = True) -> Outlook:
    listed = (ASKED, *scenes(3, None if price is None else Decimal(price))[1:])
    state = replay([ev.RunStarted("t", "1", download), ev.ManifestRead("t", "film", "m", listed), *events])
    steps = plan(listed, state, Choice(globs=("s1",) if budget is None else (), download=download))
    return Outlook(steps, state, Prices(), None if budget is None else Decimal(budget))


@pytest.mark.parametrize(
    ("state", "left"),
    [
        (S.REFUSED, False),
        (S.UNKNOWN, False),
        (S.RUNNING, True),
        (S.NOT_FOUND, True),
        (S.NO_RESULT, True),
        (S.COMPLETED, True),
        (S.DOWNLOAD_FAILED, True),
        (S.DELIVERED, False),
        (S.MISMATCHED, False),
        (S.FAILED, False),
    ],
)
def test_something_is_left_where_the_next_run_does_something(state: AttemptState, left: bool) -> None:  # noqa: FBT001
    assert is_anything_left(outlook(*WAYS[state])) is left


def test_what_was_not_selected_or_is_not_wanted_here_is_not_left() -> None:
    assert not is_anything_left(outlook(*WAYS[S.DELIVERED])), "s2 and s3 are new, and --scene leaves them out"
    assert not is_anything_left(outlook(*WAYS[S.COMPLETED], download=False))


def test_what_could_not_be_made_of_results_that_are_there_is_not_left() -> None:
    held = ev.HeldBack("t", "s1", "waits_for", "s0@1, results/s0@1.mp4, cannot be built on: has no frames")
    assert is_anything_left(outlook())
    assert not is_anything_left(outlook(held))


def test_a_budget_is_raised_to_what_all_of_it_needs() -> None:
    left = outlook(*WAYS[S.DELIVERED], budget="0.60")
    assert budget_needed(Stop.BUDGET, left) == Decimal("1.40")
    assert comes_first(Stop.BUDGET, "", left) == "raise the budget: with what was spent, all of it needs 1.40 USD"
    assert budget_needed(None, left) is None


def test_a_budget_that_is_enough_by_now_is_not_raised() -> None:
    left = outlook(*WAYS[S.DELIVERED], budget="9")
    assert (budget_needed(Stop.BUDGET, left), comes_first(Stop.BUDGET, "", left)) == (None, "")


def test_a_budget_that_held_for_the_run_alone_asks_for_no_prices() -> None:
    assert comes_first(Stop.BUDGET, "", outlook()) == ""


def test_a_budget_that_nobody_can_reckon_needs_prices() -> None:
    left = outlook(budget="9", price=None)
    assert (budget_needed(Stop.BUDGET, left), comes_first(Stop.BUDGET, "", left)) == (
        None,
        "add a price for every tier to pricing",
    )


@pytest.mark.parametrize(
    ("stop", "status", "first"),
    [
        (Stop.ACCOUNT, "401", "give a key"),
        (Stop.ACCOUNT, "403", "put the account right"),
        (Stop.BALANCE, "402", "top up"),
        (Stop.BALANCE, "400", "top up"),
    ],
)
def test_what_to_do_about_a_refused_account(stop: Stop, status: str, first: str) -> None:
    why = f"the gateway refused: the gateway answered {status}: no"
    assert comes_first(stop, why, outlook()).startswith(first)


@pytest.mark.parametrize("stop", Stop)
def test_a_stop_that_would_come_again_is_never_passed_over(stop: Stop) -> None:
    left = outlook(budget="0.60")
    assert bool(comes_first(stop, "", left)) is (stop is not Stop.INTERRUPTED)
    assert comes_first(None, "", left) == ""

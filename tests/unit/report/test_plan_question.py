"""The question before money is spent."""

from decimal import Decimal

import pytest

from batchgen.engine.attempts import AttemptState
from batchgen.engine.planner import Action, Step
from batchgen.engine.prices import Learned, Prices
from batchgen.engine.states import State
from batchgen.report.plan import Outlook, price_surprises, question

from helpers.attempts import attempts_at
from helpers.engine_support import scene


def step(name: str, price: str | None, *, before: bool = False) -> Step:
    return Step(scene(name, price=None if price is None else Decimal(price)), Action.SUBMIT, "new", paid_before=before)


@pytest.mark.parametrize(
    ("steps", "asked"),
    [
        ([step("a", "0.50")], "Submit 1 scene for up to 0.50 USD?"),
        (
            [step("a", "0.50"), step("b", "0.50", before=True), step("c", "0.50", before=True)],
            "Submit 3 scenes for up to 1.50 USD (2 were paid for before)?",
        ),
        (
            [step("a", None), step("b", None, before=True)],
            "Submit 2 scenes for an unknown price (1 was paid for before)?",
        ),
        ([step("a", "0.50"), step("b", None)], "Submit 2 scenes for 0.50 USD and an unknown price for 1 of them?"),
    ],
)
def test_it_says_how_many_for_how_much_and_what_was_paid_for_before(steps: list[Step], asked: str) -> None:
    assert question(Outlook(steps, State(), Prices(), None)) == asked


@pytest.mark.parametrize(
    ("budget", "allowed"),
    [
        ("9", ""),
        ("1.50", ""),
        ("1.49", ", of which the budget allows about 2"),
        ("0.50", ", of which the budget allows about 1"),
        ("0.49", ", of which the budget allows none"),
    ],
)
def test_it_says_where_the_budget_would_stop_the_run(budget: str, allowed: str) -> None:
    steps = [step("a", "0.50"), step("b", "0.50", before=True), step("c", "0.50")]
    asked = question(Outlook(steps, State(), Prices(), Decimal(budget)))
    assert asked == f"Submit 3 scenes for up to 1.50 USD (1 was paid for before){allowed}?"


def test_what_was_spent_before_counts_against_the_budget() -> None:
    steps = [step("a", "0.50"), step("b", "0.50")]
    assert Outlook(steps, attempts_at(AttemptState.DELIVERED), Prices(), Decimal("1.00")).allowed == 1
    assert Outlook(steps, attempts_at(AttemptState.UNKNOWN), Prices(), Decimal("1.00")).allowed == 1
    assert Outlook([step("a", None)], State(), Prices(), Decimal(9)).allowed == 0


def test_a_run_warns_of_prices_of_which_it_has_learned_that_they_differ() -> None:
    declared = {"720P": Decimal("0.10"), "1080P": Decimal("0.15")}
    dear, fair = Learned(Decimal("1.20"), 10, 2), Learned(Decimal("1.50"), 10, 2)
    before, after = Prices(declared), Prices(declared, {"720P": dear, "1080P": fair, "4K": dear})
    (note,) = price_surprises(before, after)
    assert note.startswith("warning: 720P is declared at 0.10 USD a second, and the gateway charged 0.12 (1.20 USD for")
    assert list(price_surprises(after, after)) == []

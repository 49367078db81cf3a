"""The question before money is spent."""

from decimal import Decimal

import pytest

from batchgen.engine.planner import Action, Step
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.report.plan import Outlook, question

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

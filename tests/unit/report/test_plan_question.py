"""The question before money is spent."""

from dataclasses import replace
from decimal import Decimal

import pytest

from batchgen.engine.attempts import AttemptState
from batchgen.engine.prices import Learned, Prices
from batchgen.engine.states import State
from batchgen.engine.steps import Action, Step
from batchgen.model import ReferencePrice
from batchgen.report.plan import Outlook, question
from batchgen.report.price_notes import price_notes, price_surprises

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


def of_references(name: str, videos: int) -> Step:
    listed = scene(name)
    asked = replace(listed.request.asked, reference_videos=videos, reference_seconds=Decimal(4 * videos))
    return Step(replace(listed, request=replace(listed.request, asked=asked)), Action.SUBMIT, "new")


@pytest.mark.parametrize(
    ("videos", "reference", "told"),
    [
        ((0, 0), None, ""),
        ((1, 0), None, "warning: 1 scene has reference video, whose seconds the gateway may bill as well, "),
        ((1, 2), None, "warning: 2 scenes have reference videos, whose seconds the gateway may bill as well, "),
        ((1, 2), "same", ""),
        ((1, 2), Decimal(0), ""),
    ],
)
def test_reference_video_without_a_price_is_told_once(
    videos: tuple[int, int], reference: ReferencePrice, told: str
) -> None:
    steps = [of_references("a", videos[0]), of_references("b", videos[1])]
    notes = list(price_notes(Outlook(steps, State(), Prices({"720P": Decimal("0.10")}, {}, reference), None)))
    assert len(notes) == bool(told)
    assert "".join(notes).startswith(told)
    assert not notes or 'reference_video: same (as the tier), a price per second, or "0"' in notes[0]


def test_what_was_charged_for_reference_video_is_told_with_the_price_that_fits() -> None:
    one = Learned(Decimal("1.00"), 5, 1, reference_seconds=Decimal(5))
    prices = Prices({"720P": Decimal("0.10")}, {"720P": Learned().with_task(one, 1)})
    (note,) = price_notes(Outlook([], State(), prices, None))
    assert note == (
        "warning: by what is declared 1 task of 720P would have cost 0.50 USD, and the gateway charged 1.00 USD for "
        "5 s and 5 s of reference video in 1 task, which fits reference_video: same in pricing; estimates use the "
        "declared price"
    )
    free = replace(
        prices, learned={"720P": Learned().with_task(replace(one, usd=Decimal("0.50")), 1)}, reference="same"
    )
    (note,) = price_notes(Outlook([], State(), free, None))
    assert 'which fits reference_video: "0" in pricing' in note
    dear = replace(one, usd=Decimal("1.10"))
    odd = Prices(prices.declared, {"720P": Learned().with_task(dear, 1)}, Decimal("0.02"))
    (note,) = price_notes(Outlook([], State(), odd, None))
    assert "would have cost 0.60 USD" in note
    assert "fits" not in note
    assert list(price_notes(Outlook([], State(), prices, None), rehearsal=True)) == []

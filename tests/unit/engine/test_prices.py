"""Prices: declared ones hold, learned ones fill the gaps, and what is learned is never below what was charged."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.prices import Learned, Origin, Prices, learn
from batchgen.model import Asked, ReferencePrice, RequestFacts, TaskResult

from helpers.attempts import WAYS, attempts_at
from helpers.engine_support import known_request

S = AttemptState
TIER = "720P"
PRICE = Decimal("0.10")


def attempt(
    state: AttemptState = S.DELIVERED, cost: str | None = "0.4", seconds: object = 5, model: str = "m"
) -> Attempt:
    known = attempts_at(state).latest("s1")
    assert known is not None
    request = known_request("x", {"model": model, "input": {}, "parameters": {"duration": seconds}}, TIER)
    return replace(known, request=request, result=TaskResult(cost_usd=None if cost is None else Decimal(cost)))


def prices(declared: str | None, usd: str, seconds: int) -> Prices:
    learned = task(usd, seconds)
    return Prices({} if declared is None else {TIER: Decimal(declared)}, {TIER: learned})


def task(usd: str | Decimal, seconds: int) -> Learned:
    """What one task without reference videos teaches."""
    return Learned().with_task(Learned(Decimal(usd), seconds, 1), 0)


def asking(
    seconds: int | None, videos: int | None = 0, billed: str | None = "0", tier: str | None = TIER
) -> RequestFacts:
    asked = Asked(
        "m", seconds=seconds, reference_videos=videos, reference_seconds=None if billed is None else Decimal(billed)
    )
    return RequestFacts("x", {}, tier, (), asked)


def with_references(cost: str, seconds: int, videos: int | None, billed: str | None) -> Attempt:
    return replace(attempt(cost=cost), request=asking(seconds, videos, billed))


@pytest.mark.parametrize("state", WAYS)
def test_only_completed_tasks_teach(state: AttemptState) -> None:
    teaches = state in (S.COMPLETED, S.DOWNLOAD_FAILED, S.DELIVERED, S.MISMATCHED)
    assert learn([attempt(state)], "m") == ({TIER: task("0.4", 5)} if teaches else {})
    assert task("0.4", 5).highest == Decimal("0.08")


def test_what_is_not_known_or_not_this_model_teaches_nothing() -> None:
    strange = [attempt(cost=None), attempt(cost="0"), attempt(model="n"), attempt(seconds=None), attempt(seconds=0)]
    assert learn([*strange, replace(attempt(), request=replace(attempt().request, tier=None))], "m") == {}


def test_tasks_of_a_tier_are_added_up() -> None:
    found = learn([attempt(cost="0.4", seconds=5), attempt(cost="1.1234567891", seconds=10)], "m")[TIER]
    assert (found.usd, found.seconds, found.tasks) == (Decimal("1.5234567891"), 15, 2)
    assert Prices({}, {TIER: found}).of(TIER) == found.highest == Decimal("0.1123456790"), "the most that a second cost"
    assert found.average == Decimal("0.1015637860")


def test_the_declared_price_holds_and_a_learned_one_fills_the_gap() -> None:
    both, learned = prices("0.10", "1", 4), prices(None, "1", 4)
    assert (both.of(TIER), both.origin(TIER)) == (Decimal("0.10"), Origin.DECLARED)
    assert (learned.of(TIER), learned.origin(TIER)) == (Decimal("0.25"), Origin.LEARNED)
    assert (learned.of("1080P"), learned.origin("1080P")) == (None, None)
    assert (learned.of(None), learned.origin(None)) == (None, None)
    assert both.tiers == learned.tiers == (TIER,)
    assert both.estimate(asking(5)) == Decimal("0.50")
    assert both.estimate(asking(None)) is None
    assert both.estimate(asking(5, tier="1080P")) is None


@pytest.mark.parametrize(
    ("reference", "estimate"),
    [(None, "0.50"), ("same", "0.995"), (Decimal(0), "0.50"), (Decimal("0.02"), "0.5990")],
)
def test_an_estimate_has_the_seconds_of_reference_video_at_their_price(
    reference: ReferencePrice, estimate: str
) -> None:
    made = Prices({TIER: PRICE}, reference=reference).estimate(asking(5, 3, "4.95"))
    assert made == Decimal(estimate)
    assert Prices({TIER: PRICE}, reference=reference).estimate(asking(5)) == Decimal("0.50")


@pytest.mark.parametrize("reference", ["same", Decimal("0.02")])
def test_where_nobody_knows_what_is_billed_there_is_no_estimate_that_falls_short(reference: ReferencePrice) -> None:
    assert Prices({TIER: PRICE}, reference=reference).estimate(asking(5, 1, None)) is None
    assert Prices({TIER: PRICE}, reference=reference).estimate(asking(5, None, None)) is None
    assert Prices({TIER: PRICE}, reference=Decimal(0)).estimate(asking(5, 1, None)) == Decimal("0.50")


def test_prices_are_learned_apart_for_each_number_of_reference_videos() -> None:
    made = [with_references("0.50", 5, 0, "0"), with_references("0.72", 5, 1, "4"), with_references("1.00", 5, 2, "5")]
    learned = Prices({}, learn(made, "m"))
    assert [learned.of(TIER, videos) for videos in (0, 1, 2)] == [Decimal("0.1"), Decimal("0.08"), Decimal("0.1")]
    assert learned.of(TIER, 3) == learned.of(TIER) == Decimal("0.1"), "nothing learned: the dearest of the tier"
    of_one = Prices({}, learn(made[1:2], "m"))
    assert of_one.of(TIER, 0) == Decimal("0.144"), "whether the video was billed is not known"
    assert learned.estimate(asking(10, 1, "3")) == Decimal("1.04")
    assert learned.estimate(asking(10, 3, "4.95")) == Decimal("1.495")
    assert learned.estimate(asking(10)) == Decimal("1.0")


def test_what_old_journals_do_not_say_makes_no_price_cheaper() -> None:
    made = [with_references("0.50", 5, 0, "0"), with_references("1.00", 5, None, None)]
    learned = Prices({}, learn(made, "m"))
    assert learned.of(TIER, 0) == Decimal("0.1")
    assert learned.of(TIER, 1) == Decimal("0.2"), "as if no second of reference had been billed"


def test_where_reference_video_has_its_own_price_what_it_cost_is_taken_out() -> None:
    task_of = with_references("0.60", 5, 1, "5")
    assert Prices({}, learn([task_of], "m", Decimal("0.02")), Decimal("0.02")).of(TIER, 1) == PRICE
    free = Prices({}, learn([task_of], "m", Decimal(0)), Decimal(0))
    assert (free.of(TIER, 1), free.estimate(asking(5, 1, "5"))) == (Decimal("0.12"), Decimal("0.60"))
    too_dear = Prices({}, learn([task_of], "m", Decimal(1)), Decimal(1))
    assert too_dear.of(TIER, 1) == Decimal("0.06"), "a price that cannot be right accounts for nothing"
    assert too_dear.estimate(asking(5, 1, "5")) == Decimal("5.30")


@pytest.mark.parametrize(
    ("reference", "cost", "differs"),
    [(None, "0.50", False), (None, "1.00", True), ("same", "1.00", False), ("same", "0.50", True),
     (Decimal("0.02"), "0.60", False), (Decimal("0.02"), "0.50", True), (Decimal(0), "0.50", False)],
)  # fmt: skip
def test_what_was_charged_is_held_against_all_that_is_declared(
    reference: ReferencePrice,
    cost: str,
    differs: bool,  # noqa: FBT001 - expected
) -> None:
    learned = learn([with_references(cost, 5, 2, "5")], "m", reference)
    assert Prices({TIER: PRICE}, learned, reference).differs(TIER) is differs


@pytest.mark.parametrize(
    ("declared", "usd", "differs"),
    [("0.10", "1.01", False), ("0.10", "1.0100000001", True), ("0.10", "0.99", False), ("0.10", "0.98", True),
     ("0", "0", False), ("0", "0.0000000001", True)],
)  # fmt: skip
def test_a_price_differs_beyond_one_percent(declared: str, usd: str, differs: bool) -> None:  # noqa: FBT001 - expected
    assert prices(declared, usd, 10).differs(TIER) is differs


def test_without_both_prices_nothing_differs() -> None:
    assert not prices(None, "1", 10).differs(TIER)
    assert not Prices({TIER: Decimal(1)}).differs(TIER)


AMOUNTS = st.decimals(0, 10**6, places=10, allow_nan=False, allow_infinity=False)
REFERENCES = st.none() | st.just("same") | st.decimals(0, 2, places=3)
TASKS = st.tuples(
    st.decimals("0.0000000001", 10**6, places=10),
    st.integers(1, 15),
    st.integers(0, 3),
    st.sampled_from(["0", "3", "4.95", "5"]),
)


@given(usd=AMOUNTS, seconds=st.integers(1, 10**6), duration=st.integers(2, 15))
def test_no_estimate_falls_short_by_rounding(usd: Decimal, seconds: int, duration: int) -> None:
    learned = task("0.1", 1).with_task(Learned(usd, seconds, 1), 0)
    exact = max(Fraction(usd) / seconds, Fraction(1, 10))
    assert 0 <= Fraction(learned.highest) - exact < Fraction(1, 10**10)
    estimate = Prices({}, {TIER: learned}).estimate(asking(duration))
    assert estimate is not None
    assert Fraction(estimate) == Fraction(learned.highest) * duration >= exact * duration


@given(made=st.lists(TASKS, min_size=1, max_size=6), reference=REFERENCES)
def test_what_was_charged_once_is_never_reckoned_for_less(
    made: list[tuple[Decimal, int, int, str]], reference: ReferencePrice
) -> None:
    attempts = [with_references(str(usd), seconds, videos, billed) for usd, seconds, videos, billed in made]
    known = Prices({}, learn(attempts, "m", reference), reference)
    for one in attempts:
        estimate, cost = known.estimate(one.request), one.result.cost_usd
        assert estimate is not None
        assert cost is not None
        assert estimate >= cost


def test_an_attempt_without_an_estimate_is_reckoned_by_the_price_of_today() -> None:
    unpriced = replace(attempt(), estimated_cost_usd=None)
    assert prices("0.10", "1", 4).estimate_of(unpriced) == Decimal("0.50")
    assert prices("0.20", "1", 4).estimate_of(attempt()) == attempt().estimated_cost_usd
    assert Prices().estimate_of(unpriced) is None


def test_as_json() -> None:
    learned = {
        "learned_usd": "0.3333333334",
        "learned_highest_usd": "0.3333333334",
        "learned_tasks": 1,
        "learned_seconds": 3,
        "learned_reference_s": "0",
        "learned_cost_usd": "1",
    }
    assert prices("0.10", "1", 3).as_json() == {
        TIER: {
            "used": "declared",
            "declared_usd": "0.10",
            "reference_video_usd": None,
            **learned,
            "learned_by_reference_videos": {"0": learned},
            "differs": True,
        }
    }
    declared = Prices({TIER: PRICE}, reference="same").as_json()[TIER]
    assert (declared["reference_video_usd"], declared["learned_usd"]) == ("0.10", None)

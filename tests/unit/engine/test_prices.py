"""Prices: declared ones hold, learned ones fill the gaps, and what is learned is never below what was charged."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.prices import Learned, Origin, Prices, learn
from batchgen.model import TaskResult

from helpers.attempts import WAYS, attempts_at
from helpers.engine_support import known_request

S = AttemptState
TIER = "720P"


def attempt(
    state: AttemptState = S.DELIVERED, cost: str | None = "0.4", seconds: object = 5, model: str = "m"
) -> Attempt:
    known = attempts_at(state).latest("s1")
    assert known is not None
    request = known_request("x", {"model": model, "input": {}, "parameters": {"duration": seconds}}, TIER)
    return replace(known, request=request, result=TaskResult(cost_usd=None if cost is None else Decimal(cost)))


def prices(declared: str | None, usd: str, seconds: int) -> Prices:
    learned = Learned().plus(Decimal(usd), seconds)
    return Prices({} if declared is None else {TIER: Decimal(declared)}, {TIER: learned})


@pytest.mark.parametrize("state", WAYS)
def test_only_completed_tasks_teach(state: AttemptState) -> None:
    teaches = state in (S.COMPLETED, S.DOWNLOAD_FAILED, S.DELIVERED, S.MISMATCHED)
    assert learn([attempt(state)], "m") == ({TIER: Learned(Decimal("0.4"), 5, 1, Decimal("0.08"))} if teaches else {})


def test_what_is_not_known_or_not_this_model_teaches_nothing() -> None:
    strange = [attempt(cost=None), attempt(cost="0"), attempt(model="n"), attempt(seconds=None), attempt(seconds=0)]
    assert learn([*strange, replace(attempt(), request=replace(attempt().request, tier=None))], "m") == {}


def test_tasks_of_a_tier_are_added_up() -> None:
    found = learn([attempt(cost="0.4", seconds=5), attempt(cost="1.1234567891", seconds=10)], "m")
    assert found == {TIER: Learned(Decimal("1.5234567891"), 15, 2, Decimal("0.1123456790"))}
    assert Prices({}, found).of(TIER) == Decimal("0.1123456790"), "the most that a second cost"
    assert found[TIER].average == Decimal("0.1015637860")


def test_the_declared_price_holds_and_a_learned_one_fills_the_gap() -> None:
    both, learned = prices("0.10", "1", 4), prices(None, "1", 4)
    assert (both.of(TIER), both.origin(TIER)) == (Decimal("0.10"), Origin.DECLARED)
    assert (learned.of(TIER), learned.origin(TIER)) == (Decimal("0.25"), Origin.LEARNED)
    assert (learned.of("1080P"), learned.origin("1080P")) == (None, None)
    assert (learned.of(None), learned.origin(None)) == (None, None)
    assert both.tiers == learned.tiers == (TIER,)
    assert both.estimate(TIER, 5) == Decimal("0.50")
    assert both.estimate(TIER, None) is None
    assert both.estimate("1080P", 5) is None


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


@given(usd=AMOUNTS, seconds=st.integers(1, 10**6), duration=st.integers(2, 15))
def test_no_estimate_falls_short_by_rounding(usd: Decimal, seconds: int, duration: int) -> None:
    learned = Learned().plus(Decimal("0.1"), 1).plus(usd, seconds)
    exact = max(Fraction(usd) / seconds, Fraction(1, 10))
    assert 0 <= Fraction(learned.highest) - exact < Fraction(1, 10**10)
    estimate = Prices({}, {TIER: learned}).estimate(TIER, duration)
    assert estimate is not None
    assert Fraction(estimate) == Fraction(learned.highest) * duration >= exact * duration


def test_an_attempt_without_an_estimate_is_reckoned_by_the_price_of_today() -> None:
    unpriced = replace(attempt(), estimated_cost_usd=None)
    assert prices("0.10", "1", 4).estimate_of(unpriced) == Decimal("0.50")
    assert prices("0.20", "1", 4).estimate_of(attempt()) == attempt().estimated_cost_usd
    assert Prices().estimate_of(unpriced) is None


def test_as_json() -> None:
    assert prices("0.10", "1", 3).as_json() == {
        TIER: {
            "used": "declared",
            "declared_usd": "0.10",
            "learned_usd": "0.3333333334",
            "learned_highest_usd": "0.3333333334",
            "learned_tasks": 1,
            "learned_seconds": 3,
            "learned_cost_usd": "1",
            "differs": True,
        }
    }

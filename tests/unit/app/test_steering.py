"""Wishes to a run under way, before they get there."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchgen.app.steering import change_of
from batchgen.engine.events import Steered
from batchgen.engine.states import State
from batchgen.engine.steerable import Steerable
from batchgen.errors import UsageError
from batchgen.journal.checks import checked
from batchgen.journal.records import decode, encode

NUMBERS = st.one_of(
    st.text("0123456789.-+eE_ ", max_size=60), st.decimals().map(str), st.floats().map(repr), st.integers().map(str)
)


@given(st.sampled_from(list(Steerable)), NUMBERS)
@example(Steerable.BUDGET, "-0")
@example(Steerable.BUDGET, "1" * 40 + "." + "1" * 40)
@example(Steerable.POLL_INTERVAL, "0." + "1" * 500)
@example(Steerable.POLL_INTERVAL, "1e-2")
@example(Steerable.MAX_IN_FLIGHT, "1e999999")
@example(Steerable.SUBMIT_RATE, "none")
def test_what_is_taken_can_be_written_down_and_read_again(setting: Steerable, text: str) -> None:
    with suppress(UsageError):
        change = change_of(setting, text)
        event = Steered("t", change.setting, change.text)
        assert checked(decode(encode(event)).event) == event
        State().apply(event)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_in_flight", "20", "20"),
        ("max_in_flight", "2e1", "20"),
        ("budget", "12.50", "12.50"),
        ("budget", "0", "0"),
        ("poll_interval", "0.5", "0.5"),
        ("submit_rate", "none", None),
        ("budget", "none", None),
    ],
)
def test_values_are_those_of_the_command_line(name: str, text: str, value: str | None) -> None:
    assert change_of(name, text).value == (None if value is None else Decimal(value))


def test_the_budget_of_a_run_is_told_as_it_was_changed() -> None:
    state = State()
    for value, budget in (("12.50", Decimal("12.50")), ("", None)):
        state.apply(Steered("t", "budget", value))
        assert state.budget_usd == budget

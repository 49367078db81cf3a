"""The breaker: when it trips, what it lets through then, and what ends the run."""

import pytest

from batchgen.engine.breaker import Breaker


def after(pattern: str) -> Breaker:
    """A breaker that has seen these answers: ``u`` uncertain, ``.`` usable."""
    breaker = Breaker()
    for answer in pattern:
        assert not breaker.answered(uncertain=answer == "u")
    return breaker


@pytest.mark.parametrize("pattern", ["uuuuu", ".....uuuuu", "u.u.u.u.u", "uu..uu...u", "u.........uuuuu"])
def test_five_uncertain_answers_in_a_row_or_among_ten_trip_it(pattern: str) -> None:
    breaker = after(pattern)
    assert breaker.is_tripped
    assert not breaker.allows(sending=1)
    assert breaker.allows(sending=0)


@pytest.mark.parametrize("pattern", ["", "uuuu", "uuuu.", "uuuu......u", "u.u.u.u...", "." * 50])
def test_fewer_do_not(pattern: str) -> None:
    breaker = after(pattern)
    assert not breaker.is_tripped
    assert breaker.allows(sending=40)


def test_three_probes_without_a_usable_answer_end_the_run() -> None:
    breaker = after("uuuuu")
    ends = []
    for _ in range(3):
        breaker.sent()
        ends.append(breaker.answered(uncertain=True))
    assert ends == [False, False, True]


def test_a_usable_answer_to_a_probe_opens_the_way_again_and_forgets() -> None:
    breaker = after("uuuuu")
    breaker.sent()
    breaker.answered(uncertain=True)
    breaker.sent()
    assert not breaker.answered(uncertain=False)
    assert breaker.allows(sending=40)
    assert not breaker.answered(uncertain=True)
    assert not breaker.is_tripped


def test_what_was_under_way_when_it_tripped_counts_neither_way() -> None:
    breaker = after("uuuuu")
    for uncertain in (True, False) * 20:
        assert not breaker.answered(uncertain=uncertain)
    assert breaker.is_tripped


def test_a_probe_that_reached_nobody_is_none() -> None:
    breaker = after("uuuuu")
    for _ in range(9):
        breaker.sent()
        breaker.unreached()
        assert not breaker.answered(uncertain=True), "from before, and no probe"
    assert breaker.is_tripped

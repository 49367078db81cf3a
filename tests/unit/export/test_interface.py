"""Lengths in frames: to the frame, never beyond the end of a file."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.export.interface import Result, Sequence, Shot, common_rate, conformed, timecode_rate
from batchgen.media.film import Film

RATES = st.sampled_from(
    [Fraction(rate) for rate in (6, 16, 24, 25, 30, 60)] + [Fraction(24_000, 1001), Fraction(30_000, 1001)]
)


def shot(rate: Fraction | int, frames: int = 24) -> Shot:
    return Shot(name="s", seconds=1, result=Result(Path("x.mp4"), Film(frames, Fraction(rate), 1280, 720)))


@given(st.integers(1, 900), RATES, RATES)
def test_a_film_never_lasts_longer_than_it_does(frames: int, own: Fraction, rate: Fraction) -> None:
    taken = conformed(Film(frames, own, 64, 48), rate)
    assert taken == 1 or taken / rate <= frames / own
    assert taken + 1 > frames / own * rate
    if rate >= own:
        assert taken / rate > (frames - 1) / own, "its last frame is in"
    if rate == own:
        assert taken == frames


@given(st.lists(st.tuples(RATES, st.integers(1, 400)), min_size=1, max_size=9))
def test_shots_follow_one_another_without_a_frame_between(films: list[tuple[Fraction, int]]) -> None:
    shots = tuple(shot(*film) for film in films)
    sequence = Sequence("x", (*shots, Shot(name="gone", seconds=3)), common_rate(shots))
    ends = [placed.start + placed.frames for placed in sequence.placed()]
    assert [placed.start for placed in sequence.placed()] == [0, *ends[:-1]]
    assert ends[-1] == sequence.frames


def test_the_rate_is_that_of_most_results() -> None:
    assert common_rate([shot(24), shot(30), shot(30)]) == 30
    assert common_rate([shot(25), shot(24), Shot(name="gone", seconds=1)]) == 25, "of equals the first"
    assert common_rate([Shot(name="gone", seconds=1)]) == 30


@pytest.mark.parametrize(("rate", "counted"), [(24, 24), (6, 24), (16, 48), (15, 30), (10, 30), (7, 30), (120, 30)])
def test_where_a_rate_has_no_timecode_its_least_multiple_has(rate: int, counted: int) -> None:
    assert timecode_rate(Fraction(rate)) == counted
    assert timecode_rate(Fraction(24_000, 1001)) == Fraction(24_000, 1001)

"""A manifest that changed is told by what is different, and the scenes come out the same."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchgen.engine import events as ev
from batchgen.engine.attempts import IllegalTransition
from batchgen.engine.manifest_changes import news_of, scenes_after
from batchgen.engine.states import State
from batchgen.journal.records import decode, encode

from helpers.attempts import replay
from helpers.engine_support import scene, scenes

FILM = tuple(scenes(4))
PRICES = (None, Decimal("0.5"), Decimal("0.25"))
some_scenes = st.lists(
    st.builds(
        scene, st.sampled_from(["a", "b", "c", "d", "e"]), st.sampled_from(["r1", "r2"]), st.sampled_from(PRICES)
    ),
    unique_by=lambda one: one.scene_id,
    max_size=5,
).map(tuple)


def told(before: tuple[ev.SceneFacts, ...], now: tuple[ev.SceneFacts, ...]) -> ev.ManifestRead | ev.ManifestChanged:
    return news_of(before, "t", "garden", "m", now)


@given(some_scenes, some_scenes)
@example(FILM, FILM)
@example(FILM, tuple(reversed(FILM)))
def test_the_scenes_are_those_of_the_manifest(
    before: tuple[ev.SceneFacts, ...], now: tuple[ev.SceneFacts, ...]
) -> None:
    state = replay([ev.ManifestRead("t", "garden", "m", before)])
    event = decode(encode(told(before, now))).event
    state.apply(event)
    assert state == replay([ev.ManifestRead("t", "garden", "m", now)])


@pytest.mark.parametrize(
    ("now", "names", "repriced", "removed", "is_ordered"),
    [
        ((*FILM, scene("new", "r9")), ["new"], [], (), False),
        (FILM[1:], [], [], ("s1",), False),
        ((FILM[0], scene("s2", "r9"), *FILM[2:]), ["s2"], [], (), False),
        ((replace(FILM[0], estimated_cost_usd=None), *FILM[1:]), [], ["s1"], (), False),
        ((scene("new", "r9"), *FILM), ["new"], [], (), True),
        ((FILM[0], scene("renamed", "r2"), *FILM[2:]), ["renamed"], [], ("s2",), True),
    ],
    ids=["added", "removed", "changed", "repriced", "added in front", "renamed"],
)
def test_what_is_told_is_what_is_different(
    now: tuple[ev.SceneFacts, ...], names: list[str], repriced: list[str], removed: tuple[str, ...], *, is_ordered: bool
) -> None:
    event = told(FILM, now)
    assert isinstance(event, ev.ManifestChanged)
    assert [one.scene_id for one in event.scenes] == names
    assert [list(event.estimates), event.removed] == [repriced, removed]
    assert event.order == (tuple(one.scene_id for one in now) if is_ordered else ())


def test_another_manifest_is_told_whole() -> None:
    assert told((), FILM) == ev.ManifestRead("t", "garden", "m", FILM)
    other = tuple(scene(f"o{number}", request=f"o{number}") for number in range(3))
    assert told(FILM, other) == ev.ManifestRead("t", "garden", "m", other)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: replace(event, removed=("nobody",)),
        lambda event: replace(event, estimates={"nobody": None}),
        lambda event: replace(event, order=("s1", "s2")),
        lambda event: replace(event, order=("s1", "s2", "s3", "s3")),
    ],
    ids=["removed", "estimates", "order too short", "order with a repetition"],
)
def test_a_change_of_another_manifest_changes_nothing(
    spoil: Callable[[ev.ManifestChanged], ev.ManifestChanged],
) -> None:
    state = replay([ev.ManifestRead("t", "garden", "m", FILM)])
    with pytest.raises(IllegalTransition):
        state.apply(spoil(ev.ManifestChanged("t", "other", "m", (), {}, (), ())))
    assert state == replay([ev.ManifestRead("t", "garden", "m", FILM)])
    with pytest.raises(IllegalTransition):
        State().apply(ev.ManifestChanged("t", "garden", "m", (), {}, ("s1",), ()))


def test_what_is_removed_twice_is_gone() -> None:
    assert scenes_after(FILM, ev.ManifestChanged("t", "garden", "m", (), {}, ("s1", "s1"), ())) == FILM[1:]

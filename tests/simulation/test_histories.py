"""Thousands of histories, each from one seed; a failing one says how to play it again."""

import os

import pytest
from simulation.world import World

SEEDS = 2_000
CHUNK = 100


def play(seed: int) -> World:
    world = World(seed)
    try:
        world.history()
    except BaseException as error:
        error.add_note(f"play it again: BATCHGEN_SIM_SEED={seed} python -m pytest tests/simulation -k replay")
        raise
    return world


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_histories(first: int) -> None:
    for seed in range(first, first + CHUNK):
        play(seed)


@pytest.mark.skipif("BATCHGEN_SIM_SEED" not in os.environ, reason="BATCHGEN_SIM_SEED says which history to play")
def test_replay() -> None:
    play(int(os.environ["BATCHGEN_SIM_SEED"]))


def test_a_seed_is_a_history() -> None:
    one, other = play(7), play(7)
    assert one.disk.content == other.disk.content
    assert one.gateway.books == other.gateway.books

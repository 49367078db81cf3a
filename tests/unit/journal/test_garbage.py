"""The search for garbage is as it was afterwards, and what was garbage meanwhile is found."""

import gc
import weakref

import pytest

from batchgen.garbage import unsearched


class Ring:
    """What holds itself in a circle."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_that_was_made_meanwhile_is_found_by_the_next_full_search() -> None:
    with unsearched():
        gone = weakref.ref(Ring())
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.collect()
    assert gone() is None


def test_what_was_made_is_not_looked_through_at_the_end() -> None:
    with unsearched():
        made = [[number] for number in range(10_000)]
    old = {id(each) for each in gc.get_objects(generation=2)}
    assert all(id(each) in old for each in made)


def test_what_a_program_has_laid_aside_stays_there() -> None:
    gc.freeze()
    try:
        aside = gc.get_freeze_count()
        with unsearched():
            pass
        assert gc.get_freeze_count() == aside
    finally:
        gc.unfreeze()


def test_a_program_that_searches_for_none_goes_on_so() -> None:
    gc.disable()
    try:
        with pytest.raises(KeyError), unsearched():
            raise KeyError
        assert not gc.isenabled()
    finally:
        gc.enable()

"""The search for garbage: Python looks again and again whether objects that were made hold each other in a circle."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unsearched() -> Iterator[None]:
    """Do without the search while very many objects are made that all stay: it takes a fifth to a half of the time.

    What was made counts as searched then: looking through all of it at the end would take nearly as long. What is
    garbage of it all the same is found by the next full search.

    It is as it was afterwards, also where several threads do this at once.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            _count_as_searched()
            gc.enable()


def _count_as_searched() -> None:
    """Put all objects among the old ones; not where the program has laid some aside, since they would come back."""
    if gc.get_freeze_count() < _OF_PYTHON:
        gc.freeze()
        gc.unfreeze()


_OF_PYTHON = 1_000
"""Python 3.12 lays some hundred objects of its own aside, and would do so again."""

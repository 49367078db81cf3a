"""The search for garbage: Python looks again and again whether objects that were made hold each other in a circle."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unsearched() -> Iterator[None]:
    """Do without the search while very many objects are made that all stay: it takes a fifth to a half of the time.

    It is as it was afterwards, also where several threads do this at once.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

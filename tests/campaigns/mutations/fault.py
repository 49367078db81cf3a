"""A fault that somebody could make: a change of the text of one file of the package."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in which file of the package, and the texts that are replaced to make it so.

    What lies on disks is not in the simulation: there ``tests`` has to notice it.
    """

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    tests: str = ""


def fault(name: str, file: str, before: str, after: str, *more: str) -> Fault:
    """A fault of one change or several: texts before and after, in turns."""
    texts = (before, after, *more)
    return Fault(name, file, tuple(zip(texts[::2], texts[1::2], strict=True)))


def fault_on_disk(name: str, file: str, before: str, after: str) -> Fault:
    """A fault that the tests of results on disks have to notice."""
    return Fault(name, file, ((before, after),), "tests/unit/store/test_view.py")

"""Values: dataclasses whose fields nobody sets, of which a program makes very many.

A journal of 100,000 attempts makes half a million of them. A frozen dataclass checks each field while it is
made, and takes three times as long. So here mypy alone refuses to set a field, and nothing else does.
"""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_Kind = TypeVar("_Kind")


@dataclass_transform(frozen_default=True)
def value(kind: type[_Kind]) -> type[_Kind]:
    """Make a class a dataclass of values: equal and hashed by its fields, which are slots."""
    return dataclass(slots=True, unsafe_hash=True)(kind)

"""What a provider publishes of a model: its parameters, in the words of JSON Schema. Pure.

A provider's own formats are read into these values (``providers/NAME/``); `batchgen.providers.model_draft` makes a
model of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from batchgen.schemas import Schema

WRONG_FORM = "specification.form"
"""The rule of a file that is not in the format that it is read as."""


class SpecificationProblem(NamedTuple):
    """Something wrong with a specification: where, as a JSONPath, which rule, and what to do."""

    path: str
    rule: str
    message: str


class InvalidSpecification(Exception):  # noqa: N818 - the file is at fault, not the program
    """A specification that no model can be made of."""

    def __init__(self, problems: Sequence[SpecificationProblem]) -> None:
        """Keep what is wrong."""
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a model.

    ``around`` are the objects of a request's body that it stands in, ``input[0]`` for one in a list; ``schema``
    limits its value; ``path`` says where the specification has it.
    """

    around: tuple[str, ...]
    name: str
    schema: Schema
    is_required: bool
    path: str


@dataclass(frozen=True, slots=True)
class Specification:
    """A model as it was published; ``name`` is empty where that is not said.

    ``notes`` say what of the file was left out or assumed.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    notes: tuple[str, ...] = ()


SpecificationReader: TypeAlias = Callable[[Mapping[str, Any]], Specification]
"""Reads a provider's document. Raises `InvalidSpecification`."""

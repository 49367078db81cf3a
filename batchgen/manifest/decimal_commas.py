"""Numbers with a decimal comma, which YAML takes for two values where they stand in braces. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from batchgen.manifest.document import Document
from batchgen.model import Problem

_WHOLE = re.compile(r"[0-9]+\Z")
_BEFORE = re.compile(r": *([0-9]+),\Z")
_COMMA = re.compile(r"[0-9]+,[0-9]+\Z")
_ABOUT_KEYS = ("yaml.key", "yaml.duplicate-key", "unknown-key")


def with_point(text: object) -> str | None:
    """The number that a text with a decimal comma means, None for any other text."""
    return text.replace(",", ".") if isinstance(text, str) and _COMMA.match(text) else None


def explained(document: Document, found: Iterable[Problem]) -> Iterator[Problem]:
    """The problems, with one about the comma in place of those about the key that it made of ``0,10``."""
    for problem in found:
        whole = _whole_part(document, problem)
        if whole is None:
            yield problem
            continue
        number, place = f"{whole},{problem.path[-1]}", problem.place
        yield replace(
            problem,
            place=place._replace(column=place.column - len(whole) - 1),
            path=problem.path[:-1],
            rule="decimal-comma",
            message=f'{number} has a decimal comma, where YAML begins a new entry; write "{with_point(number)}"',
            value=number,
            source=document.line(place),
        )


def _whole_part(document: Document, problem: Problem) -> str | None:
    """What stands before the comma, where a problem is about a key that a decimal comma has made."""
    if problem.rule not in _ABOUT_KEYS or not problem.path or not _WHOLE.match(str(problem.path[-1])):
        return None
    before = _BEFORE.search(document.line(problem.place)[: problem.place.column - 1])
    return None if before is None else before[1]

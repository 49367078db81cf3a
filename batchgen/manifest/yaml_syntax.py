"""What a YAML parser says when it gives up → a problem, with the line and what to type instead. Pure."""

from collections.abc import Collection

import yaml
from yaml import events as ev

from batchgen.manifest.document import LONGEST_LINE, place_of
from batchgen.manifest.yaml_remedies import Failure, Quoted, remedy
from batchgen.model import Place, Problem

_QUOTES = ("'", '"')


def syntax_problem(text: str, error: yaml.MarkedYAMLError, last: ev.Event | None, names: Collection[str]) -> Problem:
    """The problem for an error of a parser; ``last`` is what it read before, ``names`` are the settings there are."""
    lines = text.splitlines()
    mark, context = error.problem_mark or error.context_mark, error.context_mark
    place = place_of(mark) if mark else Place(1, 1)
    failure = Failure(
        lines=lines,
        names=names,
        line=place.line - 1,
        column=place.column - 1,
        problem=str(error.problem or error.context),
        context=error.context or "",
        context_at=(context.line, context.column) if context else None,
        quoted=_quoted(last),
    )
    found = remedy(failure)
    if found is None:
        message = _parser_words(failure)
    else:
        place, message = Place(found.line + 1, found.column + 1), found.advice
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return Problem(place, (), "yaml.syntax", f"this is not YAML: {message}", source=line[:LONGEST_LINE])


def _parser_words(failure: Failure) -> str:
    """The words of the parser, for a slip that is not among the usual ones."""
    if failure.context_at is None or not failure.context or failure.context_at == (failure.line, failure.column):
        return failure.problem
    return f"{failure.problem} ({failure.context} in line {failure.context_at[0] + 1})"


def _quoted(event: ev.Event | None) -> Quoted | None:
    if not isinstance(event, ev.ScalarEvent) or event.style not in _QUOTES:
        return None
    (line, column), (end_line, end_column) = place_of(event.start_mark), place_of(event.end_mark)
    return Quoted(line - 1, column - 1, end_line - 1, end_column - 1)

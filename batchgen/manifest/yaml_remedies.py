"""What to do about a text that is not YAML: the usual slips of people who write prompts. Pure."""

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"(?P<head>\s*(?:- )*\s*(?:[A-Za-z_][\w-]*|\"[^\"]*\"|'[^']*')\s*:\s+|\s*- +)(?P<value>\S.*)$")
_UNCLOSED = "while scanning a quoted scalar"
_LONGEST_SHOWN = 60
_ESCAPE = "unknown escape character"
_MISALIGNED = ("did not find expected key", "expected <block end>", "mapping values are not allowed")


@dataclass(frozen=True, slots=True)
class Remedy:
    """Where the slip is, both counted from 0, and what to do."""

    line: int
    column: int
    advice: str


def remedy(lines: list[str], line: int, problem: str, context: str, context_line: int | None) -> Remedy | None:
    """The remedy for an error that a YAML parser reports in a line, None where nothing is known.

    Lines are counted from 0; ``problem`` and ``context`` are the parser's words. It often notices a slip
    only on the line after it.
    """
    if context == _UNCLOSED and "end of stream" in problem and context_line is not None:
        opened = lines[context_line]
        return Remedy(
            context_line, max(opened.find('"'), opened.find("'")), "the quote that opens here is never closed"
        )
    for number in (line, line - 1):
        if not 0 <= number < len(lines):
            continue
        found = _of_line(lines[number], problem)
        if found is not None:
            return Remedy(number, *found)
    if any(words in problem for words in _MISALIGNED):
        column = _indent(lines[line]) if line < len(lines) else 0
        return Remedy(line, column, "the indentation does not fit the lines above: what belongs together begins alike")
    return None


def _of_line(text: str, problem: str) -> tuple[int, str] | None:
    """Column and advice for the slip on a line."""
    indentation = re.match(r"[ ]*\t", text)
    if indentation:
        return indentation.end() - 1, "a tab indents this line; use spaces"
    entry = _ENTRY.match(text)
    if entry is None:
        return None
    at, value = entry.start("value"), entry["value"].rstrip()
    advice = _of_value(value, problem)
    return None if advice is None else (at, advice)


def _of_value(value: str, problem: str) -> str | None:
    """What is wrong with a value, by the character that it begins with."""
    first = value[0]
    if first in _QUOTES:
        return _of_quoted(value, problem)
    closed = value.rfind(_CLOSING.get(first, "\0"))
    is_text = first in "%@`&*!|>" or 0 <= closed < len(value) - 1
    if is_text:
        return f"a text that begins with {first} has to stand in quotes: {_quoted(value)}"
    if first not in _CLOSING and (": " in value or value.endswith(":")):
        return f"a text with a colon in it has to stand in quotes: {_quoted(value)}"
    return None


_QUOTES = "\"'"
_CLOSING = {"{": "}", "[": "]"}


def _of_quoted(value: str, problem: str) -> str | None:
    if value[0] == "'":
        return "inside '…' a ' is written twice; or put the text into \"…\"" if value.count("'") % 2 else None
    if _ESCAPE in problem:
        return "inside \"…\" a \\ begins an escape: write / in its place, or put the text into '…'"
    several = value.count('"') > len(_QUOTES)
    return 'inside "…" a " is written \\"; or put the text into \'…\'' if several else None


def _quoted(value: str) -> str:
    shown = value if len(value) <= _LONGEST_SHOWN else f"{value[: _LONGEST_SHOWN - 1]}…"
    return f"'{shown}'" if '"' in shown else f'"{shown}"'


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())

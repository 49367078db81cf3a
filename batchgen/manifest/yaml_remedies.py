"""What to type instead of a text that is not YAML: the usual slips of people who write prompts. Pure.

A parser says where it gave up and which rule of YAML was broken, often a line after the slip and in words
that help nobody who writes prompts. Each function here knows one slip; the first that fits has the word.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

_KEY = re.compile(r"(?P<lead> *(?:- +)*)(?P<name>[A-Za-z_][\w-]*|\"[^\"]*\"|'[^']*') *:(?= |$)")
_ITEM = re.compile(r"(?P<lead> *(?:- +)+)")
_TAB = re.compile(r" *(?:- *)*\t")
_GLUED_DASH = re.compile(r" *-(?=[A-Za-z_]\w* *:)")
_GLUED_COLON = re.compile(r" *(?:- +)*(?P<name>[A-Za-z_]\w*):(?=\S)")
_NO_COLON = re.compile(r" *(?:- +)*(?P<name>[A-Za-z_]\w*) +(?=\S)")
_BLOCK = re.compile(r"\s*[|>][+-]?\s*")
_COMMENT = re.compile(r"\s#")
_CLOSING = {"{": "}", "[": "]"}
_RESERVED = "%@`&*!|>"
_LONGEST_SHOWN = 60
_MISPLACED = ("did not find expected key", "expected '-' indicator", "expected <block end>", "mapping values")
_UNFIT = "the indentation does not fit the lines above: what belongs together begins alike"
_IN_BRACKETS = ("expected ',' or ']'", "expected ',' or '}'")


class Quoted(NamedTuple):
    """Where a text in quotes begins and ends, counted from 0; the end is behind its closing quote."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Where and why a parser gave up. Lines and columns are counted from 0.

    ``problem`` and ``context`` are the parser's words, ``context_at`` is where the context begins;
    ``quoted`` is the text in quotes that was read last, where nothing was read after it. ``names`` are the
    settings that a manifest may have.
    """

    lines: list[str]
    names: Collection[str]
    line: int
    column: int
    problem: str
    context: str
    context_at: tuple[int, int] | None
    quoted: Quoted | None

    def text(self, line: int) -> str:
        """A line, empty where there is none."""
        return self.lines[line] if 0 <= line < len(self.lines) else ""

    def above(self, line: int) -> int:
        """The nearest line above that says something, -1 where there is none."""
        while line > 0:
            line -= 1
            if self.text(line).strip() and not self.text(line).lstrip().startswith("#"):
                return line
        return -1

    def says(self, *words: str) -> bool:
        """Whether the parser's word for the problem has one of these in it."""
        return any(word in self.problem for word in words)


@dataclass(frozen=True, slots=True)
class Remedy:
    """Where the slip is, both counted from 0, and what to do."""

    line: int
    column: int
    advice: str


def remedy(failure: Failure) -> Remedy | None:
    """The remedy for a slip, None where nothing is known."""
    return next((found for known in _SLIPS if (found := known(failure))), None)


def in_quotes(text: str) -> str:
    """A text as YAML takes it for a text whatever is in it, cut where it is long."""
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
    if '"' not in shown and "\\" not in shown:
        return f'"{shown}"'
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f"'{shown}'" if "'" not in shown else f'"{escaped}"'


def closes_at(text: str) -> int:
    """Where the bracket that a text begins with is closed again, -1 where it is not."""
    depth = 0
    for index, char in enumerate(text):
        depth += (char in "{[") - (char in "}]")
        if depth == 0:
            return index
    return -1


def must_be_quoted(value: str, why: str = "") -> str:
    """The advice for a text that YAML takes for something else without quotes."""
    what = why or f"that begins with {value[:1]}"
    return f"a text {what} has to stand in quotes: {in_quotes(value)}"


def _tab(failure: Failure) -> Remedy | None:
    found = _TAB.match(failure.text(failure.line))
    if found is None:
        return None
    return Remedy(failure.line, found.end() - 1, "a tab indents this line; use spaces")


def _escape(failure: Failure) -> Remedy | None:
    if not failure.says("escape", "hexdec", "hexadec"):
        return None
    column = failure.text(failure.line).rfind("\\", 0, failure.column + 1)
    advice = "inside \"…\" a \\ does not stand for itself; write / in its place, or put the text into '…'"
    return Remedy(failure.line, max(column, 0), advice)


def _never_closed(failure: Failure) -> Remedy | None:
    ends = failure.says("end of stream", "document indicator", "document separator")
    if not ends or "quoted scalar" not in failure.context or failure.context_at is None:
        return None
    line, column = failure.context_at
    return Remedy(line, column, _unclosed(failure.text(line)[column : column + 1]))


def _unclosed(quote: str) -> str:
    apostrophe = ', or put the text into "…" if this is an apostrophe' if quote == "'" else ""
    return f"the quote that opens here is never closed; type {quote} at the end of its text{apostrophe}"


def _reserved(failure: Failure) -> Remedy | None:
    """A text that begins with a character that YAML keeps for itself."""
    at = failure.context_at if failure.context_at and "while scanning a" in failure.context else None
    line, column = at or (failure.line, failure.column)
    text = failure.text(line)
    value = text[column:].rstrip()
    if value[:1] in _RESERVED and value and failure.quoted is None:
        return Remedy(line, column, must_be_quoted(_to_the_end(text[:column], value)))
    entry = _KEY.match(text)
    if entry and value[:2] in ("- ", "? ") and failure.says("not allowed") and not text[entry.end() : column].strip():
        return Remedy(line, column, must_be_quoted(value))
    return None


def _to_the_end(before: str, value: str) -> str:
    """A text without what follows it inside of brackets."""
    depth = sum(before.count(char) for char in "{[") - sum(before.count(char) for char in "}]")
    return re.split(r"[,\]}]", value, maxsplit=1)[0].rstrip() if depth > 0 else value


def _after_quote(failure: Failure) -> Remedy | None:
    """A quote that closes too early, or one that is closed only by the next text's opening quote."""
    if failure.quoted is None:
        return None
    line, column, end_line, end_column = failure.quoted
    quote = failure.text(line)[column : column + 1]
    if any(_KEY.match(failure.text(number)) for number in range(line + 1, end_line + 1)):
        return Remedy(line, column, f"{_unclosed(quote)} (it ends in line {end_line + 1}, where the next text begins)")
    behind = failure.text(end_line)[end_column:].strip()
    if not behind:
        return _after_quoted_line(failure, end_line, line, column)
    if behind[0] in "#,]}:" or line != end_line or (behind[0] == quote and failure.says(*_IN_BRACKETS)):
        return None
    whole = _to_the_end(failure.text(line)[:column], failure.text(line)[column:].rstrip())
    return Remedy(line, end_column - 1, _nested(whole, quote))


def _nested(whole: str, quote: str) -> str:
    inner = whole[1:-1] if whole.endswith(quote) and whole[1:-1] else whole
    twice = "inside '…' a ' is written ''" if quote == "'" else 'inside "…" a " is written \\"'
    return f"this {quote} ends the text too early; write {in_quotes(inner)} ({twice})"


def _after_quoted_line(failure: Failure, end_line: int, line: int, column: int) -> Remedy | None:
    text = failure.text(failure.line)
    is_entry = _KEY.match(text) or _ITEM.match(text) or _indent(text) <= _indent(failure.text(line))
    if is_entry or failure.line <= end_line or not failure.says(*_MISPLACED):
        return None
    advice = f"the text goes on in line {failure.line + 1}, behind its closing quote: put all of it in quotes"
    return Remedy(line, column, advice)


def _bracket(failure: Failure) -> Remedy | None:
    """A text that begins with a brace, or with a bracket, and goes on behind the closing one."""
    text = failure.text(failure.line)
    entry = _KEY.match(text)
    if entry:
        value = text[entry.end() :].strip()
        column = len(text) - len(text[entry.end() :].lstrip())
        closed = closes_at(value) if value[:1] in _CLOSING and value else -1
        if closed >= 0 and value[closed + 1 :].strip() and not value[closed + 1 :].lstrip().startswith("#"):
            return Remedy(failure.line, column, must_be_quoted(value))
    before = text[: failure.column].rstrip()
    if before[-1:] in ("}", "]") and before and failure.says(*_IN_BRACKETS):
        column = before.rfind({"}": "{", "]": "["}[before[-1]])
        value = text[column : len(before)] + _to_the_end("[", text[len(before) :])
        return Remedy(failure.line, max(column, 0), must_be_quoted(value))
    return None


def _colon(failure: Failure) -> Remedy | None:
    """A colon and a blank within a text, which make a key of what stands before them."""
    if not failure.says("mapping values", *_IN_BRACKETS):
        return None
    text = failure.text(failure.line)
    entry = _KEY.match(text) or _ITEM.match(text)
    value = text[entry.end() :].strip() if entry else ""
    if value and value[0] not in "\"'{[" and (": " in value or value.endswith(":")):
        column = len(text) - len(text[entry.end() :].lstrip()) if entry else 0
        return Remedy(failure.line, column, must_be_quoted(value, "with a colon in it"))
    within = failure.context_at is not None and failure.context_at[0] == failure.line
    if within and text[failure.column : failure.column + 1] == ":" and failure.says(*_IN_BRACKETS):
        advice = "a text with a colon in it has to stand in quotes"
        return Remedy(failure.line, failure.column, advice)
    return _colon_below(failure, text)


def _colon_below(failure: Failure, text: str) -> Remedy | None:
    """A colon in a text that goes on over several lines."""
    entry, above = _KEY.match(text), failure.above(failure.line)
    head = _KEY.match(failure.text(above))
    if entry and entry["name"] in failure.names:
        return None
    if head is None or not failure.says("mapping values") or _indent(text) <= len(head["lead"]):
        return None
    column = max(text.find(":"), 0)
    advice = f"a text with a colon in it has to stand in quotes: put them around all of the text of {head['name']}"
    return Remedy(failure.line, column, f"{advice}, which begins in line {above + 1}")


def _open_bracket(failure: Failure) -> Remedy | None:
    line, column = failure.context_at or (0, 0)
    bracket = failure.text(line)[column : column + 1]
    if bracket not in _CLOSING or not failure.says(*_IN_BRACKETS):
        return None
    if failure.line > line:
        advice = f"the {bracket} that opens here is never closed; type {_CLOSING[bracket]} at its end"
        return Remedy(line, column, advice)
    return Remedy(failure.line, failure.column, f"a comma or the closing {_CLOSING[bracket]} is missing before this")


def _block(failure: Failure) -> Remedy | None:
    """A text below | or > that does not begin further right than its key."""
    for line in (failure.context_at[0] if failure.context_at else -1, failure.line):
        above = failure.above(line)
        head, text = _KEY.match(failure.text(above)), failure.text(line)
        if head and _BLOCK.fullmatch(failure.text(above), head.end()) and _indent(text) <= len(head["lead"]):
            advice = f"the text of {head['name']} has to begin further right than {head['name']} in line {above + 1}"
            return Remedy(line, _indent(text), advice)
    return None


def _glued(failure: Failure) -> Remedy | None:
    """A dash or a colon without the blank that makes it one, or a setting without its colon."""
    key_line = failure.context_at[0] if failure.context_at and "simple key" in failure.context else -1
    for line in (failure.line, failure.above(failure.line), key_line):
        text = failure.text(line)
        if (dash := _GLUED_DASH.match(text)) and failure.says(*_MISPLACED, "find expected ':'"):
            return Remedy(line, dash.end(), "a blank is missing behind the dash: write - and a blank")
        if line != key_line or not failure.says("find expected ':'"):
            continue
        if (colon := _GLUED_COLON.match(text)) and colon["name"] in failure.names:
            return Remedy(line, colon.end(), f"a blank is missing behind the colon: write {colon['name']}: and a blank")
        if (name := _NO_COLON.match(text)) and name["name"] in failure.names:
            return Remedy(line, name.end("name"), f"a colon is missing behind {name['name']}: write {name['name']}:")
    return None


def _comment(failure: Failure) -> Remedy | None:
    """A text that a # has cut off, and that goes on in the next line."""
    text, above = failure.text(failure.line), failure.above(failure.line)
    head = _KEY.match(failure.text(above))
    if head is None or _KEY.match(text) or _ITEM.match(text) or _indent(text) <= len(head["lead"]):
        return None
    found = _COMMENT.search(failure.text(above), head.end())
    if found is None or failure.text(above)[head.end() :].lstrip()[:1] in ("'", '"'):
        return None
    advice = "what stands behind # is a comment, and here it ends the text: put all of the text in quotes"
    return Remedy(above, found.end() - 1, advice)


def _indentation(failure: Failure) -> Remedy | None:
    """A line that begins further left or right than what it belongs to."""
    if not failure.says(*_MISPLACED):
        return None
    text, above = failure.text(failure.line), failure.above(failure.line)
    own = _indent(text)
    if not text.strip() or above < 0:
        return None
    if text.lstrip().startswith("- "):
        return _dash(failure, own, above)
    head = _KEY.match(failure.text(above))
    if head is None or len(head["lead"]) == own:
        return Remedy(failure.line, own, _UNFIT)
    return Remedy(failure.line, own, _begins(own, len(head["lead"]), head["name"], above))


def _dash(failure: Failure, own: int, above: int) -> Remedy | None:
    """A dash that is not below the dash before it, or a line between two dashes that is too far left."""
    left = -1
    while above >= 0 and not failure.text(above).lstrip().startswith("- "):
        left = above if _indent(failure.text(above)) <= own else left
        above = failure.above(above)
    if above < 0:
        return Remedy(failure.line, own, _UNFIT)
    before = failure.text(above)
    if _indent(before) != own or left < 0:
        return Remedy(failure.line, own, _begins(own, _indent(before), "the dash before it", above))
    head, indent = _KEY.match(before), _indent(failure.text(left))
    column, name = (len(head["lead"]), head["name"]) if head else (own, "the dash before it")
    return Remedy(left, indent, _begins(indent, column, name, above))


def _begins(own: int, other: int, name: str, line: int) -> str:
    """How far a line begins from where it should."""
    columns = f"{abs(own - other)} column{'' if abs(own - other) == 1 else 's'}"
    side = "right" if own > other else "left"
    return (
        f"the indentation does not fit: this line begins {columns} further {side} than {name} in line {line + 1}; "
        "let both begin in the same column"
    )


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


_SLIPS: tuple[Callable[[Failure], Remedy | None], ...] = (
    _tab,
    _escape,
    _never_closed,
    _reserved,
    _after_quote,
    _bracket,
    _colon,
    _open_bracket,
    _block,
    _glued,
    _comment,
    _indentation,
)
"""In this order: what says more exactly what is wrong comes first."""

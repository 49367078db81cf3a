"""Texts with ``{column}`` in them, and what they become in a row. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from batchgen.manifest.messages import joined, name_of
from batchgen.manifest.scalars import read_plain, tag_of
from batchgen.model import Data, DataPath

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_MOST_FAULTS = 100
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Template:
    """A text cut at its columns: ``parts`` are texts, and columns by their number, counted from 0.

    ``columns`` are those alone.
    """

    parts: tuple[str | int, ...]
    columns: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it is one column and nothing else, so that the cell is the value."""
        return len(self.parts) == 1 and isinstance(self.parts[0], int)


@dataclass(frozen=True, slots=True)
class Names:
    """The names in braces: the columns of the list ``file``, and those that a prompt has besides, of cast and vars."""

    file: str
    columns: Mapping[str, int]
    others: Collection[str]


def names_in(value: Data) -> Iterator[str]:
    """The names in braces in a value, whatever they stand for."""
    if isinstance(value, str):
        yield from (match[1] for match in _BRACES.finditer(value) if match[1] is not None)
    elif isinstance(value, list | dict):
        for item in value if isinstance(value, list) else value.values():
            yield from names_in(item)


def cut(text: str, path: DataPath, names: Names) -> tuple[Template, list[tuple[str, str]]]:
    """The template that a text is, and what is wrong with it: rule and message.

    In a prompt, what is no column is left to what puts the cast in.
    """
    is_prompt = path[-1] == "prompt"
    parts: list[str | int] = []
    faults: list[tuple[str, str]] = []
    end = 0
    for match in _BRACES.finditer(text):
        written, name = match[0], match[1]
        parts.append(text[end : match.start()])
        end = match.end()
        if is_prompt and (name is None or name in names.others):
            parts.append(written)
        elif name in names.columns:
            parts.append(names.columns[name])
        elif name is not None:
            faults.append(_unknown(name, path, names, is_prompt=is_prompt))
        elif len(written) == 1:
            message = f"{name_of(path)} has a single {written}; write {written * 2} for the character itself"
            faults.append(("for_each.brace", message))
        else:
            parts.append(written[0])
        if len(faults) >= _MOST_FAULTS:
            break
    parts.append(text[end:])
    together = tuple(_run_together(parts))
    return Template(together, tuple(part for part in together if isinstance(part, int))), faults


def _run_together(parts: list[str | int]) -> Iterator[str | int]:
    """The parts without empty texts, and with texts that follow one another in one."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        text = ""
        yield part
    if text:
        yield text


def _unknown(name: str, path: DataPath, names: Names, *, is_prompt: bool) -> tuple[str, str]:
    count = len(names.columns) + (len(names.others) if is_prompt else 0)
    few = count <= _MOST_NAMED
    known = [*names.columns, *(names.others if is_prompt else ())] if few else []
    close = get_close_matches(name, known, n=1) if few else []
    if close:
        hint = f"did you mean {{{close[0]}}}?"
    elif few:
        hint = f"there is {joined(sorted(known), 'and')}"
    else:
        hint = f"they have {count} others"
    what = "neither a column of {} nor in cast or vars" if is_prompt else "not a column of {}"
    message = f"{'the prompt' if is_prompt else name_of(path)} has {{{name}}}, which is {what.format(names.file)}"
    return "for_each.unknown", f"{message}; {hint} (write {{{{ and }}}} for braces themselves)"


def plain(text: str) -> Data:
    """What YAML takes a text for where it stands without quotes; the text where that is not what is written."""
    tag = tag_of(text)
    value, reading = (text, None) if tag is None else read_plain(text, tag)
    return text if reading is not None or value is None else value

"""Scenes → the text of a manifest that YAML reads as exactly these scenes. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from batchgen.manifest.scalars import tag_of
from batchgen.model import Data

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./*-]+\Z|[1-9][0-9]*\*[1-9][0-9]*\Z")


def manifest_text(
    head: str, settings: Mapping[str, Data], scenes: Sequence[Mapping[str, Data]], beside: Mapping[str, str]
) -> str:
    """A manifest with a comment at its head, settings, scenes, and comments ``beside`` the ids of scenes."""
    lines = [f"# {head}"]
    for name, value in settings.items():
        lines += _entry(name, value, "")
    lines.append("scenes:")
    for scene in scenes:
        first, *entries = [line for name, value in scene.items() for line in _entry(name, value, "    ")]
        comment = beside.get(str(scene["id"]))
        lines += [f"  - {first.lstrip()}{f'   # {comment}' if comment else ''}", *entries]
    return "\n".join(lines) + "\n"


def _entry(name: str, value: Data, indent: str) -> Iterator[str]:
    """The lines of one setting; a text with line breaks is a block, which reads as it looks."""
    if isinstance(value, str) and "\n" in value and _is_block(value):
        yield f"{indent}{name}: |-"
        yield from (f"{indent}  {line}" if line else "" for line in value.split("\n"))
    elif isinstance(value, list):
        yield f"{indent}{name}: [{', '.join(map(_scalar, value))}]"
    else:
        yield f"{indent}{name}: {_scalar(value)}"


def _is_block(text: str) -> bool:
    """Whether a block keeps every character: it escapes none, and its first line tells the indentation."""
    return not text.startswith((" ", "\t", "\n")) and not text.endswith("\n") and all(map(_is_printed, text))


def _is_printed(char: str) -> bool:
    return char.isprintable() or char in _KEPT


def _scalar(value: Data) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_scalar(each)}' for name, each in value.items())}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    """A text as it is where no reader of YAML can take it for anything else, else in quotes."""
    if _PLAIN.match(text) and tag_of(text) is None:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if _is_printed(char) else _escaped(char) for char in quoted)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"


_LAST_SHORT = 0xFFFF
_KEPT = "\n\u3000"
"""What YAML takes as it is, beside what can be printed: the blank of Chinese and Japanese among it."""

"""Markdown out of the texts of schemas and of the command line."""

import re
from collections.abc import Iterable

_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
_SPECIAL = re.compile(r"([*<`\[\]]|(?<!\w)_|_(?!\w))")


def plain(text: str) -> str:
    """A text in which nothing is markup, on one line."""
    return _escaped(" ".join(text.split()))


def prose(text: str) -> str:
    """A text of the command line, with its options set as code."""
    parts = _OPTION.split(" ".join(text.split()))
    return "".join(code(part) if at % 2 else _escaped(part) for at, part in enumerate(parts))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def code(value: object) -> str:
    """A value set as code."""
    return f"`{value}`"


def codes(values: Iterable[object]) -> str:
    """Values set as code, one after the other."""
    return ", ".join(map(code, values))


def page(title: str, intro: str, *sections: str) -> str:
    """A page that says where it comes from."""
    made = "<!-- made by: python tests/helpers/update_reference.py -->"
    return "\n\n".join([f"# {title}", made, intro, *(section.strip("\n") for section in sections)]) + "\n"


def section(title: str, *parts: str, level: int = 2) -> str:
    """A heading and what stands below it; parts that are empty are left out."""
    return "\n\n".join([f"{'#' * level} {title}", *(part.strip("\n") for part in parts if part)])

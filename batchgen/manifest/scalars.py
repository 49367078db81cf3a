"""Plain scalars: what YAML 1.1 takes them for, and whether that is what was written. Pure."""

import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from batchgen.model import Scalar

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+\Z")
_LONGEST_NUMBER = 40
_MOST_REMEMBERED = 4_096
"""Scalars whose reading is kept: thousands of scenes share their keys, sizes and durations."""
_CONSTANTS: Mapping[str, Scalar] = {"true": True, "false": False, "null": None, "~": None, "": None}
READINGS = {
    "tag:yaml.org,2002:bool": "a boolean",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:merge": "a special key",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:value": "a special key",
}


def tag_of(text: str) -> str | None:
    """What YAML 1.1 takes a plain scalar for, None where it is a text."""
    return _short_tag_of(text) if len(text) <= _LONGEST_NUMBER else _tag_of(text)


def _tag_of(text: str) -> str | None:
    for tag, pattern in Resolver.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return str(tag)
    return None


_short_tag_of = lru_cache(_MOST_REMEMBERED)(_tag_of)


def read_plain(text: str, tag: str) -> tuple[Scalar, str | None]:
    """The value of a plain scalar that is not a text, and what YAML makes of it if that surprises.

    A surprising one keeps its text as its value: it is refused in any case, and the rules that
    look at it afterwards should see what was written.
    """
    return _short_read(text, tag) if len(text) <= _LONGEST_NUMBER else _read(text, tag)


def _read(text: str, tag: str) -> tuple[Scalar, str | None]:
    lower = text.lower()
    if lower in _CONSTANTS:
        return _CONSTANTS[lower], None
    if _INTEGER.match(text):
        return int(text), None
    if _DECIMAL.match(text):
        return Decimal(text), None
    if tag == "tag:yaml.org,2002:bool":
        return SafeConstructor.bool_values[lower], None
    if tag == "tag:yaml.org,2002:int" and len(text) <= _LONGEST_NUMBER:
        # YAML 1.1 lets 0b_ and 0x_ through as numbers, and its constructor then fails on them.
        with suppress(ValueError):
            return text, f"the number {SafeConstructor().construct_yaml_int(yaml.ScalarNode(tag, text))}"
    return text, READINGS[tag]


_short_read = lru_cache(_MOST_REMEMBERED)(_read)

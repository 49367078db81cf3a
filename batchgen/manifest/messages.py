"""Schema errors and values in the user's words. Pure."""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from jsonschema.exceptions import ValidationError

from batchgen.model import DataPath, Scalar

_LONGEST_SHOWN = 60
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping of keys to values",
    "string": "a text",
}


def show_path(path: DataPath) -> str:
    """A path as JSONPath: ``$.scenes[0].size``."""
    steps = (
        f"[{step}]" if isinstance(step, int) else f".{step}" if _PLAIN_KEY.match(step) else f"[{json.dumps(step)}]"
        for step in path
    )
    return "$" + "".join(steps)


def show_value(value: object) -> str:
    """A value as JSON, cut in the middle where it is long."""
    if isinstance(value, str) and len(value) > _LONGEST_SHOWN:
        half = _LONGEST_SHOWN // 2
        value = f"{value[:half]}…{value[-half:]}"
    shown = str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 2 * _LONGEST_SHOWN else shown[: 2 * _LONGEST_SHOWN] + "…"


def name_of(path: DataPath) -> str:
    """What to call the value at ``path``: its key, or what kind of entry it is."""
    if not path:
        return "the manifest"
    last = path[-1]
    if isinstance(last, str):
        return last
    kind = {"scenes": "scene", "references": "reference"}.get(str(path[-2]) if path[1:] else "", "item")
    return f"{kind} {last + 1}"


def rule_name(path: DataPath) -> str:
    """The name of a setting in rules: its key, without the names that users choose."""
    if path[:1] in (("cast",), ("pricing",), ("vars",)):
        return str(path[0])
    if path[:1] == ("profiles",) and len(path) <= len(("profiles", "NAME")):
        return "profiles"
    return next((step for step in reversed(path) if isinstance(step, str)), "manifest")


def joined(words: Sequence[str], last: str = "or") -> str:
    """``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def choices(schema: Mapping[str, Any]) -> list[Scalar]:
    """The values that a schema lists, itself or in its alternatives."""
    listed = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return [*listed, *(value for part in schema.get("anyOf", ()) for value in choices(part))]


def unknown_key(key: str, around: DataPath, known: Sequence[str], elsewhere: Collection[str]) -> str:
    """The message for a key that does not exist, with the one that was probably meant.

    ``elsewhere`` are the keys that belong into scenes, for one at the top, or to the top, for one in a scene.
    """
    where = name_of(around)
    if key == _OF_ONE_SHOT:
        return f"{key} makes a shot of each row and cannot stand in {where}; put it into a scene, above its id"
    if key in elsewhere and around:
        return f"{key} belongs to the manifest and not to {where}; put it at the top, beside scenes:"
    if key in elsewhere:
        place = "into a scene, below its id" if key in _OF_ONE_SCENE else "under defaults: or into a scene"
        return f"{key} is a setting of scenes and not of {where}; put it {place}"
    close = get_close_matches(key, known, n=1)
    if not close and key in _OF_OTHER_MODELS:
        return not_here((*around, key))
    if close:
        return f"{where} has an unknown key {key!r}; did you mean {close[0]!r}?"
    return f"{where} has an unknown key {key!r}; known are {joined(known, 'and')}"


def not_here(path: DataPath) -> str:
    """The message for a key that cannot stand where it does, and why, if the model is the reason."""
    key, where = str(path[-1]), name_of(path[:-1])
    if key in _OF_OTHER_MODELS:
        return f"{key} cannot stand in {where}: {_OF_OTHER_MODELS[key]}; take it out, or name another model"
    return f"{name_of(path)} cannot stand in {where}; take it out"


_OF_OTHER_MODELS = {
    "cast": "prompts of this model do not name references",
    "references": "this model takes none",
    "reference_video": "this model has no price for reference video",
}
"""Why keys that other models have are unknown."""
_OF_ONE_SHOT = "for_each"
_OF_ONE_SCENE = ("id", "prompt", "title", "note")


def describe(error: ValidationError, name: str) -> str:
    """The message for a value that breaks one keyword of a schema."""
    if error.validator == "maxContains" and isinstance(error.schema, dict):
        return f"{name} holds too many: {error.schema.get('title', 'fewer are allowed')}"
    sentence = _SENTENCES.get(str(error.validator), _no_sentence)
    bound = _bound(error) if error.validator == "type" else ""
    return sentence(error.validator_value, error.instance, name) + bound


def _bound(error: ValidationError) -> str:
    """The bound that a number of the wrong type, such as 1.5, has missed as well."""
    value, schema = error.instance, error.schema
    if not isinstance(value, Decimal | float) or not isinstance(schema, dict):
        return ""
    least, most = schema.get("minimum", value), schema.get("maximum", value)
    return f"; the least is {least}" if value < least else f"; the most is {most}" if value > most else ""


def _no_sentence(_limit: Any, value: object, name: str) -> str:
    return f"{name} cannot be {show_value(value)}"


def _type(limit: Any, value: object, name: str) -> str:
    wanted = joined([_TYPES[kind] for kind in ([limit] if isinstance(limit, str) else limit)])
    if value is None:
        return f"{name} is empty; it has to be {wanted}"
    if isinstance(value, dict | list):
        form = "; begin each of its entries with a dash and a blank" if limit == "array" else ""
        return f"{name} has to be {wanted}, not {'a mapping' if isinstance(value, dict) else 'a list'}{form}"
    how = _FORMS[limit](value) if isinstance(value, str) and isinstance(limit, str) and limit in _FORMS else ""
    return f"{name} has to be {wanted}, not {show_value(value)}{how}"


def _whole_number(text: str) -> str:
    """How to write the whole number that a text was written for."""
    found, clock = _LEADING_NUMBER.match(text), _CLOCK.match(text)
    if clock is not None:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return f"; in seconds, write {3600 * hours + 60 * minutes + seconds}"
    if found is None:
        word = _NUMBER_WORDS.get(text.strip().casefold())
        return "; write it in digits" if word is None else f"; write it in digits: {word}"
    number, behind = int(found[1]), found[2]
    if not behind:
        return f"; write {number} without quotes"
    return f"; write {number}" if behind[0] in ".," else f"; write {number}, without {behind}"


def _list_of(text: str) -> str:
    """How to write the list that a text was written for."""
    if text.startswith("-"):
        return "; write a blank behind the dash"
    return f"; write it in brackets: [{text}]" if len(text) <= _LONGEST_SHOWN else "; put it in [ and ]"


_LEADING_NUMBER = re.compile(r"\s*([0-9]{1,18})\s*([.,][0-9]+|[^\W0-9]+[.]?|)\s*\Z")
_CLOCK = re.compile(r"\s*(?:([0-9]{1,2}):)?([0-9]{1,3}):([0-5][0-9])\s*\Z")
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBER_WORDS = {word: number for number, word in enumerate(_WORDS, 1)}
_FORMS: Mapping[str, Callable[[str], str]] = {
    "integer": _whole_number,
    "boolean": lambda _: "; write true or false, without quotes",
    "array": _list_of,
}
"""How to write what a text was written for."""


def _counted(value: object) -> str:
    unit = "character" if isinstance(value, str) else "item"
    count = len(value) if isinstance(value, str | list | dict) else 0
    return f"{count} {unit}{'' if count == 1 else 's'}"


_SENTENCES: Mapping[str, Callable[[Any, object, str], str]] = {
    "type": _type,
    "minimum": lambda limit, value, name: f"{name} is {value}; the least is {limit}",
    "maximum": lambda limit, value, name: f"{name} is {value}; the most is {limit}",
    "minLength": lambda limit, value, name: f"{name} is empty" if not value else f"{name} is shorter than {limit}",
    "maxLength": lambda limit, value, name: f"{name} has {_counted(value)}; the most is {limit}",
    "minItems": lambda limit, value, name: f"{name} has {_counted(value)}; the least is {limit}",
    "maxItems": lambda limit, value, name: f"{name} has {_counted(value)}; the most is {limit}",
    "maxProperties": lambda limit, value, name: f"{name} has {_counted(value)}; the most is {limit}",
}

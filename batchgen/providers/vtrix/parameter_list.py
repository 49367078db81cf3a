"""A model's specification as a list: name, path, type and constraints of each parameter. Pure."""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from jsonschema import Draft202012Validator

from batchgen.providers.specification import (
    WRONG_FORM,
    InvalidSpecification,
    Parameter,
    Specification,
    SpecificationProblem,
)
from batchgen.providers.vtrix.specification import DEEPEST, content_of, specification, steps_of
from batchgen.schemas import Schema

_LIST = "parameters"
_TYPES = {
    **dict.fromkeys(("string", "str", "text", "enum", "url", "uri", "file"), "string"),
    **dict.fromkeys(("integer", "int", "int32", "int64", "long"), "integer"),
    **dict.fromkeys(("number", "float", "double", "decimal"), "number"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("object", "dict", "map", "json"), "object"),
    **dict.fromkeys(("array", "list"), "array"),
}
_OF_ITEMS = re.compile(r"(?:array|list)\s*(?:[\[<(]|of )\s*(\w+)\s*[\]>)]?|(\w+)\[\]")
_KEYWORDS = {
    "number": {"min": "minimum", "max": "maximum"},
    "string": {"min_length": "minLength", "max_length": "maxLength"},
    "array": {"min_items": "minItems", "max_items": "maxItems"},
}
_ALL = tuple(word for words in _KEYWORDS.values() for word in words)


def read(document: Mapping[str, Any]) -> Specification:
    """Read the list. Raises `InvalidSpecification`."""
    content = content_of(document, _LIST)
    listed = content.get(_LIST)
    if not isinstance(listed, list) or not listed:
        message = f"there is no list of {_LIST} in it"
        raise InvalidSpecification([SpecificationProblem(f"$.{_LIST}", WRONG_FORM, message)])
    reading = _Reading()
    reading.entries(listed, (), f"$.{_LIST}", is_required=True)
    return specification(content, reading.parameters, reading.notes, reading.problems)


class _Reading:
    """What was read of a list so far, and what is wrong with it."""

    def __init__(self) -> None:
        self.parameters: list[Parameter] = []
        self.notes: list[str] = []
        self.problems: list[SpecificationProblem] = []

    def entries(self, listed: list[Any], around: tuple[str, ...], path: str, *, is_required: bool) -> None:
        """Read the entries of a list, within an object that may have to be there."""
        for index, entry in enumerate(listed):
            here = f"{path}[{index}]"
            if not isinstance(entry, dict):
                self._wrong(here, "parameter.type", "a parameter has to be an object with name, path and type")
                continue
            steps = self._steps(entry, around, here)
            if steps:
                self._entry(entry, steps, here, is_required=is_required and entry.get("required") in _YES)

    def _steps(self, entry: Mapping[str, Any], around: tuple[str, ...], here: str) -> tuple[str, ...] | None:
        name, path = entry.get("name"), entry.get("path")
        if isinstance(path, str) and path.strip():
            steps = steps_of(path.strip())
            if steps is None:
                message = f"the path {path!r} is not understood; write it as input.prompt or input[0].params.prompt"
                self._wrong(f"{here}.path", "parameter.path", message)
            return steps
        if not isinstance(name, str) or not name.strip():
            self._wrong(f"{here}.name", "parameter.name", "the parameter has neither a name nor a path; add one")
            return None
        return (*around, *(steps_of(name.strip()) or (name.strip(),)))

    def _entry(self, entry: Mapping[str, Any], steps: tuple[str, ...], here: str, *, is_required: bool) -> None:
        *around, name = steps
        if len(around) > DEEPEST:
            self._wrong(here, "parameter.depth", "the objects lie too deep in one another")
            return
        kind, of_items = _kind(entry.get("type"))
        children = entry.get("children")
        if isinstance(children, list) and children and kind in ("object", ""):
            self.entries(children, steps, f"{here}.children", is_required=is_required)
            return
        if kind == "array" and (children or of_items == "object"):
            kind = "object"
        if kind == "":
            self.notes.append(f"{name}: its type {entry.get('type')!r} is not known, so that any value is taken")
        limits = entry.get("constraints")
        said = {**entry, **(limits if isinstance(limits, dict) else {})}
        schema = {**self._limits(said, kind, of_items, here), **self._words(said)}
        self._add_examples(schema, said, kind, name)
        self.parameters.append(Parameter(tuple(around), name.removesuffix("[0]"), schema, is_required, here))

    def _limits(self, said: Mapping[str, Any], kind: str, of_items: str, here: str) -> Schema:
        schema: Schema = {"type": kind} if kind else {}
        if kind == "array":
            schema["items"] = {"type": of_items or "string"}
        words = _KEYWORDS.get("number" if kind == "integer" else kind, {})
        for word, keyword in words.items():
            if said.get(word) is None:
                continue
            limit = _number(said[word])
            if limit is None or (keyword not in ("minimum", "maximum") and (limit < 0 or limit != int(limit))):
                self._wrong(f"{here}.constraints.{word}", f"parameter.{word}", f"{word} has to be a number")
            else:
                schema[keyword] = limit
        if "minimum" in schema and "maximum" in schema and schema["minimum"] > schema["maximum"]:
            self._wrong(f"{here}.constraints.max", "parameter.max", "the most is less than the least; correct one")
        for word in _ALL:
            if said.get(word) is not None and word not in words:
                self.notes.append(f"{said.get('name')}: {word} says nothing of a value of its type, and is left out")
        return {**schema, **self._choices(said.get("enum"), kind, here)}

    def _choices(self, listed: object, kind: str, here: str) -> Schema:
        if listed is None or listed == [] or kind in ("array", "object"):
            return {}
        values = [_as_kind(value, kind) for value in listed] if isinstance(listed, list) else [None]
        if None in values:
            message = "enum has to be a list of values of the parameter's type"
            self._wrong(f"{here}.constraints.enum", "parameter.enum", message)
            return {}
        return {"enum": [value for index, value in enumerate(values) if value not in values[:index]]}

    def _words(self, said: Mapping[str, Any]) -> Schema:
        text = said.get("description")
        return {"description": text.strip()} if isinstance(text, str) and text.strip() else {}

    def _add_examples(self, schema: Schema, said: Mapping[str, Any], kind: str, name: str) -> None:
        """The default and an example, as far as they keep to the limits themselves."""
        fits = Draft202012Validator(dict(schema)).is_valid
        default, example = (_as_kind(said.get(word), kind) for word in ("default", "example"))
        if default is not None and fits(default):
            schema["default"] = default
        elif said.get("default") is not None:
            self.notes.append(f"{name}: its default {said['default']!r} is beyond its own limits, and is left out")
        if example is not None and fits(example):
            schema["examples"] = [example]

    def _wrong(self, path: str, rule: str, message: str) -> None:
        self.problems.append(SpecificationProblem(path, rule, message))


_YES = (True, "true", "True", "yes", 1)


def _kind(said: object) -> tuple[str, str]:
    """The type in the words of JSON Schema, and that of the items of a list; empty where it is not known."""
    text = str(said).replace("\\", "").strip().lower()
    found = _OF_ITEMS.fullmatch(text)
    if found:
        return "array", _TYPES.get(found[1] or found[2], "")
    return _TYPES.get(text, ""), ""


def _number(value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _as_kind(value: object, kind: str) -> Any:
    """A value that may have been written as a text, in its own type; None where it is not one of it."""
    convert = _CONVERSIONS.get(kind)
    return value if value is None or convert is None else convert(value)


def _whole(value: object) -> int | None:
    number = _number(value)
    return number if isinstance(number, int) else None


def _boolean(value: object) -> bool | None:
    return {"true": True, "false": False}.get(str(value).lower())


_CONVERSIONS: Mapping[str, Callable[[object], Any]] = {
    "integer": _whole,
    "number": _number,
    "boolean": _boolean,
    "string": lambda value: value if isinstance(value, str) else None if isinstance(value, dict | list) else str(value),
}

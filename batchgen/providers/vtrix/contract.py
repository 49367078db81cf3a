"""A model's specification as a contract, whose ``input_schema`` is a JSON Schema of the parameters. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from batchgen.providers.specification import (
    WRONG_FORM,
    InvalidSpecification,
    Parameter,
    Specification,
    SpecificationProblem,
)
from batchgen.providers.vtrix.specification import DEEPEST, LIST_OF_ONE, content_of, specification
from batchgen.schemas import Schema

_SCHEMA = "input_schema"
_LIMITS = (
    *("enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minLength", "maxLength", "minItems", "maxItems", "title", "description"),
)
"""The keywords that are taken over as they are."""
_MOST_SCHEMAS = 10_000
"""Schemas looked at before a file is refused: what refers to itself twice over doubles with every object."""


def read(document: Mapping[str, Any]) -> Specification:
    """Read the contract. Raises `InvalidSpecification`."""
    content = content_of(document, _SCHEMA)
    root = content.get(_SCHEMA)
    if not isinstance(root, dict):
        message = f"there is no {_SCHEMA} in it"
        raise InvalidSpecification([SpecificationProblem(f"$.{_SCHEMA}", WRONG_FORM, message)])
    reading = _Reading(root, content)
    reading.properties(root, (), f"$.{_SCHEMA}", is_required=True)
    if not reading.parameters and not reading.problems:
        reading.wrong(f"$.{_SCHEMA}.properties", "properties.required", "the schema has no properties")
    return specification(content, reading.parameters, reading.notes, reading.problems)


class _Reading:
    """What was read of a schema so far, and what is wrong with it."""

    def __init__(self, *documents: Mapping[str, Any]) -> None:
        self._documents = documents
        self.parameters: list[Parameter] = []
        self.notes: list[str] = []
        self.problems: list[SpecificationProblem] = []
        self._looked_at = 0

    def properties(self, schema: Mapping[str, Any], around: tuple[str, ...], path: str, *, is_required: bool) -> None:
        """Read the properties of an object, which may have to be there."""
        whole = self._resolved(schema, path)
        listed, required = whole.get("properties", {}), whole.get("required", ())
        if not isinstance(listed, dict) or not isinstance(required, list | tuple):
            self.wrong(path, "properties.type", "properties has to be an object, and required a list")
            return
        if len(around) > DEEPEST:
            self.wrong(path, "parameter.depth", "the objects lie too deep in one another")
            return
        for name, part in listed.items():
            self._property(
                name, part, around, f"{path}.properties.{name}", is_required=is_required and name in required
            )

    def _property(self, name: str, part: object, around: tuple[str, ...], path: str, *, is_required: bool) -> None:
        if not isinstance(part, dict):
            self.wrong(path, "property.type", f"{name} has to be a schema, an object")
            return
        whole = self._resolved(part, path)
        items = whole.get("items")
        item = self._resolved(items, f"{path}.items") if isinstance(items, dict) else {}
        if "properties" in whole:
            self.properties(whole, (*around, name), path, is_required=is_required)
        elif "properties" in item and not around and name == LIST_OF_ONE:
            self.properties(item, (f"{name}[0]",), f"{path}.items", is_required=is_required)
        else:
            schema = self._limits(name, whole, item, path)
            self.parameters.append(Parameter(around, name, schema, is_required, path))

    def _resolved(self, schema: Mapping[str, Any], path: str, depth: int = 0) -> dict[str, Any]:
        """The schema with what it refers to, and of its alternatives the first that is not null."""
        self._looked_at += 1
        if self._looked_at > _MOST_SCHEMAS:
            message = "the schemas refer to one another too often, or there are too many"
            raise InvalidSpecification([SpecificationProblem(path, "property.ref", message)])
        if depth > DEEPEST:
            self.wrong(path, "property.ref", "the schemas refer to one another in a circle")
            return {}
        found = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "anyOf", "oneOf")}
        parts = [*self._referred(schema.get("$ref"), path), *_schemas(schema.get("allOf"))]
        for word in ("anyOf", "oneOf"):
            choices = [one for one in _schemas(schema.get(word)) if one.get("type") != "null"]
            if len(choices) > 1:
                self.notes.append(f"{path.rpartition('.')[2]}: of several alternatives the first is taken")
            parts += choices[:1]
        for part in parts:
            found = {**self._resolved(part, path, depth + 1), **found}
        return found

    def _referred(self, reference: object, path: str) -> list[Mapping[str, Any]]:
        if reference is None:
            return []
        for document in self._documents:
            node: Any = document
            for step in str(reference).removeprefix("#").split("/")[1:]:
                node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
            if isinstance(node, dict) and str(reference).startswith("#"):
                return [node]
        self.wrong(path, "property.ref", f"it refers to {reference!r}, which is not in the file")
        return []

    def _limits(self, name: str, whole: Mapping[str, Any], item: Mapping[str, Any], path: str) -> Schema:
        kind = _kind(whole)
        kept = {word: whole[word] for word in _LIMITS if word in whole}
        schema: Schema = {**({"type": kind} if kind else {}), **kept}
        if "const" in whole:
            schema["enum"] = [whole["const"]]
        if kind == "array":
            schema["items"] = {"type": _kind(item) or "string"}
            schema = {**schema, **({"type": "object"} if _kind(item) in ("object", "array") else {})}
        if isinstance(whole.get("pattern"), str):
            self._add_pattern(schema, name, whole["pattern"])
        try:
            Draft202012Validator.check_schema(schema)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a schema from elsewhere
            self.wrong(path, "property.schema", f"{name} is no JSON Schema: {str(error).splitlines()[0]}")
            return {}
        self._add_examples(schema, name, whole)
        return schema

    def _add_pattern(self, schema: Schema, name: str, pattern: str) -> None:
        try:
            re.compile(pattern)
        except re.error:
            self.notes.append(f"{name}: its pattern cannot be used here, and is left out")
        else:
            schema["pattern"] = pattern

    def _add_examples(self, schema: Schema, name: str, whole: Mapping[str, Any]) -> None:
        """The default and examples, as far as they keep to the limits themselves."""
        fits = Draft202012Validator(dict(schema)).is_valid
        if whole.get("default") is not None and fits(whole["default"]):
            schema["default"] = whole["default"]
        elif whole.get("default") is not None:
            self.notes.append(f"{name}: its default {whole['default']!r} is beyond its own limits, and is left out")
        shown = whole.get("examples")
        examples = [value for value in shown if fits(value)] if isinstance(shown, list) else []
        if examples:
            schema["examples"] = examples

    def wrong(self, path: str, rule: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(SpecificationProblem(path, rule, message))


def _schemas(listed: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _kind(schema: Mapping[str, Any]) -> str:
    """The type that a schema names, of several the first that is not null; else that of the values it lists."""
    said = schema.get("type")
    named = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    known = [kind for kind in named if isinstance(kind, str) and kind != "null"]
    if known:
        return known[0]
    listed = schema.get("enum")
    values = listed if isinstance(listed, list) else []
    return "string" if values and all(isinstance(value, str) for value in values) else ""

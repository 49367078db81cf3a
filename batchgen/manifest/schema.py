"""Data → problems, by the manifest schema of the model that the manifest names. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, cast

from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from batchgen.manifest import sizes
from batchgen.manifest.decimal_commas import with_point
from batchgen.manifest.document import Document
from batchgen.manifest.messages import choices, describe, joined, name_of, not_here, rule_name, show_value, unknown_key
from batchgen.manifest.path_remedies import is_bare_address, with_scheme
from batchgen.manifest.yaml_reader import MOST_PROBLEMS
from batchgen.manifest.yaml_remedies import closes_at, in_quotes, must_be_quoted
from batchgen.model import DataPath, Place, Problem
from batchgen.options import REFUSED

Tiers = Mapping[str, Sequence[str]]
_BOUNDS = ("minimum", "maximum")
"""Where a number is of the wrong type, its bounds are told with that."""


def problems(document: Document, validator: Validator, tiers: Tiers, settings: Collection[str]) -> Iterator[Problem]:
    """What the schema finds wrong with a document, and the values that YAML misread.

    ``settings`` are the settings that a scene may have.
    """
    told: set[DataPath] = set()
    top = cast("Any", validator.schema).get("properties", {})
    errors = list(islice(validator.iter_errors(cast("Any", document.data)), MOST_PROBLEMS))
    of_type = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    for error in errors:
        path: DataPath = tuple(error.absolute_path)
        if (path in told and document.reading(path)) or (path in of_type and error.validator in _BOUNDS):
            continue
        told.add(path)
        yield _key_problem(document, error, path, settings, top) or _value_problem(document, error, path, tiers)
    for path, _ in document.misread.values():
        if path in told:
            continue
        spot = document.spot(path)
        message = f'{_as_read(document, path)}; write it in quotes: "{spot.written}"'
        yield Problem(spot.place, path, "yaml.misread", message, spot.written)


def _key_problem(
    document: Document, error: ValidationError, path: DataPath, settings: Collection[str], top: Collection[str]
) -> Problem | None:
    """The problem where the error is about a key and not about its value."""
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "required":
        message = f"{name_of(path[:-1])} has no {path[-1]}; add it"
        return Problem(document.spot(path).place, path, f"{path[-1]}.required", message)
    if error.validator == "additionalProperties":
        is_scene = path[0] in ("scenes", "defaults", "profiles")
        elsewhere: Collection[str] = top if is_scene else settings if not path[1:] else ()
        rule, message = _unknown(path, sorted(schema.get("properties", ())), elsewhere)
    elif error.schema is False:
        rule, message = f"{rule_name(path)}.not-here", not_here(path)
    elif "propertyNames" in error.relative_schema_path:
        message = f"{path[-1]!r} cannot be a name in {name_of(path[:-1])}{_advice(schema)}"
        rule = f"{rule_name(path)}.name"
    else:
        return None
    return Problem(document.key_place(path), path, rule, message, str(path[-1]))


def _unknown(path: DataPath, known: Sequence[str], elsewhere: Collection[str]) -> tuple[str, str]:
    """Rule and message for a key that does not exist, or that is refused under ``run`` for a reason."""
    key = str(path[-1])
    reason = REFUSED.get(key.lower().replace("-", "_")) if path[:-1] == ("run",) else None
    if reason is not None:
        return f"{key}.not-here", f"run cannot hold {key}: {reason}"
    return "unknown-key", unknown_key(key, path[:-1], known, elsewhere)


def _value_problem(document: Document, error: ValidationError, path: DataPath, tiers: Tiers) -> Problem:
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    spot = document.spot(path)
    listed = choices(schema)
    keyword = "enum" if listed and error.validator != "const" else str(error.validator)
    name = name_of(path)
    shown, place, source = error.instance if isinstance(error.instance, str) else "", spot.place, ""
    if document.reading(path):
        plain = "write the number in plain digits, or a text in quotes"
        fix = f"write {_choose(listed, error.instance, tiers)}" if keyword == "enum" else plain
        message = f"{_as_read(document, path)}; {fix}"
    elif keyword == "type" and spot.written and "string" in schema.get("type", ()):
        message = f'{name}: {spot.written} is not a text for YAML; write it in quotes: "{spot.written}"'
    elif with_point(shown) and "x-advice" in schema:
        message = f'{name}: {shown} has a decimal comma; write "{with_point(shown)}"'
    elif unquoted := _unquoted(document, path, error):
        place, source = _behind_colon(document, spot.place), document.line(spot.place)
        message = unquoted
    elif is_bare_address(shown) and keyword == "pattern":
        message = f"{name} cannot be {show_value(error.instance)}; {with_scheme(shown)}"
    elif listed and "x-advice" not in schema:
        message = f"{name} cannot be {show_value(error.instance)}; write {_choose(listed, error.instance, tiers)}"
    else:
        message = describe(error, name) + _advice(schema)
    value = spot.written if spot.written is not None else show_value(error.instance)
    return Problem(place, path, f"{rule_name(path)}.{keyword}", message, value, source=source)


def _behind_colon(document: Document, place: Place) -> Place:
    """Where the text behind a key begins, for a value that YAML takes for nothing."""
    behind = document.line(place)[place.column - 1 :]
    return place._replace(column=place.column + len(behind) - len(behind.lstrip(": ")))


def _unquoted(document: Document, path: DataPath, error: ValidationError) -> str | None:
    """The advice for a text without quotes that YAML takes for a mapping, a list, or a comment."""
    name = name_of(path)
    if error.validator != "type" or error.validator_value != "string":
        return None
    place = document.spot(path).place
    behind = document.line(place)[place.column - 1 :].rstrip()
    if error.instance is None:
        if behind.lstrip()[:1] in (",", "}") and not document.line(place)[: place.column - 1].rstrip().endswith(":"):
            return f"a comma has made a new entry of {name}; put the text that has commas in it in quotes"
        text = behind.lstrip(": ")
        return f"{name} is empty, since # begins a comment; write {in_quotes(text)}" if text.startswith("#") else None
    if not isinstance(error.instance, dict | list) or behind[:1] not in ("{", "["):
        return None
    return f"{name} has to be a text; " + must_be_quoted(behind[: closes_at(behind) + 1] or behind)


def _as_read(document: Document, path: DataPath) -> str:
    return f"{name_of(path)}: YAML reads {document.spot(path).written} as {document.reading(path)}"


def _advice(schema: Mapping[str, Any]) -> str:
    return f"; {schema['x-advice']}" if "x-advice" in schema else ""


def _choose(listed: Sequence[object], value: object, tiers: Tiers) -> str:
    """The values to choose from: of the documented sizes, those that fit what was written."""
    if isinstance(value, str):
        texts = [item for item in listed if isinstance(item, str)]
        is_priced = listed == [text for tier in tiers.values() for text in tier]
        listed = sizes.fitting(value, tiers if is_priced else {"": texts}) or listed
    return joined([show_value(item) for item in listed])

"""A published specification → the folder of a model: its description and its schemas. Pure.

What a specification does not say is assumed in the open: each assumption is a note, with the file that corrects it.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchgen.providers.parameter_roles import OF_SCENES, is_address, kinds_of, roles_of
from batchgen.providers.specification import (
    InvalidSpecification,
    Parameter,
    Specification,
    SpecificationProblem,
)
from batchgen.schemas import Schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SHARED = "../../manifest.schema.json#/$defs/"
_PRICED_BY = ("resolution", "quality", "mode", "size")
_ONE_PRICE = (
    "prices are not in a specification, and no parameter looks as if they hung on it: there is one price a second, "
    "pricing: {default: …}; for more, write tiers_by and tiers in model.json and the names of the tiers into pricing "
    "in settings.schema.json"
)
_LARGEST_SEED = 2**31 - 1
_URL = (
    r"^([Hh][Tt][Tt][Pp][Ss]?://[^\s/?#]+([/?#]\S*)?"
    r"|data:[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+;base64,[A-Za-z0-9+/]+={0,2})$"
)
_URL_ADVICE = "write an http or https URL, or data:{MIME};base64,{DATA}; a local file is no URL"
_CHARACTER = re.compile(r"\bcharacter ?1\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelDraft:
    """The files of a model's folder by name, its settings, and what had to be assumed."""

    files: Mapping[str, Schema]
    settings: tuple[str, ...]
    notes: tuple[str, ...]


def draft(specification: Specification, name: str, provider: str, priced_by: str | None = None) -> ModelDraft:
    """Draft the model ``name``, served by ``provider``, whose price hangs on the setting ``priced_by`` if one is named.

    Raises `InvalidSpecification` where a scene cannot say what the model requires, or has no such setting.
    """
    return _Drafting(specification, name).draft(provider, priced_by)


class _Drafting:
    def __init__(self, specification: Specification, name: str) -> None:
        self._title = specification.title or name
        self._name = name
        roles = roles_of(specification)
        self._settings, self._notes, self._problems = roles.settings, roles.notes, roles.problems

    def draft(self, provider: str, priced_by: str | None) -> ModelDraft:
        """The whole folder."""
        by, tiers = self._tiers(priced_by)
        self._problems.extend(_out_of_place(self._settings.values()))
        if self._problems:
            raise InvalidSpecification(self._problems)
        request = self._request()
        files = {
            "model.json": self._description(provider, by, tiers),
            "request.schema.json": request,
            "settings.schema.json": self._settings_schema(tiers),
            "media.schema.json": self._media(),
        }
        self._notes.append(
            "error codes are not in a specification: none is known, so that each is shown as it comes and nothing is "
            "submitted again because of one; list them under errors in model.json"
        )
        return ModelDraft(files, tuple(self._settings), tuple(self._notes))

    # model.json

    def _description(self, provider: str, by: str | None, tiers: Mapping[str, Schema]) -> Schema:
        prompt = self._settings["prompt"].schema
        has_characters = "references" in self._settings and _CHARACTER.search(prompt.get("description", ""))
        return {
            "name": self._name,
            "title": self._title,
            "provider": provider,
            "fields": {setting: self._field(one) for setting, one in self._settings.items() if setting != one.name},
            "characters": bool(has_characters),
            **({"tiers_by": by} if by else {}),
            "tiers": dict(tiers),
            "errors": {},
        }

    def _field(self, one: Parameter) -> str:
        """The field's name, or its path where another field has that name, too."""
        names = Counter(other.name for other in self._settings.values())
        return one.name if names[one.name] == 1 else ".".join((*one.around, one.name))

    def _tiers(self, priced_by: str | None) -> tuple[str | None, dict[str, Schema]]:
        """The setting that prices hang on, None where none is known, and a tier for each of its values."""
        by = priced_by or next((name for name in _PRICED_BY if self._values(name)), None)
        if by is None:
            self._notes.append(_ONE_PRICE)
            return None, {"default": {}}
        if priced_by is None:
            self._notes.append(
                f"prices are not in a specification: that they hang on {by}, with a tier for each of its values, is "
                "assumed; correct tiers_by and tiers in model.json and pricing in settings.schema.json"
            )
        values = self._values(by)
        if not values:
            message = f"prices cannot hang on {by}: {self._why_without_values(by)}"
            self._problems.append(SpecificationProblem("$", "priced_by", message))
        return by, {value if isinstance(value, str) else json.dumps(value): {"enum": [value]} for value in values}

    def _values(self, setting: str) -> list[Any]:
        """The values that a setting may have, as far as they are listed."""
        schema = self._settings[setting].schema if setting in self._settings else {}
        values = [True, False] if schema.get("type") == "boolean" else list(schema.get("enum", ()))
        return values if all(isinstance(value, str | int | float) for value in values) else []

    def _why_without_values(self, setting: str) -> str:
        if setting in self._settings:
            return "the specification does not list its values"
        return f"there is no such setting; there is {', '.join(sorted(self._settings))}"

    # request.schema.json

    def _request(self) -> Schema:
        body = _object({"model": {"description": "The model that generates the video.", "const": self._name}})
        _require(body, "model")
        for setting, one in self._settings.items():
            here = body
            for step in one.around:
                here = _below(here, step, is_required=one.is_required or setting == "prompt")
            here["properties"][one.name] = self._field_schema(setting, one)
            if one.is_required or setting == "prompt":
                _require(here, one.name)
        described = "Drafted from the provider's specification: the body that the API takes, and every limit on it."
        head = {"$schema": _DIALECT, "title": f"{self._name} request", "description": described}
        return {**head, **body, "$defs": {"reference_url": {**_title("reference"), **_ADDRESSES}}}

    def _field_schema(self, setting: str, one: Parameter) -> Schema:
        schema = {**_title(setting), **one.schema}
        if setting == "prompt" and "pattern" not in schema:
            schema["pattern"] = r"\S"
        if setting == "references":
            return self._references_field(schema)
        if setting == "seed":
            return self._seed_field(schema)
        if is_address(one):
            return {**schema, **_ADDRESSES, "pattern": schema.get("pattern", _URL)}
        return schema

    def _references_field(self, schema: Schema) -> Schema:
        if schema["type"] == "string":
            return {**schema, **_ADDRESSES}
        return {**schema, "items": {"$ref": "#/$defs/reference_url"}}

    def _seed_field(self, schema: Schema) -> Schema:
        """A seed with bounds that can be derived from: without them, those that most models have."""
        least, most = schema.get("minimum"), schema.get("maximum")
        if least is None or most is None or least < 0:
            self._notes.append(
                f"seeds go from {max(least or 0, 0)} to {_LARGEST_SEED if most is None else most} here (assumed in "
                "part; request.schema.json). seed: random sends none"
            )
        return {**schema, "minimum": max(least or 0, 0), "maximum": _LARGEST_SEED if most is None else most}

    # settings.schema.json

    def _settings_schema(self, tiers: Mapping[str, Schema]) -> Schema:
        shared = {name: {"$ref": _SHARED + name} for name in OF_SCENES}
        own = {setting: self._setting_schema(setting, one) for setting, one in self._settings.items()}
        names = ("review", *(["takes"] if "seed" in self._settings else []))
        of_run = {name: {"$ref": _SHARED + name} for name in names}
        pricing = {tier: {"$ref": f"{_SHARED}money"} for tier in tiers}
        return {
            "$schema": _DIALECT,
            "title": f"{self._name} settings",
            "description": "Drafted from the provider's specification: what of a manifest depends on the model.",
            "$defs": {
                "scene": {"title": "Scene", "$ref": "#/$defs/settings", "required": ["id"]},
                "defaults": {
                    "title": "Defaults",
                    "description": "Settings for every scene that does not set them itself.",
                    "allOf": [{"$ref": "#/$defs/settings"}],
                    "properties": {"prompt": False, **dict.fromkeys(OF_SCENES, False)},
                },
                "cast": self._cast(),
                "pricing": {
                    "title": "Pricing",
                    "description": "US dollars per second of output, tier by tier.",
                    **_object(pricing),
                },
                "reference": {
                    "title": "Reference",
                    "description": "A local path (relative to the manifest), an http(s) URL, a data URI, or a result.",
                    "type": ["string", "object"],
                    "minLength": 1,
                    "if": {"type": "object"},
                    "then": {"$ref": f"{_SHARED}result"},
                    "else": {
                        "if": {"pattern": "^(?!(s3|gs|abfs|memory)://)[A-Za-z][A-Za-z0-9+.-]+:"},
                        "then": {"$ref": "request.schema.json#/$defs/reference_url"},
                    },
                },
                "settings": _object({**shared, **own, **of_run}),
            },
        }

    def _cast(self) -> Schema | bool:
        """Members of a cast become the characters of a prompt; a model whose prompts know none has no cast."""
        if not self._description("", None, {})["characters"]:
            return False
        names = {"$ref": f"{_SHARED}cast_name"}
        return {"title": "Cast", "type": "object", "propertyNames": names, "additionalProperties": _REFERENCE}

    def _setting_schema(self, setting: str, one: Parameter) -> Schema:
        reference = {"$ref": f"request.schema.json#{_pointer(one)}"}
        words = {key: one.schema[key] for key in ("description",) if key in one.schema}
        if setting == "prompt":
            # A prompt with braces is looked at once the texts of vars are in it.
            return {"title": "Prompt", **words, "type": "string", "if": {"pattern": "[{}]"}, "else": reference}
        if setting == "seed":
            return {"title": "Seed", **words, "if": {"type": "string"}, "then": {"const": "random"}, "else": reference}
        if setting != "references":
            return reference
        least, most = one.schema.get("minItems", 1), one.schema.get("maxItems")
        counts = {"minItems": 1, "maxItems": 1} if one.schema["type"] == "string" else {"minItems": least}
        listed = {"title": "References", **words, "type": "array", "items": _REFERENCE, **counts}
        return listed if most is None else {**listed, "maxItems": most}

    # media.schema.json

    def _media(self) -> Schema:
        properties: dict[str, Schema] = {}
        reference = self._settings.get("references")
        if reference is not None:
            properties["references"] = _of_kind(kinds_of(reference))
        if self._settings.get("audio_url", _NOTHING).schema.get("type") == "string":
            properties["audio_url"] = _of_kind(("audio",))
        if properties:
            self._notes.append(
                f"limits on files are not in a specification: any {' or '.join(_kinds_of(properties))} that opens "
                "is taken; write formats, pixels, seconds and bytes into media.schema.json, as shipped models have them"
            )
        described = "What batchgen measures of a file, by the setting that names it."
        head = {"$schema": _DIALECT, "title": f"{self._name} measured media", "description": described}
        return {**head, "type": "object", "properties": properties}


def _out_of_place(parameters: Collection[Parameter]) -> Iterator[SpecificationProblem]:
    """Parameters inside of what is a value elsewhere, or both an object and a list: no body has room for these."""
    values = {("model",), *(_names((*one.around, one.name)) for one in parameters)}
    objects: dict[tuple[str, ...], str] = {}
    for one in parameters:
        for depth, step in enumerate(one.around, 1):
            place = _names(one.around[:depth])
            if place in values or objects.setdefault(place, step) != step:
                what = "a value" if place in values else "an object and a list"
                message = f"{one.name} stands in {'.'.join(place)}, which is {what} too; correct one of the paths"
                yield SpecificationProblem(one.path, "parameter.place", message)
                break


def _names(steps: Sequence[str]) -> tuple[str, ...]:
    return tuple(step.removesuffix("[0]") for step in steps)


_NOTHING = Parameter((), "", {}, is_required=False, path="")
_ADDRESSES: Schema = {"type": "string", "pattern": _URL, "x-advice": _URL_ADVICE}
_REFERENCE: Schema = {"$ref": "#/$defs/reference"}


def _title(setting: str) -> Schema:
    return {"title": setting.replace("_", " ").capitalize()}


def _object(properties: Mapping[str, Any]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def _require(around: Schema, name: str) -> None:
    around["required"] = list(dict.fromkeys([*around.get("required", ()), name]))


def _below(around: Schema, step: str, *, is_required: bool) -> Schema:
    """The object that a step leads to, made where it is not there yet; a list of one holds its object."""
    name = step.removesuffix("[0]")
    if name not in around["properties"]:
        inside = _object({})
        whole = inside if name == step else {"type": "array", "minItems": 1, "maxItems": 1, "items": inside}
        around["properties"][name] = whole
    if is_required:
        _require(around, name)
    found: Schema = around["properties"][name]
    return found if name == step else found["items"]


def _pointer(one: Parameter) -> str:
    """The JSON pointer to a parameter in the schema of requests."""
    steps = ((step.removesuffix("[0]"), step.endswith("[0]")) for step in (*one.around, one.name))
    return "".join(f"/properties/{_escaped(name)}{'/items' if is_list else ''}" for name, is_list in steps)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _of_kind(kinds: Sequence[str]) -> Schema:
    advice = f"the model takes {' or '.join(_WITH_ARTICLE[kind] for kind in kinds)} here"
    return {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": list(kinds), "x-advice": advice}}}


_WITH_ARTICLE = {"image": "an image", "video": "a video", "audio": "a sound"}


def _kinds_of(properties: Mapping[str, Schema]) -> list[str]:
    return list(dict.fromkeys(kind for part in properties.values() for kind in part["properties"]["kind"]["enum"]))

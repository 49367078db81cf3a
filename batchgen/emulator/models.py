"""The models that the emulator serves, read from the schema catalogue."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, TypeAlias

from batchgen.schemas import Catalogue, Schema, compiled

RequestForm: TypeAlias = Literal["documented", "params"]
"""The two forms of a request body."""

SIDE_FIELDS: Schema = {
    "metadata": {"type": "object", "description": "What the client notes with a task."},
    "moderation": {"type": "boolean", "description": "Whether the content is checked."},
    "dash_scope": {"type": "boolean"},
    "id": {"type": "string", "description": "The client's own name for what it asks the price of."},
}
"""Fields beside model and input that the public clients of the gateway send. They change nothing here."""
_REFERENCES = "references"
_FALLBACK_SECONDS = 5
"""Seconds of a video of a model without a duration."""
_FALLBACK_SIZE = "1280*720"
"""The size of a video of a model whose requests say none in pixels."""
_PIXELS = re.compile(r"(\d{1,3}[02468])[*x](\d{1,3}[02468])")
_SECONDS = re.compile(r"\d{1,4}")
_UNNAMED_TIERS: Mapping[str, Schema] = {"default": {}}


class Model:
    """One model: its request schemas, defaults, tiers and error codes."""

    def __init__(self, name: str, catalogue: Catalogue) -> None:
        """Look up the schemas of the model; validators are compiled on first use."""
        self.name = name
        self._catalogue = catalogue
        self._description = catalogue.for_model(name, "model.json")
        documented = catalogue.for_model(name, "request")
        properties = documented.get("properties", {})
        self._input: Schema = properties.get("input", {})
        self._parameters: Schema = properties.get("parameters", {}).get("properties", {})
        # A model that is described with a list takes no other form.
        is_list = self._input.get("type") == "array"
        params = documented if is_list else catalogue.document("request-params", name)
        self.schemas: Mapping[RequestForm, Schema] = {"documented": documented, "params": params}
        self._fields = _fields(documented)
        self.sections = [] if is_list else [key for key, part in properties.items() if _has_fields(part)]
        """The objects of a request that hold its fields; none if these are not in objects of their own."""

    @cached_property
    def tiers(self) -> Mapping[str, Schema]:
        """The price tiers: what is said of their values, by name."""
        return self._description["tiers"] or _UNNAMED_TIERS

    def _field(self, setting: str) -> str:
        """The field of a request that a setting of the description stands for."""
        name: str = self._description["fields"].get(setting, setting)
        return name.rpartition(".")[2]

    @cached_property
    def flat_schema(self) -> Schema:
        """The schema of ``params`` that hold the fields of input and parameters side by side."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": list(self._input.get("required", ())),
            "properties": {**self._input.get("properties", {}), **self._parameters},
        }

    def nested(self, flat: Mapping[str, Any]) -> dict[str, Any]:
        """The input and the parameters that lie side by side in ``flat``; what is neither counts as input."""
        parameters = {name: value for name, value in flat.items() if name in self._parameters}
        return {
            "input": {name: value for name, value in flat.items() if name not in parameters},
            "parameters": parameters,
        }

    @property
    def title(self) -> str:
        """The name of the model for people."""
        return str(self._description["title"])

    @property
    def provider(self) -> str:
        """Who serves the model."""
        return str(self._description.get("provider", ""))

    @property
    def references_field(self) -> str:
        """The field with the references, a list of them or one; empty if the model accepts none."""
        name = self._field(_REFERENCES)
        return name if name in self._fields else ""

    @property
    def takes_one_reference(self) -> bool:
        """Whether that field is a reference itself."""
        return self._fields.get(self.references_field, {}).get("type") == "string"

    @property
    def reference_code(self) -> str:
        """The error code of an unusable reference; empty if none is documented."""
        schema = self._fields.get(self.references_field, {})
        return self._documented(schema.get("items", schema).get("x-error-code", ""))

    def _documented(self, code: object) -> str:
        """A code that is documented for this model; empty for one of another model that it shares a schema with."""
        return str(code) if code in self._description["errors"] else ""

    @property
    def reference_code_of_count(self) -> str:
        """The error code of references that are missing; empty if none is documented."""
        return self._documented(self._fields.get(self.references_field, {}).get("x-error-code", ""))

    def tier(self, fields: Mapping[str, Any]) -> str:
        """The tier of a request that the request schema has accepted; the first one if it has none."""
        value = self.parameter(fields, self._description.get("tiers_by", "size"))
        fitting = (name for name, tier in self.tiers.items() if "enum" not in tier or _is_among(value, tier["enum"]))
        return next(fitting, next(iter(self.tiers)))

    def fields(self, document: Mapping[str, Any], form: RequestForm) -> dict[str, Any]:
        """Every field of an accepted request by name, whatever object it stands in."""
        return _values(document, self.schemas[form])

    def parameter(self, fields: Mapping[str, Any], setting: str) -> Any:
        """A field as sent, or its documented default, or None."""
        name = self._field(setting)
        return fields.get(name, self._fields.get(name, {}).get("default"))

    def size(self, fields: Mapping[str, Any]) -> str:
        """The size of the video, as ``width*height``: the requested one, or one of the model's."""
        listed = [value for tier in self.tiers.values() for value in tier.get("enum", ())]
        wanted = (self.parameter(fields, "size"), *listed, _FALLBACK_SIZE)
        return next(f"{found[1]}*{found[2]}" for text in wanted if (found := _PIXELS.fullmatch(str(text))))

    def seconds(self, fields: Mapping[str, Any]) -> int:
        """The requested duration, in seconds; that of every video of the model where none is requested."""
        said = _SECONDS.match(str(self.parameter(fields, "duration")))
        return int(said[0] if said else 0) or int(self._description.get("seconds", _FALLBACK_SECONDS))

    def names_video(self, url: str) -> bool:
        """Whether a URL is known to lead to a video that may be billed, by its name."""
        return self._video_names is not None and bool(self._video_names.is_valid(url))

    def billed_reference_seconds(self, lengths: Sequence[Decimal | None]) -> Decimal:
        """How much of reference videos of these lengths is billed, in seconds; None is a length that is not known.

        The rule is that of the upstream model; whether the gateway passes it on is not known.
        """
        rule = self._description.get("reference_video")
        if rule is None or not lengths:
            return Decimal(0)
        unknown, most_each = Decimal(rule["unknown_seconds"]), rule["most_seconds_each"]
        most = Decimal(most_each[min(len(lengths), len(most_each)) - 1])
        return sum((min(unknown if length is None else length, most) for length in lengths), Decimal(0))

    def message(self, code: str) -> str:
        """The documented message of an error code."""
        description: str = self._description["errors"].get(code, {}).get("description", "Unknown error")
        return description

    @cached_property
    def _validators(self) -> Mapping[RequestForm, Any]:
        return {form: compiled(schema) for form, schema in self.schemas.items()}

    @cached_property
    def _video_names(self) -> Any:
        rule = self._description.get("reference_video")
        return None if rule is None else compiled(rule["is_video"])

    @cached_property
    def _count_validator(self) -> tuple[Any, Schema]:
        # The limits on the number and kinds of references, without those on texts: an opened one is not a string.
        schema = self._fields[self.references_field]
        counting = {key: value for key, value in schema.items() if key not in ("items", "type", "pattern")}
        if self.takes_one_reference:
            counting = {key: value for key, value in counting.items() if key == "not"}
        return compiled(counting), counting

    def schema_violation(self, document: object, form: RequestForm) -> tuple[str, str] | None:
        """The error code (may be empty) and message for a body that violates the request schema, or None."""
        return self._first_violation(self._validators[form], self.schemas[form], document)

    def reference_count_violation(self, references: Sequence[object]) -> tuple[str, str] | None:
        """The same for the number and kinds of references: URLs, and ``{"kind": …}`` for opened ones."""
        counted: object = references[0] if self.takes_one_reference and references else references
        return self._first_violation(*self._count_validator, counted)

    def _first_violation(self, validator: Any, schema: Schema, value: object) -> tuple[str, str] | None:
        violations = [(self._documented(_code(error, schema)), error) for error in validator.iter_errors(value)]
        if not violations:
            return None
        # A documented code comes before none; of several codes, the lowest comes first.
        code, error = min(violations, key=lambda pair: (not pair[0], pair[0]))
        place = ".".join(map(str, error.absolute_path)) or "body"
        return code, self.message(code) if code else f"{place}: {_excerpt(error.message)}"


class Models:
    """The models with a folder in the catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Read the folders of all models."""
        self._models = {name: Model(name, catalogue) for name in catalogue.models()}

    def __iter__(self) -> Iterator[Model]:
        """All models, by name."""
        return iter(self._models.values())

    def find(self, name: object) -> Model | None:
        """The model of that name, or None."""
        return self._models.get(name) if isinstance(name, str) else None

    def tiers(self) -> list[str]:
        """The names of all tiers of all models."""
        return list(dict.fromkeys(tier for model in self for tier in model.tiers))


def _has_fields(part: Any) -> bool:
    return isinstance(part, dict) and "properties" in part


def _object_in(part: Any) -> Schema | None:
    """The schema of the object that a key holds, itself or in a list; None for a value."""
    inside = part.get("items", part) if isinstance(part, dict) else part
    return inside if _has_fields(inside) else None


def _fields(schema: Schema) -> dict[str, Schema]:
    """The schemas of all fields by name, whatever object they stand in."""
    found: dict[str, Schema] = {}
    for name, part in schema.get("properties", {}).items():
        inside = _object_in(part)
        found |= {name: part} if inside is None else _fields(inside)
    return found


def _values(document: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        inside = _object_in(schema.get("properties", {}).get(name))
        held = value[0] if isinstance(value, list) and value else value
        found |= {name: value} if inside is None or not isinstance(held, dict) else _values(held, inside)
    return found


def _is_among(value: object, listed: Sequence[object]) -> bool:
    """Whether a value is listed; true is no 1."""
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in listed)


_SIDE_FIELDS = compiled({"type": "object", "properties": SIDE_FIELDS})


def side_field_violation(fields: Mapping[str, Any]) -> str:
    """What is wrong with the fields of `SIDE_FIELDS` in a body; empty if nothing is."""
    return next(
        (f"{error.absolute_path[0]}: {_excerpt(error.message)}" for error in _SIDE_FIELDS.iter_errors(fields)), ""
    )


def _code(error: Any, schema: Schema) -> str:
    """The documented code of an error: that of the subschema, or of its nearest parent with one."""
    own_code = error.schema.get("x-error-code", "") if isinstance(error.schema, dict) else ""
    if own_code:
        return str(own_code)
    code = ""
    for key in error.absolute_path:
        schema = schema.get("items", {}) if isinstance(key, int) else schema.get("properties", {}).get(key, {})
        code = schema.get("x-error-code", code)
    return code


def _excerpt(text: str) -> str:
    """The beginning of a message, which may quote a long value."""
    longest = 200
    return text if len(text) <= longest else text[:longest] + "…"

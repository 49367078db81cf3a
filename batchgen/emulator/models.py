"""The models that the emulator serves, read from the schema catalogue."""

from collections.abc import Iterator, Mapping, Sequence
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


class Model:
    """One model: its request schemas, defaults, tiers and error codes."""

    def __init__(self, name: str, catalogue: Catalogue) -> None:
        """Look up the schemas of the model; validators are compiled on first use."""
        self.name = name
        self._catalogue = catalogue
        self._description = catalogue.for_model(name, "model.json")
        self.schemas: Mapping[RequestForm, Schema] = {
            "documented": catalogue.for_model(name, "request"),
            "params": catalogue.document("request-params", name),
        }
        properties = self.schemas["documented"].get("properties", {})
        self._input: Schema = properties.get("input", {})
        self._parameters: Schema = properties.get("parameters", {}).get("properties", {})

    @cached_property
    def tiers(self) -> Mapping[str, Sequence[str]]:
        """The sizes of each price tier."""
        return {tier: entry["enum"] for tier, entry in self._description["tiers"].items()}

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
        """The field of ``input`` that lists the references; empty if the model accepts none."""
        name = self._description["fields"].get(_REFERENCES, _REFERENCES)
        return name if name in self._input.get("properties", {}) else ""

    @property
    def reference_code(self) -> str:
        """The error code of an unusable reference; empty if none is documented."""
        schema = self._input.get("properties", {}).get(self.references_field, {})
        return str(schema.get("items", {}).get("x-error-code", ""))

    @property
    def reference_code_of_count(self) -> str:
        """The error code of references that are missing; empty if none is documented."""
        schema = self._input.get("properties", {}).get(self.references_field, {})
        return str(schema.get("x-error-code", ""))

    def tier(self, size: str) -> str:
        """The tier of a size that the request schema has accepted."""
        return next((tier for tier, sizes in self.tiers.items() if size in sizes), next(iter(self.tiers)))

    def parameter(self, parameters: Mapping[str, Any], name: str) -> Any:
        """A parameter as sent, or its documented default, or None."""
        return parameters.get(name, self._parameters.get(name, {}).get("default"))

    def size(self, parameters: Mapping[str, Any]) -> str:
        """The requested size, as ``width*height``."""
        return self.parameter(parameters, "size") or next(iter(self.tiers.values()))[0]

    def seconds(self, parameters: Mapping[str, Any]) -> int:
        """The requested duration, in seconds."""
        return int(self.parameter(parameters, "duration") or _FALLBACK_SECONDS)

    def message(self, code: str) -> str:
        """The documented message of an error code."""
        description: str = self._description["errors"].get(code, {}).get("description", "Unknown error")
        return description

    @cached_property
    def _validators(self) -> Mapping[RequestForm, Any]:
        return {form: compiled(schema) for form, schema in self.schemas.items()}

    @cached_property
    def _count_validator(self) -> tuple[Any, Schema]:
        # The limits on the number of references, without those on each one: an opened one is not a string.
        schema = self._input["properties"][self.references_field]
        counting = {key: value for key, value in schema.items() if key != "items"}
        return compiled(counting), counting

    def schema_violation(self, document: object, form: RequestForm) -> tuple[str, str] | None:
        """The error code (may be empty) and message for a body that violates the request schema, or None."""
        return self._first_violation(self._validators[form], self.schemas[form], document)

    def reference_count_violation(self, references: Sequence[object]) -> tuple[str, str] | None:
        """The same for the number of references: URLs, and ``{"kind": …}`` for opened ones."""
        return self._first_violation(*self._count_validator, references)

    def _first_violation(self, validator: Any, schema: Schema, value: object) -> tuple[str, str] | None:
        violations = [(_code(error, schema), error) for error in validator.iter_errors(value)]
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

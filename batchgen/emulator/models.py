"""What the emulator knows of each model, all of it read from the schema catalogue."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias

from batchgen.schemas import Catalogue, Schema, compiled

Form: TypeAlias = Literal["documented", "params"]
"""The two bodies in which a request can come."""

_REFERENCES = "references"
_FALLBACK_SECONDS = 5
"""Length of a video of a model that has no duration."""


class Model:
    """One model: its request schemas, defaults, tiers and error codes."""

    def __init__(self, name: str, catalogue: Catalogue) -> None:
        """Look the model's schemas up; validators are compiled when they are needed."""
        self.name = name
        self._catalogue = catalogue
        self._description = catalogue.for_model(name, "model.json")
        self.schemas: Mapping[Form, Schema] = {
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

    @property
    def references_field(self) -> str:
        """The field of ``input`` that lists the references; empty where the model takes none."""
        name = self._description["fields"].get(_REFERENCES, _REFERENCES)
        return name if name in self._input.get("properties", {}) else ""

    @property
    def reference_code(self) -> str:
        """The error code of a reference that cannot be used; empty where none is documented."""
        schema = self._input.get("properties", {}).get(self.references_field, {})
        return str(schema.get("items", {}).get("x-error-code", ""))

    def tier(self, size: str) -> str:
        """The tier of a size that the request schema has accepted."""
        return next((tier for tier, sizes in self.tiers.items() if size in sizes), next(iter(self.tiers)))

    def parameter(self, parameters: Mapping[str, Any], name: str) -> Any:
        """A parameter as sent, or else its documented default; None where there is neither."""
        return parameters.get(name, self._parameters.get(name, {}).get("default"))

    def size(self, parameters: Mapping[str, Any]) -> str:
        """The size asked for, as ``width*height``."""
        return self.parameter(parameters, "size") or next(iter(self.tiers.values()))[0]

    def seconds(self, parameters: Mapping[str, Any]) -> int:
        """The length asked for."""
        return int(self.parameter(parameters, "duration") or _FALLBACK_SECONDS)

    def message(self, code: str) -> str:
        """The API's own words for an error code."""
        words: str = self._description["errors"].get(code, {}).get("description", "Unknown error")
        return words

    @cached_property
    def _validators(self) -> Mapping[Form, Any]:
        return {form: compiled(schema) for form, schema in self.schemas.items()}

    @cached_property
    def _counts(self) -> tuple[Any, Schema]:
        # The limits on how many, without those on each item: an opened reference is not a string.
        schema = self._input["properties"][self.references_field]
        counting = {key: value for key, value in schema.items() if key != "items"}
        return compiled(counting), counting

    def violation(self, document: object, form: Form) -> tuple[str, str] | None:
        """The error code (may be empty) and message for a body that breaks the request schema."""
        return self._worst(self._validators[form], self.schemas[form], document)

    def wrong_count(self, references: Sequence[object]) -> tuple[str, str] | None:
        """The same for references of which some have been opened: URLs, and ``{"kind": …}``."""
        return self._worst(*self._counts, references)

    def _worst(self, validator: Any, schema: Schema, value: object) -> tuple[str, str] | None:
        found = [(_code(error, schema), error) for error in validator.iter_errors(value)]
        if not found:
            return None
        # A documented code says more than none; among several, the first of the page.
        code, error = min(found, key=lambda pair: (not pair[0], pair[0]))
        place = ".".join(map(str, error.absolute_path)) or "body"
        return code, self.message(code) if code else f"{place}: {_excerpt(error.message)}"


class Models:
    """The models that there are folders for, each looked up once."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Read the folders of all models."""
        self._models = {name: Model(name, catalogue) for name in catalogue.models()}

    def __iter__(self) -> Iterator[Model]:
        """All models, by name."""
        return iter(self._models.values())

    def find(self, name: object) -> Model | None:
        """The model of that name, if there is one."""
        return self._models.get(name) if isinstance(name, str) else None

    def tiers(self) -> list[str]:
        """The names of all tiers of all models."""
        return list(dict.fromkeys(tier for model in self for tier in model.tiers))


def _code(error: Any, schema: Schema) -> str:
    """The documented code for an error: the subschema's own, or that of the nearest place above."""
    own = error.schema.get("x-error-code", "") if isinstance(error.schema, dict) else ""
    if own:
        return str(own)
    code = ""
    for step in error.absolute_path:
        schema = schema.get("items", {}) if isinstance(step, int) else schema.get("properties", {}).get(step, {})
        code = schema.get("x-error-code", code)
    return code


def _excerpt(text: str) -> str:
    """The beginning of a message; it may quote the value, and that may be long."""
    longest = 200
    return text if len(text) <= longest else text[:longest] + "…"

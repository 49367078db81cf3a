"""Finds, loads and compiles the JSON Schemas that hold every limit, and those of what is written.

A schema file refers to others by relative path. Here those references are put in place, so that
what leaves this module stands alone: it can be printed, given to an editor, and validated against
without a look-up. The schemas are not recursive, which is what makes that possible.

The manifest schema refers to the folder of the default model. For another model the same
references are read from that model's folder: a model is added by adding a folder.
"""

import json
import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from batchgen.errors import UsageError

DEFAULT_MODEL = "wan26_r2v"
MODELS_VARIABLE = "BATCHGEN_MODELS"
"""Environment variable that names a folder with further model folders."""

Schema: TypeAlias = dict[str, Any]

_ANNOTATIONS = frozenset({"$comment", "default", "description", "examples", "title", "x-advice", "x-error-code"})
_SUFFIX = ".schema.json"
_TABLE_SUFFIX = ".table-schema.json"
"""Of Frictionless Table Schemas, which describe CSV files; their names keep ``.table-schema``."""
_LONGEST_REMEMBERED = 64
_MOST_ITEMS_BEYOND = 100
"""How far a list that is too long is looked at beyond its allowed length, so that the work stays bounded."""


class Catalogue:
    """The schemas of one folder, and the models of that folder and of an optional second one."""

    def __init__(self, root: Path, models: Path | None = None) -> None:
        """Look up which files there are; they are read when they are asked for."""
        self._files = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.json"))}
        for path in sorted(models.glob("[!.]*/*.json")) if models else ():
            self._files[f"models/{path.parent.name}/{path.name}"] = path
        self._documents: dict[tuple[str, str], Schema] = {}

    def names(self) -> list[str]:
        """The names that `document` takes."""
        known = (name for name in self._files if name.endswith((_SUFFIX, _TABLE_SUFFIX)))
        return [name.removesuffix(_SUFFIX).removesuffix(".json") for name in known]

    def models(self) -> list[str]:
        """The names of the models that there are folders for."""
        return sorted(
            posixpath.basename(posixpath.dirname(name)) for name in self._files if name.endswith("/model.json")
        )

    def document(self, name: str, model: str = DEFAULT_MODEL) -> Schema:
        """The schema of that name for that model, with every reference put in place.

        Raises `UsageError` for a name that does not exist.
        """
        suffix = ".json" if f"{name}.json".endswith(_TABLE_SUFFIX) else _SUFFIX
        file = name if name in self._files else name + suffix
        if file not in self._files:
            raise UsageError(f"there is no schema {name!r}; there are: {', '.join(self.names())}")
        if (file, model) not in self._documents:
            self._documents[file, model] = self._resolved(self._load(file), file, model)
        return self._documents[file, model]

    def for_model(self, model: str, part: str) -> Schema:
        """A file of a model's folder: ``request``, ``settings``, ``media`` or ``model.json``."""
        return self.document(f"models/{model}/{part}", model)

    @cache  # noqa: B019 - a catalogue lives as long as the program
    def _load(self, file: str) -> Schema:
        try:
            loaded = json.loads(self._files[file].read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError(f"{self._files[file]} cannot be read as JSON: {error}") from None
        if not isinstance(loaded, dict):
            raise UsageError(f"{self._files[file]} has to hold a JSON object")
        if file.endswith("/model.json"):
            self._check_description(file, loaded)
        return loaded

    def _check_description(self, file: str, description: Schema) -> None:
        """Raise `UsageError` where the description of a model is not one, for it may come from elsewhere."""
        schema = self._load("model.schema.json")
        error = next(Draft202012Validator(schema).iter_errors(description), None)
        if error is not None:
            place = ".".join(map(str, error.absolute_path)) or "the whole"
            raise UsageError(f"{self._files[file]} does not describe a model: {place}: {error.message}")

    def _resolved(self, node: Any, file: str, model: str) -> Any:
        if isinstance(node, list):
            return [self._resolved(item, file, model) for item in node]
        if not isinstance(node, dict):
            return node
        siblings = {key: self._resolved(value, file, model) for key, value in node.items() if key != "$ref"}
        if not isinstance(node.get("$ref"), str):
            return siblings
        target = self._target(node["$ref"], file, model)
        if isinstance(target, bool):  # a model without a cast says so with false
            return target
        if siblings.keys() <= _ANNOTATIONS:
            return {**target, **siblings}
        return {"allOf": [target, *siblings.pop("allOf", [])], **siblings}

    def _target(self, reference: str, file: str, model: str) -> Schema | bool:
        relative, _, pointer = reference.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(file), relative)) if relative else file
        default = f"models/{DEFAULT_MODEL}/"
        if target.startswith(default) and not file.startswith("models/"):
            target = f"models/{model}/{target.removeprefix(default)}"
        node: Any = self._load(target) if target in self._files else None
        for step in pointer.split("/")[1:]:
            node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        if node is None and not file.startswith("models/"):
            return False  # what is said of every model is not said of this one
        if node is None:
            raise UsageError(f"{self._files[file]} refers to {reference}, and that is not there")
        resolved: Schema | bool = self._resolved(node, target, model)
        return resolved


@cache
def shipped() -> Catalogue:
    """The schemas that came with this installation, and the models of `MODELS_VARIABLE`.

    They lie inside an installed package, and beside the package in a checkout.
    """
    package = Path(__file__).parent
    installed = package / "_schemas"
    further = os.environ.get(MODELS_VARIABLE)
    return Catalogue(
        installed if installed.is_dir() else package.parent / "schemas", Path(further) if further else None
    )


def compiled(schema: Schema) -> Validator:
    """A validator for a schema without references, quick on many like values.

    Sub-validators are made once, and a short value that a subschema accepted once is not looked at
    again: of ten thousand scenes, most share their size, duration and references. An error about a
    key, missing or misspelt, has a path that ends with that key. ``$`` in a pattern means the very
    end of the text, as JSON Schema has it and Python's ``re`` does not.
    """
    return _Compiler().validator(schema)


class _Compiler:
    """Makes the validators of one schema; holds what they remember."""

    def __init__(self) -> None:
        keywords = {
            "additionalProperties": self._additional_properties,
            "items": self._items,
            "minimum": _minimum,
            "pattern": _pattern,
            "properties": self._properties,
            "propertyNames": _property_names,
            "required": _required,
        }
        self.validator: Callable[[Schema], Validator]
        self.validator = extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]
        self._parts: dict[int, Validator] = {}
        self._accepted: set[object] = set()

    def _errors(self, subschema: Any, value: Any, step: str | int) -> Iterator[ValidationError]:
        key = (id(subschema), _memory_key(value))
        if key in self._accepted:
            return
        part = self._parts.get(id(subschema))
        if part is None:
            part = self._parts[id(subschema)] = self.validator(subschema)
        clean = True
        for error in part.iter_errors(value):
            clean = False
            error.path.appendleft(step)
            yield error
        if clean and key[1] is not None:
            self._accepted.add(key)

    def _properties(
        self, _: Validator, value: Mapping[str, Any], instance: object, __: Schema
    ) -> Iterator[ValidationError]:
        if isinstance(instance, dict):
            for name, subschema in value.items():
                if name in instance:
                    yield from self._errors(subschema, instance[name], name)

    def _items(self, _: Validator, value: Any, instance: object, schema: Schema) -> Iterator[ValidationError]:
        if isinstance(instance, list):
            most = schema.get("maxItems", len(instance)) + _MOST_ITEMS_BEYOND
            for index, item in enumerate(islice(instance, most)):
                yield from self._errors(value, item, index)

    def _additional_properties(
        self, _: Validator, value: Any, instance: object, schema: Schema
    ) -> Iterator[ValidationError]:
        if isinstance(instance, dict):
            known = schema.get("properties", {})
            for name in (name for name in instance if name not in known):
                if value is False:
                    yield ValidationError("unknown key", path=[name])
                else:
                    yield from self._errors(value, instance[name], name)


def _required(_: Validator, value: list[str], instance: object, __: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name in value:
            if name not in instance:
                yield ValidationError("missing key", path=[name])


def _property_names(validator: Validator, value: Schema, instance: object, __: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name in instance:
            for error in validator.evolve(schema=value).iter_errors(name):
                error.path.appendleft(name)
                yield error


def _minimum(validator: Validator, value: float, instance: Any, _: Schema) -> Iterator[ValidationError]:
    # A limit such as 0.01 is met by the decimal 0.01, which the nearest float is greater than.
    if validator.is_type(instance, "number") and instance < Decimal(str(value)):
        yield ValidationError("below the minimum")


def _pattern(_: Validator, value: str, instance: object, __: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _regex(value).search(instance):
        yield ValidationError("pattern not matched")


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern))


def _memory_key(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_REMEMBERED else None
    if isinstance(value, list):
        keys = tuple(map(_memory_key, value))
        return None if None in keys else keys
    return None if isinstance(value, dict) else (type(value), value)

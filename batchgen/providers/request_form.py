"""Requests as a model's schema lays them out: settings in objects of the body, whatever these are called. Pure.

A path of ``input.prompt`` leads to a field of an object of the body, ``input[0].params.prompt`` to one of an object
in the only item of a list.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from batchgen.model import RequestForm, SceneSettings
from batchgen.schemas import Schema

_REFERENCES = "references"
_ITEM = "[0]"


class _Field(NamedTuple):
    """A field of a body: the objects around it, and the API's name of it there."""

    around: tuple[str, ...]
    name: str
    schema: Schema
    is_required: bool
    setting: str = ""

    def named(self, renamed: Mapping[str, str]) -> "_Field":
        """The field with the name of its setting, which it has by its path or by its name."""
        path = ".".join((*self.around, self.name))
        return self._replace(setting=renamed.get(path, renamed.get(self.name, self.name)))


def in_sections(description: Schema, request: Schema) -> RequestForm:
    """The form of a model, from its description and the schema of its requests.

    The description's ``fields`` name the settings that the API calls otherwise.
    """
    renamed = {field: setting for setting, field in description["fields"].items()}
    found = [field.named(renamed) for field in _fields(request, (), is_required=True)]
    fields = [field for field in found if field.around or field.name != "model"]
    sections = [name for name, part in request.get("properties", {}).items() if "properties" in part]
    return RequestForm(
        settings={field.setting: field.schema for field in fields},
        required=tuple(field.setting for field in fields if field.is_required),
        document=partial(_document, sections, fields),
    )


def _fields(schema: Schema, around: tuple[str, ...], *, is_required: bool) -> Iterator[_Field]:
    """The fields below an object; those of an object that may be left out are not required."""
    for name, part in schema.get("properties", {}).items():
        needed = is_required and (name in schema.get("required", ()) or not around)
        inside, step = _object_in(part, name)
        if inside is None:
            yield _Field(around, name, part, needed and name in schema.get("required", ()))
        else:
            yield from _fields(inside, (*around, step), is_required=needed)


def _object_in(part: Schema, name: str) -> tuple[Schema | None, str]:
    """The object that a key holds, itself or in a list of one, and the step that leads to it; None for a value."""
    if "properties" in part:
        return part, name
    items = part.get("items", {})
    return (items, name + _ITEM) if isinstance(items, dict) and "properties" in items else (None, name)


def _document(sections: Sequence[str], fields: Sequence[_Field], wanted: SceneSettings) -> dict[str, Any]:
    values = {"prompt": wanted.prompt, _REFERENCES: wanted.references, **wanted.others}
    document: dict[str, Any] = {"model": wanted.model, **{section: {} for section in sections}}
    for field in fields:
        if field.setting not in values:
            continue
        if field.setting != _REFERENCES:
            _object_at(document, field.around)[field.name] = values[field.setting]
        elif wanted.references:
            is_one = field.schema.get("type") == "string"
            _object_at(document, field.around)[field.name] = wanted.references[0] if is_one else wanted.references
    return document


def _object_at(document: dict[str, Any], around: Sequence[str]) -> dict[str, Any]:
    """The object of a body where a path leads, made where it is not there yet."""
    here = document
    for step in around:
        name = step.removesuffix(_ITEM)
        here = here.setdefault(name, {}) if name == step else here.setdefault(name, [{}])[0]
    return here

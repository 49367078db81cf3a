"""Requests as a model's schema lays them out: settings in objects of the body, whatever these are called. Pure."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from batchgen.model import RequestForm, SceneSettings
from batchgen.schemas import Schema


class _Field(NamedTuple):
    """Where a setting stands in a body: the object, and the API's name of it there."""

    section: str
    name: str
    setting: str


def in_sections(description: Schema, request: Schema) -> RequestForm:
    """The form of a model, from its description and the schema of its requests.

    The description's ``fields`` name the settings that the API calls otherwise.
    """
    renamed = {field: setting for setting, field in description["fields"].items()}
    sections = {name: part for name, part in request["properties"].items() if "properties" in part}
    fields = [_Field(name, key, renamed.get(key, key)) for name, part in sections.items() for key in part["properties"]]
    return RequestForm(
        settings={field.setting: sections[field.section]["properties"][field.name] for field in fields},
        required=tuple(renamed.get(key, key) for part in sections.values() for key in part.get("required", ())),
        document=partial(_document, tuple(sections), fields),
    )


def _document(sections: Sequence[str], fields: Sequence[_Field], wanted: SceneSettings) -> dict[str, Any]:
    values = {"prompt": wanted.prompt, "references": wanted.references, **wanted.others}
    document: dict[str, Any] = {"model": wanted.model, **{section: {} for section in sections}}
    for section, name, setting in fields:
        if setting in values:
            document[section][name] = values[setting]
    return document

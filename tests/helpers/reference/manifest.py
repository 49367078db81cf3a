"""docs/reference/manifest.md: what a manifest may say, out of its schema."""

from typing import Any

import yaml

from batchgen.schemas import DEFAULT_MODEL, Schema

from helpers.reference.markdown import code, codes, page, plain, section
from helpers.reference.sources import SCHEMAS

_INTRO = (
    "Every key of a manifest, as `schemas/manifest.schema.json` has it: `batchgen schema manifest` prints that schema, "
    "and an editor with a YAML language server completes and explains the keys by it. A key that is not here is an "
    "error. [What is checked](../rules.md) beyond single values stands on a page of its own; what a manifest "
    "looks like as a whole, in [A film in ten minutes](../first-film.md)."
)
_AMOUNT = "an amount of US dollars, as a text or a number"
_TYPES = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "array": "a list",
    "object": "a mapping",
}


def manifest_page() -> str:
    """The page as it has to be."""
    whole = _document(DEFAULT_MODEL)
    top, scene = whole["properties"], _scene(whole)
    return page(
        "Manifest",
        _INTRO,
        section("The whole", *_entries(top, set(whole["required"]))),
        section("A scene", plain(_scene_text(whole)), *_entries(scene, {"id", "prompt"})),
        section(
            "Prices, under `pricing`",
            plain(top["pricing"]["description"]),
            *_entries(top["pricing"]["properties"], set()),
        ),
        section("How to run, under `run`", _RUN, *_entries(top["run"]["properties"], set())),
        section("A shot for each row", _ROWS, *_entries(_template(whole), {"for_each", "id"})),
        section("Other models", _OTHER_MODELS, *map(_differences, _others())),
    )


_RUN = (
    "The same options stand on the command line and in the environment; which place goes before which is said in "
    "[A run, as it looks](../run.md#options-in-the-manifest-and-in-the-environment)."
)
_ROWS = (
    "A shot with `for_each` has the settings of a scene, and in each of their texts columns in braces. What a cell may "
    "be is said in [One manifest, many films](../rows.md)."
)
_OTHER_MODELS = (
    f"All above holds for `{DEFAULT_MODEL}`. What another model takes in another way stands here; "
    "[Models](../models.md) says how much of it is known for certain."
)


def _document(model: str) -> Schema:
    return SCHEMAS.document("manifest", model)


def _scene(whole: Schema) -> Schema:
    """The settings of a scene by name."""
    settings: Schema = whole["properties"]["scenes"]["items"]["else"]["allOf"][0]["properties"]
    return settings


def _template(whole: Schema) -> Schema:
    """The settings that a shot with rows has in a way of its own."""
    settings: Schema = whole["properties"]["scenes"]["items"]["then"]["properties"]
    return {name: settings[name] for name in ("for_each", "id")}


def _scene_text(whole: Schema) -> str:
    shared = ", ".join(name for name in _scene(whole) if whole["properties"]["defaults"]["properties"].get(name, True))
    return f"{whole['properties']['scenes']['items']['else']['description']} Under defaults may stand: {shared}."


def _entries(properties: Schema, required: set[str]) -> list[str]:
    return [_entry(name, schema, is_required=name in required) for name, schema in properties.items()]


def _entry(name: str, schema: Schema, *, is_required: bool) -> str:
    facts = [f"- Takes {takes(schema)}.", "- Required." if is_required else "", _default(schema)]
    return section(
        code(name),
        plain(schema.get("description", "")),
        "\n".join(filter(None, facts)),
        _example(name, schema),
        level=3,
    )


def _default(schema: Schema) -> str:
    return f"- Default: {code(_yaml(schema['default']))}." if "default" in schema else ""


def _example(name: str, schema: Schema) -> str:
    """How it is written; where all values are listed above, nothing is left to show."""
    lines = [f"{name}: {_yaml(each)}" for each in schema.get("examples", [])]
    return "" if _listed(schema) or not lines else "```yaml\n" + "\n# or\n".join(lines) + "\n```"


def _yaml(value: Any) -> str:
    """A value on one line, as one would write it in a manifest."""
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def takes(schema: Schema) -> str:
    """What a value may be, in words."""
    if "then" in schema and "const" in schema["then"]:
        return f"{code(schema['then']['const'])}, or {takes(schema['else'])}"
    if "const" in schema:
        return code(schema["const"])
    listed = _listed(schema)
    return codes(listed) if listed else _type(schema) + _range(schema)


def _listed(schema: Schema) -> list[Any]:
    """The values to choose from, where there are so few."""
    if schema.get("type") == "boolean":
        return ["true", "false"]
    grouped = (value for part in schema.get("anyOf", []) for value in part.get("enum", []))
    return [*schema.get("enum", []), *grouped]


def _type(schema: Schema) -> str:
    named = schema["type"] if "type" in schema else schema["allOf"][0]["type"]
    return _AMOUNT if isinstance(named, list) else _TYPES[named]


def _range(schema: Schema) -> str:
    """The limits of a value, a text or a list."""
    least, most = schema.get("minimum"), schema.get("maximum")
    longest = schema.get("maxLength", schema.get("else", {}).get("maxLength"))
    if most is not None:
        return f", {least:,} to {most:,}"
    if longest is not None:
        return f" of at most {longest:,} characters"
    return _count(schema)


def _count(schema: Schema) -> str:
    parts = [schema, *schema.get("allOf", [])]
    least = max((part.get("minItems", 0) for part in parts), default=0)
    most = min((part["maxItems"] for part in parts if "maxItems" in part), default=None)
    if most is None:
        return ""
    if least == most:
        return f" of {most}"
    return f" of {least} to {most:,}" if least else f" of at most {most:,}"


def _others() -> list[str]:
    return [name for name in SCHEMAS.models() if name != DEFAULT_MODEL]


def _differences(model: str) -> str:
    usual, here = _scene(_document(DEFAULT_MODEL)), _scene(_document(model))
    lines = [
        f"- {code(name)}: {_difference(usual[name], here.get(name))}" for name in usual if usual[name] != here.get(name)
    ]
    return section(code(model), _cast(model), "\n".join(lines), level=3)


def _difference(usual: Schema, here: Schema | None) -> str:
    if here is None:
        return "is not taken."
    text = plain(here["description"])
    return text if takes(here) == takes(usual) else f"takes {takes(here)}. {text}"


def _cast(model: str) -> str:
    return "" if _document(model)["properties"]["cast"] else "There is no `cast`."

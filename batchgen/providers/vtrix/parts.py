"""Where in an answer of this gateway the fields stand: at the top, or in an envelope. Pure."""

from batchgen.providers.answers import JsonObject


def parts_of(answer: JsonObject) -> tuple[JsonObject, ...]:
    """The objects that may hold the fields of an answer: itself, and what stands in its envelope."""
    inside = answer.get("data")
    return (answer, inside) if isinstance(inside, dict) else (answer,)


def objects_of(value: object) -> list[JsonObject]:
    """The objects in a list, or the one that stands in place of a list."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]

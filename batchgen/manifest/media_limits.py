"""What the limits of a model say of the facts of a media file, measured or asked for. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema.protocols import Validator

from batchgen.manifest.messages import choices, describe, joined, show_value
from batchgen.model import Severity


@dataclass(frozen=True, slots=True)
class ReferenceProblem:
    """What is wrong with one media file, wherever it is used."""

    rule: str
    message: str
    severity: Severity = "error"


def beyond(shown: str, measured: Mapping[str, Any], limit: Validator) -> Iterator[ReferenceProblem]:
    """What a media schema finds wrong with measured facts."""
    kind = measured.get("kind", "file")
    for error in limit.iter_errors(measured):
        fact = str(error.path[-1]) if error.path else "kind"
        schema = error.schema if isinstance(error.schema, dict) else {}
        listed = choices(schema)
        if fact == "transparency":
            message = f"{shown} has transparent pixels"
        elif listed:
            article = "a sound" if error.instance == "audio" else f"{show_value(error.instance)}"
            message = f"{shown}: its {fact} is {article}, not {joined([str(item) for item in listed])}"
        else:
            message = f"{shown}: {describe(error, _FACTS.get(fact, fact))}"
        advice = f"; {schema['x-advice']}" if "x-advice" in schema else ""
        yield ReferenceProblem(f"{kind}.{fact}.{'enum' if listed else error.validator}", message + advice)


_FACTS = {
    "bytes": "the file size in bytes",
    "width": "the width in pixels",
    "height": "the height in pixels",
    "seconds": "the length in seconds",
}

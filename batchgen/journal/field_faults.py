"""What is wrong with a field of a line, in words. Pure."""

import re
from collections.abc import Mapping
from typing import Any

_WORDS: Mapping[str, str] = {
    "str": "is not a text",
    "int": "is not a whole number",
    "bool": "is neither true nor false",
    "array": "is not a list",
    "object": "is not a mapping",
}
_MISTYPED = re.compile(rf"Expected `({'|'.join(_WORDS)})\b[^`]*`, got .* - at `\$\.(\w+)`")
_MISSING = re.compile(r"Object missing required field `(\w+)`")


def fault_of_field(record: Mapping[str, Any], error: Exception) -> str:
    """What `msgspec` found; of what lies deeper than a field of the line in its own words, which say where that is."""
    mistyped, missing = _MISTYPED.fullmatch(str(error)), _MISSING.fullmatch(str(error))
    if mistyped is not None:
        expected, name = mistyped.groups()
        return f"{name}: {record[name]!r} {_WORDS[expected]}"
    return f"{missing[1]} is missing" if missing is not None else str(error)

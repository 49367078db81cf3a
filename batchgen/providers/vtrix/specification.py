"""What both of this provider's formats of a model's specification have in common. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchgen.providers.specification import InvalidSpecification, Parameter, Specification

_STEP = re.compile(r"([^\[\]]+)(\[0?\])?\Z")
_UNPLACED = ("input[0]", "params")
"""Where every public client of the gateway puts the parameters of a model whose page does not say where they stand."""
DEEPEST = 20
"""Objects in one another before a file is refused: no request is laid out like that."""
LIST_OF_ONE = "input"
"""The only key whose list of objects is a part of the layout and no value."""
_SECTIONS = ("input", "parameters")
_NAMES = ("model_id", "model", "id", "name")


def content_of(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The specification itself, which may come in an envelope."""
    inside = document.get("data")
    return inside if key not in document and isinstance(inside, dict) else document


def specification(
    content: Mapping[str, Any], parameters: Sequence[Parameter], notes: Sequence[str], problems: Sequence[Any]
) -> Specification:
    """The specification, with every parameter at its place. Raises `InvalidSpecification`."""
    if problems:
        raise InvalidSpecification(problems)
    name = next((content[key] for key in _NAMES if isinstance(content.get(key), str)), "")
    title = content.get("name")
    of_body = [one for one in parameters if one.around or one.name != "model"]
    placed, assumed = _placed(of_body)
    said = [*notes, *assumed]
    return Specification(name, title if isinstance(title, str) else name, tuple(placed), tuple(said))


def _placed(parameters: Sequence[Parameter]) -> tuple[list[Parameter], list[str]]:
    """The parameters with their whole path in a request's body, and what had to be assumed for that."""
    first = {one.around[:1] for one in parameters}
    if first == {_UNPLACED[1:]}:
        return [replace(one, around=(*_UNPLACED[:1], *one.around)) for one in parameters], []
    if any(around and around[0].removesuffix("[0]") in _SECTIONS for around in first):
        return list(parameters), []
    note = (
        f"where the parameters stand in a request is not said; taken is {'.'.join(_UNPLACED)}, as public clients send "
        "them. If the gateway refuses that, lay out request.schema.json as its page does"
    )
    return [replace(one, around=(*_UNPLACED, *one.around)) for one in parameters], [note]


def steps_of(path: str) -> tuple[str, ...] | None:
    """The steps of a path such as ``input[0].params.prompt``; None for one that leads elsewhere."""
    found = [_STEP.match(step) for step in path.removeprefix("$.").split(".")]
    steps = [f"{match[1]}[0]" if match[2] else match[1] for match in found if match]
    return tuple(steps) if len(steps) == len(found) else None

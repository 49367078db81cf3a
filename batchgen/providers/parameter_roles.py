"""Which setting of a scene each parameter of a published model becomes. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from batchgen.providers.specification import Parameter, Specification, SpecificationProblem

OF_SCENES = ("id", "title", "note")
"""Settings that are for people and for the books: no part of a request."""
REFERENCES = "references"
_TAKEN = frozenset({*OF_SCENES, "takes", "prompt", REFERENCES, "seed", "model"})
"""Settings that mean something to batchgen itself: a parameter of that name is set under another one."""
_PROMPT = re.compile(r"(input_|text_)?prompt(_text)?|(input_)?text")
_DURATION = re.compile(r"duration(_s|_seconds)?|seconds|(video_)?(length|duration)(_seconds)?")
_MEDIA = re.compile(
    r"(?:.*_)?(image|img|picture|photo|frame|video|media|reference|ref)s?(?:_(?:url|urls|uri|file|files|list|tail|start|end|first|last))?\d*"
)
_ADDRESS = re.compile(r"(?:.*_)?(url|uri)\d*")
_KINDS = {"video": ("video",), "media": ("image", "video"), "reference": ("image", "video"), "ref": ("image", "video")}


@dataclass(slots=True)
class Roles:
    """The parameters by setting, what was assumed for that, and what keeps a scene from saying it."""

    settings: dict[str, Parameter] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[SpecificationProblem] = field(default_factory=list)


def roles_of(specification: Specification) -> Roles:
    """Choose a setting for each parameter that a scene can say."""
    roles = Roles(notes=list(specification.notes))
    usable = [one for one in _distinct(specification, roles) if _is_usable(one, roles)]
    reference = _reference(usable, roles)
    known = {
        "prompt": _first(usable, "prompt", _PROMPT, ("string",)),
        "duration": _first(usable, "duration", _DURATION, ("integer", "number", "string")),
        REFERENCES: reference,
    }
    if known["prompt"] is None:
        message = "there is no parameter for the prompt, a text; batchgen's scenes begin with one"
        roles.problems.append(SpecificationProblem("$", "prompt.required", message))
    if known["duration"] is None:
        roles.notes.append(
            "there is no duration, so that nothing can be said of costs before they are charged; where every video is "
            "equally long, write seconds into model.json"
        )
    depth = len(known["prompt"].around) if known["prompt"] else 0
    named = {id(one): setting for setting, one in known.items() if one is not None}
    for one in usable:
        if one.schema.get("type") == "array" and one is not reference:
            _leave_out(one, "a list", roles)
            continue
        setting = named.get(id(one)) or _setting(one, depth, {*named.values(), *roles.settings})
        roles.settings[setting] = one
        if setting != one.name:
            roles.notes.append(f"{one.name} is set as {setting} in a manifest (fields in model.json)")
    return roles


def is_address(one: Parameter) -> bool:
    """Whether a parameter is the address of a file, by its name."""
    is_text = one.schema.get("type") == "string" and "enum" not in one.schema
    return is_text and any(names.fullmatch(one.name.lower()) for names in (_ADDRESS, _MEDIA))


def kinds_of(reference: Parameter) -> tuple[str, ...]:
    """The kinds of files that a parameter takes, by its name."""
    found = _MEDIA.fullmatch(reference.name.lower())
    return _KINDS.get(found[1] if found else "", ("image",))


def _distinct(specification: Specification, roles: Roles) -> Iterator[Parameter]:
    seen: set[tuple[str, ...]] = set()
    for one in specification.parameters:
        path = (*one.around, one.name)
        if path in seen:
            roles.notes.append(f"{'.'.join(path)} is there twice; the first one counts")
        else:
            seen.add(path)
            yield one


def _is_usable(one: Parameter, roles: Roles) -> bool:
    """Whether a scene can say it: a value, or a list of texts."""
    kind = one.schema.get("type")
    if kind == "object" or (kind == "array" and one.schema["items"].get("type") != "string"):
        _leave_out(one, "an object" if kind == "object" else "a list", roles)
        return False
    return True


def _leave_out(one: Parameter, what: str, roles: Roles) -> None:
    if one.is_required:
        message = f"{one.name} is required and is {what}; a scene holds single values, so this model cannot be used"
        roles.problems.append(SpecificationProblem(one.path, "parameter.required", message))
    else:
        roles.notes.append(f"{one.name} is left out: it is {what}, and a scene holds single values")


def _first(usable: Sequence[Parameter], name: str, names: re.Pattern[str], kinds: Sequence[str]) -> Parameter | None:
    fitting = [one for one in usable if names.fullmatch(one.name.lower()) and one.schema.get("type") in kinds]
    return next((one for one in fitting if one.name == name), next(iter(fitting), None))


def _reference(usable: Sequence[Parameter], roles: Roles) -> Parameter | None:
    """The parameter with the files that a video is made from: one that is required before one that is not."""
    fitting = [one for one in usable if is_address(one) or one.schema.get("type") == "array"]
    fitting = [one for one in fitting if _MEDIA.fullmatch(one.name.lower())]
    ordered = sorted(fitting, key=lambda one: (not one.is_required, one.schema["type"] != "array"))
    for other in ordered[1:]:
        roles.notes.append(f"{other.name} is taken as the text of an address; local files stand in references only")
    return ordered[0] if ordered else None


def _setting(one: Parameter, depth: int, taken: set[str]) -> str:
    """A name for a setting that neither batchgen nor another parameter has.

    ``depth`` is how deep the prompt lies in a request: what lies deeper has the names of the objects around it, too.
    """
    deeper = (step.removesuffix("[0]") for step in one.around[depth:])
    plain = _plain("_".join((*deeper, one.name))) or "parameter"
    is_seed = plain == "seed" and one.schema.get("type") == "integer"
    setting = f"api_{plain}" if plain in _TAKEN and not is_seed else plain
    for step in reversed(one.around):
        if setting not in taken:
            break
        setting = _plain(f"{step.removesuffix('[0]')}_{setting}")
    while setting in taken:
        setting += "_2"
    return setting


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")

"""Prompts: cast names in braces, and the numbered characters that the API knows. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from batchgen.manifest.messages import joined

# A letter or digit may follow or precede in other scripts: Chinese prompts have no spaces.
_CHARACTER = re.compile(r"(?<![A-Za-z0-9_])character([0-9]{1,9})(?![A-Za-z0-9_])", re.IGNORECASE)
_MOST_FAULTS = 100
"""Faults of one prompt before the rest of it is let be: the work stays bounded."""
_MOST_NAMED = 20
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Filled:
    """A prompt with its cast put in: the API's text, and the references it speaks of.

    ``sources`` are all references in order, ``members`` the cast names among them by source,
    ``faults`` what is wrong: rule and message.
    """

    prompt: str
    sources: tuple[str, ...]
    members: Mapping[str, str]
    faults: tuple[tuple[str, str], ...]


def fill(prompt: str, explicit: Sequence[str], cast: Mapping[str, str]) -> Filled:
    """Put characterN for each cast name; cast members follow the explicit references.

    A member whose reference is among the explicit ones keeps that one's number.
    """
    sources = list(explicit)
    numbers = {source: number for number, source in reversed(list(enumerate(sources, 1)))}
    members: dict[str, str] = {}
    faults: list[tuple[str, str]] = []

    def replaced(match: re.Match[str]) -> str:
        written, name = match[0], match[1]
        if written in ("{{", "}}"):
            return written[0]
        if len(faults) >= _MOST_FAULTS:
            return written
        if name is None:
            faults.append(
                ("prompt.brace", f"the prompt has a single {written}; write {written * 2} for the character itself")
            )
        elif name not in cast:
            faults.append(("cast.unknown", _unknown(name, cast)))
        else:
            if cast[name] not in numbers:
                sources.append(cast[name])
                numbers[cast[name]] = len(sources)
            members.setdefault(cast[name], name)
            if prompt[match.end() : match.end() + 1].isdigit():
                faults.append(
                    (
                        "cast.digit",
                        f"a digit follows {{{name}}} in the prompt and would change its number; put a space between",
                    )
                )
            return f"character{numbers[cast[name]]}"
        return written

    filled = _BRACES.sub(replaced, prompt) if "{" in prompt or "}" in prompt else prompt
    return Filled(filled, tuple(sources), members, tuple(faults))


def mentioned(prompt: str) -> set[int]:
    """The numbers N of all characterN in a prompt, in any letter case."""
    return {int(number) for number in _CHARACTER.findall(prompt)}


def _unknown(name: str, known: Collection[str]) -> str:
    few = len(known) <= _MOST_NAMED
    close = get_close_matches(name, list(known), n=1) if few else []
    if close:
        hint = f"did you mean {{{close[0]}}}?"
    elif not few:
        hint = f"the cast has {len(known)} others"
    elif known:
        hint = f"the cast is {joined(sorted(known), 'and')}"
    else:
        hint = "the manifest has no cast"
    return (
        f"the prompt names {{{name}}}, whom the cast does not have; {hint} (write {{{{ and }}}} for braces themselves)"
    )

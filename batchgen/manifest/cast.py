"""Prompts: names of cast and vars in braces, and the numbered characters that the API knows. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property

from batchgen.manifest.messages import joined
from batchgen.references import Source

# A letter or digit may follow or precede in other scripts: Chinese prompts have no spaces.
_CHARACTER = re.compile(r"(?<![A-Za-z0-9_])character([0-9]{1,9})(?![A-Za-z0-9_])", re.IGNORECASE)
_MOST_FAULTS = 100
"""Faults of one prompt before the rest of it is let be: the work stays bounded."""
_MOST_NAMED = 20
_LONGEST_PROMPT = 20_000
"""Characters of a prompt with its vars, for a model that does not say how long a prompt may be."""
_IN_BRACES = re.compile(r"\{[^{}]*\}")
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Filled:
    """A prompt with vars and cast put in: the API's text, and the references it speaks of.

    ``sources`` are all references in order, ``members`` the cast names among them by source,
    ``faults`` what is wrong: rule and message. ``named`` are the cast names in braces, ``bare`` those that
    stand in the text without.
    """

    prompt: str
    sources: tuple[Source, ...]
    members: Mapping[Source, str]
    faults: tuple[tuple[str, str], ...]
    named: frozenset[str] = frozenset()
    bare: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """What the names in braces stand for: members of the cast for references, vars for texts.

    ``longest`` is the most characters that vars make of a prompt, so that the work stays bounded.
    """

    cast: Mapping[str, Source]
    vars: Mapping[str, str] = field(default_factory=dict)
    longest: int = _LONGEST_PROMPT

    @cached_property
    def spellings(self) -> Mapping[str, str]:
        """The cast names by how they may stand in a text: as they are, with a capital, in capitals."""
        return {word: name for name in self.cast for word in (name.upper(), name[:1].upper() + name[1:], name)}


def fill(prompt: str, explicit: Sequence[Source], names: Names) -> Filled:
    """Put in the vars, then characterN for each cast name; cast members follow the explicit references.

    A member whose reference is among the explicit ones keeps that one's number.
    """
    if "{" not in prompt and "}" not in prompt:
        return Filled(prompt, tuple(explicit), {}, (), bare=_bare(prompt, names))
    text, is_cut = _with_vars(prompt, names)
    if is_cut:
        message = f"with the vars put in, the prompt has more than {names.longest} characters; shorten it"
        return Filled(prompt, tuple(explicit), {}, (("prompt.maxLength", message),))
    return _with_cast(text, explicit, names)


def _with_vars(prompt: str, names: Names) -> tuple[str, bool]:
    """The prompt with its vars put in, and whether it grew too long for that."""
    room = names.longest - len(prompt)

    def replaced(match: re.Match[str]) -> str:
        nonlocal room
        text = names.vars.get(match[1] or "")
        if text is None:
            return match[0]
        room -= len(text)
        return text if room >= 0 else ""

    text = _BRACES.sub(replaced, prompt) if names.vars else prompt
    return text, room < 0 and text != prompt


def _bare(prompt: str, names: Names) -> tuple[str, ...]:
    """The cast names that stand in a text as words of their own, also with capital letters."""
    if not names.cast:
        return ()
    words = (word.strip("-") for word in _WORD.findall(_IN_BRACES.sub(" ", prompt)))
    return tuple(dict.fromkeys(names.spellings[word] for word in words if word in names.spellings))


def _with_cast(prompt: str, explicit: Sequence[Source], names: Names) -> Filled:
    cast = names.cast
    sources = list(explicit)
    numbers = {source: number for number, source in reversed(list(enumerate(sources, 1)))}
    members: dict[Source, str] = {}
    named: set[str] = set()
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
            faults.append(_unknown(name, names))
        else:
            if cast[name] not in numbers:
                sources.append(cast[name])
                numbers[cast[name]] = len(sources)
            members.setdefault(cast[name], name)
            named.add(name)
            if prompt[match.end() : match.end() + 1].isdigit():
                faults.append(
                    (
                        "cast.digit",
                        f"a digit follows {{{name}}} in the prompt and would change its number; put a space between",
                    )
                )
            return f"character{numbers[cast[name]]}"
        return written

    filled = _BRACES.sub(replaced, prompt)
    return Filled(filled, tuple(sources), members, tuple(faults), frozenset(named), _bare(prompt, names))


def mentioned(prompt: str) -> set[int]:
    """The numbers N of all characterN in a prompt, in any letter case."""
    return {int(number) for number in _CHARACTER.findall(prompt)}


def _unknown(name: str, names: Names) -> tuple[str, str]:
    """Rule and message for a name in braces that stands for nothing."""
    if name in names.vars:
        return "vars.nested", f"a var has {{{name}}} in its text, and vars are not put into each other; write it out"
    count = len(names.cast) + len(names.vars)
    few = count <= _MOST_NAMED
    known = list({**names.cast, **names.vars}) if few else []
    close = get_close_matches(name, known, n=1) if few else []
    if close:
        hint = f"did you mean {{{close[0]}}}?"
    elif not few:
        hint = f"they have {count} others"
    elif known:
        hint = f"there is {joined(sorted(known), 'and')}"
    else:
        hint = "the manifest has no cast and no vars"
    message = f"the prompt has {{{name}}}, and neither cast nor vars has that name; {hint}"
    return "cast.unknown", f"{message} (write {{{{ and }}}} for braces themselves)"

"""What has changed in a prompt, in few words. Pure."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_AROUND = 2
"""Words that are shown on either side of a change, so that it can be found."""
_LONGEST = 240
_ALONE = "\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef"
_TOKEN = re.compile(rf"(\s*)([{_ALONE}]|[^\s{_ALONE}]+)")
"""A word with the blanks before it; where a script has no blanks between words, a character."""


def changed_words(before: str, after: str) -> tuple[str, str]:
    """The words of a prompt that differ, as they were and as they are now, with a few words around them."""
    old, new = _words(before), _words(after)
    groups = list(SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_AROUND))
    return (
        _told(old, [(group[0][1], group[-1][2]) for group in groups]),
        _told(new, [(group[0][3], group[-1][4]) for group in groups]),
    )


def _words(text: str) -> list[str]:
    """Its words; how many blanks stand between two of them does not matter."""
    return [(" " if blanks and number else "") + word for number, (blanks, word) in enumerate(_TOKEN.findall(text))]


def _told(words: Sequence[str], parts: Sequence[tuple[int, int]]) -> str:
    shown = " … ".join("".join(words[begin:end]).strip() for begin, end in parts)
    begins, ends = bool(parts) and parts[0][0] > 0, bool(parts) and parts[-1][1] < len(words)
    cut = f"{shown[:_LONGEST]}…" if len(shown) > _LONGEST else shown
    return f"{'… ' if begins else ''}{cut}{' …' if ends and cut is shown else ''}"

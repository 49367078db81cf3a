"""Text from elsewhere: made safe for a terminal, or fit to be an id. Pure."""

import re
from unicodedata import combining, normalize

from batchgen.limits import LONGEST_ID


def printable(text: str) -> str:
    """The text with every character that could steer a terminal shown as an escape."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)


def is_usable_id(text: object) -> bool:
    """Whether a text can be the id of a task: printable, without blanks, and a name of its own in a URL."""
    if not isinstance(text, str):  # what a provider gives out is not always what it says
        return False
    plain = text.isprintable() and not any(map(str.isspace, text))
    return 0 < len(text) <= LONGEST_ID and plain and text not in (".", "..")


def on_one_line(text: str) -> str:
    """`printable` text without line breaks, so that a value cannot pass for a line of its own."""
    return printable(text).replace("\n", "\\n")


def balanced(text: str) -> str:
    """The text with every turn of its direction ended in its line, so that nothing beside it is turned as well.

    An element that isolates its direction is not enough: it ends the innermost isolate, which may be one that the
    text began, or is ended by one that the text ends.
    """
    return "".join(map(_balanced_line, re.split(r"(?<=[\n\u2029])", text)))


def _balanced_line(line: str) -> str:
    kept, depth = [], 0
    for char in line:
        depth += (char in _ISOLATES) - (char == _ISOLATE_ENDS)
        if depth < 0:
            depth = 0
            continue
        kept.append(char)
    end = len(kept) - 1 if line.endswith(("\n", "\u2029")) else len(kept)
    return "".join([*kept[:end], _ISOLATE_ENDS * depth, *kept[end:]])


_ISOLATES = "\u2066\u2067\u2068"
_ISOLATE_ENDS = "\u2069"


def without_request_id(text: str) -> str:
    """What a gateway said, without the id that each of its answers has of its own."""
    return _REQUEST_ID.sub("", text)


_REQUEST_ID = re.compile(r" \(request id [^()\s]+\)")


def slug(text: str, allowed: str = "-") -> str:
    """Letters and digits of a text without accents, at most 64, with what is ``allowed`` between them.

    German letters are spelt out: ä becomes ae. Empty where nothing is left.
    """
    spelt_out = normalize("NFC", text).translate(_SPELT_OUT)
    letters = "".join(char for char in normalize("NFKD", spelt_out) if not combining(char))
    words = re.sub(rf"[^A-Za-z0-9{re.escape(allowed)}]+", "-", letters)
    return words.lstrip(allowed + "-")[:_LONGEST_SLUG].rstrip(allowed + "-")


_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_LONGEST_SLUG = 64

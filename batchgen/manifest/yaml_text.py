"""The bytes of a file → text that a YAML parser may have. Pure."""

import re

from batchgen.manifest.document import stop
from batchgen.model import Place

MAX_BYTES = 64 * 1024 * 1024
_MARK_WITHIN = re.compile("[\r\n\x85\u2028\u2029](\ufeff)")


def decoded(content: bytes) -> str:
    """The text of a manifest. Raises `UnreadableManifest` where it is not UTF-8, empty, or too large."""
    if len(content) > MAX_BYTES:
        raise stop(Place(1, 1), "yaml.bytes", f"the file has {len(content)} bytes; a manifest has at most {MAX_BYTES}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file in the encoding UTF-8"
        raise stop(place_after(before), "yaml.utf-8", message) from None
    if not text.strip():
        message = "the file is empty; `batchgen init` writes a manifest to start from"
        raise stop(Place(1, 1), "yaml.empty", message)
    mark = _MARK_WITHIN.search(text)
    if mark:
        # YAML forbids it there; of the two parsers, one skips it and one takes it for a letter.
        message = "an invisible byte order mark stands at the beginning of this line; take it out"
        raise stop(place_after(text[: mark.start(1)]), "yaml.character", message)
    return text


def place_after(text: str) -> Place:
    """The place behind a text."""
    return Place(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)

"""What to write instead of a reference that names no file: the usual slips with paths and addresses."""

import os
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path

from batchgen.manifest.messages import joined

_ESCAPES = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e"}
_WWW = re.compile(r"www\.", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+/", re.IGNORECASE)
_BETWEEN = re.compile(r"[,;\s]+(?:- )?")
_MOST_NAMED = 3


def path_remedy(source: str, folder: Path) -> str | None:
    """What to write instead of ``source``, None where it names something or nothing is known."""
    try:
        (folder / source).stat()
    except FileNotFoundError:
        return next((found for known in _SLIPS if (found := known(source, folder))), None)
    except (OSError, ValueError):  # there, or not a name at all: its own message says more
        return None
    return None


def is_bare_address(source: str) -> bool:
    """Whether a text is an address on the web without its beginning."""
    return _WWW.match(source) is not None


def with_scheme(source: str) -> str:
    """What to write for an address without its beginning."""
    return f"an address begins with https://; write https://{source}"


def _escape(source: str, _: Path) -> str | None:
    """A character that YAML makes of a backslash and a letter inside double quotes, as in a path of Windows."""
    found = [char for char in source if char in _ESCAPES]
    if not found:
        return None
    written = "".join(f"\\{_ESCAPES[char]}" if char in _ESCAPES else char for char in source)
    what = joined([f"\\{_ESCAPES[char]}" for char in dict.fromkeys(found)], "and")
    verb = "do not stand for themselves" if len(set(found)) > 1 else "does not stand for itself"
    return f'inside "…" {what} {verb}; write {written.replace(chr(92), "/")}'


def _backslash(source: str, _: Path) -> str | None:
    return f"write / in place of \\: {source.replace(chr(92), '/')}" if "\\" in source else None


def _home(source: str, _: Path) -> str | None:
    if not source.startswith("~"):
        return None
    return "~ does not stand for the home folder here; write the whole path, or one from the manifest's folder"


def _pattern(source: str, folder: Path) -> str | None:
    head, name = os.path.split(source)
    if not set("*?").intersection(source):
        return None
    names = [entry for entry in _entries(folder / head) if fnmatch(entry, name)]
    found = [os.path.join(head, entry) for entry in names[:_MOST_NAMED]]  # noqa: PTH118 - as the user writes it
    more = f" (and {len(names) - len(found)} more)" if len(names) > len(found) else ""
    named = f": {', '.join(found)}{more}" if found else ""
    return f"* and ? do not stand for other characters here; name each file{named}"


def _address(source: str, folder: Path) -> str | None:
    if is_bare_address(source):
        return with_scheme(source)
    host = _HOST.match(source)
    if host is None or (folder / host[0]).is_dir():
        return None
    return f"if this is an address, write https://{source}"


def _blanks(source: str, folder: Path) -> str | None:
    if source == source.strip() or not (folder / source.strip()).is_file():
        return None
    return "a blank stands before or behind its name; take it out"


def _several(source: str, folder: Path) -> str | None:
    names = _BETWEEN.split(source.strip())
    if len(names) == 1 or not all(name and (folder / name).is_file() for name in names):
        return None
    return f"these are {len(names)} files; write each as an entry of its own: [{', '.join(names)}]"


def _letter_case(source: str, folder: Path) -> str | None:
    """A file whose name differs in letter case only: one disk takes it for the same, and another does not."""
    written = Path(source)
    here, found = (Path(written.anchor), Path(written.anchor)) if written.anchor else (folder, Path())
    for part in written.parts[1:] if written.anchor else written.parts:
        names = [part] if part == ".." else [entry for entry in _entries(here) if entry.casefold() == part.casefold()]
        if not names:
            return None
        name = part if part in names else names[0]
        here, found = here / name, found / name
    if found == written:  # a link to nothing
        return None
    return f"there is {found.as_posix()}; write it with the same capital and small letters"


def _entries(folder: Path) -> Iterable[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - a large folder is faster read by name
    except (OSError, ValueError):
        return []


_SLIPS: tuple[Callable[[str, Path], str | None], ...] = (
    _escape,
    _backslash,
    _home,
    _pattern,
    _address,
    _letter_case,
    _blanks,
    _several,
)

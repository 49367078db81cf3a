"""The table of faults: what comes of each request that meets one, in the words of the contract."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from network.faults import FAULTS, TOO_MUCH, Arrives, Fault
from network.unreachable import UNREACHABLE

_HEAD = ("fault", "creating a task", "reading a task", "fetching a result")
_MARKERS = re.compile(r"(<!-- network -->\n).*?(<!-- /network -->)", re.DOTALL)


def main(arguments: Sequence[str]) -> int:
    """Print the table, or write it between the markers of the page that is named."""
    table = as_markdown()
    if not arguments:
        sys.stdout.write(table)
        return 0
    page = Path(arguments[0])
    text, count = _MARKERS.subn(lambda found: found[1] + table + found[2], page.read_text(encoding="utf-8"))
    if count != 1:
        sys.stderr.write(f"{page} has not one pair of markers <!-- network -->\n")
        return 1
    page.write_text(text, encoding="utf-8")
    return 0


def as_markdown() -> str:
    """All faults, one a line."""
    lines = [_HEAD, ("---",) * len(_HEAD), *_rows()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for way in UNREACHABLE:
        yield way.does, "sent again; no task", "read again", "a fresh URL is asked for"
    for fault in FAULTS:
        yield fault.does, _create(fault), _read(fault), _fetch(fault)
    for fault in TOO_MUCH:
        yield fault.does, _create(fault), _read(fault), "a file may be large: taken up to 4 GiB"


def _create(fault: Fault) -> str:
    if fault.trouble is None:
        return "created"
    return f"`unknown`; {'one task' if fault.created else 'no task'}"


def _read(fault: Fault) -> str:
    return "read" if fault.trouble is None else "read again"


def _fetch(fault: Fault) -> str:
    if fault.download is Arrives.SHORT:
        return f"{fault.download}: `media_mismatch`"
    if fault.download in (Arrives.AT_ONCE, Arrives.TWICE):
        return str(fault.download)
    return f"{fault.download}; `download_failed` if it lasts"

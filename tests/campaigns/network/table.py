"""The table of faults: what comes of each request that meets one, in the words of the contract."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from campaigns.network.faults import FAULTS, TOO_MUCH, Arrives, Fault
from campaigns.network.unreachable import UNREACHABLE
from helpers import pages

_HEAD = ("fault", "creating a task", "reading a task", "fetching a result")


def main(arguments: Sequence[str]) -> int:
    """Print the table, or write it between the markers of the page that is named."""
    if arguments:
        pages.put(Path(arguments[0]), "network", as_markdown())
    else:
        sys.stdout.write(as_markdown())
    return 0


def as_markdown() -> str:
    """All faults, one a line."""
    return pages.table(_HEAD, list(_rows()))


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
        return f"{fault.download}: `download_failed`"
    if fault.download in (Arrives.AT_ONCE, Arrives.TWICE):
        return str(fault.download)
    return f"{fault.download}; `download_failed` if it lasts"

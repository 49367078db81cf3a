"""Looks at what a URL leads to by its first byte, which servers of signed URLs answer too; many refuse HEAD."""

import re
from dataclasses import dataclass
from http import HTTPStatus

from batchgen.network import Network, Response

_SPAN = re.compile(r"bytes 0-0/([0-9]{1,15})\Z")
_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Look:
    """The status that a URL answers, and how many bytes its file has; None where that is not said."""

    status: int
    length: int | None


def look_at(network: Network, url: str) -> Look:
    """Ask for the first byte; no redirect is followed. Raises `NetworkError`."""
    response = network.request("GET", url, headers={"Range": "bytes=0-0"})
    network.finish(response)
    return Look(response.status, _length(response))


def _length(response: Response) -> int | None:
    """How long a file is of which the first byte was asked for, or all of it came."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        span = _SPAN.match(response.headers.get("Content-Range", ""))
        return None if span is None else int(span[1])
    stated = response.headers.get("Content-Length", "")
    is_whole = _NUMBER.fullmatch(stated) and "Content-Encoding" not in response.headers
    return int(stated) if is_whole else None

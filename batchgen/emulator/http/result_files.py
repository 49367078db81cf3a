"""Serves a finished video as a CDN would: length, ETag, single ranges, and URLs that expire."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from batchgen.emulator.faults.kinds import Fault
from batchgen.emulator.http.connection_faults import HalfSent
from batchgen.emulator.http.responses import html, http_error, json_text
from batchgen.emulator.video.render_pool import RenderedVideo

_EXPIRES = re.compile(r"\d{1,12}(\.\d{1,6})?")


def refusal(expires: str, now: float) -> Response | None:
    """The answer to a URL that is not valid, or no longer; None for a good one. Unix seconds."""
    if not _EXPIRES.fullmatch(expires):
        return refused(403, "the URL has no valid expires")
    if float(expires) < now:
        return refused(410, "the URL has expired: read the task again for a fresh one")
    return None


def refused(status: int, message: str = "") -> Response:
    """A JSON error."""
    return Response(json_text(http_error(status, message)), status, media_type="application/json")


def served(request: Request, video: RenderedVideo, faults: Mapping[str, Fault], downloads: int) -> Response:
    """The answer to a request for a video; ``downloads`` is how often it has been asked for before."""
    for fault in faults.values():
        if fault.body_form == "html":
            return Response(html(200), media_type="text/html")
        if fault.status >= 400:  # noqa: PLR2004 - HTTP's first error status
            return refused(fault.status)
    content = video.path.read_bytes()
    if "short-result" in faults:
        content = content[: len(content) // 2]
    ranged = "no-range" not in faults
    headers = {"ETag": f'"{video.sha256}"', **({"Accept-Ranges": "bytes"} if ranged else {})}
    answer = _part(request, content, headers) if ranged else None
    if answer is None:
        kind = HalfSent if "truncated-result" in faults and downloads == 0 else Response
        answer = kind(content, headers=headers, media_type="video/mp4")
    return answer


def _part(request: Request, content: bytes, headers: dict[str, str]) -> Response | None:
    """The answer to a request for one range; None where the whole is to be sent."""
    bounds = _bounds(request.headers.get("range", ""), len(content))
    unchanged = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
    # Ranges are defined for GET alone (RFC 9110, section 14.2).
    if bounds is None or not unchanged or request.method != "GET":
        return None
    first, last = bounds
    if first >= len(content) or first > last:
        answer = refused(416)
        answer.headers["Content-Range"] = f"bytes */{len(content)}"
        return answer
    headers = {**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"}
    return Response(content[first : last + 1], 206, headers, "video/mp4")


def _bounds(text: str, length: int) -> tuple[int, int] | None:
    """First and last byte of a single range. Anything else is ignored, as RFC 9110 allows."""
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", text.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return (max(0, length - int(found[2])), length - 1) if int(found[2]) else (length, length)
    first = int(found[1])
    last = min(int(found[2]), length - 1) if found[2] else length - 1
    # A range whose end lies before its beginning is no range; one behind the end is out of it.
    return None if found[2] and int(found[2]) < first else (first, last)

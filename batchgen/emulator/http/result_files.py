"""Serves a video like a CDN: length, ETag, single ranges, and URLs that expire."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from batchgen.emulator.faults.kinds import Fault
from batchgen.emulator.http.connection_faults import PacedResponse, TruncatedResponse
from batchgen.emulator.http.responses import html_error_page, http_error_body, json_text
from batchgen.emulator.video.render_pool import RenderedVideo

_EXPIRES = re.compile(r"\d{1,12}(\.\d{1,6})?")


def url_error(expires: str, now: float) -> Response | None:
    """The response to an invalid or expired URL; None for a valid one. Unix seconds."""
    if not _EXPIRES.fullmatch(expires):
        return error_response(403, "the URL has no valid expires")
    if float(expires) < now:
        return error_response(410, "the URL has expired: read the task again for a fresh one")
    return None


def error_response(status: int, message: str = "") -> Response:
    """A response with a JSON error."""
    return Response(json_text(http_error_body(status, message)), status, media_type="application/json")


def file_response(request: Request, video: RenderedVideo, faults: Mapping[str, Fault], downloads: int) -> Response:
    """The response to a request for a video; ``downloads`` is the number of requests before it."""
    for fault in faults.values():
        if fault.body_form == "html":
            return Response(html_error_page(200), media_type="text/html")
        if fault.status >= 400:  # noqa: PLR2004 - HTTP's first error status
            return error_response(fault.status)
    content = video.path.read_bytes() + _padding(sum(fault.padding for fault in faults.values()))
    if "short-result" in faults:
        content = content[: len(content) // 2]
    accepts_ranges = "no-range" not in faults
    headers = {"ETag": f'"{video.sha256}"', **({"Accept-Ranges": "bytes"} if accepts_ranges else {})}
    response = _range_response(request, content, headers) if accepts_ranges else None
    if response is None:
        kind = TruncatedResponse if "truncated-result" in faults and downloads == 0 else Response
        response = kind(content, headers=headers, media_type="video/mp4")
    rates = [fault.bytes_per_second for fault in faults.values() if fault.bytes_per_second]
    return PacedResponse(response, min(rates)) if rates and type(response) is Response else response


def _padding(size: int) -> bytes:
    """A box of MP4 that every player skips (ISO 14496-12, 8.1.2); nothing for 0 bytes."""
    return size.to_bytes(4) + b"free" + bytes(size - 8) if size else b""


def _range_response(request: Request, content: bytes, headers: dict[str, str]) -> Response | None:
    """The response to a request for one range; None to send the whole file."""
    byte_range = _parse_range(request.headers.get("range", ""), len(content))
    unchanged = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
    # Ranges are defined for GET alone (RFC 9110, section 14.2).
    if byte_range is None or not unchanged or request.method != "GET":
        return None
    first, last = byte_range
    if first >= len(content) or first > last:
        response = error_response(416)
        response.headers["Content-Range"] = f"bytes */{len(content)}"
        return response
    headers = {**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"}
    return Response(content[first : last + 1], 206, headers, "video/mp4")


def _parse_range(text: str, length: int) -> tuple[int, int] | None:
    """First and last byte of a single range. Other headers are ignored, as RFC 9110 allows."""
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", text.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return (max(0, length - int(match[2])), length - 1) if int(match[2]) else (length, length)
    first = int(match[1])
    last = min(int(match[2]), length - 1) if match[2] else length - 1
    # A range that ends before its start is invalid; one that starts after the end is unsatisfiable.
    return None if match[2] and int(match[2]) < first else (first, last)

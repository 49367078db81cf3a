"""What a file is that was taken for a list and is none. Pure."""

from collections.abc import Mapping

_BEGINNINGS: Mapping[bytes, str] = {
    b"\x89PNG\r\n": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"BM": "a picture (BMP)",
    b"II*\0": "a picture (TIFF)",
    b"MM\0*": "a picture (TIFF)",
    b"%PDF-": "a PDF",
    b"{\\rtf": "a text document (RTF)",
}
_INSIDE: Mapping[bytes, str] = {b"WEBP": "a picture (WebP)", b"WAVE": "a sound (WAV)", b"AVI ": "a video (AVI)"}
_MP4_MARK = slice(4, 8)
_RIFF_KIND = slice(8, 12)
_LEAST_ZEROS = b"\0"


def other_kind(content: bytes) -> str:
    """What the beginning of a file says that it is, a picture perhaps; empty where it may be a list."""
    if content[_MP4_MARK] == b"ftyp":
        return "a video (MP4 or MOV)"
    if content.startswith(b"RIFF"):
        return _INSIDE.get(content[_RIFF_KIND], "")
    found = next((kind for mark, kind in _BEGINNINGS.items() if content.startswith(mark)), "")
    # A list, too, may begin with the letters BM.
    return found if found != _BEGINNINGS[b"BM"] or _LEAST_ZEROS in content[:16] else ""

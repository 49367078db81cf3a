"""What decoders are kept to, and what is said of a file that they cannot measure."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase

MOST_PIXELS_DECODED = 40_000_000
"""A larger picture is measured from its header alone: decoding it could take all memory."""
FRAME_LIMIT = {"max_pixels": str(MOST_PIXELS_DECODED)}
"""For FFmpeg's decoders: a clip of a megabyte may hold a frame of more than a gigabyte."""
_MOST_BYTES_OPENED = 512 * 1024**2
"""More than 15 seconds take in any format. Some formats are searched to their end, which takes seconds for
this much, and a file with holes may have terabytes of them."""


class UnusableMedia(Exception):  # noqa: N818 - the file is at fault, not the program
    """A file that cannot be measured; the text says why, beginning with a verb."""


@contextmanager
def decoding(what: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn what a decoder raises of a broken file into `UnusableMedia`."""
    try:
        yield
    except MemoryError:  # FFmpeg says so of any file that claims to hold more than a machine does
        raise UnusableMedia(f"is {what} that asks for more memory than there is") from None
    except errors as error:
        reason = (str(getattr(error, "strerror", None) or error) or type(error).__name__).splitlines()[0]
        raise UnusableMedia(f"is {what} that cannot be decoded: {reason}") from None


def size_within_bounds(file: BufferedIOBase) -> int:
    """How many bytes a file has. Raises `UnusableMedia` where it is empty, or too large to be opened."""
    size = file.seek(0, 2)
    if size == 0:
        raise UnusableMedia("is empty")
    if size > _MOST_BYTES_OPENED:
        raise UnusableMedia(f"has {size} bytes; no picture, clip or sound here is that large, and it was not opened")
    return size

"""What decoders are kept to, and what is said of a file that they cannot measure."""

from collections.abc import Iterator
from contextlib import contextmanager

MOST_PIXELS_DECODED = 40_000_000
"""A larger picture is measured from its header alone: decoding it could take all memory."""


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

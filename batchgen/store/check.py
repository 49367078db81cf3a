"""Whether a result is what was asked for."""

import re
from typing import TYPE_CHECKING

from batchgen.media.posters import Poster, poster_of
from batchgen.media.probe import examined
from batchgen.references import Facts
from batchgen.store.interface import Checked, Fetched, Wanted

if TYPE_CHECKING:
    from av.container import InputContainer


def check(fetched: Fetched, wanted: Wanted, *, is_pictured: bool) -> Checked:
    """How a video that decodes differs from what was asked for, with pictures of it unless ``is_pictured``.

    What is said of neither size nor length in these terms, a size of 16:9 or 0 seconds, is not compared. The length may
    differ by a quarter of a second: encoders end on whole frames, and sound on whole packets. Pictures last as long as
    the file does, though the sound may go on without them. Raises `UnusableMedia` where it does not decode.
    """
    with fetched.path.open("rb") as file, examined(file) as (facts, container):
        difference = _difference(facts, wanted.size, wanted.seconds) or _early_end(container, wanted.seconds)
        pictures = None if container is None or is_pictured else _pictures(container)
        return Checked(fetched, difference, pictures)


_TOLERANCE_S = 0.25
_PIXELS = re.compile(r"\d+\*\d+\Z")


def _pictures(container: "InputContainer") -> Poster | None:
    try:
        return poster_of(container)
    except Exception:  # noqa: BLE001 - a result counts without, and whoever writes the storyboard tries again and tells why
        return None


def _difference(facts: Facts, size: str, duration_s: int) -> str | None:
    if facts.kind != "video":
        return f"the result is not a video but {facts.kind}"
    if _PIXELS.match(size) and f"{facts.width}*{facts.height}" != size:
        return f"the video is {facts.width}*{facts.height}, and {size} was asked for"
    if duration_s and (facts.seconds is None or abs(facts.seconds - duration_s) > _TOLERANCE_S):
        return f"the video lasts {facts.seconds} s, and {duration_s} s were asked for"
    return None


def _early_end(container: "InputContainer | None", duration_s: int) -> str | None:
    """How a video that is as long as was asked for differs where its pictures are not."""
    from batchgen.media.recordings import pictures_s

    seconds = None if container is None or not duration_s else pictures_s(container)
    if seconds is None or seconds >= duration_s - _TOLERANCE_S:
        return None
    return f"the pictures of the video last {seconds:.2f} s, and {duration_s} s were asked for"

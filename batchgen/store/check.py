"""Whether a result is what was asked for."""

import re
from pathlib import Path

from batchgen.media.probe import probe
from batchgen.references import Facts


def mismatch(path: Path, size: str, duration_s: int) -> str | None:
    """How a video that decodes differs from what was asked for, None where it does not.

    ``size`` is width*height in pixels, ``duration_s`` seconds; what is not said in these, a size of 16:9 or a
    duration of 0, is not compared. The length may differ by a quarter of a second: encoders
    end on whole frames, and sound on whole packets.
    """
    with path.open("rb") as file:
        return _difference(probe(file), size, duration_s)


_TOLERANCE_S = 0.25
_PIXELS = re.compile(r"\d+\*\d+\Z")


def _difference(facts: Facts, size: str, duration_s: int) -> str | None:
    if facts.kind != "video":
        return f"the result is not a video but {facts.kind}"
    if _PIXELS.match(size) and f"{facts.width}*{facts.height}" != size:
        return f"the video is {facts.width}*{facts.height}, and {size} was asked for"
    if duration_s and (facts.seconds is None or abs(facts.seconds - duration_s) > _TOLERANCE_S):
        return f"the video lasts {facts.seconds} s, and {duration_s} s were asked for"
    return None

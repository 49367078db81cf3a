"""Whether a result is what was asked for."""

from pathlib import Path

from batchgen.media.probe import probe
from batchgen.model import Facts


def mismatch(path: Path, size: str, duration_s: int) -> str | None:
    """How a video that decodes differs from what was asked for, None where it does not.

    ``size`` is width*height in pixels. The length may differ by a quarter of a second: encoders
    end on whole frames, and sound on whole packets.
    """
    with path.open("rb") as file:
        return _difference(probe(file), size, duration_s)


_TOLERANCE_S = 0.25


def _difference(facts: Facts, size: str, duration_s: int) -> str | None:
    if facts.kind != "video":
        return f"the result is not a video but {facts.kind}"
    if f"{facts.width}*{facts.height}" != size:
        return f"the video is {facts.width}*{facts.height}, and {size} was asked for"
    if facts.seconds is None or abs(facts.seconds - duration_s) > _TOLERANCE_S:
        return f"the video lasts {facts.seconds} s, and {duration_s} s were asked for"
    return None

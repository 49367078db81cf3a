"""The names in a run directory. Pure."""

import re

JOURNAL = "state.jsonl"
LOCK = "state.lock"
LOCK_HOLDER = "state.lock.holder"
LOG = "batchgen.log"
REPORT = "report.csv"
LEDGER = "ledger.csv"
VIDEOS = "videos"
EMULATOR = "emulator"
"""The folder where an embedded emulator keeps its tasks."""
_VIDEO = re.compile(VIDEOS + r"/[A-Za-z0-9][A-Za-z0-9._-]*")


def video_path(scene_id: str) -> str:
    """Where the result of a scene lies, from the run directory."""
    return f"{VIDEOS}/{scene_id}.mp4"


def is_video_path(path: str) -> bool:
    """Whether a path is one where batchgen puts results: it leads out of nothing."""
    return _VIDEO.fullmatch(path) is not None

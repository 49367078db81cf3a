"""The names in a run directory. Pure."""

import re

JOURNAL = "state.jsonl"
LOCK = "state.lock"
LOCK_HOLDER = "state.lock.holder"
LOG = "batchgen.log"
REPORT = "report.csv"
LEDGER = "ledger.csv"
RESULTS = "results"
VIDEOS = "videos"
CONTROL = "control"
"""The folder where wishes to a run that is under way are put, and answered."""
STORYBOARD = "report.html"
OUTPUT = "output.json"
"""What lies in the object store that results go to, as it was seen last; made again by looking there."""
POSTERS = "posters"
FRAMES = "frames"
"""The folder of stills that scenes are made of; each can be taken out of its result again."""
SENT_STORYBOARD = "index.html"
"""The page in a folder for a client, beside which results and posters lie as in a run directory."""
EMULATOR = "emulator"
"""The folder where an embedded emulator keeps its tasks."""
_RESULT = re.compile(rf"({RESULTS}/[A-Za-z0-9][A-Za-z0-9._-]*@[1-9][0-9]*\.mp4|{VIDEOS}/[A-Za-z0-9][A-Za-z0-9._-]*)")

_ATTEMPT = re.compile(rf"{RESULTS}/([A-Za-z0-9][A-Za-z0-9._-]*)@([1-9][0-9]{{0,8}})\.mp4")
_FRAME = re.compile("[0-9a-f]{64}-[0-9]{1,9}")


def result_path(scene_id: str, attempt: int) -> str:
    """Where the result of an attempt lies for good, from the run directory."""
    return f"{RESULTS}/{scene_id}@{attempt}.mp4"


def attempt_of(path: str) -> tuple[str, int] | None:
    """The scene and the number of the attempt whose result lies there, None for another path."""
    found = _ATTEMPT.fullmatch(path)
    return None if found is None else (found[1], int(found[2]))


def video_path(scene_id: str) -> str:
    """Where the result that counts for a scene is to be found, from the run directory."""
    return f"{VIDEOS}/{scene_id}.mp4"


def is_result_path(path: str) -> bool:
    """Whether a path is one where batchgen puts results, or versions before did: it leads out of nothing."""
    return _RESULT.fullmatch(path) is not None


def frame_path(key: str) -> str:
    """Where a still lies, from the run directory; ``key`` is the hash of its result and the number of its frame."""
    return f"{FRAMES}/{key}.png"


def is_frame_key(key: str) -> bool:
    """Whether a text is the hash of a result and the number of a frame: it leads out of nothing."""
    return _FRAME.fullmatch(key) is not None

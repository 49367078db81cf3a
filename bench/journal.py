"""Journals: reading one of 100,000 attempts, beside `json.loads` of its lines; `batchgen status` and `validate`; lines.

Each figure is CPU time of a process that does nothing else, several times in turn; the smallest counts.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from batchgen.engine import events as ev
from batchgen.journal.records import Stamp, encode
from batchgen.layout import JOURNAL, RESULTS, result_path
from batchgen.model import Asked, RequestFacts, TaskResult

ATTEMPTS = 100_000
SCENES = 10_000
ROUNDS = 3
_AT = "2026-01-02T03:04:05.678Z"
_WORDS = "walks over the old quiet garden, sings, waits for the dog under the tree, and looks back at the lake"

_LOADS = """
import json
lines = open(sys.argv[1], "rb").read().splitlines()
start = time.process_time()
for line in lines:
    json.loads(line)
"""
_KEPT = """
import json
lines = open(sys.argv[1], "rb").read().splitlines()
start = time.process_time()
kept = [json.loads(line) for line in lines]
"""
_REPLAY = """
from pathlib import Path
from batchgen.journal.replay import replayed
path = Path(sys.argv[1])
content = path.read_bytes()
start = time.process_time()
state, _ = replayed(path, content)
"""
_FRAME = """
import sys, time
{body}
print(time.process_time() - start)
"""


def _request(number: int) -> RequestFacts:
    prompt = f"character1 {_WORDS}, for the {number}th time; character2 follows"
    links = [f"https://example.com/{number % 50}.png", f"https://example.com/{number % 7}.mp4"]
    document = {
        "model": "wan26_r2v",
        "input": {"prompt": prompt, "reference_urls": [{"source": link, "url": link} for link in links]},
        "parameters": {"size": "1280*720", "duration": 5, "audio": True, "shot_type": "multi", "seed": number},
    }
    asked = Asked("wan26_r2v", prompt, "1280*720", 5, number, 1, Decimal(5))
    return RequestFacts(f"{number:064x}", document, "720P", ("hero", "dog"), asked)


def _scene(number: int) -> ev.SceneFacts:
    name = f"s{number:06d}"
    return ev.SceneFacts(name, _request(number), Decimal("0.50"), None, name, None, "")


def _lived(number: int) -> Iterator[ev.AttemptEvent]:
    """The life of an attempt from submission to result."""
    scene = _scene(number)
    name, task = scene.scene_id, f"0f8fad5b-d9cb-469f-a165-{number:012d}"
    result = TaskResult(f"https://cdn.example.com/{task}.mp4", f"job-{number}", Decimal("0.50"), Decimal("0.00"))
    yield ev.Submitting(_AT, name, 1, scene.request, scene.estimated_cost_usd, None, task, "documented")
    yield ev.Submitted(_AT, name, 1, task)
    yield ev.Completed(_AT, name, 1, result)
    yield ev.Downloaded(_AT, name, 1, result_path(name, 1), f"{number:064x}", None)


def _run(count: int, *, with_scenes: bool) -> Iterator[ev.Event]:
    yield ev.RunStarted(_AT, "1", gateway="https://gateway.example.com")
    if with_scenes:
        yield ev.ManifestRead(_AT, "bench", "wan26_r2v", tuple(map(_scene, range(count))))
    for number in range(count):
        yield from _lived(number)
    yield ev.RunEnded(_AT, 0)


def _write(folder: Path, count: int, *, with_scenes: bool) -> Path:
    """A run directory with so many attempts, all of them finished."""
    (folder / RESULTS).mkdir(parents=True)
    with (folder / JOURNAL).open("wb") as file:
        for line, event in enumerate(_run(count, with_scenes=with_scenes), start=1):
            file.write(encode(event, Stamp("5f0c91ab", line)))
    for number in range(count if with_scenes else 0):
        (folder / result_path(_scene(number).scene_id, 1)).touch()
    return folder


def _measure(body: str, path: Path) -> float:
    """Seconds of CPU that a piece of a program takes."""
    program = _FRAME.format(body=body)
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def _command(*words: str) -> float:
    """Seconds of CPU that a command takes from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "batchgen", *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _replay(folder: Path) -> None:
    path = _write(folder / "replay", ATTEMPTS, with_scenes=False) / JOURNAL
    rounds = [[_measure(body, path) for body in (_LOADS, _KEPT, _REPLAY)] for _ in range(ROUNDS)]
    loads, kept, replay = (min(figures) for figures in zip(*rounds, strict=True))
    print(f"reading {ATTEMPTS} attempts, {path.stat().st_size / 1e6:.0f} MB, CPU, best of {ROUNDS}")
    print(f"json.loads of each line     {loads:6.2f} s")
    print(f"the same, and all kept      {kept:6.2f} s")
    print(f"replay                      {replay:6.2f} s")
    print(f"ratio                       {replay / loads:6.2f}   to all kept {replay / kept:.2f}")


def _status(folder: Path) -> None:
    full, empty = (_write(folder / str(count), count, with_scenes=True) for count in (SCENES, 1))
    rounds = [
        [
            _measure(_LOADS, full / JOURNAL),
            _measure(_REPLAY, full / JOURNAL),
            *(_command("status", str(each)) for each in (full, empty)),
        ]
        for _ in range(ROUNDS)
    ]
    loads, replay, status, start = (min(figures) for figures in zip(*rounds, strict=True))
    print(f"batchgen status of {SCENES} finished scenes, CPU, best of {ROUNDS}")
    print(f"json.loads of each line     {loads:6.2f} s")
    print(f"start-up (one scene)        {start:6.2f} s")
    print(f"status without start-up     {status - start:6.2f} s   of that replay {replay:.2f} s")
    print(f"ratio                       {(status - start) / loads:6.2f}")


def run() -> None:
    """Print what each takes, beside the alternative."""
    with tempfile.TemporaryDirectory() as folder:
        _replay(Path(folder))
        _status(Path(folder))

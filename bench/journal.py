"""Journals: reading one of 100,000 attempts and `batchgen status`, beside `json.loads` of the same lines.

Each figure is CPU time of a process that does nothing else, several times in turn; the smallest counts.
Then what a changed manifest takes of the journal.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from batchgen.engine import events as ev
from batchgen.engine.manifest_changes import news_of
from batchgen.journal.records import Stamp, encode
from batchgen.layout import JOURNAL, RESULTS, result_path
from batchgen.model import Asked, RequestFacts, TaskResult
from bench.processes import command, measured

ATTEMPTS = 100_000
SCENES = 10_000
ROUNDS = 3
AT = "2026-01-02T03:04:05.678Z"
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
REPLAY = """
from pathlib import Path
from batchgen.journal.replay import replayed
path = Path(sys.argv[1])
content = path.read_bytes()
start = time.process_time()
state, _ = replayed(path, content)
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


def scene(number: int) -> ev.SceneFacts:
    """A scene of its own request."""
    name = f"s{number:06d}"
    return ev.SceneFacts(name, _request(number), Decimal("0.50"), None, name, None, "")


def _lived(number: int) -> Iterator[ev.AttemptEvent]:
    """The life of an attempt from submission to result."""
    made = scene(number)
    name, task = made.scene_id, f"0f8fad5b-d9cb-469f-a165-{number:012d}"
    result = TaskResult(f"https://cdn.example.com/{task}.mp4", f"job-{number}", Decimal("0.50"), Decimal("0.00"))
    yield ev.Submitting(AT, name, 1, made.request, made.estimated_cost_usd, None, task, "documented")
    yield ev.Submitted(AT, name, 1, task)
    yield ev.Completed(AT, name, 1, result)
    yield ev.Downloaded(AT, name, 1, result_path(name, 1), f"{number:064x}", None)


def _run(count: int, *, with_scenes: bool) -> Iterator[ev.Event]:
    yield ev.RunStarted(AT, "1", gateway="https://gateway.example.com")
    if with_scenes:
        yield ev.ManifestRead(AT, "bench", "wan26_r2v", tuple(map(scene, range(count))))
    for number in range(count):
        yield from _lived(number)
    yield ev.RunEnded(AT, 0)


def write(folder: Path, count: int, *, with_scenes: bool) -> Path:
    """A run directory with so many attempts, all of them finished."""
    (folder / RESULTS).mkdir(parents=True)
    with (folder / JOURNAL).open("wb") as file:
        for line, event in enumerate(_run(count, with_scenes=with_scenes), start=1):
            file.write(encode(event, Stamp("5f0c91ab", line)))
    for number in range(count if with_scenes else 0):
        (folder / result_path(scene(number).scene_id, 1)).touch()
    return folder


def _least(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [min(figures) for figures in zip(*rounds, strict=True)]


def _replay(folder: Path) -> None:
    path = write(folder / "replay", ATTEMPTS, with_scenes=False) / JOURNAL
    found = [[measured(body, path) for body in (_LOADS, _KEPT, REPLAY)] for _ in range(ROUNDS)]
    loads, kept, replay = _least([[seconds for seconds, _ in each] for each in found])
    print(f"a journal of {ATTEMPTS} attempts, {4 * ATTEMPTS} lines, {path.stat().st_size / 1e6:.0f} MB")
    print(f"json.loads of each line         {loads:6.2f} s")
    print(f"the same, and what they say kept{kept:6.2f} s")
    print(f"replay                          {replay:6.2f} s")
    print(f"ratio                           {replay / loads:6.2f}     to what is kept {replay / kept:.2f}")


def _status(folder: Path) -> None:
    full, small = (write(folder / str(count), count, with_scenes=True) for count in (SCENES, 1))
    journal = full / JOURNAL
    rounds = [
        (
            measured(_LOADS, journal)[0],
            measured(REPLAY, journal)[0],
            command("status", str(full)),
            command("status", str(small)),
        )
        for _ in range(ROUNDS)
    ]
    loads, replay, status, start = _least(rounds)
    print(f"batchgen status of {SCENES} finished scenes, {journal.stat().st_size / 1e6:.0f} MB")
    print(f"json.loads of each line         {loads:6.2f} s")
    print(f"status, without its start-up    {status - start:6.2f} s     of that replay {replay:.2f} s")
    print(f"start-up (one scene)            {start:6.2f} s")
    print(f"ratio                           {(status - start) / loads:6.2f}     (aim: at most 6)")


def _lines() -> None:
    """What a manifest of 10,000 scenes takes of the journal after a change, written whole and as the difference."""
    before = tuple(map(scene, range(SCENES)))
    edited = replace(before[1], request=_request(SCENES))
    changes = {
        "one scene edited": (before[0], edited, *before[2:]),
        "one scene put in front": (replace(edited, scene_id="new"), *before),
        "other estimates": tuple(replace(each, estimated_cost_usd=Decimal("0.60")) for each in before),
    }
    print(f"a changed manifest of {SCENES} scenes         whole       difference")
    for name, now in changes.items():
        whole = _written(partial(ev.ManifestRead, AT, "bench", "wan26_r2v", now))
        less = _written(partial(news_of, before, AT, "bench", "wan26_r2v", now))
        print(f"{name:30}  {whole[0]:8.0f} kB {whole[1] * 1e3:4.0f} ms  {less[0]:6.1f} kB {less[1] * 1e3:4.0f} ms")


def _written(made: Callable[[], ev.Event]) -> tuple[float, float]:
    """Size of a line in kB, and seconds of CPU for the making of it."""
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        line = encode(made(), Stamp("5f0c91ab", 1))
        found.append((len(line) / 1e3, time.process_time() - start))
    return min(found)


def run() -> None:
    """Print what each takes, beside the alternative: CPU, best of several."""
    print(f"CPU, best of {ROUNDS}")
    with tempfile.TemporaryDirectory() as folder:
        _replay(Path(folder))
        _status(Path(folder))
    _lines()

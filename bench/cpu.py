"""CPU of a whole batch beside that of the shortest program that does the same with a public SDK of the gateway.

The SDK's program submits on 50 threads, reads each task every half second until it has ended and stores the
video. It keeps no journal, decodes nothing and could not go on after a crash. Both run as processes of their
own, in turn, against one emulator in a third process; what they took is read when they have ended, imports
included. Starting alone is measured, too, and taken off in the last column.

First all results are one video, of which batchgen makes pictures once; then each is a video of its own. The
emulator has made all of those before the first round, so that it leaves the machine to what is measured.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.run import CAP, POLL_INTERVAL_S, SCENES, TASK_S, WORKERS
from bench.whole_runs import emulator, manifest_of, scenes

ROUNDS = 3
AIM = 1.5
_SDK = """
import json, shutil, sys, urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from seaart_sdk import Client, ClientConfig, with_poll_interval
base_url, cap, poll_interval_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
client = Client(ClientConfig(api_key="bench", base_url=base_url))
def make(scene):
    settings = {key: scene[key] for key in ("size", "duration", "audio", "seed")}
    given = {"prompt": scene["prompt"], "reference_urls": scene["references"], "audio_url": scene["audio_url"]}
    task = client.modal.create({"model": "wan26_r2v", "input": given, "parameters": settings})
    task = task.wait(with_poll_interval(poll_interval_s))
    with urllib.request.urlopen(task.output[0].content[0].url) as answer, Path(scene["id"] + ".mp4").open("wb") as file:
        shutil.copyfileobj(answer, file)
with ThreadPoolExecutor(cap) as pool:
    list(pool.map(make, json.load(open("manifest.yaml"))["scenes"]))
"""


def cpu_ms(command: Sequence[str], folder: Path | None = None) -> float:
    """Milliseconds of CPU that a program takes from start to end, its imports included."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["BATCHGEN_API_KEY"] = "bench"
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:5])} ended with {process.returncode}")
    return 1000 * (usage.ru_utime + usage.ru_stime)


def _batchgen(base_url: str, folder: Path, listed: Sequence[dict[str, Any]]) -> float:
    options = [f"--base-url={base_url}", f"--workers={WORKERS}", f"--max-in-flight={CAP}", "--no-progress", "--yes"]
    options.append(f"--poll-interval={POLL_INTERVAL_S}")
    return cpu_ms([sys.executable, "-m", "batchgen", "run", str(manifest_of(folder, listed)), *options], folder)


def _sdk(base_url: str, folder: Path, listed: Sequence[dict[str, Any]]) -> float:
    manifest_of(folder, listed)
    return cpu_ms([sys.executable, "-c", _SDK, base_url, str(CAP), str(POLL_INTERVAL_S)], folder)


_STARTS = (("-m", "batchgen", "--version"), ("-c", "import seaart_sdk"))


def run() -> None:
    """Print milliseconds of CPU a scene, and the ratios."""
    print(f"{SCENES} scenes of {TASK_S} s, {CAP} at a time, {ROUNDS} rounds in turn: ms of CPU a scene, medians")
    alike = scenes(SCENES)
    _compare("one video", alike)
    _compare("each its own", [{**scene, "seed": number} for number, scene in enumerate(alike)])


def _compare(title: str, listed: Sequence[dict[str, Any]]) -> None:
    totals: list[tuple[float, float]] = []
    starts: list[tuple[float, float]] = []
    with emulator(f"--latency={TASK_S}", f"--max-concurrent={CAP}") as base_url:
        with tempfile.TemporaryDirectory() as folder:
            _sdk(base_url, Path(folder), listed)
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
                totals.append((_batchgen(base_url, Path(ours), listed), _sdk(base_url, Path(theirs), listed)))
            first, second = (cpu_ms([sys.executable, *start]) for start in _STARTS)
            starts.append((first, second))
    print(f"{title:18}  in all   without start")
    figures = [_figures(which, totals, starts) for which in (0, 1)]
    for name, (whole, rest) in zip(("batchgen run", "seaart-sdk"), figures, strict=True):
        print(f"{name:18}{whole:8.2f}{rest:16.2f}")
    ratios = [median(pair[0] / pair[1] for pair in totals), figures[0][1] / figures[1][1]]
    print(f"{'ratio':18}{ratios[0]:8.2f}{ratios[1]:16.2f}     (aim: at most {AIM})")


def _figures(which: int, totals: Sequence[Sequence[float]], starts: Sequence[Sequence[float]]) -> tuple[float, float]:
    whole, start = (median(pair[which] for pair in pairs) for pairs in (totals, starts))
    return whole / SCENES, (whole - start) / SCENES

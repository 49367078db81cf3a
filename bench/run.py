"""Whole runs against an emulator in another process: makespan, CPU, threads and memory.

First 300 scenes of 2 s each at a gateway that takes 50 at a time, without their results and with them
fetched, decoded and measured; the ideal is that 50 tasks run at every moment. Then 5,000 tasks in
flight at once, read in turn for a while and then interrupted. All scenes are alike, so that the
emulator makes its one video once and leaves the machine to what is measured. Threads and memory are
read from /proc: Linux only.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

SCENES = 300
TASK_S = 2
CAP = 50
WORKERS = 8
IN_FLIGHT = 5_000
POLL_INTERVAL_S = 0.5
READ_S = 15.0
"""Seconds for which the tasks in flight are read."""
_LOOK_EVERY_S = 0.1
_AIMS = {"over": 1.10, "cpu_ms": 12.0, "threads": WORKERS + 4, "megabytes": 200.0}
_IDEAL_S = SCENES / CAP * TASK_S


@dataclass(slots=True)
class Figures:
    """What a run took: seconds, seconds of CPU, threads at most, MB at most."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    threads: int = 0
    megabytes: float = 0.0

    def look_at(self, process: int) -> None:
        """Take in how many threads and how much memory a process has now, and has had."""
        try:
            status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
        except OSError:  # it has ended
            return
        found = dict(re.findall(r"^(Threads|VmHWM):\s+(\d+)", status, re.MULTILINE))
        self.threads = max(self.threads, int(found.get("Threads", 0)))
        self.megabytes = max(self.megabytes, int(found.get("VmHWM", 0)) / 1024)


@contextmanager
def emulator(*options: str) -> Iterator[str]:
    """The base URL of an emulator in a process of its own."""
    command = [sys.executable, "-m", "batchgen", "emulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()


def manifest_of(folder: Path, scenes: int) -> Path:
    """Write a manifest of so many scenes, each of its own request."""
    settings = {"size": "1280*720", "duration": 2, "audio": False, "seed": 7}
    scene = {"prompt": "character1 waves", "references": ["https://example.com/a.png"], **settings}
    # Each asks for something else, and all get the same picture.
    sounds = [{"audio_url": f"https://example.com/{number}.mp3"} for number in range(scenes)]
    listed = [{"id": f"s{number:05d}", **scene, **sound} for number, sound in enumerate(sounds)]
    path = folder / "manifest.yaml"
    path.write_text(json.dumps({"version": 1, "name": "bench", "scenes": listed}), encoding="utf-8")
    return path


def _measured(
    folder: Path, scenes: int, options: Sequence[str], enough: Callable[[list[dict[str, Any]]], bool]
) -> Figures:
    """Run a batch of so many scenes; interrupt it once its journal shows ``enough``."""
    manifest = str(manifest_of(folder, scenes))
    command = [sys.executable, "-m", "batchgen", "run", manifest, "--no-progress", "--yes", *options]
    environment = {**os.environ, "BATCHGEN_API_KEY": "bench"}
    figures, begun, interrupted = Figures(), time.perf_counter(), False
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    while True:
        ended, _, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        figures.look_at(process.pid)
        if not interrupted and enough(journal(folder)):
            process.send_signal(signal.SIGINT)
            interrupted = True
        time.sleep(_LOOK_EVERY_S)
    figures.wall_s = time.perf_counter() - begun
    figures.cpu_s = usage.ru_utime + usage.ru_stime
    return figures


def journal(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of the journal."""
    path = folder / "runs" / "bench" / "state.jsonl"
    content = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def _at(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def _throughput(title: str, last: str, *options: str) -> None:
    """``last`` is the event that a scene ends with."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with emulator(f"--latency={TASK_S}", f"--max-concurrent={CAP}") as base_url:
            common = [f"--base-url={base_url}", f"--workers={WORKERS}", f"--max-in-flight={CAP}"]
            common.append(f"--poll-interval={POLL_INTERVAL_S}")
            figures = _measured(folder, SCENES, [*common, *options], lambda _: False)
        events = journal(folder)
    counts = Counter(event["event"] for event in events)
    if counts[last] != SCENES or counts["submitted"] != SCENES:
        raise SystemExit(f"the run did not go well: {dict(counts)}")
    begun = next(_at(event) for event in events if event["event"] == "submitting")
    span = max(_at(event) for event in events if event["event"] == last) - begun
    print(title)
    _show("makespan over the ideal", span / _IDEAL_S, _AIMS["over"], f"{span:.1f} s over {_IDEAL_S:.1f} s")
    _show("CPU ms a scene", 1000 * figures.cpu_s / SCENES, _AIMS["cpu_ms"], f"{figures.cpu_s:.1f} s in all")
    _show_size(figures)


def _in_flight() -> None:
    reading: list[float] = []

    def enough(events: list[dict[str, Any]]) -> bool:
        submitted = sum(event["event"] == "submitted" for event in events)
        if submitted == IN_FLIGHT and not reading:
            reading.append(time.perf_counter())
        return bool(reading) and time.perf_counter() - reading[0] > READ_S

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with emulator("--latency=3600") as base_url:
            options = [f"--base-url={base_url}", f"--workers={WORKERS}", f"--max-in-flight={IN_FLIGHT}"]
            figures = _measured(folder, IN_FLIGHT, [*options, "--poll-interval=30"], enough)
        events = [event for event in journal(folder) if event["event"] in ("submitting", "submitted")]
    submitting_s = _at(events[-1]) - _at(events[0])
    print(f"{IN_FLIGHT} tasks in flight, submitted in {submitting_s:.1f} s, then read for {READ_S:.0f} s")
    _show("CPU ms a scene", 1000 * figures.cpu_s / IN_FLIGHT, None, f"{figures.cpu_s:.1f} s in all")
    _show_size(figures)


def _show_size(figures: Figures) -> None:
    _show("threads at most", figures.threads, _AIMS["threads"], f"{WORKERS} workers")
    _show("peak memory, MB", figures.megabytes, _AIMS["megabytes"])


def _show(what: str, value: float, aim: float | None, note: str = "") -> None:
    shown = f"{value:8d}" if isinstance(value, int) else f"{value:8.2f}"
    wanted = "" if aim is None else f"aim: at most {aim:g}"
    print(f"  {what:24}{shown}   {wanted:20} {note}".rstrip())


def run() -> None:
    """Print the figures of all runs beside what they aim at."""
    batch = f"{SCENES} scenes of {TASK_S} s, {CAP} at a time"
    _throughput(f"{batch}, --no-download", "completed", "--no-download")
    _throughput(f"{batch}, results fetched and measured", "downloaded")
    _in_flight()

"""Whole runs against an emulator in another process: makespan, CPU, threads and memory.

First 300 scenes of 2 s each at a gateway that takes 50 at a time, without their results and with them
fetched, decoded and measured; the ideal is that 50 tasks run at every moment. Then 5,000 tasks in
flight at once, read in turn for a while and then interrupted. All scenes are alike, so that the
emulator makes its one video once and leaves the machine to what is measured. Threads and memory are
read from /proc: Linux only.
"""

import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.whole_runs import Figures, emulator, journal, measured, scenes, unix_s

SCENES = 300
TASK_S = 2
CAP = 50
WORKERS = 8
IN_FLIGHT = 5_000
POLL_INTERVAL_S = 0.5
READ_S = 15.0
"""Seconds for which the tasks in flight are read."""
_AIMS = {"over": 1.10, "cpu_ms": 12.0, "threads": WORKERS + 4, "megabytes": 200.0}
_IDEAL_S = SCENES / CAP * TASK_S


def _throughput(title: str, last: str, *options: str) -> None:
    """``last`` is the event that a scene ends with."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with emulator(f"--latency={TASK_S}", f"--max-concurrent={CAP}") as base_url:
            common = [f"--base-url={base_url}", f"--workers={WORKERS}", f"--max-in-flight={CAP}"]
            common.append(f"--poll-interval={POLL_INTERVAL_S}")
            figures = measured(folder, scenes(SCENES), [*common, *options])
        events = journal(folder)
    counts = Counter(event["event"] for event in events)
    if counts[last] != SCENES or counts["submitted"] != SCENES:
        raise SystemExit(f"the run did not go well: {dict(counts)}")
    begun = next(unix_s(event["at"]) for event in events if event["event"] == "submitting")
    span = max(unix_s(event["at"]) for event in events if event["event"] == last) - begun
    print(title)
    _show("makespan over the ideal", span / _IDEAL_S, _AIMS["over"], f"{span:.1f} s over {_IDEAL_S:.1f} s")
    _show("CPU ms a scene", 1000 * figures.cpu_s / SCENES, _AIMS["cpu_ms"], f"{figures.cpu_s:.1f} s in all")
    _show_size(figures)


def _in_flight() -> None:
    reading: list[float] = []

    def enough() -> bool:
        submitted = sum(event["event"] == "submitted" for event in journal(folder))
        if submitted == IN_FLIGHT and not reading:
            reading.append(time.perf_counter())
        return bool(reading) and time.perf_counter() - reading[0] > READ_S

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with emulator("--latency=3600") as base_url:
            options = [f"--base-url={base_url}", f"--workers={WORKERS}", f"--max-in-flight={IN_FLIGHT}"]
            figures = measured(folder, scenes(IN_FLIGHT), [*options, "--poll-interval=30"], enough)
        events = [event for event in journal(folder) if event["event"] in ("submitting", "submitted")]
    submitting_s = unix_s(events[-1]["at"]) - unix_s(events[0]["at"])
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

"""Ten thousand tasks at a gateway at once: threads, memory, and how late their ends are seen."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.pace_play import logging_emulator, overdue, spans_of
from bench.whole_runs import journal, lines_of, measured, scenes, unix_s

NAME = "in-flight"
TASKS = 10_000
_INTERVAL_S = 30.0
_LATENCY = "--latency=45-60"
"""Long enough for all of them to be submitted before the first one ends, on a machine that submits 250 a second."""
_LONGEST_S = 240.0
_MOST_THREADS, _MOST_MEGABYTES, _MOST_LATE_S = 70, 180.0, 2.0
_PERCENT = 99


@dataclass(frozen=True, slots=True)
class InFlight:
    """What such a run took; ``late_s`` is how late an end was seen, beyond what the interval allows, in 99 of 100."""

    at_once: int
    threads: int
    megabytes: float
    late_s: float
    reads: float
    cpu_ms: float

    def lines(self) -> list[str]:
        """The figures beside their goals."""
        return [
            f"{NAME}: {TASKS} tasks, {self.at_once} at once, --poll-interval {_INTERVAL_S:g}",
            f"  threads at most          {self.threads:8d}   goal: at most {_MOST_THREADS}",
            f"  peak memory, MB          {self.megabytes:8.1f}   goal: at most {_MOST_MEGABYTES:g}",
            f"  seen too late, p{_PERCENT}, s    {self.late_s:8.2f}   goal: at most {_MOST_LATE_S:g}",
            f"  readings a task          {self.reads:8.2f}",
            f"  CPU ms a task            {self.cpu_ms:8.2f}",
        ]


def play() -> InFlight:
    """Submit all of them, and see them end. Threads and memory are read from /proc: Linux only."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with logging_emulator(folder, _LATENCY) as (base_url, log):
            options = [f"--base-url={base_url}", f"--max-in-flight={TASKS}", f"--poll-interval={_INTERVAL_S}"]
            figures = measured(folder, scenes(TASKS), [*options, "--no-download"], overdue(_LONGEST_S))
        entries, events = lines_of(log), journal(folder)
    spans = spans_of(entries)
    tasks = {event["scene_id"]: event["task_id"] for event in events if event["event"] == "submitted"}
    seen = [(tasks[e["scene_id"]], unix_s(e["at"])) for e in events if e["event"] == "completed"]
    if len(seen) != TASKS:
        raise SystemExit(f"{NAME} did not go well: {len(seen)} of {TASKS} tasks were seen to complete")
    return InFlight(
        _most_at_once(list(spans.values())),
        figures.threads,
        figures.megabytes,
        _late_s([at - spans[task_id][1] for task_id, at in seen]),
        sum("/task/" in entry.get("path", "") for entry in entries) / TASKS,
        1000 * figures.cpu_s / TASKS,
    )


def _late_s(waited_s: Sequence[float]) -> float:
    return max(0.0, sorted(waited_s)[len(waited_s) * _PERCENT // 100 - 1] - _INTERVAL_S)


def _most_at_once(spans: Sequence[tuple[float, float]]) -> int:
    changes = sorted([(created, 1) for created, _ in spans] + [(ended, -1) for _, ended in spans])
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most

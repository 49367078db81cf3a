"""Plays one scenario once, with batchgen or with the SDK, against an emulator of its own."""

import heapq
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.pace_scenarios import Scenario
from bench.whole_runs import emulator, journal, lines_of, measured, scenes, unix_s

POLL_INTERVAL_S = 0.5
LONGEST_S = 120.0
"""A run that takes longer is given up, and the benchmark with it."""
_TASK_PATH = "/task/"


@dataclass(frozen=True, slots=True)
class Play:
    """What one play took: seconds, those of the ideal, and readings a task."""

    seconds: float
    ideal_s: float
    reads: float

    @property
    def ratio(self) -> float:
        """The seconds, of the ideal ones."""
        return self.seconds / self.ideal_s


def play_batchgen(scenario: Scenario) -> Play:
    """With ``batchgen run`` and its options as they are."""
    return _played(scenario, _with_batchgen)


def play_sdk(scenario: Scenario) -> Play:
    """With the SDK on a pool of threads."""
    return _played(scenario, _with_sdk)


def _played(scenario: Scenario, take: Callable[[Scenario, str, Path], float]) -> Play:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with logging_emulator(folder, *scenario.gateway, rules=scenario.rules) as (base_url, log):
            seconds = take(scenario, base_url, folder)
        entries = lines_of(log)
    tasks = [ended - created for created, ended in spans_of(entries).values()]
    reads = sum(_TASK_PATH in entry.get("path", "") for entry in entries)
    return Play(seconds, ideal_s(tasks, scenario.at_once), reads / scenario.tasks)


@contextmanager
def logging_emulator(folder: Path, *options: str, rules: object = ()) -> Iterator[tuple[str, Path]]:
    """An emulator with faults by prompt: its base URL, and its log."""
    log, faults = folder / "requests.jsonl", folder / "faults.yaml"
    faults.write_text(json.dumps(rules), encoding="utf-8")
    with emulator("--seed=7", f"--log={log}", f"--faults={faults}", *options) as base_url:
        yield base_url, log


def _with_batchgen(scenario: Scenario, base_url: str, folder: Path) -> float:
    options = [f"--base-url={base_url}", f"--poll-interval={POLL_INTERVAL_S}"]
    options += [*scenario.options, *([] if scenario.fetches else ["--no-download"])]
    measured(folder, scenes(scenario.tasks, scenario.durations), options, overdue(LONGEST_S))
    events, last = journal(folder), "downloaded" if scenario.fetches else "completed"
    ended = [unix_s(event["at"]) for event in events if event["event"] == last]
    if len(ended) != scenario.tasks:
        raise SystemExit(f"{scenario.name} did not go well with batchgen: {len(ended)} of {scenario.tasks} ended well")
    return max(ended) - next(unix_s(event["at"]) for event in events if event["event"] == "submitting")


def _with_sdk(scenario: Scenario, base_url: str, _: Path) -> float:
    threads = str(scenario.sdk_threads or scenario.at_once)
    arguments = [base_url, threads, str(POLL_INTERVAL_S), "fetch" if scenario.fetches else "leave"]
    command = [sys.executable, "-m", "bench.sdk_pool", *arguments]
    bodies = json.dumps([_body(each) for each in scenes(scenario.tasks, scenario.durations)])
    try:
        done = subprocess.run(command, input=bodies, stdout=subprocess.PIPE, text=True, check=True, timeout=LONGEST_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SystemExit(f"{scenario.name} did not go well with the SDK: {error}") from None
    return float(json.loads(done.stdout)["seconds"])


def overdue(after_s: float) -> Callable[[], bool]:
    """Whether so many seconds have passed since this was called."""
    until = time.perf_counter() + after_s
    return lambda: time.perf_counter() > until


def _body(scene: dict[str, Any]) -> dict[str, Any]:
    """A scene as the request that batchgen makes of it."""
    asked = {name: scene[name] for name in ("size", "duration", "audio", "seed")}
    given = {"prompt": scene["prompt"], "reference_urls": scene["references"], "audio_url": scene["audio_url"]}
    return {"model": "wan26_r2v", "input": given, "parameters": asked}


def spans_of(entries: Iterable[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """When each completed task was created and when it had completed, in the order of creation."""
    created: dict[str, float] = {}
    spans: dict[str, tuple[float, float]] = {}
    for entry in entries:
        if entry["event"] == "task":
            at = unix_s(entry["time"])
            since = created.setdefault(entry["task_id"], at)
            if entry["status"] == "completed":
                spans[entry["task_id"]] = (since, at)
    return dict(sorted(spans.items(), key=lambda item: item[1][0]))


def ideal_s(lengths: Sequence[float], at_once: int) -> float:
    """How long tasks take in their order, where each end is seen at once and the next one begins."""
    ends = [0.0] * at_once
    for length in lengths:
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)

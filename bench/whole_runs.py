"""What benchmarks of whole runs share: an emulator in another process, batches of scenes, and what a run took."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

BATCH = "bench"
_LOOK_EVERY_S = 0.1


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


def scenes(count: int, durations: Sequence[int] = (2,)) -> list[dict[str, Any]]:
    """So many scenes, which take the durations in turns.

    Each asks for a sound file of its own, since what asks for the same is bought once; all of one duration get the
    same picture, so that the emulator makes one video for each.
    """
    settings = {"references": ["https://example.com/a.png"], "size": "1280*720", "audio": False, "seed": 7}
    lengths = [durations[number % len(durations)] for number in range(count)]
    return [
        {
            "id": f"s{number:05d}",
            "prompt": f"character1 waves for {length} s",
            "duration": length,
            "audio_url": f"https://example.com/{number}.mp3",
            **settings,
        }
        for number, length in enumerate(lengths)
    ]


def manifest_of(folder: Path, listed: Sequence[dict[str, Any]]) -> Path:
    """Write a manifest of scenes into a folder."""
    path = folder / "manifest.yaml"
    path.write_text(json.dumps({"version": 1, "name": BATCH, "scenes": listed}), encoding="utf-8")
    return path


def measured(
    folder: Path, listed: Sequence[dict[str, Any]], options: Sequence[str], enough: Callable[[], bool] = lambda: False
) -> Figures:
    """Run a batch of scenes in a folder; interrupt it once it is ``enough``."""
    manifest = manifest_of(folder, listed)
    command = [sys.executable, "-m", "batchgen", "run", str(manifest), "--no-progress", "--yes", *options]
    environment = {**os.environ, "BATCHGEN_API_KEY": "bench"}
    figures, begun, interrupted = Figures(), time.perf_counter(), False
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    while True:
        ended, _, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        figures.look_at(process.pid)
        if not interrupted and enough():
            process.send_signal(signal.SIGINT)
            interrupted = True
        time.sleep(_LOOK_EVERY_S)
    figures.wall_s = time.perf_counter() - begun
    figures.cpu_s = usage.ru_utime + usage.ru_stime
    return figures


def journal(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of the journal of a run in a folder."""
    path = folder / "runs" / BATCH / "state.jsonl"
    return lines_of(path) if path.exists() else []


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file of JSON Lines."""
    content = path.read_bytes()
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def unix_s(moment: str) -> float:
    """A moment as it stands in a journal or a log, in seconds."""
    return datetime.fromisoformat(moment).timestamp()

"""Whole runs: the program in a process of its own, against an emulator in another, with the log as witness.

What a run did to the gateway is never taken from the program's own word but from the emulator's
request log. Moments are found by watching the journal and that log, not by waiting for so long.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.support import Ended, started, write_image

KEY = "sk-0123456789-of-the-test"
CREATE = "/model/v1/generation"
PROMPT = "character1 walks"
PRICES = {"720P": "0.10", "1080P": "0.15"}
_PATIENCE_S = 60.0
_LOOK_EVERY_S = 0.002

Entry = dict[str, Any]


def until(moment: Callable[[], bool], process: "subprocess.Popen[Any] | None" = None) -> None:
    """Return as soon as a moment has come; fail where it does not, or the process ends before it."""
    deadline = time.monotonic() + _PATIENCE_S
    while not moment():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode} before its moment: {process.communicate()}")
        if time.monotonic() > deadline:
            raise AssertionError("the moment did not come")
        time.sleep(_LOOK_EVERY_S)


def json_lines(path: Path, begin: int = 0) -> list[Entry]:
    """The whole lines of a file of JSON Lines, from a byte on; none where there is no file."""
    if not path.exists():
        return []
    content = path.read_bytes()[begin:]
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


@dataclass(frozen=True, slots=True)
class Gateway:
    """An emulator in another process, and what its log says from a byte on."""

    base_url: str
    log: Path
    begin: int = 0

    def from_now(self) -> "Gateway":
        """The same gateway, with the log to come only."""
        return Gateway(self.base_url, self.log, self.log.stat().st_size if self.log.exists() else 0)

    def entries(self) -> list[Entry]:
        """What the log holds."""
        return json_lines(self.log, self.begin)

    def posts(self) -> list[Entry]:
        """Submissions that arrived whole."""
        return [entry for entry in self.requests("POST", CREATE) if not entry.get("broken_off")]

    def requests(self, method: str, path: str) -> list[Entry]:
        """Requests by method and the beginning of their path."""
        return [entry for entry in self.asked() if entry["method"] == method and entry["path"].startswith(path)]

    def asked(self) -> list[Entry]:
        """All requests; a task that an earlier test left here may end meanwhile, and is none."""
        return [entry for entry in self.entries() if entry["event"] == "request"]

    def readings(self) -> list[Entry]:
        """Readings of tasks."""
        return self.requests("GET", f"{CREATE}/task/")

    def downloads(self) -> list[Entry]:
        """Requests for results."""
        return self.requests("GET", "/files/")

    def created(self) -> list[Entry]:
        """Tasks that were created, in order."""
        return [entry for entry in self.entries() if entry["event"] == "task" and "request_sha256" in entry]

    def prompts(self) -> list[str]:
        """The prompts of the submissions, in order."""
        return [entry["request"]["input"]["prompt"] for entry in self.posts()]

    def tasks_for(self, prompt: str) -> list[str]:
        """Ids of the tasks that were created for a prompt."""
        hashes = {entry["request_sha256"] for entry in self.posts() if entry["request"]["input"]["prompt"] == prompt}
        return [entry["task_id"] for entry in self.created() if entry["request_sha256"] in hashes]


PROGRAM = (sys.executable, "-P", "-m", "batchgen")


@contextmanager
def process_of(
    *arguments: str | Path,
    folder: Path | None = None,
    measured: bool = True,
    program: Sequence[str] = PROGRAM,
    **environment: str,
) -> Iterator[Any]:
    """The program in a process of its own; killed, by its id, where it is still there at the end.

    Without ``measured`` its coverage is not taken: that writes files of its own, and complains aloud
    where it cannot. ``program`` starts it in another way.
    """
    inherited = {name: value for name, value in os.environ.items() if measured or not name.startswith("COVERAGE_")}
    with subprocess.Popen(
        [*program, *map(str, arguments)],
        cwd=folder,
        env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def emulator(folder: Path, *options: str, rules: Sequence[Entry] = ()) -> Iterator[Gateway]:
    """An emulator in another process; ``rules`` are faults by prompt."""
    log, faults = folder / "requests.jsonl", folder / "faults.json"
    faults.write_text(json.dumps(list(rules)), encoding="utf-8")
    settings = ["--port=0", "--seed=1", f"--log={log}", f"--faults={faults}"]
    if not any(option.startswith("--latency") for option in options):
        settings.append("--latency=0.2-0.5")
    with process_of("emulator", *settings, *options) as process:
        base_url = process.stdout.readline().strip()
        assert base_url.startswith("http://127.0.0.1:"), process.communicate()
        yield Gateway(base_url, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@dataclass(slots=True)
class Batch:
    """A manifest of short small scenes, and its run directory."""

    folder: Path
    gateway: str
    name: str = "film"
    scenes: dict[str, Entry] = field(default_factory=dict)
    settings: Entry = field(default_factory=dict)
    references: list[str] = field(default_factory=lambda: ["hero.png"])

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.yaml"

    @property
    def run_dir(self) -> Path:
        return self.folder / "runs" / self.name

    @property
    def state(self) -> Path:
        return self.run_dir / "state.jsonl"

    def write(self) -> None:
        """Write the manifest as it stands now. JSON is YAML, too."""
        document = {
            "version": 1,
            "name": self.name,
            "defaults": {"size": "960*960", "duration": 2, "references": self.references},
            **self.settings,
            "scenes": [{"id": name, **settings} for name, settings in self.scenes.items()],
        }
        self.manifest.write_text(json.dumps(document, indent=1), encoding="utf-8")

    def _arguments(self, options: Sequence[str | Path], *, embedded: bool) -> list[str | Path]:
        placed = any(str(option).startswith("--run-dir") for option in options)
        here = [] if placed else [f"--run-dir={self.run_dir}"]
        address = here if embedded else [f"--base-url={self.gateway}"]
        return ["run", self.manifest, *address, "--poll-interval=0.1", "--yes", *options]

    def run(self, *options: str | Path, expect: int | None = 0, **environment: str) -> Ended:
        """Run to the end; a rehearsal, too, in the run directory of this batch."""
        arguments = self._arguments(["--no-progress", *options], embedded="--emulator" in options)
        return self.do(*arguments, expect=expect, **{"BATCHGEN_API_KEY": KEY, **environment})

    def do(self, *arguments: str | Path, expect: int | None = 0, **environment: str) -> Ended:
        """Run any command beside the manifest; it has to end with the expected code, if one is."""
        command = [sys.executable, "-P", "-m", "batchgen", *map(str, arguments)]
        ended = started(command, self.folder, environment)
        assert expect in (ended.code, None), f"{ended.code}, not {expect}: {ended.err or ended.out}"
        assert "Traceback" not in ended.err
        assert KEY not in ended.out + ended.err
        return ended

    @contextmanager
    def started(
        self,
        *options: str | Path,
        silent: bool = True,
        measured: bool = True,
        program: Sequence[str] = PROGRAM,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[Any]:
        """A run under way."""
        arguments = self._arguments(
            [*(["--no-progress"] if silent else []), *options], embedded="--emulator" in options
        )
        settings = {"BATCHGEN_API_KEY": KEY, **(environment or {})}
        with process_of(*arguments, folder=self.folder, measured=measured, program=program, **settings) as run:
            yield run

    def journal(self) -> list[Entry]:
        """The events of the journal, as far as they are whole lines."""
        return json_lines(self.state)

    def happened(self, event: str, times: int = 1) -> bool:
        """Whether the journal has told of an event that often."""
        return [entry["event"] for entry in self.journal()].count(event) >= times

    def report(self) -> dict[str, dict[str, str]]:
        """The rows of report.csv by scene."""
        return {row["scene_id"]: row for row in csv_rows(self.run_dir / "report.csv")}

    def ledger(self) -> list[dict[str, str]]:
        """The rows of ledger.csv."""
        return csv_rows(self.run_dir / "ledger.csv")

    def statuses(self) -> str:
        """The statuses of all scenes, in their order."""
        return " ".join(row["status"] for row in self.report().values())

    def plan(self, *options: str, expect: int = 0) -> dict[str, Entry]:
        """The steps of the plan by scene."""
        document = json.loads(self.do("plan", self.manifest, "--format=json", *options, expect=expect).out)
        return {step["scene_id"]: step for step in document["scenes"]}

    def witness(self, gateway: Gateway, attempts: int) -> None:
        """The gateway's log proves it: POSTs sent = tasks created = attempts in the ledger = that many."""
        ledger = self.ledger()
        counted = {"posts": len(gateway.posts()), "tasks": len(gateway.created()), "ledger": len(ledger)}
        assert counted == dict.fromkeys(counted, attempts)
        known = Counter(row["task_id"] for row in ledger if row["task_id"])
        assert known <= Counter(entry["task_id"] for entry in gateway.created())


def csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file as texts."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def batch(folder: Path, gateway: Gateway | str, scenes: int = 2, **settings: Any) -> Batch:
    """A batch of so many scenes on disk; no two batches send alike requests."""
    address = gateway if isinstance(gateway, str) else gateway.base_url
    made = Batch(folder, address, settings=settings)
    for number in range(1, scenes + 1):
        made.scenes[f"s{number}"] = {"prompt": f"{PROMPT}, {folder.name} {number}"}
    write_image(folder / "hero.png", size=(400, 400), color=(90, 30, 160))
    made.write()
    return made

"""Where a trial happens: a batch, a gateway in another process that can die and come back, and chance."""

import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from helpers.runs import PROGRAM, Batch, Gateway, batch, json_lines, process_of

REQUEST_TIMEOUT_S = 1.5
_PATIENCE_S = 60.0
_LOOK_EVERY_S = 0.002
_PORT_FREE_S = 10.0
_WEATHER = {
    "429": 0.03,
    "503": 0.02,
    "500-json": 0.02,
    "code-001028099": 0.02,
    "reset": 0.02,
    "lost-response": 0.02,
    "504-created": 0.01,
    "truncated-json": 0.01,
    "slow": 0.01,
    "fail-001028095": 0.06,
    "fail-001028004-string": 0.03,
    "fail-001028099": 0.02,
    "status-weird": 0.2,
    "poll-502-html": 0.03,
    "poll-reset": 0.02,
    "poll-truncated": 0.02,
    "poll-429": 0.02,
    "poll-fail-001028098": 0.03,
    "wrong-size-result": 0.04,
    "expired-url": 0.1,
    "truncated-result": 0.1,
    "no-range": 0.1,
}
"""What goes wrong at the gateway beside what the trial is about, and how often."""


@dataclass(slots=True)
class Place:
    """One batch of so many scenes and one gateway. ``strikes`` counts what was done to them, in words for a table."""

    folder: Path
    chance: Random
    scenes: int
    film: Batch = field(init=False)
    gateway: Gateway = field(init=False)
    strikes: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    objections: list[str] = field(default_factory=list)
    """What runs did that they must never do, whatever was done to them."""
    gateway_process: Any = None
    _life: ExitStack = field(default_factory=ExitStack)
    _fixed: tuple[str, ...] = ()
    _before: int = 0

    def __post_init__(self) -> None:
        """Draw the batch and the gateway's habits. Nothing is started yet."""
        number = self.chance.randrange(10, 100)
        self._fixed = (
            f"--price=720P=0.10000000{number}",
            f"--price=1080P=0.15000000{number}",
            f"--discount={self.chance.choice(['0', '0.05', '0.1234'])}",
            f"--overcharge={self.chance.choice(['1', '1.0375', '1.5'])}",
            f"--cost-as={self.chance.choice(['string', 'number'])}",
            *self.chance.choice([(), ("--charge-failed",)]),
            f"--state={self.state}",
            f"--log={self.folder / 'requests.jsonl'}",
        )
        prices = {"720P": f"0.10000000{number}", "1080P": f"0.15000000{number}"}
        self.film = batch(self.folder, "", self.scenes, pricing=prices)
        for settings in self.film.scenes.values():
            settings["duration"] = self.chance.choice([2, 2, 3])
            if self.chance.random() < 0.5:
                settings["references"] = ["https://example.com/hero.png"]
        self.film.write()

    @property
    def state(self) -> Path:
        """Where the gateway keeps its tasks."""
        return self.folder / "gateway"

    # The gateway

    def open_gateway(self, *, fair: bool = False) -> None:
        """Start the gateway; with the same tasks at the same address where there was one before."""
        latency = "0.1-0.3" if fair else "0.3-1.2"
        weather = [] if fair else [f"--fault={kind}:{rate}" for kind, rate in _WEATHER.items()]
        address = self.film.gateway
        port = address.rpartition(":")[2] or "0"
        options = [*self._fixed, *weather, f"--latency={latency}", f"--port={port}", "--slow-seconds=3"]
        options.append(f"--seed={self.chance.randrange(2**31)}")
        deadline = time.monotonic() + _PORT_FREE_S
        while True:
            self._life = ExitStack()
            process = self._life.enter_context(
                process_of("emulator", *options, measured=False, TMPDIR=str(self.folder))
            )
            base_url = process.stdout.readline().strip()
            if base_url:
                break
            told = process.communicate()[1]
            self._life.close()
            # Somebody else may have been given the port in between, for a moment.
            if time.monotonic() > deadline:
                raise AssertionError(f"the gateway does not start: {told}")
        assert base_url == (address or base_url)
        self.gateway_process = process
        self.film.gateway = base_url
        self.gateway = Gateway(base_url, self.folder / "requests.jsonl")

    def gateway_tasks_for(self, prompt: str) -> list[str]:
        """Ids of the gateway's tasks for a prompt, by what it keeps."""
        kept = json_lines(self.state / "tasks.jsonl")
        return [record["task_id"] for record in kept if record["look"]["prompt"] == prompt]

    def kill_gateway(self) -> None:
        """SIGKILL."""
        self.gateway_process.kill()
        self._life.close()

    def close(self) -> None:
        """Leave nothing running."""
        self._life.close()

    # Runs

    @contextmanager
    def run(self, program: Sequence[str] = PROGRAM, environment: Mapping[str, str] | None = None) -> Iterator[Any]:
        """A run under way, in a process of its own; killed at the end where nobody waited for it."""
        settings = [f"--request-timeout={REQUEST_TIMEOUT_S}", "--workers=4", "--max-in-flight=3", "--attempts=2"]
        self.runs += 1
        self._before = _size(self.film.state)
        with self.film.started(*settings, measured=False, program=program, environment=environment) as run:
            yield run

    def ended(self, run: "subprocess.Popen[str]", *, allowed: tuple[int, ...] = (0, 1)) -> tuple[int, str]:
        """Wait for a run to end by itself: its exit code and what it told. Any other end is objected to."""
        try:
            _, told = run.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            run.kill()
            _, told = run.communicate()
            self.objections.append(f"a run does not end: {told[-500:]}")
        else:
            if run.returncode not in allowed or "Traceback" in told or "this is a bug" in told:
                self.objections.append(f"a run ended with {run.returncode}: {told[-1500:]}")
            self._check_last_words(told)
        return run.returncode, told

    def _check_last_words(self, told: str) -> None:
        """Tasks that a run could not write down are tasks of the gateway, as it tells their ids."""
        words = told.partition("could not be written down")[2]
        for scene_id, task_id in re.findall(r"scene (\S+): task ([^\s,]+)", words):
            self.strikes["task told that could not be written"] += 1
            if task_id not in self.gateway_tasks_for(self.film.scenes[scene_id]["prompt"]):
                self.objections.append(f"a run told of {task_id}, which is not a task of {scene_id}")

    def killed(self, run: "subprocess.Popen[str]") -> None:
        """SIGKILL a run, and look at what it told before."""
        run.kill()
        _, told = run.communicate()
        if "Traceback" in told or "this is a bug" in told:
            self.objections.append(f"a run told before it was killed: {told[-1500:]}")

    # Moments

    def moment(self, run: "subprocess.Popen[str]") -> bool:
        """Wait for a random moment of a run; false where the run ended before it.

        A third of the moments come after so much time, a third when the journal has grown by so many
        bytes, a third when the gateway has had so many requests; so none of the three goes unseen.
        """
        draw = self.chance.random
        kind = self.chance.choice(["time", "journal", "gateway"])
        if kind == "time":
            return self.pause(run, 0.1 + 1.9 * draw())
        watched = self.film.state if kind == "journal" else self.gateway.log
        size = _size(watched) + int(draw() * (9000 if kind == "journal" else 6000))
        deadline = time.monotonic() + 3.0
        while _size(watched) <= size and time.monotonic() < deadline:
            if run.poll() is not None:
                return False
            time.sleep(_LOOK_EVERY_S)
        return self.pause(run, 0.03 * draw() ** 2)

    def has_begun(self, run: "subprocess.Popen[str]") -> bool:
        """Wait until a run has opened its journal and written the first line; false where it ended before."""
        while _size(self.film.state) <= self._before:
            if not self.pause(run, _LOOK_EVERY_S):
                return False
        return True

    def pause(self, run: "subprocess.Popen[str]", seconds: float) -> bool:
        """Let a run go on for so long; false where it ended."""
        deadline = time.monotonic() + seconds
        while run.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return True
            time.sleep(min(left, 0.02))
        return False

    def asleep(self, process: Any, seconds: float) -> None:
        """SIGSTOP a process, and SIGCONT it so much later."""
        os.kill(process.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(process.pid, signal.SIGCONT)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0

"""What the coordinator costs per scene, at the numbers of scenes on the command line: 10,000 and 100,000 without any.

First the journal of so many finished scenes: its bytes, and CPU and memory for reading it, as each command does that
begins. Then a run of them in virtual time, with the real scheduler and the real lines of the journal: CPU of the
loop. Tasks take a minute, a thousand are at the gateway at once. Each figure is of a process that does nothing else.
"""

import heapq
import random
import sys
import tempfile
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path

from batchgen.engine.classification import Classification, Kind
from batchgen.engine.commands import (
    Command,
    CommandResult,
    Fetch,
    FetchResult,
    Poll,
    PollResult,
    Submit,
    SubmitResult,
)
from batchgen.engine.events import RunStarted
from batchgen.engine.planner import plan
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import State
from batchgen.engine.steps import Choice
from batchgen.journal.records import Stamp, encode
from batchgen.layout import JOURNAL, result_path
from batchgen.model import TaskResult
from bench.journal import AT, REPLAY, scene, write
from bench.processes import measured

USUAL = (10_000, 100_000)
_ANSWER_S, _TASK_S, _IN_FLIGHT = 0.02, 60.0, 1000
_PLAY = """
from bench.scale import play
start = time.process_time()
play({count})
"""


def play(scenes: int) -> None:
    """Run so many scenes in virtual time, and make the lines of their journal."""
    state, now, numbers = State(), 0.0, count()
    state.apply(RunStarted(AT, "1"))
    listed = [replace(scene(number), estimated_cost_usd=Decimal("0.50")) for number in range(scenes)]
    settings = Settings(max_in_flight=_IN_FLIGHT)
    scheduler = Scheduler(state, plan(listed, state, Choice()), settings, random.random, lambda: "id")
    coming: list[tuple[float, int, CommandResult]] = []
    ends: dict[str, float] = {}
    while not scheduler.is_finished():
        remembered = []
        while coming and coming[0][0] <= now:
            remembered += scheduler.end(heapq.heappop(coming)[2], now, AT)
        events, commands = scheduler.begin(now, AT)
        for event in [*remembered, *events]:
            encode(event, Stamp("5f0c91ab", 1))
        for command in commands:
            heapq.heappush(coming, (now + _ANSWER_S, next(numbers), _answer(command, ends, now)))
        due = [when for when in (scheduler.wakes_at(), coming[0][0] if coming else None) if when is not None]
        now = max(now, min(due, default=now))


def _answer(command: Command, ends: dict[str, float], now: float) -> CommandResult:
    """What a gateway says that has each task done after a minute."""
    match command:
        case Submit():
            ends[f"task-{command.scene_id}"] = now + _TASK_S
            return SubmitResult(command, Classification(Kind.CREATED), f"task-{command.scene_id}")
        case Poll():
            if now < ends[command.task_id]:
                return PollResult(command, Classification(Kind.RUNNING))
            result = TaskResult(f"https://cdn.example.com/{command.task_id}.mp4", "job", Decimal("0.50"), Decimal(0))
            return PollResult(command, Classification(Kind.DONE), result)
        case Fetch():
            return FetchResult(command, result_path(command.scene_id, command.attempt), f"{hash(command):064x}"[-64:])
        case _:
            raise AssertionError(command)


def run(options: list[str]) -> int:
    """Print a table; 2 for what is no number."""
    if not all(option.isdecimal() for option in options):
        print("usage: python -m bench scale [SCENES…]", file=sys.stderr)
        return 2
    print("| scenes | journal, kB a scene | reading it, s | memory, MB | loop, ms a scene | memory of a run, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for scenes in [*map(int, options)] or USUAL:
        _print_row(scenes)
    return 0


def _print_row(scenes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "run", scenes, with_scenes=False) / JOURNAL
        size = path.stat().st_size
        reading_s, reading_mb = measured(REPLAY, path)
    loop_s, loop_mb = measured(_PLAY.format(count=scenes), Path())
    cells = [
        f"{scenes:,}",
        f"{size / scenes / 1e3:.2f}",
        f"{reading_s:.1f}",
        f"{reading_mb:.0f}",
        f"{1000 * loop_s / scenes:.2f}",
        f"{loop_mb:.0f}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)

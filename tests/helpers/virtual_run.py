"""Whole runs of the scheduler in virtual time, against a gateway that takes so many tasks at once."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from random import Random

from batchgen.engine.commands import Command, CommandResult, Poll, PollResult, Submit, SubmitResult
from batchgen.engine.earlier_lengths import earlier_lengths
from batchgen.engine.events import RunStarted
from batchgen.engine.pacing import EarlierLengths
from batchgen.engine.planner import plan
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import State
from batchgen.engine.steps import Choice
from batchgen.model import Lasted

from helpers.engine_support import CREATED, DONE, HICCUP, REQUEST_ID, RUNNING, THROTTLED, clock, scene

ANSWER_S = 0.004


@dataclass
class Played:
    """What a run took: the time to the last task that was seen done, and how often each was looked at."""

    seconds: float = 0.0
    reads: int = 0
    refused: int = 0
    most_in_flight: int = 0
    seen_after: list[float] = field(default_factory=list)
    """How long after its end each task was seen done."""
    state: State = field(default_factory=State)

    @property
    def known(self) -> EarlierLengths:
        """What the next run knows of lengths."""
        return earlier_lengths(self.state.all_attempts())


def ideal_s(lengths: Sequence[float], at_once: int) -> float:
    """How long it takes where each end is seen at once."""
    ends = [0.0] * at_once
    for length in lengths:
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


@dataclass
class VirtualRun:
    """One run: ``length_of`` says how long the task takes that is created as number so and so.

    ``takes`` is how many tasks the gateway has at once at most, ``lost_reads`` which share of readings fails,
    ``answer_s`` how long an answer takes.
    """

    lengths: Sequence[float]
    settings: Settings
    takes: int = 10**9
    lost_reads: float = 0.0
    answer_s: float = ANSWER_S
    duration_of: Callable[[int], int] = lambda _: 5
    busy_until: float = 0.0
    """Until then, the gateway refuses all but the tasks that it has."""
    says_lengths: bool = False
    """The gateway says with each finished task how long it took."""
    sleeps_at: float = inf
    sleeps_s: float = 0.0
    """When the machine sleeps once, and for how long: the clock of the run stands still then, and the tasks go on."""

    def play(self) -> Played:
        """Play it to its end."""
        played, random, now = Played(), Random(1), 1000.0  # noqa: S311 - a game
        began, ends = now, dict[str, float]()
        listed = [
            scene(f"s{number}", request=f"r{number}", duration=self.duration_of(number))
            for number in range(len(self.lengths))
        ]
        state = played.state
        state.apply(RunStarted(clock(0), "1"))
        settings = replace(self.settings, download=False)
        scheduler = Scheduler(state, plan(listed, state, Choice()), settings, random.random, lambda: REQUEST_ID)
        coming: list[tuple[float, int, CommandResult]] = []
        seen: set[str] = set()
        count = 0

        def answer(command: Command) -> CommandResult:
            arrives = now + self._slept_s(now - began) + self.answer_s / 2
            if isinstance(command, Submit):
                running = sum(end > arrives for end in ends.values())
                if running >= self.takes or arrives < began + self.busy_until:
                    played.refused += 1
                    return SubmitResult(command, THROTTLED)
                task_id = f"t{len(ends)}"
                ends[task_id] = arrives + self.lengths[len(ends)]
                return SubmitResult(command, CREATED, task_id)
            assert isinstance(command, Poll)
            played.reads += 1
            if random.random() < self.lost_reads:
                return PollResult(command, HICCUP)
            if arrives < ends[command.task_id]:
                return PollResult(command, RUNNING)
            seen.add(command.task_id)
            played.seen_after.append(arrives - ends[command.task_id])
            return PollResult(command, DONE, lasted_s=self._said(self.lengths[int(command.task_id[1:])]))

        while not scheduler.is_finished():
            while coming and coming[0][0] <= now:
                scheduler.end(heapq.heappop(coming)[2], now, clock(now + self._slept_s(now - began)))
            for command in scheduler.begin(now, clock(now + self._slept_s(now - began)))[1]:
                count += 1
                heapq.heappush(coming, (now + self.answer_s, count, answer(command)))
            played.most_in_flight = max(played.most_in_flight, scheduler.in_flight)
            due = [when for when in (scheduler.wakes_at(), coming[0][0] if coming else None) if when is not None]
            if not due:
                break
            now = max(now, min(due))
        played.seconds = now - began
        return played

    def _slept_s(self, run_s: float) -> float:
        return self.sleeps_s if run_s >= self.sleeps_at else 0.0

    def _said(self, length_s: float) -> Lasted | None:
        return (length_s, length_s + 0.001) if self.says_lengths else None

"""The loop: what is durable before what begins, and what is said when nothing can be written any more."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from decimal import Decimal
from queue import Empty
from typing import Any

import pytest

from batchgen.engine.attempts import AttemptState
from batchgen.engine.commands import Command, CommandResult, Fetch, FetchResult, Poll, PollResult, Submit, SubmitResult
from batchgen.engine.events import Event
from batchgen.engine.planner import plan
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import State
from batchgen.engine.steps import Choice
from batchgen.errors import RunDirectoryError
from batchgen.model import TaskResult
from batchgen.runner.loop import Inbox, Loop, Received

from helpers.attempts import replay
from helpers.engine_support import CREATED, DONE, PRICE, URL, scenes

GRACE_S = 60.0


class Parts(Executor):
    """Executor, clock, journal and gateway in one, with every step written down in order."""

    def __init__(self, count: int = 1, settings: Settings | None = None) -> None:
        self.now_s = 100.0
        self.steps: list[str] = []
        self.written: list[Event] = []
        self.appends: list[list[Event]] = []
        self.turns = 0
        self.room = 10**9
        self.waiting: list[tuple[Callable[[Command], CommandResult], Command, Future[CommandResult]]] = []
        self.silent = False
        self.waited_for: list[tuple[int, float]] = []
        self.waits_then: Callable[[], None] | None = None
        state = State()
        steps = plan(scenes(count), state, Choice())
        self.scheduler = Scheduler(state, steps, settings or Settings(), lambda: 0.5, lambda: "q1")
        self.loop = Loop(self.scheduler, self, self.perform, self, self, grace_s=GRACE_S)

    def now(self) -> float:
        return self.now_s

    def at(self) -> str:
        return f"{self.now_s:.1f}"

    def receive(self, inbox: Inbox, timeout_s: float) -> Received | None:
        if self.waits_then is not None:
            then, self.waits_then = self.waits_then, None
            then()
        if self.waiting and not self.silent:
            perform, command, future = self.waiting.pop(0)
            try:
                future.set_result(perform(command))
            except ZeroDivisionError as error:
                future.set_exception(error)
        try:
            return inbox.get_nowait()
        except Empty:
            self.now_s += timeout_s
            return None

    def append(self, events: Iterable[Event]) -> None:
        listed = list(events)
        self.appends.append(listed)
        self.room -= len(listed)
        if listed and self.room < 0:
            raise RunDirectoryError("no room")
        self.steps += [type(event).__name__ for event in listed]
        self.written += listed

    def submit(self, perform: Callable[..., Any], /, *args: Any, **_: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        self.steps.append(type(args[0]).__name__)
        self.waiting.append((perform, args[0], future))
        return future

    def perform(self, command: Command) -> CommandResult:
        if isinstance(command, Submit):
            return SubmitResult(command, CREATED, f"task-{command.scene_id}")
        if isinstance(command, Poll):
            return PollResult(command, DONE, TaskResult(URL, "j", PRICE, Decimal(1)))
        assert isinstance(command, Fetch)
        return FetchResult(command, "videos/s.mp4", "ab")

    def run(self) -> None:
        self.loop.run(self)

    def turn(self) -> None:
        self.turns += 1

    def waits_for_answers(self, count: int, seconds: float) -> None:
        self.waited_for.append((count, seconds))


def test_what_guards_is_durable_before_what_it_guards() -> None:
    parts = Parts()
    parts.run()
    assert parts.steps == ["Submitting", "Submit", "Submitted", "Poll", "Completed", "Fetch", "Downloaded"]
    assert parts.scheduler.state == replay(parts.written)


def test_a_turn_is_written_at_once_whatever_happens_in_it() -> None:
    parts = Parts(20)
    parts.run()
    assert len(parts.written) == 80
    assert len(parts.appends) == parts.turns
    assert max(map(len, parts.appends)) > 1


def test_an_intent_that_cannot_be_written_is_not_carried_out() -> None:
    parts = Parts()
    parts.room = 0
    with pytest.raises(RunDirectoryError, match=r"^no room$"):
        parts.run()
    assert parts.steps == []


def test_ids_that_cannot_be_written_are_told() -> None:
    parts = Parts(3)
    parts.room = 3
    with pytest.raises(RunDirectoryError) as caught:
        parts.run()
    (note,) = caught.value.__notes__
    for number in (1, 2, 3):
        assert f"scene s{number}: task task-s{number}" in note


def test_answers_that_never_come_are_not_waited_for_without_end() -> None:
    parts = Parts(2, Settings(submit_rate=1))
    parts.silent = True
    parts.room = 1
    with pytest.raises(RunDirectoryError, match=r"^no room$"):
        parts.run()
    assert GRACE_S <= parts.now_s - 100 < GRACE_S + 3


def test_an_interrupt_waits_for_answers_to_submissions_for_a_while() -> None:
    parts = Parts()
    parts.silent = True
    parts.waits_then = parts.loop.interrupt
    parts.run()
    assert GRACE_S <= parts.now_s - 100 < GRACE_S + 2
    latest = parts.scheduler.state.latest("s1")
    assert latest is not None
    assert latest.state is AttemptState.SUBMITTING


def test_an_interrupt_keeps_the_id_that_came_in_time() -> None:
    class Interrupted(Parts):
        def turn(self) -> None:
            self.loop.interrupt()

    parts = Interrupted()
    parts.run()
    assert parts.steps == ["Submitting", "Submit", "Submitted"]


def test_an_interrupt_before_the_first_command_begins_nothing() -> None:
    parts = Parts()
    parts.loop.interrupt()
    parts.run()
    assert parts.steps == []


class Broken(Parts):
    """Performs the second submission with a bug."""

    def perform(self, command: Command) -> CommandResult:
        if command.scene_id == "s2":
            raise ZeroDivisionError
        return super().perform(command)


def test_a_bug_in_an_act_ends_the_run_instead_of_hanging_it_and_loses_no_id() -> None:
    parts = Broken(2)
    with pytest.raises(ZeroDivisionError):
        parts.run()
    assert "Submitted" in parts.steps
    assert parts.scheduler.state == replay(parts.written)

"""The loop: the only driver of a run.

One thread takes what has ended, tells the scheduler, writes down what it wants remembered with one
append, and only then begins what that guards. The waiting is done by an executor that is passed in.
Clock, executor, journal and the performing of acts are parameters, so that a whole run can be
played without time, threads or network.

Whatever ends the loop, in order or not, a submission that is under way is never left without waiting
for its answer first: that answer may be the id of a task that is paid for.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias

from batchgen.engine import outcome_events
from batchgen.engine.commands import Command, CommandResult, Submit, SubmitResult
from batchgen.engine.events import Event, Submitted
from batchgen.engine.scheduler import Scheduler
from batchgen.engine.steering import CannotSteer, Change
from batchgen.errors import RunDirectoryError

_TICK_S = 0.5


class Wake:
    """Put into the inbox to have the loop look up, by a signal handler for example."""


@dataclass(frozen=True, slots=True)
class Died:
    """An act that raised, though acts raise nothing: a bug."""

    command: Command
    error: BaseException


@dataclass(frozen=True, slots=True)
class Steer:
    """Settings that the user changes while the run is under way.

    ``answer`` is called with an empty text once the change is durable, else with why it was refused.
    """

    changes: Sequence[Change]
    answer: Callable[[str], None]


Received: TypeAlias = CommandResult | Wake | Steer | Died
Inbox: TypeAlias = "SimpleQueue[Received]"


class Clock(Protocol):
    """Time, and waiting in it."""

    def now(self) -> float:
        """Seconds since some moment; never steps back."""

    def at(self) -> str:
        """This moment in UTC, as ISO 8601."""

    def receive(self, inbox: Inbox, timeout_s: float) -> Received | None:
        """The next thing from the inbox, None where nothing comes in time."""


class Recorder(Protocol):
    """Where events are made durable."""

    def append(self, events: Iterable[Event]) -> None:
        """Write events; they are durable when this returns. Raises `RunDirectoryError`."""


class Observer(Protocol):
    """Who watches a run. What a method raises ends the run."""

    def turn(self) -> None:
        """The loop has gone around once."""

    def waits_for_answers(self, count: int, seconds: float) -> None:
        """The run ends early, and waits for the answers to so many submissions, for so many seconds at most."""


class Loop:
    """One run of a scheduler. ``inbox`` may be given a `Wake` from anywhere.

    ``grace_s`` is for how many seconds a run that ends early waits for the answers to submissions
    under way.
    """

    def __init__(  # noqa: PLR0913 - the parts, each of which can be another
        self,
        scheduler: Scheduler,
        executor: Executor,
        perform: Callable[[Command], CommandResult],
        journal: Recorder,
        clock: Clock,
        *,
        grace_s: float,
    ) -> None:
        """Put the parts together; nothing begins before `run`."""
        self.inbox: Inbox = SimpleQueue()
        self._scheduler = scheduler
        self._executor = executor
        self._perform = perform
        self._journal = journal
        self._clock = clock
        self._grace_s = grace_s
        self._interrupt_wanted = False
        self._grace_ends: float | None = None
        self._sending: dict[Command, SubmitResult | None] = {}
        self._ended: list[Event] = []
        self._steered: list[Steer] = []

    def interrupt(self) -> None:
        """Ask the loop to end in order; may be called from a signal handler."""
        self._interrupt_wanted = True
        self.inbox.put(Wake())

    def run(self, observer: Observer) -> None:
        """Run until all is done or the run ends early.

        Raises `RunDirectoryError` where the journal cannot be written, and whatever else goes wrong,
        be it a bug or an error of the observer. Before that, answers to submissions under way are
        waited for and written down; tasks that cannot be are named in a note to the error.
        """
        try:
            self._drive(observer)
        except BaseException as error:
            self._keep_answers(error, observer)
            raise

    def _drive(self, observer: Observer) -> None:
        while True:
            self._heed_interrupt(observer)
            now = self._clock.now()
            events, commands = self._scheduler.begin(now, self._clock.at())
            self._journal.append([*self._ended, *events])
            self._ended = []
            self._answer_steering()
            for command in commands:
                self._start(command)
            observer.turn()
            if self._scheduler.is_finished() or self._is_grace_over(now):
                return
            self._turn(now)

    def _turn(self, now: float) -> None:
        """Wait for something to happen, and take in all that has."""
        wakes_at = self._scheduler.wakes_at()
        wait = _TICK_S if wakes_at is None else min(max(wakes_at - now, 0.0), _TICK_S)
        received = self._clock.receive(self.inbox, wait)
        while received is not None:
            if isinstance(received, Died):
                self._sending.pop(received.command, None)
                raise received.error
            if isinstance(received, Steer):
                self._steer(received)
            elif not isinstance(received, Wake):
                self._take(received)
            received = self._waiting()

    def _steer(self, steer: Steer) -> None:
        try:
            self._ended += self._scheduler.steer(steer.changes, self._clock.now(), self._clock.at())
        except CannotSteer as error:
            steer.answer(str(error))
        else:
            self._steered.append(steer)

    def _answer_steering(self) -> None:
        for steer in self._steered:
            steer.answer("")
        self._steered = []

    def _heed_interrupt(self, observer: Observer) -> None:
        """Begin nothing more once an interrupt was asked for, be it before the first command."""
        if self._interrupt_wanted and self._grace_ends is None:
            self._grace_ends = self._clock.now() + self._grace_s
            self._scheduler.interrupt()
            if self._scheduler.sending:
                observer.waits_for_answers(self._scheduler.sending, self._grace_s)

    def _take(self, result: CommandResult) -> None:
        if isinstance(result, SubmitResult):
            self._sending[result.command] = result
        self._ended += self._scheduler.end(result, self._clock.now(), self._clock.at())
        if isinstance(result, SubmitResult):
            del self._sending[result.command]

    def _waiting(self) -> Received | None:
        try:
            return self.inbox.get_nowait()
        except Empty:
            return None

    def _is_grace_over(self, now: float) -> bool:
        return self._grace_ends is not None and now >= self._grace_ends

    def _start(self, command: Command) -> None:
        def done(future: "Future[CommandResult]") -> None:
            if not future.cancelled():
                error = future.exception()
                self.inbox.put(future.result() if error is None else Died(command, error))

        if isinstance(command, Submit):
            self._sending[command] = None
        self._executor.submit(self._perform, command).add_done_callback(done)

    def _keep_answers(self, error: BaseException, observer: Observer) -> None:
        """Write down how the submissions under way end; what cannot be written is added to the error."""
        self._wait_for_answers(observer)
        at, state = self._clock.at(), self._scheduler.state
        events = [*self._ended]
        for result in self._sending.values():
            if result is not None:
                owner = None if result.task_id is None else state.owner_of(result.task_id)
                same = owner is not None and (owner.scene_id, owner.number) == (
                    result.command.scene_id,
                    result.command.attempt,
                )
                events.append(outcome_events.submission(at, result, None if same else owner))
        try:
            self._journal.append(events)
        except RunDirectoryError:
            lost = [f"scene {one.scene_id}: task {one.task_id}" for one in events if isinstance(one, Submitted)]
            if lost:
                text = "Tasks that could not be written down; they are paid, so settle their scenes with these ids"
                error.add_note(f"{text}: {', '.join(lost)}")

    def _wait_for_answers(self, observer: Observer) -> None:
        deadline = self._clock.now() + self._grace_s
        open_ = [command for command, result in self._sending.items() if result is None]
        if open_:
            with suppress(Exception):  # whoever watches may be what is at fault
                observer.waits_for_answers(len(open_), self._grace_s)
        while None in self._sending.values() and self._clock.now() < deadline:
            received = self._clock.receive(self.inbox, _TICK_S)
            if isinstance(received, SubmitResult):
                self._sending[received.command] = received
            elif isinstance(received, Died):
                self._sending.pop(received.command, None)

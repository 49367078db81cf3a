"""The loop: the only driver of a run.

One thread takes what has ended, tells the scheduler, writes down what it wants remembered with one
append, and only then begins what that guards. The waiting is done by an executor that is passed in.
Clock, executor, journal and the performing of acts are parameters, so that a whole run can be
played without time, threads or network.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias

from batchgen.engine.commands import Act, Ending, Submit, SubmitEnded
from batchgen.engine.events import Event, Submitted
from batchgen.engine.scheduler import Scheduler
from batchgen.errors import RunDirectoryError

GRACE_S = 10.0
"""Seconds for which an interrupted run waits for the answers to submissions under way."""
_TICK_S = 0.5


class Wake:
    """Put into the inbox to have the loop look up, by a signal handler for example."""


Inbox: TypeAlias = "SimpleQueue[Ending | Wake]"


class Clock(Protocol):
    """Time, and waiting in it."""

    def now(self) -> float:
        """Seconds since some moment; never steps back."""

    def at(self) -> str:
        """This moment in UTC, as ISO 8601."""

    def receive(self, inbox: Inbox, timeout_s: float) -> Ending | Wake | None:
        """The next thing from the inbox, None where nothing comes in time."""


class Recorder(Protocol):
    """Where events are made durable."""

    def append(self, events: Iterable[Event]) -> None:
        """Write events; they are durable when this returns. Raises `RunDirectoryError`."""


class Loop:
    """One run of a scheduler. ``inbox`` may be given a `Wake` from anywhere."""

    def __init__(
        self,
        scheduler: Scheduler,
        executor: Executor,
        perform: Callable[[Act], Ending],
        journal: Recorder,
        clock: Clock,
    ) -> None:
        """Put the parts together; nothing begins before `run`."""
        self.inbox: Inbox = SimpleQueue()
        self._scheduler = scheduler
        self._executor = executor
        self._perform = perform
        self._journal = journal
        self._clock = clock
        self._interrupt_wanted = False
        self._grace_ends: float | None = None
        self._bug: BaseException | None = None

    def interrupt(self) -> None:
        """Ask the loop to end in order; may be called from a signal handler."""
        self._interrupt_wanted = True
        self.inbox.put(Wake())

    def run(self, observe: Callable[[], None]) -> None:
        """Run until all is done or the run ends early. ``observe`` is called once a turn.

        Raises `RunDirectoryError` where the journal cannot be written; answers to submissions under
        way are waited for, and their task ids are part of the message. What ``perform`` raises, though
        it should raise nothing, is raised here once all that is known is written down.
        """
        remembered: list[Event] = []
        while True:
            now = self._clock.now()
            events, acts = self._scheduler.begin(now, self._clock.at())
            try:
                self._journal.append([*remembered, *events])
            except RunDirectoryError as error:
                raise self._last_words(error, [*remembered, *events], acts) from None
            if self._bug is not None:
                raise self._bug
            for act in acts:
                self._start(act)
            observe()
            if self._scheduler.is_finished() or self._is_grace_over(now):
                return
            remembered = self._turn(now)

    def _turn(self, now: float) -> list[Event]:
        """Wait for something to happen, and take in all that has."""
        remembered: list[Event] = []
        wakes_at = self._scheduler.wakes_at()
        wait = _TICK_S if wakes_at is None else min(max(wakes_at - now, 0.0), _TICK_S)
        received = self._clock.receive(self.inbox, wait)
        while received is not None:
            if not isinstance(received, Wake):
                remembered += self._scheduler.end(received, self._clock.now(), self._clock.at())
            received = self._waiting()
        if self._interrupt_wanted and self._grace_ends is None:
            self._grace_ends = self._clock.now() + GRACE_S
            self._scheduler.interrupt()
        return remembered

    def _waiting(self) -> Ending | Wake | None:
        try:
            return self.inbox.get_nowait()
        except Empty:
            return None

    def _is_grace_over(self, now: float) -> bool:
        return self._grace_ends is not None and now >= self._grace_ends

    def _start(self, act: Act) -> None:
        def done(future: "Future[Ending]") -> None:
            if future.cancelled():
                return
            self._bug = self._bug or future.exception()
            self.inbox.put(Wake() if future.exception() else future.result())

        self._executor.submit(self._perform, act).add_done_callback(done)

    def _last_words(self, error: RunDirectoryError, unwritten: list[Event], acts: list[Act]) -> RunDirectoryError:
        """The error with every task id that could not be written down any more."""
        never_sent = sum(isinstance(act, Submit) for act in acts)
        lost = [(event.scene_id, event.task_id) for event in unwritten if isinstance(event, Submitted)]
        deadline = self._clock.now() + GRACE_S
        sending = self._scheduler.sending - never_sent
        while sending > 0 and self._clock.now() < deadline:
            received = self._clock.receive(self.inbox, _TICK_S)
            if isinstance(received, SubmitEnded):
                sending -= 1
                if received.task_id is not None:
                    lost.append((received.act.scene_id, received.task_id))
        if not lost:
            return error
        ids = ", ".join(f"scene {scene_id}: task {task_id}" for scene_id, task_id in lost)
        return RunDirectoryError(f"{error}\nTasks that could not be written down; keep their ids, they are paid: {ids}")

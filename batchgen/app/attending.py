"""Carries out a run on a thread of its own, and attends to it from the caller's.

Python raises KeyboardInterrupt in the main thread, wherever that is: between a decision and its record as well as
anywhere else. Therefore a program's thread does nothing of a run but to wait for it, to call back and to look at
``stop``; no signal handler is needed, which a library must not install. Whatever ends the waiting ends the run in
order, as the first signal does for the command, and is raised when that is done.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Generic, TypeVar

from batchgen.app.notices import Notice, Notify, ignore
from batchgen.app.run_options import Interrupt

_LOOK_S = 0.1
"""How often ``stop`` is looked at, in seconds."""
_THREAD = "batchgen run"
T = TypeVar("T")


def attended(carry_out: Callable[[Notify, Interrupt], T], on_event: Notify, stop: Event | None) -> T:
    """What a run returns or raises; ``on_event`` is called on the thread that called this.

    What ``on_event`` raises, and KeyboardInterrupt, is raised once the run has ended in order; a second
    KeyboardInterrupt at once, while the run ends on its thread.
    """
    return _Attended(carry_out, on_event, stop).result()


class _Attended(Generic[T]):
    """A run under way. The run's thread waits while a notice is dealt with: what it shows does not change meanwhile."""

    def __init__(self, carry_out: Callable[[Notify, Interrupt], T], on_event: Notify, stop: Event | None) -> None:
        """Begin nothing yet."""
        self._carry_out = carry_out
        self._on_event = on_event
        self._stop = stop
        self._interrupt = Interrupt()
        self._inbox: SimpleQueue[Notice | None] = SimpleQueue()
        self._is_dealt_with = Event()
        self._is_left = False
        self._returned: list[T] = []
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._work, name=_THREAD)

    def result(self) -> T:
        """Run to the end."""
        try:
            self._look_at_stop()
            self._thread.start()
            self._attend()
            self._thread.join()
        except BaseException as error:
            self._leave()
            self._wait()
            if self._failure is not None:  # it may name tasks that are written nowhere
                raise error from self._failure
            raise
        finally:
            self._leave()
        if self._failure is not None:
            raise self._failure
        return self._returned[0]

    def _attend(self) -> None:
        while True:
            self._look_at_stop()
            try:
                notice = self._inbox.get(timeout=_LOOK_S)
            except Empty:
                continue
            if notice is None:
                return
            self._on_event(notice)
            self._is_dealt_with.set()

    def _look_at_stop(self) -> None:
        if self._stop is not None and self._stop.is_set():
            self._interrupt.set()

    def _leave(self) -> None:
        """End the run in order, and call back no more."""
        self._is_left = True
        self._interrupt.set()

    def _wait(self) -> None:
        while self._thread.is_alive():
            self._thread.join(_LOOK_S)

    def _work(self) -> None:
        notify = ignore if self._on_event is ignore else self._notify
        try:
            self._returned.append(self._carry_out(notify, self._interrupt))
        except BaseException as error:  # noqa: BLE001 - the other thread raises it
            self._failure = error
        finally:
            self._inbox.put(None)

    def _notify(self, notice: Notice) -> None:
        if self._is_left:
            return
        self._is_dealt_with.clear()
        self._inbox.put(notice)
        # An interrupt may take the other thread away between the notice and the answer.
        while not self._is_dealt_with.wait(_LOOK_S):
            if self._is_left:
                return

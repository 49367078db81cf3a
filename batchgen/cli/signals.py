"""Signals that end a run."""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from batchgen.app.run_options import Interrupt
from batchgen.cli.terminal import leave_line

_SIGNALS = {"SIGHUP": 129, "SIGINT": 130, "SIGTERM": 143}
_EXIT_CODES = {signal.Signals[name]: code for name, code in _SIGNALS.items() if name in signal.Signals.__members__}


@contextmanager
def interrupting(interrupt: Interrupt) -> Iterator[None]:
    """While this lasts, the first signal ends the run in order, the second at once.

    SIGHUP is never taken for the second: where a window is closed, the shell and the terminal both send
    it, and service managers send it right after SIGTERM. A signal that whoever started this had ignored
    (``nohup``, a job in the background) stays so.
    """

    def handle(number: int, _: FrameType | None) -> None:
        if interrupt.exit_code is None:
            interrupt.set(_EXIT_CODES[signal.Signals(number)])
        elif signal.Signals(number).name != "SIGHUP":
            for handler in logging.getLogger("batchgen").handlers:
                handler.flush()
            leave_line()
            os._exit(interrupt.exit_code)

    with _handled_by(handle):
        yield


@contextmanager
def interruptible() -> Iterator[None]:
    """While this lasts, each of the signals raises KeyboardInterrupt."""

    def handle(*_: object) -> None:
        raise KeyboardInterrupt

    with _handled_by(handle):
        yield


@contextmanager
def _handled_by(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    wanted = [number for number in _EXIT_CODES if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

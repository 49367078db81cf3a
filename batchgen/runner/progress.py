"""What is seen of a run while it goes on: a bar on a terminal, plain lines without one."""

import logging
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from batchgen.engine.budget import charged
from batchgen.engine.events import SceneFacts
from batchgen.engine.scheduler import Scheduler
from batchgen.engine.states import AttemptState
from batchgen.limits import LONG_HOLD_S
from batchgen.text import on_one_line

_log = logging.getLogger("batchgen")
_LINE_EVERY_S = 10.0
_REDRAW_EVERY_S = 0.2
_OVER = frozenset({AttemptState.DELIVERED, AttemptState.FAILED, AttemptState.MISMATCHED, AttemptState.DOWNLOAD_FAILED})


class Progress:
    """Shows how far a run is. A context manager; also carries warnings to the terminal.

    Of the scenes that this run works on: how many are over, run at the gateway, failed or are
    unknown, and what was charged. The time left is tqdm's, from the rate at which scenes end.
    """

    def __init__(
        self, scheduler: Scheduler, scenes: Sequence[SceneFacts], *, wanted: bool, clock: Callable[[], float]
    ) -> None:
        """Show nothing yet. Without ``wanted`` nothing is ever shown but warnings."""
        self._scheduler = scheduler
        self._scenes = scenes
        self._clock = clock
        self._shown_at = clock()
        self._is_terminal = sys.stderr.isatty()
        self._lines = wanted and not self._is_terminal
        self._bar: tqdm[Any] | None = None
        if wanted and self._is_terminal and scenes:
            self._bar = tqdm(total=len(scenes), unit="scene", dynamic_ncols=True, smoothing=0.1, leave=False)
        self._handler = _Console()
        self._is_broken = False
        self._told_until = 0.0

    def __enter__(self) -> Self:
        """Begin to show warnings of the log."""
        logging.getLogger("batchgen").addHandler(self._handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        logging.getLogger("batchgen").removeHandler(self._handler)
        if self._bar is not None:
            self._bar.close()

    def turn(self) -> None:
        """Bring what is shown up to date. An error in showing ends the showing and nothing else."""
        if self._is_broken:
            return
        try:
            self._show()
        except Exception:  # noqa: BLE001 - the run is worth more than the sight of it
            self._is_broken = True
            _log.exception("the progress of the run is shown no more")

    def waits_for_answers(self, count: int, seconds: float) -> None:
        """Say that the run ends early, and what it still waits for."""
        answers = "the answer to a submission" if count == 1 else f"the answers to {count} submissions"
        self._say(f"waiting up to {seconds:g} s for {answers}; interrupt once more to end at once")

    def _say(self, text: str) -> None:
        tqdm.write(on_one_line(text), file=sys.stderr)

    def _tell_of_hold(self, now: float) -> None:
        """Say it when the run as a whole is kept waiting for long, once for each time that the gateway asks."""
        hold = self._scheduler.hold
        if hold.until - max(now, self._told_until) > LONG_HOLD_S:
            self._told_until = hold.until
            self._say(f"no submission for {hold.until - now:.0f} s: {hold.reason}")

    def _show(self) -> None:
        now = self._clock()
        self._tell_of_hold(now)
        if now - self._shown_at < (_REDRAW_EVERY_S if self._bar is not None else _LINE_EVERY_S):
            return
        self._shown_at = now
        if self._bar is not None:
            over, text = self._standing()
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.n = over
            self._bar.refresh()
        elif self._lines:
            over, text = self._standing()
            print(f"{over}/{len(self._scenes)} scenes, {text}", file=sys.stderr, flush=True)  # noqa: T201

    def _standing(self) -> tuple[int, str]:
        state = self._scheduler.state
        attempts = [attempt for attempt in map(state.current_attempt, self._scenes) if attempt is not None]
        states = [attempt.state for attempt in attempts]
        failed = sum(attempt in (AttemptState.FAILED, AttemptState.MISMATCHED) for attempt in states)
        unknown = sum(attempt is AttemptState.UNKNOWN for attempt in states)
        running = sum(attempt is AttemptState.RUNNING for attempt in states)
        spent: Decimal = charged(state.all_attempts()).usd
        words = [f"{running} running", f"{failed} failed", *([f"{unknown} unknown"] if unknown else [])]
        over = sum(attempt in _OVER for attempt in states) + unknown
        return over, f"{', '.join(words)}, {spent:f} USD"


class _Console(logging.Handler):
    """Warnings of the log on the terminal, above the bar and never through it; what cannot be shown is not."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            tqdm.write(on_one_line(record.getMessage()), file=sys.stderr)
        except Exception:  # noqa: BLE001 - it stands in the log
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging gave it
        """Say nothing: a traceback helps nobody who watches a run."""

"""What is seen of a run while it goes on: a bar on a terminal, plain lines without one."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from batchgen.app.notices import Advanced, Notice, RunView, Standing, WaitsForAnswers
from batchgen.cli.console import Console, show
from batchgen.cli.notices import show_notice
from batchgen.cli.output import width_of
from batchgen.cli.taskbar import Taskbar
from batchgen.engine.forecast import Forecast
from batchgen.limits import LONG_HOLD_S
from batchgen.money import readable
from batchgen.text import on_one_line

_log = logging.getLogger("batchgen")
_LINE_EVERY_S = 10.0
_REDRAW_EVERY_S = 0.2
_SHORTEST_BAR = 8
_MINUTE_S = 60
LONGEST_REASON = 60
"""Characters of why a run waits: what a gateway said may be long."""


class Progress:
    """Takes the notices of a run and shows how far it is. A context manager; carries warnings to the terminal, too.

    Of all scenes, or of those that were selected: how many are over, run at the gateway, failed or are unknown; what
    was charged, may still come, and the budget; and the time left, from how long tasks took so far. A task that runs
    moves the bar by the share of its usual time that has passed.
    """

    def __init__(self, *, wanted: bool, selected: bool = False) -> None:
        """Show nothing yet. Without ``wanted`` nothing is ever shown but warnings.

        ``selected`` says that the run has not all scenes of the manifest, so that the counts say so.
        """
        self._wanted = wanted
        self._which = "selected scenes" if selected else "scenes"
        self._is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._taskbar = Taskbar(wanted=wanted and self._is_terminal)
        self._shown_at: float | None = None
        self._bar: tqdm[Any] | None = None
        self._handler = Console()
        self._is_broken = False
        self._has_begun = False
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
        self._taskbar.clear()
        with suppress(Exception):  # the run is worth more than the sight of it
            self._handler.show_counts()

    def notify(self, notice: Notice) -> None:
        """Show it. An error in showing ends the showing and nothing else."""
        if isinstance(notice, WaitsForAnswers):
            answers = (
                "the answer to a submission" if notice.count == 1 else f"the answers to {notice.count} submissions"
            )
            show(f"waiting up to {notice.seconds:g} s for {answers}; interrupt once more to end at once")
        elif not isinstance(notice, Advanced):
            with tqdm.external_write_mode(file=sys.stderr):  # the bar is still there when a run ends with a warning
                show_notice(notice)
        else:
            self._has_begun = True
            self._advance(notice.view)

    def _advance(self, view: RunView) -> None:
        if not self._is_broken:
            try:
                self._show(view)
            except Exception:  # noqa: BLE001 - the run is worth more than the sight of it
                self._is_broken = True
                _log.exception("the progress of the run is shown no more")

    @property
    def has_begun(self) -> bool:
        """Whether the run has gone around at least once."""
        return self._has_begun

    def _tell_of_hold(self, view: RunView) -> None:
        """Say it when the run as a whole is kept waiting for long, once for each time that the gateway asks."""
        now, hold = view.now(), view.hold
        if hold.until - max(now, self._told_until) > LONG_HOLD_S:
            self._told_until = hold.until
            show(f"no submission for {hold.until - now:.0f} s: {hold.reason}")

    def _show(self, view: RunView) -> None:
        self._tell_of_hold(view)
        if not self._wanted:
            return
        if self._shown_at is None:
            self._begin(view)
        now = view.now()
        if self._shown_at is not None and now - self._shown_at < self._every_s:
            return
        self._shown_at = now
        standing, expected = view.standing(), view.forecast()
        shown = Shown(standing, expected, view.budget_usd, on_one_line(view.waits_for())[:LONGEST_REASON], self._which)
        if self._bar is not None:
            self._bar.n = min(standing.over + expected.done, standing.scenes)
            self._bar.bar_format = bar_format(shown, width_of(sys.stderr))
            self._bar.refresh()
            self._taskbar.show(self._bar.n / standing.scenes, failed=bool(standing.failed), waits=bool(shown.waits_for))
        elif not self._is_terminal:
            print(", ".join(shown.words()), file=sys.stderr, flush=True)  # noqa: T201

    def _begin(self, view: RunView) -> None:
        self._shown_at = view.now()
        standing = view.standing()
        if self._is_terminal and view.is_at_work:
            shown = f"{standing.over}/{standing.scenes} {self._which}"
            self._bar = tqdm(total=standing.scenes, dynamic_ncols=True, smoothing=0.1, leave=False, bar_format=shown)

    @property
    def _every_s(self) -> float:
        return _LINE_EVERY_S if self._bar is None else _REDRAW_EVERY_S


@dataclass(frozen=True, slots=True)
class Shown:
    """What the line of progress tells; the time behind the running tasks is that of the oldest."""

    standing: Standing
    expected: Forecast
    budget_usd: Decimal | None = None
    waits_for: str = ""
    which: str = "scenes"

    def words(self) -> list[str]:
        """All of it."""
        over, *troubles = self._counts()
        return [over, *self._waiting(), self._running(), *troubles, *self._money(), *self._left()]

    def choices(self) -> Iterator[list[str]]:
        """The same in fewer and fewer words; how many are over, have failed or are unknown is never left out."""
        over, *troubles = self._counts()
        running, charged = f"{self.standing.running} running", f"{readable(self.standing.charged_usd)} USD"
        yield self.words()
        yield [over, *self._waiting(), running, *troubles, *self._money(), *self._left()]
        yield [over, *self._waiting(), running, *troubles, *self._money()]
        yield [over, *self._waiting(), running, *troubles, charged]
        yield [over, *self._waiting(), *troubles, charged]
        yield [over, *self._that_it_waits(), running, *troubles, *self._money()]
        yield [over, *self._that_it_waits(), *troubles, charged]
        yield [over, *troubles, charged]
        yield [over, *troubles]

    def line(self, width: int) -> str:
        """The most of it that fits; what is cut is cut at the end."""
        lines = [", ".join(words) for words in self.choices()]
        return next((line for line in lines if len(line) < width), lines[-1][: width - 1])

    def _counts(self) -> list[str]:
        standing = self.standing
        words = [f"{standing.over}/{standing.scenes} {self.which}"]
        words += [f"{standing.failed} failed"] if standing.failed else []
        return [*words, *([f"{standing.unknown} unknown"] if standing.unknown else [])]

    def _running(self) -> str:
        oldest_s = self.expected.oldest_s
        oldest = "" if oldest_s is None or oldest_s < _MINUTE_S else f" ({_lasting(oldest_s)})"
        return f"{self.standing.running} running{oldest}"

    def _waiting(self) -> list[str]:
        return [self.waits_for] if self.waits_for else []

    def _that_it_waits(self) -> list[str]:
        """That all waits, and for how long, without what the gateway said."""
        return [self.waits_for.partition(": ")[0]] if self.waits_for else []

    def _money(self) -> list[str]:
        words = [f"{readable(self.standing.charged_usd)} USD"]
        words += [f"{readable(self.standing.may_come_usd)} may come"] if self.standing.may_come_usd else []
        return [*words, *([] if self.budget_usd is None else [f"budget {readable(self.budget_usd)}"])]

    def _left(self) -> list[str]:
        left_s = self.expected.left_s
        return [] if left_s is None else [f"{_lasting(left_s)} left"]


def bar_format(shown: Shown, width: int) -> str:
    """The line of the bar, which fits: the bar itself goes first where there is little room, then words."""
    line = shown.line(width)
    room = width - len(line) - len(" || ") - 1
    # Texts of a gateway may have braces in them.
    line = line.replace("{", "{{").replace("}", "}}")
    return f"{line} |{{bar}}|" if room >= _SHORTEST_BAR else line


def _lasting(seconds: float) -> str:
    """How long, in the unit that fits."""
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    minutes = round(seconds / _MINUTE_S)
    return f"{minutes} min" if minutes < _MINUTE_S else f"{minutes // 60} h {minutes % 60} min"

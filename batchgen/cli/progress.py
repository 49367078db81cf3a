"""What is seen of a run while it goes on: a bar on a terminal, plain lines without one."""

import logging
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from batchgen.app.notices import Advanced, Notice, RunView, Standing, WaitsForAnswers
from batchgen.cli.console import Console, show
from batchgen.cli.output import show_notice, width_of
from batchgen.limits import LONG_HOLD_S

_log = logging.getLogger("batchgen")
_LINE_EVERY_S = 10.0
_REDRAW_EVERY_S = 0.2
_SHORTEST_BAR = 8


class Progress:
    """Takes the notices of a run and shows how far it is. A context manager; carries warnings to the terminal, too.

    Of the scenes that this run works on: how many are over, run at the gateway, failed or are
    unknown, and what was charged. The time left is tqdm's, from the rate at which scenes end.
    """

    def __init__(self, *, wanted: bool) -> None:
        """Show nothing yet. Without ``wanted`` nothing is ever shown but warnings."""
        self._wanted = wanted
        self._is_terminal = sys.stderr.isatty()
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
        standing = view.standing()
        if self._bar is not None:
            self._bar.n = standing.over
            self._bar.bar_format = bar_format(standing, _left_s(self._bar), width_of(sys.stderr))
            self._bar.refresh()
        elif not self._is_terminal:
            print(", ".join(_words(standing)), file=sys.stderr, flush=True)  # noqa: T201

    def _begin(self, view: RunView) -> None:
        self._shown_at = view.now()
        scenes = view.standing().scenes
        if self._is_terminal and scenes:
            self._bar = tqdm(
                total=scenes, dynamic_ncols=True, smoothing=0.1, leave=False, bar_format=f"0/{scenes} scenes"
            )

    @property
    def _every_s(self) -> float:
        return _LINE_EVERY_S if self._bar is None else _REDRAW_EVERY_S


def bar_format(standing: Standing, left_s: float | None, width: int) -> str:
    """The line of the bar, which fits: the bar itself goes first where there is little room, then the time left.

    Where that is not enough, what is over, failed or unknown stays, and so does the money as long as it fits.
    """
    over, running, *rest, money = _words(standing)
    left = [] if left_s is None else [f"{tqdm.format_interval(left_s)} left"]
    choices = ([over, running, *rest, money, *left], [over, running, *rest, money], [over, *rest, money], [over, *rest])
    line = next((line for line in map(", ".join, choices) if len(line) < width), over[: width - 1])
    room = width - len(line) - len(" || ") - 1
    return f"{line} |{{bar}}|" if room >= _SHORTEST_BAR else line


def _words(standing: Standing) -> list[str]:
    """How far it is; the first is what is over, the last what was charged."""
    words = [f"{standing.over}/{standing.scenes} scenes", f"{standing.running} running"]
    words += [f"{standing.failed} failed"] if standing.failed else []
    words += [f"{standing.unknown} unknown"] if standing.unknown else []
    return [*words, f"{standing.charged_usd:f} USD"]


def _left_s(bar: "tqdm[Any]") -> float | None:
    """The time left, from the rate at which scenes end; None while none has."""
    rate = bar.format_dict["rate"] or (bar.n / bar.format_dict["elapsed"] if bar.format_dict["elapsed"] else 0)
    return ((bar.total or 0) - bar.n) / rate if rate else None

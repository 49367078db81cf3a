"""What is seen of a run while it goes on: a bar on a terminal, plain lines without one."""

import logging
import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from batchgen.app.notices import Advanced, Notice, RunView, Standing, WaitsForAnswers
from batchgen.cli.output import show_notice
from batchgen.limits import LONG_HOLD_S
from batchgen.text import on_one_line

_log = logging.getLogger("batchgen")
_LINE_EVERY_S = 10.0
_REDRAW_EVERY_S = 0.2


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
        self._handler = _Console()
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

    def notify(self, notice: Notice) -> None:
        """Show it. An error in showing ends the showing and nothing else."""
        if isinstance(notice, WaitsForAnswers):
            answers = (
                "the answer to a submission" if notice.count == 1 else f"the answers to {notice.count} submissions"
            )
            self._say(f"waiting up to {notice.seconds:g} s for {answers}; interrupt once more to end at once")
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

    def _say(self, text: str) -> None:
        tqdm.write(on_one_line(text), file=sys.stderr)

    def _tell_of_hold(self, view: RunView) -> None:
        """Say it when the run as a whole is kept waiting for long, once for each time that the gateway asks."""
        now, hold = view.now(), view.hold
        if hold.until - max(now, self._told_until) > LONG_HOLD_S:
            self._told_until = hold.until
            self._say(f"no submission for {hold.until - now:.0f} s: {hold.reason}")

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
            self._bar.set_postfix_str(_as_text(standing), refresh=False)
            self._bar.n = standing.over
            self._bar.refresh()
        elif not self._is_terminal:
            print(f"{standing.over}/{standing.scenes} scenes, {_as_text(standing)}", file=sys.stderr, flush=True)  # noqa: T201

    def _begin(self, view: RunView) -> None:
        self._shown_at = view.now()
        scenes = view.standing().scenes
        if self._is_terminal and scenes:
            self._bar = tqdm(total=scenes, unit="scene", dynamic_ncols=True, smoothing=0.1, leave=False)

    @property
    def _every_s(self) -> float:
        return _LINE_EVERY_S if self._bar is None else _REDRAW_EVERY_S


def _as_text(standing: Standing) -> str:
    words = [f"{standing.running} running", f"{standing.failed} failed"]
    words += [f"{standing.unknown} unknown"] if standing.unknown else []
    return f"{', '.join(words)}, {standing.charged_usd:f} USD"


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

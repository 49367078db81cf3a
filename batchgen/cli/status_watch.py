"""``batchgen status --watch``: follows a run, from any terminal."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from shlex import quote

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from batchgen.app.following import Followed, Line
from batchgen.app.run_directory import RunDirectory
from batchgen.cli import terminal
from batchgen.cli.going_on import lines_to_go_on
from batchgen.cli.output import edge_of, show_notes
from batchgen.cli.progress import LONGEST_REASON, Shown
from batchgen.engine.events import RunEnded
from batchgen.engine.forecast import Forecast
from batchgen.money import readable
from batchgen.report.rows import SceneStatus
from batchgen.report.status import note_of
from batchgen.report.tables import columns_of
from batchgen.text import on_one_line, printable

_LOOK_EVERY_S = 1.0
_LINE_EVERY_S = 10.0
_NARROW = 70
_LEAST_NAME = 12
"""Characters of the name of a run directory that are shown at least: the last ones, which tell it from others."""
_AROUND = 4
"""Lines of the terminal that are neither scenes nor the head: that of the table, what was left out, the cursor's."""
_STYLES = {
    SceneStatus.RUNNING: "cyan",
    SceneStatus.COMPLETED: "green",
    SceneStatus.FAILED: "red",
    SceneStatus.UNKNOWN: "yellow",
    SceneStatus.PENDING: "dim",
}


def follow(directory: RunDirectory) -> int:
    """Show a run directory until the run in it ends, or whoever reads has seen enough; the exit code.

    Without a terminal it is a line whenever something has changed, at most every ten seconds. Raises
    `RunDirectoryError`.
    """
    followed, console = Followed(directory), Console()
    with suppress(KeyboardInterrupt):
        if console.is_terminal and not console.is_dumb_terminal:
            with Live(console=console, auto_refresh=False) as live:
                has_ended = _until_it_ends(
                    followed, lambda: live.update(_picture(followed, directory, console), refresh=True)
                )
        else:
            told = _Told()
            has_ended = _until_it_ends(followed, lambda: told.tell(_summary(followed, directory)))
            told.tell(_summary(followed, directory), at_once=True)
        show_notes(_farewell(directory, has_ended=has_ended))
        if not has_ended:
            lines = lines_to_go_on(directory, followed.state, edge_of(sys.stderr))
            click.echo(printable("\n".join(lines)), err=True)
    return 0


def _until_it_ends(followed: Followed, show: Callable[[], None]) -> bool:
    """Show it for as long as it goes on and somebody reads; whether it has ended, and was not cut off."""
    show()
    while followed.state.cut_off and not terminal.reader_is_gone():
        # Asked before it is read: whoever ends in order writes that down, and then gives the directory up.
        is_under_way = followed.is_under_way()
        events = followed.read_on()
        show()
        if any(isinstance(event, RunEnded) for event in events):
            return True
        if not is_under_way and not events:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def _farewell(directory: RunDirectory, *, has_ended: bool) -> list[str]:
    """What to do once nothing is followed any more."""
    status = f"batchgen status {quote(str(directory))}"
    if has_ended:
        return [f"no run is under way in {directory}; what is left to do: {status}"]
    return [
        f"the run in {directory} is not under way any more: it was killed, or its machine went down",
        f"what it bought is kept; where it stands: {status}",
    ]


class _Told:
    """Lines for a pipe or a file."""

    def __init__(self) -> None:
        self._line = ""
        self._told_at = float("-inf")

    def tell(self, line: str, *, at_once: bool = False) -> None:
        is_time = at_once or time.monotonic() - self._told_at >= _LINE_EVERY_S
        if line != self._line and is_time:
            self._line, self._told_at = line, time.monotonic()
            click.echo(line)


def _summary(followed: Followed, directory: RunDirectory) -> str:
    """How a run stands, on one line."""
    return on_one_line(f"{directory}{_kind(followed, directory)}: {', '.join(_shown(followed).words())}")


def head_lines(followed: Followed, directory: RunDirectory, width: int) -> list[str]:
    """The same; where there is little room the run directory has a line of its own, so that no money is cut off."""
    line, kind = _summary(followed, directory), _kind(followed, directory)
    if columns_of(line) <= width:
        return [line]
    name, room = on_one_line(str(directory)), max(width - len(kind), _LEAST_NAME)
    name = name if len(name) <= room else f"…{name[1 - room :]}"
    return [f"{name}{kind}", _shown(followed).line(width)]


def _kind(followed: Followed, directory: RunDirectory) -> str:
    profile = f", profile {followed.state.profile}" if followed.state.profile else ""
    return f"{' (a rehearsal)' if directory.is_rehearsal() else ''}{profile}"


def _shown(followed: Followed) -> Shown:
    """The words; why a run waited that is not under way any more does not hold."""
    goes_on = followed.state.cut_off and followed.is_under_way()
    said = on_one_line(followed.waits_for())[:LONGEST_REASON] if goes_on else ""
    return Shown(followed.standing(), Forecast(), waits_for=said)


def _picture(followed: Followed, directory: RunDirectory, console: Console) -> Group:
    """A line a scene, as many as fit, below the summary."""
    head = head_lines(followed, directory, console.width)
    room = max(console.height - _AROUND - len(head), 1)
    lines = list(followed.lines(room))
    table = Table(box=None, pad_edge=False, expand=True, header_style="bold")
    table.add_column("scene", no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column("status", no_wrap=True)
    table.add_column("min", justify="right", no_wrap=True)
    if console.width >= _NARROW:
        table.add_column("paid", justify="right", no_wrap=True)
        table.add_column("USD", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, overflow="ellipsis", ratio=3)
    for line in lines:
        table.add_row(*_cells(line, wide=console.width >= _NARROW))
    left = len(followed.state.scenes) - len(lines)
    heads = [Text(line, no_wrap=True, overflow="ellipsis") for line in head]
    return Group(*heads, table, Text(f"and {left} more" if left else "", style="dim"))


def _cells(line: Line, *, wide: bool) -> list[Text]:
    row, status = line.row, SceneStatus(str(line.row["status"]))
    minutes = "" if line.seconds is None else f"{line.seconds / 60:.1f}"
    cost = row["cost_usd"]
    paid = [str(row["attempts"] or ""), readable(cost) if isinstance(cost, Decimal) else ""] if wide else []
    shown = [str(row["scene_id"]), status, minutes, *paid, note_of(row)]
    texts = [Text(printable(on_one_line(cell))) for cell in shown]
    texts[1].stylize(_STYLES[status])
    return texts

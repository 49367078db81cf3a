"""What is said at the end of a run: how it went, and how to go on."""

import sys
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import click

from batchgen.app.loading import Batch
from batchgen.app.results import RunResult
from batchgen.cli.output import edge_of, labelled, show_notes, width_of
from batchgen.engine.attempts import AttemptState
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.report.going_on import budget_needed, comes_first, is_anything_left
from batchgen.report.plan import Outlook
from batchgen.report.price_notes import price_surprises
from batchgen.report.summary import as_text, stopped
from batchgen.report.tables import wrapped
from batchgen.text import printable


def show(batch: Batch, state: State, result: RunResult | None, going_on: Sequence[str]) -> None:
    """Say how a run went, with the lines on how to go on; ``result`` is None where it broke off."""
    width, directory = width_of(sys.stderr), batch.directory
    stop = None if result is None else result.stop
    lines = [] if result is None or stop is None else stopped(stop, result.why, state, width)
    lines.append(as_text(state, batch.error_codes, str(directory), directory.missing(state), width))
    lines += [*going_on, "", *_files("Reports: ", [directory.report, directory.ledger], width)]
    if any(attempt.state is AttemptState.DELIVERED for attempt in state.all_attempts()):
        lines += _files("Videos:  ", [directory.videos], width)
    if directory.storyboard.is_file():
        lines += _files("Look at: ", [directory.storyboard], width)
    if result is not None and result.output:
        lines += _files("Results: ", [result.output], width)
    if batch.rehearsal:
        lines += wrapped("A rehearsal: the amounts are the emulator's, and nothing was charged.", width)
    click.echo(printable("\n".join(lines)), err=True)


def show_price_surprises(batch: Batch, before: Prices, state: State) -> None:
    """Warn of prices of which a run has learned that they are not what is charged; a rehearsal teaches nothing."""
    if not batch.rehearsal:
        show_notes(price_surprises(before, batch.prices(state)))


def going_on(
    outlook: Outlook, result: RunResult | None, arguments: Callable[[Decimal | None], Sequence[str]]
) -> Iterator[str]:
    """How to go on, where anything is left to do; ``arguments`` are those of the next run, with a budget of its own."""
    if not is_anything_left(outlook):
        return
    stop, why = (None, "") if result is None else (result.stop, result.why)
    first = "see to what is said below" if result is None else comes_first(stop, why, outlook)
    words = ["batchgen", "run", *arguments(budget_needed(stop, outlook))]
    yield ""
    label, edge = f"To go on, first {first}. Then:" if first else "To go on:", edge_of(sys.stderr)
    yield from labelled(label, words, edge, has_own_line=bool(first))


def _files(label: str, paths: Sequence[Path | str], width: int) -> list[str]:
    """Paths on one line, or on one each where that would be too long."""
    line = f"{label}{', '.join(map(str, paths))}"
    if len(line) <= width:
        return [line]
    return [f"{label if number == 0 else ' ' * len(label)}{path}" for number, path in enumerate(paths)]

"""What is said at the end of a run."""

import click

from batchgen.app.loading import Batch
from batchgen.app.results import RunResult
from batchgen.engine.attempts import AttemptState
from batchgen.engine.commands import Stop
from batchgen.engine.states import State
from batchgen.report.summary import STOPPED, next_step
from batchgen.report.summary import as_text as summary
from batchgen.text import on_one_line, printable


def conclude(batch: Batch, state: State, result: RunResult | None, again: str) -> None:
    """Say how it went, and how to go on."""
    directory, lines = batch.directory, []
    if result is not None and result.stop is not None:
        why = "" if result.stop is Stop.INTERRUPTED else f"\n  {on_one_line(result.why)}"
        lines.append(f"{STOPPED[result.stop]}{why}")
    lines.append(summary(state, batch.error_codes, str(directory), directory.missing(state)))
    step = next_step(state, again)
    # The same line would stop again where the budget is spent.
    if step is not None and (result is None or result.stop is not Stop.BUDGET):
        lines += ["", f"To go on:  {step}"]
    lines += ["", f"Reports: {directory.report}, {directory.ledger}"]
    if any(attempt.state is AttemptState.DELIVERED for attempt in state.all_attempts()):
        lines.append(f"Videos:  {directory.videos}")
    if batch.rehearsal:
        lines.append("A rehearsal: the amounts are the emulator's, and nothing was charged.")
    click.echo(printable("\n".join(lines)), err=True)

"""What ``batchgen run`` does once its options are read."""

import logging
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial

import click

from batchgen.app.loading import Batch, Loading, load
from batchgen.app.planning import Plan, plan
from batchgen.app.profiles import with_profile_costs
from batchgen.app.results import RunResult
from batchgen.app.run_options import Interrupt
from batchgen.app.running import run
from batchgen.app.saved_plan import SavedPlan, read_plan
from batchgen.cli import ending, on_end, terminal
from batchgen.cli.agreement import is_agreed, show
from batchgen.cli.keys import found
from batchgen.cli.logs import logging_to
from batchgen.cli.notices import show_notice
from batchgen.cli.options import Given
from batchgen.cli.output import show_notes
from batchgen.cli.progress import Progress
from batchgen.cli.run_options import SAVED, Options, as_saved, in_force, same_way
from batchgen.cli.signals import interrupting
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.errors import EXIT_BUG, BatchgenError, UsageError

_log = logging.getLogger("batchgen")
_PATIENCE_S = 5.0
"""For how long the end of a run waits for whoever reads what it says."""


def carry_out(options: Options, given: Given) -> int:
    """Run a batch; the exit code. Raises `UsageError` where options exclude each other."""
    if options.emulator and "base_url" in given.typed:
        raise UsageError("--emulator and --base-url exclude each other")
    if options.emulator and "publish" in given.typed:
        raise UsageError("--emulator and --publish exclude each other: the emulator keeps the files of a rehearsal")
    saved = None if options.plan_file is None else read_plan(options.plan_file)
    if saved is not None:
        options, given = as_saved(options, given, saved), replace(given, fixed=SAVED)
    how = Loading(
        path=options.manifest,
        run_dir=options.run_dir,
        profile=options.profile,
        history=options.history if given.has("history") else None,
        reuse=options.reuse if given.has("reuse") else None,
        strict=options.strict,
        rehearsal=options.emulator,
        publishes=options.emulator or options.publish is not None,
    )
    batch = load(how, show_notice)
    show_notes(given.elsewhere(options.manifest, batch.manifest.run))
    options = replace(options, **given.left_to(batch.run_settings))
    if options.dry_run:
        show(with_profile_costs(plan(batch, options.choice)), options, saved)
        return 0
    return _run(batch, options, given, saved)


def _run(batch: Batch, options: Options, given: Given, saved: SavedPlan | None) -> int:
    key = None if batch.rehearsal else found(batch.provider, options.api_key_file)
    interrupt, progress = Interrupt(), Progress(wanted=not options.no_progress, selected=bool(options.scenes))
    prices = Prices()
    with ExitStack() as stack:
        stack.enter_context(logging_to(batch.directory.path, key))

        def confirm(made: Plan) -> bool:
            """Ask before money is spent; from then on signals end the run in order."""
            nonlocal prices
            prices = made.prices
            agreed = is_agreed(made, options, saved)
            if agreed:
                # Not before: the run directory, and the log in it, is made when the run begins.
                _log.info("%s", in_force(options, batch))
                for context in (interrupting(interrupt), terminal.waiting_at_most(), progress):
                    stack.enter_context(context)
            return agreed

        try:
            result = run(
                batch,
                key,
                options.choice,
                options.of_run,
                notify=progress.notify,
                confirm=confirm,
                interrupt=interrupt,
            )
        except Exception as error:
            if progress.has_begun:
                with suppress(Exception):
                    code = error.exit_code if isinstance(error, BatchgenError) else EXIT_BUG
                    _conclude(batch, batch.directory.state(), None, code, options, given, prices)
            raise
    if not result.submitted:
        click.echo("nothing was submitted", err=True)
        return 0
    with terminal.waiting_at_most(_PATIENCE_S):
        _conclude(batch, result.state, result, result.exit_code, options, given, prices)
    return result.exit_code


def _conclude(
    batch: Batch,
    state: State,
    result: RunResult | None,
    exit_code: int,
    options: Options,
    given: Given,
    before: Prices,
) -> None:
    """Say how it went, and how to go on; ``before`` are the prices that the run was planned with."""
    outlook = plan(batch, replace(options.choice, retry_failed=False, again=()), state).outlook(options.budget)
    ending.show(batch, state, result, [*ending.going_on(outlook, result, partial(same_way, options, given))])
    ending.show_price_surprises(batch, before, state)
    if options.on_end:
        on_end.tell(options.on_end, batch, state, result, exit_code)

"""What ``batchgen run`` does once its options are read."""

import logging
import os
import sys
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from pathlib import Path

import click

from batchgen.app import saved_plan
from batchgen.app.loading import Batch, load
from batchgen.app.planning import Plan, plan
from batchgen.app.results import RunResult
from batchgen.app.running import Interrupt, RunOptions, run
from batchgen.cli import ending, keys, terminal
from batchgen.cli.logs import logging_to
from batchgen.cli.options import Given
from batchgen.cli.output import show_notice, show_price_notes, width_of
from batchgen.cli.progress import Progress
from batchgen.cli.signals import interrupting
from batchgen.engine.planner import Choice
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.errors import UsageError
from batchgen.providers.api_key import ApiKey
from batchgen.providers.registry import provider_named
from batchgen.report.plan import Outlook, question
from batchgen.report.plan_table import as_table
from batchgen.report.tables import wrapped
from batchgen.text import on_one_line, printable

_log = logging.getLogger("batchgen")
_PATIENCE_S = 5.0
"""For how long the end of a run waits for whoever reads what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options, as the command line and the environment give them; the rest at their usual values."""

    manifest: Path
    run_dir: Path | None
    emulator: bool
    base_url: str | None
    api_key_file: Path | None
    request_format: str
    workers: int
    max_in_flight: int
    submit_rate: float | None
    poll_interval: float
    request_timeout: float
    task_timeout: float
    attempts: int
    no_wait: bool
    plan_file: Path | None
    budget: Decimal | None
    history: tuple[Path, ...]
    reuse: tuple[Path, ...]
    scenes: tuple[str, ...]
    retry_failed: bool
    again: tuple[str, ...]
    rebind: bool
    no_download: bool
    no_progress: bool
    strict: bool
    yes: bool
    dry_run: bool
    full: bool


class RunCommand:
    """One call of the command."""

    def __init__(self, options: Options, given: Given) -> None:
        """Read the saved plan, where there is one. Raises `UsageError`."""
        if options.emulator and "base_url" in given.typed:
            raise UsageError("--emulator and --base-url exclude each other")
        self._saved = None if options.plan_file is None else saved_plan.load(options.plan_file)
        if self._saved is not None:
            _check_agreement(options, given, self._saved)
            options, given = _as_saved(options, self._saved), replace(given, fixed=_SAVED)
        self._options = options
        self._given = given
        self._interrupt = Interrupt()
        self._progress = Progress(wanted=not options.no_progress)
        self._stack = ExitStack()
        self._prices = Prices()

    def carry_out(self) -> int:
        """Do it; the exit code."""
        batch = self._loaded()
        for line in self._given.elsewhere(self._options.manifest, batch.manifest.run):
            click.echo(on_one_line(line), err=True)
        if self._options.dry_run:
            return self._show_plan(batch)
        key = self._key(batch)
        with self._stack:
            self._stack.enter_context(logging_to(batch.directory.path, key))
            try:
                result = run(
                    batch,
                    key,
                    choice=self._choice,
                    options=_run_options(self._options),
                    notify=self._progress.notify,
                    confirm=self._confirm,
                    interrupt=self._interrupt,
                )
            except Exception:
                if self._progress.has_begun:
                    with suppress(Exception):
                        self._conclude(batch, batch.directory.state(), None)
                raise
        if not result.submitted:
            click.echo("nothing was submitted", err=True)
            return 0
        with terminal.waiting_at_most(_PATIENCE_S):
            self._conclude(batch, result.state, result)
        return result.exit_code

    def _loaded(self) -> Batch:
        """The batch; from then on the options are those that hold."""
        options = self._options
        batch = load(
            options.manifest,
            run_dir=options.run_dir,
            history=options.history if self._given.has("history") else None,
            reuse=options.reuse if self._given.has("reuse") else None,
            strict=options.strict,
            rehearsal=options.emulator,
            notify=show_notice,
        )
        self._options = replace(options, **self._given.left_to(batch.run_settings))
        return batch

    @property
    def _choice(self) -> Choice:
        options = self._options
        return Choice(options.scenes, options.retry_failed, not options.no_download, options.attempts, options.again)

    def _show_plan(self, batch: Batch) -> int:
        made = plan(batch, self._choice)
        self._verify(made)
        outlook = made.outlook(self._options.budget)
        show_price_notes(outlook)
        click.echo(printable(as_table(outlook, width_of(sys.stdout), full=self._options.full)))
        return 0

    def _key(self, batch: Batch) -> ApiKey | None:
        """The API key; never from the command line or a manifest."""
        options = self._options
        if options.emulator:
            return None
        if options.api_key_file is not None:
            return keys.from_file(options.api_key_file)
        value = os.environ.get(provider_named(batch.provider).key_variable)
        return ApiKey(value) if value else None

    def _verify(self, made: Plan) -> None:
        if self._saved is not None and self._options.plan_file is not None:
            saved_plan.verify(self._options.plan_file, self._saved, made)

    def _confirm(self, made: Plan) -> bool:
        """Show the plan, and on a terminal ask before money is spent; from then on signals end the run in order."""
        self._verify(made)
        self._prices = made.prices
        agreed = self._is_agreed(made.outlook(self._options.budget))
        if agreed:
            # Not before: the run directory, and the log in it, is made when the run begins.
            _log.info("%s", _in_force(self._options, made.batch))
            self._stack.enter_context(interrupting(self._interrupt))
            self._stack.enter_context(terminal.waiting_at_most())
            self._stack.enter_context(self._progress)
        return agreed

    def _is_agreed(self, outlook: Outlook) -> bool:
        """Whether it may be spent. Raises `UsageError` where nobody can be asked and nothing says so."""
        show_price_notes(outlook)
        options = self._options
        if not outlook.purchases or options.yes or options.emulator or self._saved is not None:
            return True
        width = width_of(sys.stderr)
        click.echo(printable(as_table(outlook, width, full=options.full)), err=True)
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(
                "nothing was submitted: there is no terminal to ask at. Add --yes to buy what the plan shows, or save "
                "a plan with plan --out and carry it out with --plan"
            )
        return click.confirm("\n".join(wrapped(question(outlook), width - len(" [y/N]: "))), err=True)

    def _conclude(self, batch: Batch, state: State, result: RunResult | None) -> None:
        """Say how it went, and how to go on."""
        next_choice = replace(self._choice, retry_failed=False, again=())
        outlook = plan(batch, next_choice, state).outlook(self._options.budget)
        ending.show(batch, state, result, [*ending.going_on(outlook, result, self._next_arguments)])
        ending.show_price_surprises(batch, self._prices, state)

    def _next_arguments(self, budget: Decimal | None) -> list[str]:
        """What to call the next run with; a budget that is given goes before that of this one."""
        same = self._same_way() if budget is None else self._same_way(but={"budget"})
        return [str(self._options.manifest), *same, *([] if budget is None else ["--budget", _as_typed(budget)])]

    def _same_way(self, but: Collection[str] = ()) -> list[str]:
        """The options without which the next run would look elsewhere, take other scenes, or spend more.

        What a saved plan said is among them: its file may be gone by then.
        """
        options, kept = self._options, (self._given.typed | self._given.fixed) - set(but)
        named = {
            "run_dir": options.run_dir,
            "api_key_file": options.api_key_file,
            "base_url": options.base_url,
            "request_format": options.request_format,
            "max_in_flight": options.max_in_flight,
            "submit_rate": options.submit_rate,
            "task_timeout": options.task_timeout,
            "request_timeout": options.request_timeout,
            "attempts": options.attempts,
            "budget": options.budget,
        }
        given = [word for name, value in named.items() if name in kept for word in (_typed(name), _as_typed(value))]
        for name, folders in (("history", options.history), ("reuse", options.reuse)):
            given += [word for folder in folders if name in kept for word in (_typed(name), str(folder))]
        given += [word for glob in options.scenes for word in ("--scene", glob)]
        given += ["--no-download"] if options.no_download else []
        return ["--emulator", *given] if options.emulator else given


def _run_options(options: Options) -> RunOptions:
    return RunOptions(
        base_url=options.base_url,
        request_format=options.request_format,
        workers=options.workers,
        max_in_flight=options.max_in_flight,
        submit_rate=options.submit_rate,
        poll_interval_s=options.poll_interval,
        request_timeout_s=options.request_timeout,
        task_timeout_s=options.task_timeout,
        wait=not options.no_wait,
        budget_usd=options.budget,
        rebind=options.rebind,
    )


def _typed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _as_typed(value: object) -> str:
    """A value as it is typed, with all its digits."""
    return format(value, "f") if isinstance(value, Decimal) else str(value).removesuffix(".0")


def _in_force(options: Options, batch: Batch) -> str:
    """All options as they hold, for the log; a password may stand in a base URL."""
    held = {field.name: getattr(options, field.name) for field in fields(options) if field.name != "base_url"}
    held["run_dir"] = batch.directory
    return "options in force: " + ", ".join(f"{name}={_shown(value)}" for name, value in held.items())


def _shown(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


_SAVED = frozenset({"scene", "retry_failed", "no_download", "attempts", "again", "history", "reuse"})
"""Options that a saved plan fixes: its own values hold, whatever environment and manifest say."""


def _as_saved(options: Options, saved: saved_plan.Saved) -> Options:
    choice = saved.choice
    return replace(
        options,
        scenes=choice.globs,
        retry_failed=choice.retry_failed,
        no_download=not choice.download,
        attempts=choice.attempts,
        again=choice.again,
        history=saved.history,
        reuse=saved.reuse,
    )


def _check_agreement(options: Options, given: Given, saved: saved_plan.Saved) -> None:
    """Raise `UsageError` where an option that was typed says something else than the plan that is to be carried out."""
    said = {
        "scene": (options.scenes, saved.choice.globs),
        "retry_failed": (options.retry_failed, saved.choice.retry_failed),
        "no_download": (options.no_download, not saved.choice.download),
        "attempts": (options.attempts, saved.choice.attempts),
        "again": (options.again, saved.choice.again),
        "history": (tuple(folder.resolve() for folder in options.history), saved.history),
        "reuse": (tuple(folder.resolve() for folder in options.reuse), saved.reuse),
    }
    for name, (typed, planned) in said.items():
        if name in given.typed and typed != planned:
            raise UsageError(
                f"{options.plan_file} was saved with another {_typed(name)}; take it out here, or save a new plan"
            )

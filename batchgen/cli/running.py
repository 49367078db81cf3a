"""What ``batchgen run`` does once its options are read."""

import logging
import os
import random
import shlex
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import click

from batchgen import __version__
from batchgen.cli import batch as wiring
from batchgen.cli import keys, saved_plan, terminal
from batchgen.cli.batch import Prepared
from batchgen.cli.logs import logging_to
from batchgen.cli.main import WORKER
from batchgen.engine import events as ev
from batchgen.engine.commands import Stop
from batchgen.engine.planner import Action, Choice
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import AttemptState, State
from batchgen.errors import RefusedRun, RunDirectoryError, UsageError
from batchgen.gateway.body import RequestFormat
from batchgen.gateway.client import DEFAULT_BASE_URL, ApiKey, HttpGateway
from batchgen.journal import log
from batchgen.journal.log import Journal
from batchgen.network import Network, is_inside
from batchgen.report import plan as plan_report
from batchgen.report.rows import report_rows, status_of
from batchgen.report.summary import as_text, next_step
from batchgen.runner.clock import RealClock
from batchgen.runner.effects import Effects
from batchgen.runner.loop import Loop
from batchgen.runner.progress import Progress
from batchgen.schemas import shipped
from batchgen.text import on_one_line, printable

KEY_VARIABLE = "BATCHGEN_API_KEY"
_EXIT_UNFINISHED = 1
_EXIT_OF = {
    Stop.SHUT_OUT: _EXIT_UNFINISHED,
    Stop.BUDGET: 4,
    Stop.ACCOUNT: 5,
    Stop.UNREACHABLE: 5,
    Stop.UNANSWERED: 5,
    Stop.STORAGE: 6,
}
_SIGNALS = {"SIGHUP": 129, "SIGINT": 130, "SIGTERM": 143}
_EXIT_OF_SIGNAL = {signal.Signals[name]: code for name, code in _SIGNALS.items() if name in signal.Signals.__members__}
_WHY = {
    Stop.ACCOUNT: "stopped: the gateway refused the account (key, permission or balance)",
    Stop.UNREACHABLE: "stopped: the gateway could not be reached",
    Stop.UNANSWERED: "stopped: one submission after the other had no usable answer",
    Stop.SHUT_OUT: "ended: the gateway lets nothing more in; the rest waits for a later run",
    Stop.BUDGET: "stopped at the budget",
    Stop.STORAGE: "stopped: results cannot be stored",
    Stop.INTERRUPTED: "interrupted; everything is written down",
}
_DOWNLOAD_CONNECT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of ``run``, as they stand on the command line."""

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
    attempts: int | None
    no_wait: bool
    plan_file: Path | None
    budget: Decimal | None
    history: tuple[Path, ...]
    scenes: tuple[str, ...]
    retry_failed: bool
    no_download: bool
    no_progress: bool
    strict: bool
    yes: bool
    dry_run: bool


def run(options: Options) -> int:
    """Do it all; the exit code."""
    choice, history = _selected(options)
    # From here on the plan's file may go: what it said is kept for the way to go on.
    options = replace(
        options, scenes=choice.globs, history=history, no_download=not choice.download, attempts=choice.attempts
    )
    loaded = wiring.load(
        options.manifest, strict=options.strict, run_dir=options.run_dir, history=history, rehearsal=options.emulator
    )
    folder = loaded.folder
    if options.dry_run:
        prepared = wiring.prepare(loaded, choice, wiring.state_in(folder))
        if options.plan_file is not None:
            saved_plan.verify(options.plan_file, prepared)
        outlook = prepared.outlook(_wanted_budget(options, prepared))
        wiring.show_price_notes(outlook)
        click.echo(printable(plan_report.as_table(outlook)))
        return 0
    key = _key(options)
    with Journal(folder) as journal, logging_to(folder, key.taken_out_of_text):
        if journal.torn:
            logging.getLogger("batchgen").warning(
                "the last line of the journal was cut off at %d bytes: it was never finished", journal.torn
            )
        _refuse_mixture(options, folder, journal.state)
        prepared = wiring.prepare(loaded, choice, journal.state)
        if options.plan_file is not None:
            saved_plan.verify(options.plan_file, prepared)
        budget = _budget(options, prepared)
        if not _agreed(options, prepared.outlook(budget)):
            click.echo("nothing was submitted", err=True)
            return 0
        return _Run(options, prepared, journal, budget).carry_out(key)


def _selected(options: Options) -> tuple[Choice, tuple[Path, ...]]:
    """What is selected, and the histories to learn prices from; a saved plan says both."""
    if options.plan_file is None:
        choice = Choice(options.scenes, options.retry_failed, not options.no_download, options.attempts or 1)
        return choice, options.history
    saved = saved_plan.load(options.plan_file)
    history = tuple(folder.resolve() for folder in options.history)
    said = {
        "--scene": (options.scenes, saved.choice.globs),
        "--retry-failed": (options.retry_failed, saved.choice.retry_failed),
        "--no-download": (options.no_download, not saved.choice.download),
        "--attempts": (options.attempts, saved.choice.attempts),
        "--history": (history, saved.history),
    }
    for option, (given, planned) in said.items():
        if given and given != planned:
            raise UsageError(
                f"{options.plan_file} was saved with another {option}; take it out here, or save a new plan"
            )
    return saved.choice, saved.history


def _refuse_mixture(options: Options, folder: Path, state: State) -> None:
    """Keep rehearsals and real runs apart: one does not know the tasks of the other. Raises `UsageError`."""
    rehearsed = wiring.is_rehearsal(folder)
    if rehearsed and not options.emulator:
        raise UsageError(
            f"{folder} holds a rehearsal with the embedded emulator, whose scenes were never really made; "
            "give the real run a --run-dir of its own, or delete the rehearsal"
        )
    if options.emulator and state.attempts and not rehearsed:
        raise UsageError(
            f"{folder} holds a real run, which the emulator knows nothing of; rehearse in another --run-dir"
        )


def _key(options: Options) -> ApiKey:
    """The API key; never from the command line or a manifest."""
    if options.emulator:
        if options.base_url and os.environ.get("BATCHGEN_BASE_URL") != options.base_url:
            raise UsageError("--emulator and --base-url exclude each other")
        return ApiKey("emulator")
    if options.api_key_file is not None:
        return keys.from_file(options.api_key_file)
    if not os.environ.get(KEY_VARIABLE):
        raise UsageError(
            f"there is no API key: put it into {KEY_VARIABLE} or name a file with --api-key-file; "
            "to rehearse without one, use --emulator"
        )
    return ApiKey(os.environ[KEY_VARIABLE])


def _budget(options: Options, prepared: Prepared) -> Decimal | None:
    """The budget that holds. Raises `RefusedRun` where it could not be kept for want of a price."""
    budget = _wanted_budget(options, prepared)
    unpriced = {step.scene.tier or "" for step in prepared.steps if step.new_cost_usd is None}
    if budget is not None and unpriced:
        tiers = ", ".join(sorted(unpriced))
        raise RefusedRun(
            f"a budget of {budget} USD cannot be kept without a price for {tiers}; {plan_report.NO_PRICES}. "
            "Nothing was submitted"
        )
    return budget


def _wanted_budget(options: Options, prepared: Prepared) -> Decimal | None:
    return prepared.batch.manifest.budget_usd if options.budget is None else options.budget


def _agreed(options: Options, outlook: plan_report.Outlook) -> bool:
    """Show the plan, and on a terminal ask before money is spent."""
    wiring.show_price_notes(outlook)
    submits = len(outlook.purchases)
    asks = sys.stdin.isatty() and sys.stderr.isatty() and not options.yes
    if asks:
        click.echo(printable(plan_report.as_table(outlook)), err=True)
    if not submits or not asks:
        return True
    free = " (an emulator: nothing is charged)" if options.emulator else ""
    return click.confirm(f"Submit {submits} scene{'' if submits == 1 else 's'}{free}?", err=True)


class _Run:
    """One run, from the agreed plan to the summary."""

    def __init__(self, options: Options, prepared: Prepared, journal: Journal, budget: Decimal | None) -> None:
        self._options = options
        self._batch = prepared.batch
        self._facts = prepared.facts
        self._folder = prepared.batch.folder
        self._steps = prepared.steps
        self._journal = journal
        self._clock = RealClock()
        self._signal: signal.Signals | None = None
        self._settings = Settings(
            workers=options.workers,
            max_in_flight=options.max_in_flight,
            submit_rate=options.submit_rate,
            poll_interval_s=options.poll_interval,
            task_timeout_s=options.task_timeout,
            attempts=prepared.choice.attempts,
            wait=not options.no_wait,
            download=prepared.choice.download,
            budget_usd=budget,
            estimate=prepared.prices.estimate_of,
        )

    def carry_out(self, key: ApiKey) -> int:
        """Run, then write the reports and say how it went, whatever the end."""
        self._begin()
        try:
            scheduler = self._drive(key)
            code = self._exit_code(scheduler)
            self._journal.append([ev.RunEnded(self._clock.at(), code)])
        except UsageError:
            raise
        except Exception as error:
            # It may name tasks that are written nowhere else: no second trouble must take its place.
            with suppress(Exception):
                self._conclude(None, log.read(self._folder))
            if isinstance(error, RunDirectoryError):
                raise
            logging.getLogger("batchgen").exception("the run ends with a bug")
            raise
        self._conclude(scheduler, self._journal.state)
        return code

    def _begin(self) -> None:
        """Write down that a run begins, and with which scenes if they are not those of the last one."""
        state, manifest = self._journal.state, self._batch.manifest
        events: list[ev.Event] = [ev.RunStarted(self._clock.at(), __version__, self._settings.download)]
        if state.scenes != self._facts or state.name != manifest.name:
            read = ev.ManifestRead(self._clock.at(), manifest.name, manifest.model, self._facts)
            events.append(read)
        self._journal.append(events)
        for event in events:
            state.apply(event)

    def _drive(self, key: ApiKey) -> Scheduler:
        with ExitStack() as stack:
            base_url = stack.enter_context(_gateway_address(self._options, self._folder))
            connections = self._options.workers
            gateway = HttpGateway(
                base_url,
                key,
                form=RequestFormat(self._options.request_format),
                timeout_s=self._options.request_timeout,
                connections=connections,
            )
            stack.callback(gateway.close)
            silence_s = self._options.request_timeout
            address = urlsplit(base_url)
            outside = not is_inside(address.hostname or "")
            if outside and address.scheme == "http":
                click.echo("warning: this base URL is not encrypted: all on the way can read the API key", err=True)
            downloads = Network(
                connections, connect_s=min(_DOWNLOAD_CONNECT_S, silence_s), silence_s=silence_s, outside=outside
            )
            stack.callback(downloads.close)
            codes = {code: said["class"] for code, said in self._batch.codes.items()}
            effects = Effects(gateway, downloads, self._batch.requests, codes, self._folder)
            scheduler = Scheduler(self._journal.state, self._steps, self._settings, random.random)
            pool = ThreadPoolExecutor(self._options.workers, thread_name_prefix=WORKER)
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)
            grace_s = self._options.request_timeout
            loop = Loop(scheduler, pool, effects.perform, self._journal, self._clock, grace_s=grace_s)
            busy = [step.scene for step in self._steps if step.action in _BUSY]
            progress = Progress(scheduler, busy, wanted=not self._options.no_progress, clock=self._clock.now)
            with self._signals(loop), terminal.not_waiting(), progress:
                loop.run(progress)
            return scheduler

    @contextmanager
    def _signals(self, loop: Loop) -> Iterator[None]:
        """The first signal ends the run in order, the second at once.

        A signal that whoever started this had ignored (``nohup``, a job in the background) stays so.
        """

        def handle(number: int, _: FrameType | None) -> None:
            if self._signal is not None:
                os._exit(_EXIT_OF_SIGNAL[self._signal])
            self._signal = signal.Signals(number)
            loop.interrupt()

        wanted = [number for number in _EXIT_OF_SIGNAL if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, handle) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _exit_code(self, scheduler: Scheduler) -> int:
        if scheduler.stop is Stop.INTERRUPTED and self._signal is not None:
            return _EXIT_OF_SIGNAL[self._signal]
        if scheduler.stop is not None:
            return _EXIT_OF[scheduler.stop]
        state = self._journal.state
        missing = wiring.missing_files(state, self._folder)
        rows = {str(row["scene_id"]): str(row["status"]) for row in report_rows(state, missing)}
        # A task of a scene that was taken out of the manifest has no row; that it still runs counts.
        latest = [state.latest(step.scene.scene_id) for step in self._steps if step.removed]
        gone = [attempt for attempt in latest if attempt is not None and attempt.is_in_flight]
        selected = {rows[step.scene.scene_id] for step in self._steps if step.scene.scene_id in rows}
        statuses = selected | {status_of(attempt, state) for attempt in gone}
        fine = {"completed", "running"} if self._options.no_wait else {"completed"}
        return 0 if statuses <= fine else _EXIT_UNFINISHED

    def _conclude(self, scheduler: Scheduler | None, state: State) -> None:
        """Write the reports, and say how it went and how to go on."""
        wiring.write_reports(self._folder, state)
        lines = []
        if scheduler is not None and scheduler.stop is not None:
            why = "" if scheduler.stop is Stop.INTERRUPTED else f"\n  {on_one_line(scheduler.why)}"
            lines.append(f"{_WHY[scheduler.stop]}{why}")
        lines.append(as_text(state, self._batch.codes, str(self._folder), wiring.missing_files(state, self._folder)))
        step = next_step(state, shlex.join([str(self._options.manifest), *_same_way(self._options)]))
        if step is not None:
            lines += ["", f"To go on:  {step}"]
        lines += ["", f"Reports: {self._folder / 'report.csv'}, {self._folder / 'ledger.csv'}"]
        if any(attempt.state is AttemptState.DELIVERED for attempt in state.all_attempts()):
            lines.append(f"Videos:  {self._folder / 'videos'}")
        click.echo(printable("\n".join(lines)), err=True)


def _same_way(options: Options) -> list[str]:
    """The options without which the next run would look elsewhere, take other scenes, or spend more."""
    named: dict[str, Path | str | None] = {"--run-dir": options.run_dir, "--api-key-file": options.api_key_file}
    if not options.emulator and options.base_url != os.environ.get("BATCHGEN_BASE_URL"):
        named["--base-url"] = options.base_url
    if options.request_format != os.environ.get("BATCHGEN_REQUEST_FORMAT", RequestFormat.DOCUMENTED):
        named["--request-format"] = options.request_format
    named["--budget"] = None if options.budget is None else format(options.budget, "f")
    given = [word for name, value in named.items() if value is not None for word in (name, str(value))]
    given += [word for folder in options.history for word in ("--history", str(folder))]
    given += [word for glob in options.scenes for word in ("--scene", glob)]
    given += ["--no-download"] if options.no_download else []
    return ["--emulator", *given] if options.emulator else given


_BUSY = frozenset({Action.SUBMIT, Action.RESUME, Action.DOWNLOAD})


@contextmanager
def _gateway_address(options: Options, folder: Path) -> Iterator[str]:
    """The base URL of the gateway; of an emulator that lives as long as the context, where one is wanted.

    The emulator keeps its tasks in the run directory, so that a rehearsal that was cut off goes on.
    Raises `RunDirectoryError` where it cannot.
    """
    if not options.emulator:
        yield options.base_url or DEFAULT_BASE_URL
        return
    from batchgen.emulator.server import EmbeddedEmulator
    from batchgen.emulator.settings import Settings as EmulatorSettings

    with ExitStack() as stack:
        try:
            emulator = stack.enter_context(
                EmbeddedEmulator(EmulatorSettings(state=folder / wiring.REHEARSAL), shipped())
            )
        except UsageError as error:
            raise RunDirectoryError(f"the embedded emulator cannot go on where it was: {error}") from None
        yield emulator.base_url

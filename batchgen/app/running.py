"""Carries out a plan: submits, waits, fetches, and keeps account of it all."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from batchgen.app.kept_results import linked, taken_over
from batchgen.app.loading import Batch
from batchgen.app.notices import Advanced, Notice, Notify, Standing, WaitsForAnswers, Warned, ignore
from batchgen.app.planning import Plan, plan
from batchgen.app.results import RunResult, result_of
from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.engine.budget import charged
from batchgen.engine.events import SceneFacts
from batchgen.engine.planner import Action, Choice
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import State
from batchgen.engine.throttle import Hold
from batchgen.errors import Remedy, RunDirectoryError, UsageError
from batchgen.journal.journal import Journal
from batchgen.layout import EMULATOR
from batchgen.limits import RESULT_CONNECT_S
from batchgen.network import is_inside
from batchgen.providers.api_key import ApiKey
from batchgen.providers.interface import Gateway
from batchgen.providers.provider import Connection, Provider
from batchgen.providers.registry import PROVIDERS, asked_before, provider_named
from batchgen.runner import WORKERS
from batchgen.runner.clock import RealClock
from batchgen.runner.command_executor import CommandExecutor
from batchgen.runner.loop import Loop
from batchgen.store.local import Limits
from batchgen.version import __version__

EXIT_INTERRUPTED = 130
_BUSY = frozenset({Action.SUBMIT, Action.RESUME, Action.WAIT, Action.DOWNLOAD})
_OVER = frozenset({AttemptState.DELIVERED, AttemptState.FAILED, AttemptState.MISMATCHED, AttemptState.DOWNLOAD_FAILED})
_EMULATOR_KEY = "emulator"
_log = logging.getLogger("batchgen")
_log.addHandler(logging.NullHandler())  # a library prints nothing, be it for want of a handler


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is to go. Times are in seconds, money in US dollars.

    ``base_url`` and ``request_format`` are the provider's own where none are given; ``budget_usd`` is the
    manifest's. ``wait`` unset leaves once all is submitted; a later run collects. ``rebind`` says that
    ``base_url`` is the gateway that the run directory belongs to, at another address.
    """

    base_url: str | None = None
    request_format: str | None = None
    workers: int = 8
    max_in_flight: int = 50
    submit_rate: float | None = None
    poll_interval_s: float = 5.0
    request_timeout_s: float = 60.0
    task_timeout_s: float = 3600.0
    wait: bool = True
    budget_usd: Decimal | None = None
    rebind: bool = False

    @classmethod
    def of(cls, batch: Batch, **others: Any) -> "RunOptions":
        """The options that the manifest of a batch holds under ``run:``, and ``others``, which go before them."""
        names = {each.name.removesuffix("_s"): each.name for each in fields(cls)}
        held = {names[name]: value for name, value in batch.run_settings.items() if name in names}
        return cls(**{**held, **others})

    def __post_init__(self) -> None:
        """Raise `UsageError` for what no run can keep to."""
        counts = {"workers": self.workers, "max_in_flight": self.max_in_flight}
        times = {"request_timeout_s": self.request_timeout_s, "task_timeout_s": self.task_timeout_s}
        wrong = [name for name, count in counts.items() if count < 1]
        wrong += [name for name, seconds in {**times, "poll_interval_s": self.poll_interval_s}.items() if seconds <= 0]
        wrong += ["submit_rate"] if self.submit_rate is not None and self.submit_rate <= 0 else []
        budget = self.budget_usd
        if budget is not None and not (type(budget) is Decimal and budget.is_finite() and budget >= 0):
            wrong.append("budget_usd")
        if wrong:
            raise UsageError(f"{', '.join(wrong)}: not a value that a run can keep to")


class Interrupt:
    """Ends a run in order: what is under way is waited for, nothing more is begun. Set it from anywhere."""

    def __init__(self) -> None:
        """Interrupt nothing yet."""
        self._listeners: list[Callable[[], None]] = []
        self.exit_code: int | None = None

    def set(self, exit_code: int = EXIT_INTERRUPTED) -> None:
        """Interrupt; the run is recorded to have ended with that code. Only the first call counts."""
        if self.exit_code is None:
            self.exit_code = exit_code
            for listener in self._listeners:
                listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have it called once when this is set, or at once where it is."""
        self._listeners.append(listener)
        if self.exit_code is not None:
            listener()


def run(  # noqa: PLR0913 - each has a default
    batch: Batch,
    key: ApiKey | str | None = None,
    *,
    choice: Choice | None = None,
    options: RunOptions | None = None,
    notify: Notify = ignore,
    confirm: Callable[[Plan], bool] = lambda _: True,
    interrupt: Interrupt | None = None,
    providers: Mapping[str, Provider] = PROVIDERS,
) -> RunResult:
    """Carry out a batch, and write its reports. Run it again after whatever happened: it goes on.

    A batch that was loaded as a rehearsal needs no ``key``: it runs against an emulator of its own.
    Where no ``options`` or ``choice`` are given, those under ``run:`` in the manifest hold.
    ``confirm`` is asked once, before anything is submitted; what it raises ends the run. Nothing is
    printed; `logging` gets what happens under the name ``batchgen``. Raises `UsageError` where it cannot
    begin, `RefusedRun` where a budget cannot be kept, `RunDirectoryError` where the run directory cannot
    be used or written; the reports are written all the same.
    """
    options = options or RunOptions.of(batch)
    provider = provider_named(batch.provider, providers)
    with ExitStack() as stack:
        connected = None
        if not batch.rehearsal:
            # Before the run directory is touched: an address that cannot be one is a slip of the user.
            base_url = options.base_url or provider.base_url
            connected = stack.enter_context(_connected(provider, base_url, _api_key(key, provider), options))
        journal = stack.enter_context(Journal(batch.directory.path, asked_before))
        if journal.torn:
            _log.warning("the last line of the journal was cut off at %d bytes: it was never finished", journal.torn)
        _refuse_mixture(batch, journal)
        if connected is not None and not options.rebind:
            _refuse_other_gateway(batch, journal.state, gateway_name(connected.base_url))
        store = batch.directory.store()
        journal.record(*taken_over(journal.state, store, RealClock().at()))
        made = plan(batch, choice, journal.state)
        budget = made.budget(options.budget_usd)
        made.check_budget(budget)
        if not confirm(made):
            return result_of(made, None)
        if connected is None:
            address = stack.enter_context(_emulator(batch))
            connected = stack.enter_context(_connected(provider, address, ApiKey(_EMULATOR_KEY), options))
        return _Run(made, journal, options, budget, notify, interrupt or Interrupt()).carry_out(connected)


def _api_key(key: ApiKey | str | None, provider: Provider) -> ApiKey:
    if key is None:
        raise UsageError("there is no API key", Remedy.GIVE_KEY, provider.key_variable)
    return ApiKey(key) if isinstance(key, str) else key


def _refuse_mixture(batch: Batch, journal: Journal) -> None:
    """Keep rehearsals and real runs apart: one does not know the tasks of the other. Raises `UsageError`."""
    directory, rehearsed = batch.directory, batch.directory.is_rehearsal()
    if rehearsed and not batch.rehearsal:
        raise UsageError(
            f"{directory} holds a rehearsal with the embedded emulator, whose scenes were never really made; "
            "give the real run a directory of its own, or delete the rehearsal",
            Remedy.OTHER_RUN_DIR,
        )
    if batch.rehearsal and journal.state.attempts and not rehearsed:
        raise UsageError(
            f"{directory} holds a real run, which the emulator knows nothing of; rehearse elsewhere",
            Remedy.OTHER_RUN_DIR,
        )


def gateway_name(base_url: str) -> str:
    """What a gateway is known by: its address, however it is written."""
    parts = urlsplit(base_url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}{parts.path.rstrip('/')}"


def _refuse_other_gateway(batch: Batch, state: State, gateway: str) -> None:
    """Send nothing to a gateway that knows none of the tasks of this run directory. Raises `UsageError`."""
    if state.bound_to and state.bound_to != gateway:
        raise UsageError(
            f"{batch.directory} belongs to the gateway {state.bound_to}, and this is {gateway}, which knows nothing of "
            "its tasks",
            Remedy.OTHER_GATEWAY,
            state.bound_to,
        )


class _Run:
    """One run, from the agreed plan to its result."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a run is made of
        self,
        made: Plan,
        journal: Journal,
        options: RunOptions,
        budget_usd: Decimal | None,
        notify: Notify,
        interrupt: Interrupt,
    ) -> None:
        self._plan = made
        self._directory = made.batch.directory
        self._journal = journal
        self._options = options
        self._notify = notify
        self._interrupt = interrupt
        self._clock = RealClock()
        self._of_caller: Exception | None = None
        self._settings = Settings(
            workers=options.workers,
            max_in_flight=options.max_in_flight,
            submit_rate=options.submit_rate,
            poll_interval_s=options.poll_interval_s,
            task_timeout_s=options.task_timeout_s,
            attempts=made.choice.attempts,
            wait=options.wait,
            download=made.choice.download,
            budget_usd=budget_usd,
            estimate=made.prices.estimate_of,
        )

    def carry_out(self, connected: "_Connected") -> RunResult:
        """Run, then write the reports, whatever the end."""
        self._begin("" if self._plan.batch.rehearsal else gateway_name(connected.base_url))
        try:
            scheduler = self._drive(connected)
            result = result_of(self._plan, scheduler, waited=self._options.wait, interrupted=self._interrupt.exit_code)
            self._journal.append([ev.RunEnded(self._clock.at(), result.exit_code)])
        except BaseException as error:
            # It may name tasks that are written nowhere else: no second trouble must take its place.
            with suppress(Exception):
                self._directory.write_reports(self._directory.state())
            is_ours = isinstance(error, Exception) and not isinstance(error, RunDirectoryError)
            if is_ours and error is not self._of_caller:
                _log.exception("the run ends with a bug")
            raise
        self._directory.write_reports(self._journal.state)
        return result

    def _begin(self, gateway: str) -> None:
        """Write down that a run begins, with which scenes if they are not those of the last one, and what it has."""
        state, manifest, scenes = self._journal.state, self._plan.batch.manifest, self._plan.scenes
        at = self._clock.at()
        rebinds = self._options.rebind
        events: list[ev.Event] = [ev.RunStarted(at, __version__, self._settings.download, gateway, rebinds)]
        if state.scenes != scenes or state.name != manifest.name:
            events.append(ev.ManifestRead(at, manifest.name, manifest.model, scenes))
        self._journal.record(*events)
        steps = self._plan.steps
        self._journal.record(*state.adoptions(at))
        self._journal.record(*(ev.WantedAgain(at, step.scene.scene_id) for step in steps if step.again))
        self._journal.record(*linked(steps, state, self._directory.store(), at))

    def _drive(self, connected: "_Connected") -> Scheduler:
        batch, timeout_s = self._plan.batch, self._options.request_timeout_s
        address = urlsplit(connected.base_url)
        outside = not is_inside(address.hostname or "")
        if outside and address.scheme == "http":
            self._notify(Warned("this base URL is not encrypted: all on the way can read the API key"))
        limits = Limits(self._options.workers, min(RESULT_CONNECT_S, timeout_s), timeout_s, outside)
        with ExitStack() as stack:
            store = stack.enter_context(closing(self._directory.store(limits)))
            provider = connected.provider
            executor = CommandExecutor(
                connected.gateway,
                provider.errors.of_model(batch.error_codes),
                store,
                batch.requests,
                provider.wrong_format_hint,
            )
            stack.callback(executor.close)
            scheduler = Scheduler(self._journal.state, self._plan.steps, self._settings, random.random)
            pool = ThreadPoolExecutor(self._options.workers, thread_name_prefix=WORKERS)
            # A worker that has nothing to do ends at once; one that an early end left at work is not waited for.
            stack.callback(lambda: pool.shutdown(wait=scheduler.is_idle, cancel_futures=True))
            loop = Loop(scheduler, pool, executor.perform, self._journal, self._clock, grace_s=timeout_s)
            self._interrupt.listen(loop.interrupt)
            busy = [step.scene for step in self._plan.steps if step.action in _BUSY]
            loop.run(_Watch(scheduler, busy, self._clock, self._tell))
            return scheduler

    def _tell(self, notice: Notice) -> None:
        """Pass a notice on; what the callback raises is the caller's business, and no bug of ours."""
        try:
            self._notify(notice)
        except Exception as error:
            self._of_caller = error
            raise


class _Watch:
    """Tells of a run while it goes on: an `Observer` of its loop, and a `RunView`."""

    def __init__(self, scheduler: Scheduler, scenes: Sequence[SceneFacts], clock: RealClock, notify: Notify) -> None:
        self._scheduler = scheduler
        self._scenes = scenes
        self._clock = clock
        self._notify = notify

    def turn(self) -> None:
        self._notify(Advanced(self))

    def waits_for_answers(self, count: int, seconds: float) -> None:
        self._notify(WaitsForAnswers(count, seconds))

    def now(self) -> float:
        return self._clock.now()

    @property
    def hold(self) -> Hold:
        return self._scheduler.hold

    def standing(self) -> Standing:
        state = self._scheduler.state
        states = Counter(attempt.state for attempt in map(state.current_attempt, self._scenes) if attempt is not None)
        unknown = states[AttemptState.UNKNOWN]
        return Standing(
            scenes=len(self._scenes),
            over=unknown + sum(states[each] for each in _OVER),
            running=states[AttemptState.RUNNING],
            failed=states[AttemptState.FAILED] + states[AttemptState.MISMATCHED],
            unknown=unknown,
            charged_usd=charged(state.all_attempts()).usd,
        )


@dataclass(frozen=True, slots=True)
class _Connected:
    """A gateway, its provider, and the address at which it is reached."""

    provider: Provider
    base_url: str
    gateway: Gateway


@contextmanager
def _connected(provider: Provider, base_url: str, key: ApiKey, options: RunOptions) -> Iterator[_Connected]:
    """Connect, without a byte sent. Raises `UsageError` for a base URL that cannot be one."""
    request_format = options.request_format or provider.request_formats[0]
    if request_format not in provider.request_formats:
        raise UsageError(
            f"{request_format!r} is not a format of requests; there is {', '.join(provider.request_formats)}"
        )
    connection = Connection(base_url, key, request_format, options.request_timeout_s, options.workers)
    with closing(provider.connect(connection)) as gateway:
        yield _Connected(provider, base_url, gateway)


@contextmanager
def _emulator(batch: Batch) -> Iterator[str]:
    """The base URL of an emulator that lives as long as the context.

    It keeps its tasks in the run directory, so that a rehearsal that was cut off goes on. Raises
    `RunDirectoryError` where it cannot.
    """
    from batchgen.emulator.server import EmbeddedEmulator
    from batchgen.emulator.settings import Settings as EmulatorSettings

    with ExitStack() as stack:
        try:
            settings = EmulatorSettings(state=batch.directory.path / EMULATOR)
            emulator = stack.enter_context(EmbeddedEmulator(settings, batch.catalogue))
        except UsageError as error:
            raise RunDirectoryError(f"the embedded emulator cannot go on where it was: {error}") from None
        yield emulator.base_url

"""Carries out a plan: submits, waits, fetches, and keeps account of it all."""

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from batchgen.app import planning
from batchgen.app.connecting import EMULATOR_KEY, UNENCRYPTED, Connected, connected_to, is_open_to_all, rehearsing
from batchgen.app.executing import THREADS, executing
from batchgen.app.kept_results import link, linked, prepared, restore, taken_over
from batchgen.app.loading import Batch
from batchgen.app.notices import Notify, Warned
from batchgen.app.output import Output
from batchgen.app.output_places import checked_output, output_of, reached
from batchgen.app.planning import Plan
from batchgen.app.publish_places import Place, published_at, published_in_rehearsal
from batchgen.app.publishing import Publisher, body_notes, has_sound, most_body_bytes, refuse_sounds
from batchgen.app.results import RunResult, result_of
from batchgen.app.run_options import Interrupt, RunOptions
from batchgen.app.steering import Mailbox
from batchgen.app.storyboard import illustrator, picture_references
from batchgen.app.watching import Watch
from batchgen.engine import events as ev
from batchgen.engine.adoptions import adoptions
from batchgen.engine.manifest_changes import news_of
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.steps import Action, Choice
from batchgen.errors import BatchgenError, RunDirectoryError
from batchgen.journal.journal import Journal
from batchgen.limits import RESULT_CONNECT_S
from batchgen.model import Request
from batchgen.network import is_inside
from batchgen.providers.api_key import ApiKey
from batchgen.providers.registry import asked_before, provider_named
from batchgen.runner import WORKERS
from batchgen.runner.clock import RealClock
from batchgen.runner.command_executor import CommandExecutor, done_here
from batchgen.runner.loop import Loop
from batchgen.store.interface import Checked, Work
from batchgen.store.local import Limits
from batchgen.version import __version__

if TYPE_CHECKING:
    from batchgen.runner.cluster import Cluster

_BUSY = frozenset({Action.SUBMIT, Action.RESUME, Action.WAIT, Action.DOWNLOAD})
_log = logging.getLogger("batchgen")
_log.addHandler(logging.NullHandler())  # a library prints nothing, be it for want of a handler


def run(  # noqa: PLR0913 - what a run is made of
    batch: Batch,
    key: ApiKey | str | None,
    choice: Choice,
    options: RunOptions,
    *,
    notify: Notify,
    confirm: Callable[[Plan], bool],
    interrupt: Interrupt,
) -> RunResult:
    """Carry out a batch, and write its reports. Run it again after whatever happened: it goes on.

    A batch that was loaded as a rehearsal needs no ``key``: it runs against an emulator of its own.
    ``confirm`` is asked once, before anything is submitted; what it raises ends the run. Nothing is
    printed; `logging` gets what happens under the name ``batchgen``. Raises `UsageError` where it cannot
    begin, `RefusedRun` where a budget cannot be kept, `RunDirectoryError` where the run directory cannot
    be used or written; the reports are written all the same.
    """
    provider = provider_named(batch.provider, batch.loading.providers)
    with ExitStack() as stack:
        connected: Connected | None = None
        place: Place | None = None
        # Before the run directory is touched: a format or an address that cannot be one is a slip of the user.
        provider.formats_for(options.request_format)
        options = replace(options, output=None if options.output is None else checked_output(options.output))
        if not batch.rehearsal:
            base_url = provider.base_url if options.base_url is None else options.base_url
            connected = stack.enter_context(connected_to(provider, base_url, key, options))
            if options.publish is not None:
                place = stack.enter_context(published_at(options.publish, provider, key, options))
        journal = stack.enter_context(Journal(batch.directory.path, asked_before))
        if journal.torn:
            _log.warning("the last line of the journal was cut off at %d bytes: it was never finished", journal.torn)
        gateway = None if connected is None or options.rebind else connected.name
        batch.directory.refuse_strangers(journal.state, gateway, rehearsal=batch.rehearsal)
        output = output_of(
            batch.directory,
            journal.state,
            options.output,
            options.cache_bytes,
            name=batch.manifest.name,
            rehearsal=batch.rehearsal,
        )
        journal.record(*taken_over(journal.state, batch.directory.store(), RealClock().at()))
        restore(journal.state, batch.directory)
        made = planning.plan(batch, choice, journal.state)
        budget = made.budget(options.budget_usd)
        made.check_budget(budget)
        executor = options.executor if any(step.action in _BUSY for step in made.steps) else THREADS
        holds_key = partial(_holds, None if batch.rehearsal else key)
        cluster = stack.enter_context(executing(executor, batch.directory.path, holds_key))
        for note in _notes(made, publishes=place is not None or batch.rehearsal):
            notify(Warned(note))
        if not confirm(made):
            return result_of(made, None)
        if connected is None:
            connected = stack.enter_context(rehearsing(batch, provider, options))
            if any(map(has_sound, made.maker.requests.values())):
                place = stack.enter_context(published_in_rehearsal(connected, EMULATOR_KEY, options))
        if output is not None:
            with reached():
                output.try_out()
        return _Run(made, journal, options, budget, notify, interrupt, connected, cluster, place, output).carry_out()


def _notes(made: Plan, *, publishes: bool) -> Iterator[str]:
    """What is said before the question. Raises as `refuse_sounds` where files have to be published, and are not."""
    yield from made.notes()
    if not publishes:
        refuse_sounds(made)
        yield from body_notes(made)


def _of_files(publisher: Publisher | None, requests: Mapping[str, Request]) -> dict[str, Any]:
    """What the scheduler has to know of files: how many bytes a submission has, and whether it waits for URLs."""
    if publisher is None:
        return {"upload_bytes": lambda scene_id: requests[scene_id].upload_bytes}
    return {"upload_bytes": publisher.upload_bytes, "publishes": publisher.publishes}


def _holds(key: ApiKey | str | None, text: str) -> bool:
    """Whether a text has the key in it."""
    secret = ApiKey(key) if isinstance(key, str) else key
    return secret is not None and secret.taken_out_of_text(text) != text


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
        connected: Connected,
        cluster: "Cluster | None",
        place: Place | None,
        output: Output | None,
    ) -> None:
        self._cluster = cluster
        self._output = output
        self._plan = made
        self._directory = made.batch.directory
        self._journal = journal
        self._options = options
        self._notify = notify
        self._interrupt = interrupt
        self._clock = RealClock()
        self._connected = connected
        published, requests = journal.state.published.values(), made.maker.requests
        self._publisher = None if place is None else Publisher(place, published, requests, most_body_bytes(made))
        documents = [request.document for request in made.maker.requests.values()]
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
            **_of_files(self._publisher, requests),
            request_formats=connected.provider.formats_for(options.request_format, documents),
            formats_left_out=connected.provider.formats_left_out(options.request_format, documents),
            earlier_lengths=made.batch.lengths(journal.state),
        )

    def carry_out(self) -> RunResult:
        """Run, then write the reports, whatever the end."""
        self._claim()  # where it is refused, nothing has happened
        self._begin("" if self._plan.batch.rehearsal else self._connected.name)
        try:
            self._claim()  # of a run directory that has only just begun
            scheduler = self._drive()
            self._bring_up()
            result = result_of(self._plan, scheduler, waited=self._options.wait, interrupted=self._interrupt.exit_code)
            result = result if self._output is None else self._with_output(self._output, result)
            self._journal.append([ev.RunEnded(self._clock.at(), result.exit_code)])
        except BaseException as error:
            # It may name tasks that are written nowhere else: no second trouble must take its place.
            with suppress(Exception):
                self._directory.write_reports(self._directory.state())
            if isinstance(error, Exception) and not isinstance(error, BatchgenError):
                _log.exception("the run ends with a bug")
            raise
        picture_references(self._directory.path, self._plan.maker.requests.values())
        self._directory.write_reports(self._journal.state)
        if self._output is None:
            return result
        self._output.write_reports()
        if self._output.trouble:
            self._notify(
                Warned(f"{self._output.trouble}. Nothing is lost: the next run, or batchgen report, tries again")
            )
        return self._with_output(self._output, result)

    def _claim(self) -> None:
        if self._output is not None:
            with reached():
                self._output.claim()

    def _bring_up(self) -> None:
        """Have all results where they go; who wants the run to end does not wait for those."""
        if self._output is not None:
            self._output.bring_up(lambda: self._interrupt.exit_code is not None)

    def _with_output(self, output: Output, result: RunResult) -> RunResult:
        """The result of a run whose results go elsewhere, too, as far as that has succeeded."""
        code = self._interrupt.exit_code or RunDirectoryError.exit_code if output.trouble else result.exit_code
        return replace(result, output=output.url, exit_code=code if result.stop is None else result.exit_code)

    def _begin(self, gateway: str) -> None:
        """Write down that a run begins, with which scenes if they are not those of the last one, and what it has."""
        state, manifest, scenes = self._journal.state, self._plan.batch.manifest, self._plan.scenes
        at, steps = self._clock.at(), self._plan.steps
        events: list[ev.Event] = []

        def add(more: Iterable[ev.Event]) -> None:
            """Take in what the next events are made from; all are written with one fsync, before anything begins."""
            for event in list(more):
                state.apply(event)
                events.append(event)

        add(
            [
                ev.RunStarted(
                    at,
                    __version__,
                    self._settings.download,
                    gateway,
                    self._options.rebind,
                    self._settings.budget_usd,
                    manifest.profile or "",
                    self._options.output or state.output,
                )
            ]
        )
        if state.scenes != scenes or state.name != manifest.name:
            add([news_of(state.scenes, at, manifest.name, manifest.model, scenes)])
        add(adoptions(state, at))
        add(ev.WantedAgain(at, step.scene.scene_id) for step in steps if step.again)
        add(linked(steps, state, self._directory.store(), at))
        self._journal.append(events)

    def _drive(self) -> Scheduler:
        batch, maker = self._plan.batch, self._plan.maker
        timeout_s, connected = self._options.request_timeout_s, self._connected
        outside = not is_inside(urlsplit(connected.base_url).hostname or "")
        if is_open_to_all(connected.base_url):
            self._notify(Warned(UNENCRYPTED))
        limits = Limits(self._options.workers, min(RESULT_CONNECT_S, timeout_s), timeout_s, outside)
        with ExitStack() as stack:
            store = stack.enter_context(closing(self._directory.store(limits)))
            errors = connected.provider.errors.of_model(batch.error_codes)
            on_kept = illustrator(self._directory.path, maker.requests)
            if self._output is not None:
                on_kept = self._output.after(on_kept)
                maker.hold, maker.stored = self._output.hold, self._output.stored
            fetched: Callable[[Work], Checked] = done_here
            if self._cluster is not None:
                maker.take_still, fetched = self._cluster.still, self._cluster.fetched
            publisher = self._publisher
            sent = maker.requests if publisher is None else publisher.sent
            publish = None if publisher is None else publisher.publish
            prepare, link_in = partial(prepared, maker, self._plan.lenders), partial(link, store)
            executor = CommandExecutor(
                connected.gateway, errors, store, sent, on_kept, prepare, fetched, publish, link_in
            )
            stack.callback(executor.close)
            state, steps = self._journal.state, self._plan.steps
            scheduler = Scheduler(state, steps, self._settings, random.random, lambda: str(uuid4()), self._plan.choice)
            pool = ThreadPoolExecutor(self._options.workers, thread_name_prefix=WORKERS)
            # A worker that has nothing to do ends at once; one that an early end left at work is not waited for.
            stack.callback(lambda: pool.shutdown(wait=scheduler.is_idle, cancel_futures=True))
            busy = [step.scene for step in self._plan.steps if step.action in _BUSY and not step.blocked]
            at_work = {scene.scene_id for scene in busy}
            before = [step.scene for step in self._plan.steps if step.scene.scene_id not in at_work]
            watch = Watch(scheduler, busy, self._clock, self._journal, self._notify, before)
            loop = Loop(scheduler, pool, executor.perform, watch, self._clock, grace_s=timeout_s)
            self._interrupt.listen(loop.interrupt)
            stack.enter_context(Mailbox(self._directory.path, loop.inbox.put, watch))
            loop.run(watch)
            self._tell_of_cluster()
            return scheduler

    def _tell_of_cluster(self) -> None:
        """Say what this machine had to do itself: it costs nothing but time, and that may be why a run was slow."""
        for reason, times in {} if self._cluster is None else self._cluster.trouble.copy().items():
            self._notify(Warned(f"work that the cluster could not do was done here, {times} times: {reason}"))

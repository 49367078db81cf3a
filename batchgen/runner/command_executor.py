"""A command → a call → what came of it. Runs on the threads of the executor; raises nothing."""

import logging
from collections.abc import Callable, Iterable, Mapping
from threading import Lock

from batchgen.engine.classification import NOT_CONNECTED, Classification, Kind
from batchgen.engine.commands import (
    Command,
    CommandResult,
    Fetch,
    FetchResult,
    Link,
    LinkResult,
    Poll,
    PollResult,
    Prepare,
    PrepareResult,
    Publish,
    PublishResult,
    Submit,
    SubmitResult,
)
from batchgen.limits import LOST_AFTER_S
from batchgen.model import Request
from batchgen.providers.error_policy import ErrorPolicy, classify_create, classify_read
from batchgen.providers.interface import CallFailed, Created, Gateway, Task
from batchgen.store.interface import Checked, FetchFailed, Store, Wanted, Work
from batchgen.text import is_usable_id

_WORDS = {
    Kind.UNCERTAIN: "unknown",
    Kind.ACCOUNT: "the account was refused",
    Kind.BALANCE: "the balance does not suffice",
}
"""Kinds of ending in the words of who watches, where they have others."""
log = logging.getLogger("batchgen")


def _what_follows(said: Classification) -> str:
    """What a run does where it finds no connection: whoever watches has to know whether to wait."""
    return f"; it is tried again for {LOST_AFTER_S:g} s, then the run ends" if said.code == NOT_CONNECTED else ""


def done_here(work: Work) -> Checked:
    """Bring a result on the thread that asks for it."""
    return work()


class CommandExecutor:
    """Carries out the commands of one run against a gateway and a store."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts, each of which can be another
        self,
        gateway: Gateway,
        errors: ErrorPolicy,
        store: Store,
        requests: Mapping[str, Request],
        on_kept: Callable[[str, str, str], None] = lambda *_: None,
        prepare: Callable[[Prepare], PrepareResult] | None = None,
        fetched: Callable[[Work], Checked] = done_here,
        publish: Callable[[Publish], PublishResult] | None = None,
        link: Callable[[Link], LinkResult] | None = None,
    ) -> None:
        """``requests`` is by scene id; ``on_kept`` is told of each result that was kept: scene, name, hash.

        ``prepare`` makes requests of scenes that are built on results, and puts them among the others; ``publish``
        publishes files, and puts requests with their URLs there. ``fetched`` does the work of bringing a result, here
        or elsewhere; ``link`` has results of other run directories here.
        """
        self._gateway = gateway
        self._errors = errors
        self._store = store
        self._requests = requests
        self._on_kept = on_kept
        self._made = prepare
        self._fetched = fetched
        self._published = publish
        self._linked = link
        self._closed = False
        self._told_of_outage = False
        self._noted: set[tuple[str, str]] = set()
        self._keeping = Lock()
        self._kinds: Mapping[type, Callable[..., CommandResult]] = {
            Submit: self._submit,
            Poll: self._poll,
            Fetch: self._fetch,
            Prepare: self._prepare,
            Link: self._link,
            Publish: self._publish,
        }

    def close(self) -> None:
        """Keep nothing from now on: a fetch that is still under way on some thread is left to the next run."""
        with self._keeping:
            self._closed = True

    def perform(self, command: Command) -> CommandResult:
        """Do it, and say how it ended."""
        return self._kinds[type(command)](command)

    def _submit(self, command: Submit) -> SubmitResult:
        form = f" as {command.request_format}" if command.request_format else ""
        log.info(
            "scene %s: submitting, attempt %d%s, request id %s",
            command.scene_id,
            command.attempt,
            form,
            command.request_id,
        )
        answer: Created | CallFailed | None = None
        try:
            try:
                request = self._requests[command.scene_id]
                answer = self._gateway.create(
                    request, request_id=command.request_id, request_format=command.request_format
                )
            except CallFailed as error:
                answer = error
            return self._submitted(command, answer, classify_create(answer, self._errors))
        except Exception as error:
            # A bug must not make a paid request look as if it had never been sent, nor lose what came.
            log.exception("scene %s: unexpected error while submitting", command.scene_id)
            reason = f"submitted, and the outcome is not known: {type(error).__name__}"
            came = None if answer is None else str(getattr(answer, "task_id", answer))
            return SubmitResult(command, Classification(Kind.UNCERTAIN, "submit_unknown", reason), candidate_id=came)

    def _submitted(self, command: Submit, answer: Created | CallFailed, said: Classification) -> SubmitResult:
        if isinstance(answer, Created):
            if not is_usable_id(answer.task_id):
                raise ValueError("the provider gave an id that cannot be one")
            log.info("scene %s: task %s created", command.scene_id, answer.task_id)
            return SubmitResult(command, said, answer.task_id)
        # What is sent again by itself is no news to anyone who watches.
        is_sent_again = said.again or (said.malformed and command.other_format)
        is_news = not is_sent_again or (said.code == NOT_CONNECTED and not self._told_of_outage)
        self._told_of_outage = self._told_of_outage or said.code == NOT_CONNECTED
        level = logging.WARNING if is_news else logging.INFO
        word = "not sent" if said.code == NOT_CONNECTED else _WORDS.get(said.kind, said.kind)
        log.log(level, "scene %s: %s (%s): %s%s", command.scene_id, word, said.code, said.reason, _what_follows(said))
        return SubmitResult(command, said, candidate_id=answer.task_id, excerpt=answer.excerpt)

    def _poll(self, command: Poll) -> PollResult:
        answer: Task | CallFailed
        try:
            try:
                answer = self._gateway.read(command.task_id)
            except CallFailed as error:
                answer = error
            said = classify_read(answer, self._errors)
        except Exception as error:
            log.exception("scene %s: task %s: unexpected error while reading", command.scene_id, command.task_id)
            return PollResult(command, Classification(Kind.TRANSIENT, "internal", type(error).__name__))
        self._note(command, () if isinstance(answer, CallFailed) else answer.notes)
        if said.kind is Kind.DONE:
            log.info("scene %s: task %s completed", command.scene_id, command.task_id)
        elif said.kind is not Kind.RUNNING:  # which most readings say; the log is for what changes
            heard = f"{said.code}: {said.reason}{_what_follows(said)}"
            log.warning("scene %s: task %s: %s", command.scene_id, command.task_id, heard)
        if isinstance(answer, CallFailed):
            return PollResult(command, said)
        return PollResult(command, said, answer.result, answer.lasted_s)

    def _note(self, command: Poll, notes: Iterable[str]) -> None:
        """Say once of a task what is odd about its answers."""
        for note in notes:
            if (command.task_id, note) not in self._noted:
                self._noted.add((command.task_id, note))
                log.warning("scene %s: task %s: %s", command.scene_id, command.task_id, note)

    def _fetch(self, command: Fetch) -> FetchResult:
        wanted = Wanted(command.scene_id, command.attempt, command.url, command.size, command.duration_s)
        try:
            checked = self._fetched(self._store.work(wanted))
            with self._keeping:
                if self._closed:
                    return FetchResult(command, failure="the run has ended before the result was here")
                name = self._store.keep(wanted, checked)
        except FetchFailed as error:
            log.warning("scene %s: %s", command.scene_id, error)
            return FetchResult(command, failure=str(error), expired=error.expired)
        except OSError as error:
            log.error("scene %s: the result cannot be stored: %s", command.scene_id, error.strerror)  # noqa: TRY400
            return FetchResult(command, failure=f"the result cannot be stored: {error.strerror}", unstorable=True)
        except Exception as error:
            log.exception("scene %s: unexpected error while downloading", command.scene_id)
            return FetchResult(command, failure=f"the result did not arrive: {type(error).__name__}")
        wrong = f"; {checked.mismatch}" if checked.mismatch else ""
        log.info("scene %s: %d bytes arrived%s", command.scene_id, checked.fetched.bytes, wrong)
        try:
            self._on_kept(command.scene_id, name, checked.fetched.sha256)
        except Exception:
            log.exception("scene %s: its result is here, and an unexpected error came after that", command.scene_id)
        return FetchResult(command, name, checked.fetched.sha256, checked.mismatch)

    def _prepare(self, command: Prepare) -> PrepareResult:
        try:
            if self._made is not None:
                return self._made(command)
            return PrepareResult(command, failure="nobody makes requests here")
        except Exception as error:
            log.exception("scene %s: unexpected error while its request was made", command.scene_id)
            return PrepareResult(command, failure=f"its request could not be made: {type(error).__name__}")

    def _link(self, command: Link) -> LinkResult:
        if self._linked is None:
            return LinkResult(command, "nobody links anything in here")
        return self._linked(command)

    def _publish(self, command: Publish) -> PublishResult:
        if self._published is None:
            return PublishResult(command, failure="nobody publishes files here")
        return self._published(command)

"""Processes, one after the other, in virtual time: the real loop, scheduler, planner and journal.

What is not real: the clock, the executor, the disk and the gateway, which keeps books of its own.
The books are what every promise is held against.
"""

import hashlib
import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from queue import Empty
from random import Random
from typing import Any

from batchgen.engine.adoptions import adoptions
from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.classification import Kind
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
    Publication,
    Publish,
    PublishResult,
    Stop,
    Submit,
    SubmitResult,
)
from batchgen.engine.events import (
    Adopted,
    Event,
    Refused,
    Resolved,
    RunEnded,
    RunStarted,
    SceneFacts,
    Submitting,
    SubmittingAgain,
    WantedAgain,
)
from batchgen.engine.manifest_changes import news_of
from batchgen.engine.planner import plan
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import State
from batchgen.engine.steps import Action, Choice
from batchgen.errors import RunDirectoryError
from batchgen.layout import result_path
from batchgen.limits import FIRST_HOLD_S, LOST_AFTER_S, MOST_POSTS, MOST_PROBES, PATIENCE_S, TRIPS_AFTER, TRIPS_AMONG
from batchgen.providers.answers import Answer
from batchgen.runner.loop import Inbox, Loop, Received

from campaigns.simulation import answers, promises
from campaigns.simulation.answers import Heard
from campaigns.simulation.disk import Disk, Witness
from campaigns.simulation.gateway import NEVER_MADE, NO_RESULT, ModelGateway
from campaigns.simulation.mishaps import FAIR, Crash, How, Mishaps, Point
from helpers.engine_support import known_request

S = AttemptState
_TICK_S = 0.5
_NO_TIME_S = 1e-6
"""Less than that can vanish in a float, and no real clock knows it."""
_MOST_STEPS = 5_000
_EPOCH = datetime(2026, 1, 2, tzinfo=UTC)
_POINTS: dict[type, Point] = {
    Submit: Point.CREATE,
    Poll: Point.READ,
    Fetch: Point.FETCH,
    Prepare: Point.PREPARE,
    Link: Point.PREPARE,
    Publish: Point.PUBLISH,
}
_THROTTLED, _BUSY = 429, (429, 503)
_PLACE = "s3://bucket"
_GRACE_S = 60.0
_LONGEST_POLL_S = 120.0
"""Between two looks at any task, and for the looks to be answered."""
_DURATION_S = 5
NO_LIMIT = Decimal("Infinity")
_WITH_SEED, _DERIVED_SEED, _WITHOUT_SEED = "written", "derived", "random"
_FOLLOWING = (Action.RESUME, Action.WAIT)
"""Steps after which the same request is sent again where no task was created, or another may do better."""
_WISHES = (_WITH_SEED, _WITH_SEED, _DERIVED_SEED, _WITHOUT_SEED)
"""What the manifest says of the seed."""


def hash_of(*texts: str) -> str:
    """The hash of texts."""
    return hashlib.sha256(" ".join(texts).encode()).hexdigest()


class Bug(Exception):  # noqa: N818 - what it is
    """Something that nobody thought of, in the middle of a run."""


def _no_files(_: str) -> int:
    return 0


def _large_files(_: str) -> int:
    return 400_000_000


def _no_scene(_: str) -> bool:
    return False


def _each_scene(_: str) -> bool:
    return True


class World(Executor):
    """Clock, executor, user and gateway of one history. ``seen`` counts what happened."""

    def __init__(self, random: Random, seen: Counter[str], *, scenes: int = 1, cap: int = 99) -> None:
        self.random = random
        # Of its own, so that histories in which nothing is published stay what they are.
        self._draw = Random(repr(random.getstate()[1][:8]))  # noqa: S311 - a game and no secret
        self.seen = seen
        self._removed: dict[str, str] = {}
        self._first: dict[str, str] = {}
        self.now_s = 1000.0
        self._moment = 0.0, ""
        self.gateway = ModelGateway(random, cap)
        self.witness = Witness(Disk(random, seen), self._told)
        self.price_usd = Decimal("0.10")
        self.versions: dict[str, str] = {}
        """What the manifest asks for under each name."""
        for number in range(scenes):
            self.add(f"s{number}")
        self._edits = 1
        self._kept: dict[str, str] = {}
        self._bought_again: Counter[str] = Counter()
        self.budget: Decimal | None = None
        self.attempts = 1
        self.interrupts = 0.0
        self.bugs = 0.0
        self._request_ids: set[str] = set()
        self._ids = 0
        self.asked_again: set[str] = set()
        self._ceiling = Decimal(0)
        self._budget: Decimal | None = None
        self._clear()

    def _clear(self) -> None:
        """Forget everything that belongs to one process."""
        self._steps = 0
        self.broken: AssertionError | None = None
        self._pending: list[tuple[float, int, Callable[[], None]]] = []
        self._unsent: dict[int, Submit] = {}
        self._unanswered: set[int] = set()
        self._interrupted_at = float("inf")
        self._under_way = 0
        self._count = 0
        self._scenes: dict[str, SceneFacts] = {}
        self.may_buy: set[str] = set()
        self._denied = False
        self._refused_form: dict[str, str] = {}
        self._asked_otherwise: set[tuple[str, int]] = set()
        self._held_until = self._refused_at = 0.0
        self._sent_at: dict[Command, float] = {}
        self._recent: deque[bool] = deque(maxlen=TRIPS_AMONG)
        self._probes: int | None = None
        self._refused: Counter[str] = Counter()
        self._shut_out_since: float | None = None
        self._missing: set[str] | None = set()
        self._missing_since: float | None = None
        self._named: dict[tuple[str, int], str] = {}
        self._heard: Heard | None = None
        self._told_ids: set[str] = set()
        self._looked_at: set[str] = set()
        self._published: dict[str, str] = {}
        self._may_not_publish = False
        self._settings = Settings()
        self._most_in_flight = 0
        self._ended_at = self.now_s
        self._scheduler: Scheduler
        self._loop: Loop

    # The clock

    def now(self) -> float:
        return self.now_s

    def at(self) -> str:
        if self._moment[0] != self.now_s:
            self._moment = self.now_s, self._at_later(0.0)
        return self._moment[1]

    def _at_later(self, seconds: float) -> str:
        moment = _EPOCH + timedelta(seconds=self.now_s + seconds)
        return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"

    def receive(self, inbox: Inbox, timeout_s: float) -> Received | None:
        if self.witness.disk.is_dead:
            raise Crash
        if self.broken is not None:
            raise self.broken  # the loop waits for answers before it lets an error out
        self._steps += 1
        assert self._steps < _MOST_STEPS, "the run does not end"
        if self.interrupts and self.random.random() < self.interrupts:
            self._interrupted_at = min(self._interrupted_at, self.now_s)
            self._loop.interrupt()
        try:
            return inbox.get_nowait()
        except Empty:
            self._advance(timeout_s)
        try:
            return inbox.get_nowait()
        except Empty:
            return None

    def _advance(self, timeout_s: float) -> None:
        """Let the next thing happen, or time pass. Idle ticks are skipped: to wake late is allowed."""
        until = self.now_s + max(timeout_s, _NO_TIME_S)
        if timeout_s >= _TICK_S:
            wakes_at = self._scheduler.wakes_at()
            until = max(wakes_at, until) if wakes_at is not None else float("inf")
        if self._pending and self._pending[0][0] <= until:
            when, _, happen = heapq.heappop(self._pending)
            self.now_s = max(self.now_s, when)
            with self._noticing():
                happen()
            return
        assert until < float("inf"), "the run waits for what can never happen"
        self.now_s = max(until, self.now_s)

    # The executor: the gateway acts at one moment, and the answer is seen at a later one.

    def submit(self, perform: Callable[..., Any], /, *args: Any, **_: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        (command,) = args
        self._count += 1
        number = self._count
        if isinstance(command, Submit):
            with self._noticing():
                self._check_submission(command)
            self._unsent[number] = command
            self._sent_at[command] = self.now_s
            self._unanswered.add(number)
        self._under_way += 1
        assert self._under_way <= self._settings.workers, "more acts under way than workers"

        def acted() -> None:
            self._unsent.pop(number, None)
            if not isinstance(command, Submit) and self.bugs and self.random.random() < self.bugs:
                self.seen["bugs"] += 1
                self._under_way -= 1
                future.set_exception(Bug())
                return
            result = perform(command)
            heard = self._heard
            self._later(self.random.choice((0.0, 0.1, 3.0)), lambda: seen(result, heard))

        def seen(result: CommandResult, heard: Heard | None) -> None:
            self._under_way -= 1
            self._unanswered.discard(number)
            self._hear(result, heard)
            future.set_result(result)

        latency = self.random.choice((None, 0.0, 0.01, 0.3, 2.0, 15.0))
        if latency is None:  # a thread may be done before the loop comes back to itself
            with self._noticing():
                acted()
        else:
            self._later(latency, acted)
        return future

    def _check_submission(self, command: Submit) -> None:
        """What the policies say of when a submission may go out."""
        assert not self._denied, "submitted though the gateway refused the account"
        intent = self.witness.state.latest(command.scene_id)
        assert intent is not None, "submitted without an intent"
        promises.looked_before(intent, self.witness.state, self._looked_at)
        if self._settings.publishes(command.scene_id):
            self._check_published(command)
        assert self.now_s >= self._held_until, "submitted though the gateway asked to wait"
        assert self._missing_since is None, "submitted to a gateway that knows none of the tasks"
        assert self._probes is None or not self._unanswered, "several submissions at once to a broken gateway"
        assert self._probes is None or self._probes < MOST_PROBES, "submitted on and on without a usable answer"
        assert self._refused[command.scene_id] < MOST_POSTS, "refused, and submitted on and on"
        is_known = len(self._settings.request_formats) == 1 or self.witness.state.request_format
        assert is_known or not self._unanswered, "several submissions at once, and nobody knows in which form"
        refused = self._refused_form.pop(command.scene_id, "")
        assert refused != command.request_format, "refused for its form, and submitted in that form again"

    def _check_published(self, command: Submit) -> None:
        """What a request names by URL is published in this process, is young enough, and is written down."""
        assert not self._may_not_publish, "submitted though files may not be published"
        known = self.witness.state.published.get((_PLACE, hash_of(command.scene_id)))
        assert known is not None, "submitted before its files were known to be published"
        assert self.at() < self._published.get(command.scene_id, ""), "submitted with a URL that nobody has looked at"
        assert self.at() < known.good_until, "submitted with a URL that has expired"
        self.seen["submitted with URLs"] += 1

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Keep a broken promise in mind: the loop does much before it lets an error out."""
        try:
            yield
        except AssertionError as error:
            self.broken = error
            raise

    def _later(self, wait: float, happen: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._pending, (self.now_s + wait, self._count, happen))

    def _hear(self, result: CommandResult, heard: Heard | None) -> None:
        """From here on the run knows of an answer, and has to keep to it."""
        if isinstance(result, SubmitResult):
            self._hear_of_submission(result, heard)
        if isinstance(result, PollResult):
            self._hear_of_task(result)
            self._looked_at.add(result.command.task_id)
        if isinstance(result, PublishResult):
            self._may_not_publish = self._may_not_publish or result.denied
            self._published[result.command.scene_id] = result.good_until
        if isinstance(heard, Answer):
            self._denied = self._denied or answers.refuses_account(heard)
            if heard.status in _BUSY and heard.retry_after_s is not None:
                self._held_until = max(self._held_until, self.now_s + heard.retry_after_s)

    def _hear_of_task(self, result: PollResult) -> None:
        """From when on each of several open tasks was met with 404, and none with anything else."""
        if result.classification.kind in (Kind.RUNNING, Kind.DONE, Kind.NO_RESULT, Kind.FAILED):
            self._missing = self._missing_since = None
        read = self._scheduler.state.attempt((result.command.scene_id, result.command.attempt))
        still_runs = read.is_open and read.state is not S.NO_RESULT
        if result.classification.not_found and self._missing is not None and still_runs:
            self._missing.add(result.command.task_id)
            if len(self._missing) > 1 and self._missing_since is None:
                self._missing_since = self.now_s

    def _hear_of_submission(self, result: SubmitResult, heard: Heard | None) -> None:
        """What the policies speak of, told here a second time: refusals are spaced, and uncertainty is not a habit."""
        if result.task_id is not None and self.witness.state.owner_of(result.task_id) is None:
            self._told_ids.add(result.task_id)
        kind, scene_id = result.classification.kind, result.command.scene_id
        if result.candidate_id in self.gateway.books and kind is Kind.UNCERTAIN:
            self._named[scene_id, result.command.attempt] = result.candidate_id or ""
        if heard in answers.WRONG_FORM:
            self.seen["refused for the form"] += 1
            one_form = (
                len(self._settings.request_formats) == 1 or (scene_id, result.command.attempt) in self._asked_otherwise
            )
            assert result.command.other_format or one_form, "refused for its form, and not asked in the other"
        if result.classification.malformed and result.command.other_format:
            asked = scene_id, result.command.attempt
            assert asked not in self._asked_otherwise, "asked in one form after the other, on and on"
            self._asked_otherwise.add(asked)
            self._refused_form[scene_id] = result.command.request_format
        throttled = isinstance(heard, Answer) and heard.status == _THROTTLED
        # Refusals that come together count once.
        if throttled and self._sent_at[result.command] > self._refused_at:
            self._refused_at = self.now_s
            self._held_until = max(self._held_until, self.now_s + FIRST_HOLD_S)
        reached = isinstance(heard, Answer) or kind is Kind.UNCERTAIN
        self._refused[scene_id] += reached and kind is Kind.REFUSED and not throttled
        repeated = result.task_id is not None and result.task_id not in self._told_ids
        uncertain = kind is Kind.UNCERTAIN or repeated
        if not reached:
            return
        if self._probes is None:
            self._recent.append(uncertain)
            if sum(self._recent) >= TRIPS_AFTER:
                self._probes = -len(self._unanswered)
        elif self._probes < 0 or uncertain:
            self._probes += 1
        else:
            self._probes = None
            self._recent.clear()

    def perform(self, command: Command) -> CommandResult:
        """What the gateway makes of an act; the process may be cut off before, or before it knows."""
        mishap = self.witness.disk.mishaps.at(point := _POINTS[type(command)])
        if mishap is not None:
            self.seen[f"{point} {mishap.how}"] += 1
            if mishap.how is How.BEFORE:
                self.witness.disk.die()
        result = self._carried_out(command)
        if mishap is not None:
            self.witness.disk.die()
        return result

    def _carried_out(self, command: Command) -> CommandResult:
        if isinstance(command, Submit):
            return self._create(command)
        if isinstance(command, Fetch):
            return self._fetch(command)
        if isinstance(command, Prepare):
            return self.prepare(command)
        if isinstance(command, Publish):
            return self._publish(command)
        if isinstance(command, Link):
            return self.link(command)
        known = self.witness.state.attempts[command.scene_id][command.attempt - 1]
        assert known.task_id == command.task_id, "read before its id was durable"
        if known.state is S.NO_RESULT:  # what is written down need not be said again
            self.gateway.books[command.task_id].quiet = True
        self._heard = self.gateway.read(command.task_id, self.now_s)
        classification, result = answers.of_reading(self._heard, command.task_id)
        self.seen[f"read {classification.kind}"] += 1
        self.seen[f"read answered by {answers.name_of(self._heard)}"] += 1
        return PollResult(command, classification, result)

    def _create(self, command: Submit) -> SubmitResult:
        assert command.scene_id in self._scenes, "submitted though the manifest has it no more"
        assert command.scene_id in self.may_buy, "submitted though the plan does not show it"
        state, scene = self.witness.state, self.as_sent(self._scenes[command.scene_id])
        intent = state.latest(command.scene_id)
        assert intent is not None, "sent without an intent"
        assert (intent.state, intent.number) == (S.SUBMITTING, command.attempt), "sent before the intent was durable"
        assert intent.request.sha256 == scene.request.sha256, "sent something else than was written down"
        before, known = len(self.gateway.books), tuple(self.gateway.books)
        self.gateway.known = tuple(task_id for task_id in state.tasks if task_id in self.gateway.books)
        self.seen[f"create as {command.request_format}"] += 1
        assert intent.request_id == command.request_id, "sent with an id that is not written down"
        assert command.request_id not in self._request_ids, "one id for two submissions"
        self._request_ids.add(command.request_id)
        self._heard = self.gateway.create(scene, command.request_format, self.now_s)
        if len(self.gateway.books) > before:
            asked = command.scene_id in self.asked_again
            reason = promises.bought_with_reason(intent, state, self.gateway.books, asked=asked, allowed=self.attempts)
            if reason is promises.Reason.WISH:
                assert promises.is_wished(state, intent), "bought though it was there, and nobody wished it"
                wish = self._wish(intent)
                assert not self._bought_again[wish], "bought twice for one wish"
                self._bought_again[wish] += list(self.gateway.books.values())[-1].fate != NEVER_MADE
                self.seen["bought again by wish"] += 1
            self._ceiling = max(self._ceiling, NO_LIMIT if self.budget is None else self.budget)
        result = answers.of_submission(command, self._heard)
        self.seen[f"create {result.classification.kind}"] += 1
        self.seen[f"create answered by {answers.name_of(self._heard)}"] += 1
        self.seen["create answered with the id of another task"] += result.task_id in known
        return result

    def _publish(self, command: Publish) -> PublishResult:
        """Publish, or see that what was published in this or an earlier process is still there."""
        self._heard, random = None, self._draw
        if random.random() < self.gateway.faults / 4:
            how = random.choice(("cut", "cut", "missing", "denied"))
            self.seen[f"publish {how}"] += 1
            return PublishResult(command, failure=how, again=how == "cut", denied=how == "denied")
        known = self.witness.state.published.get((_PLACE, hash_of(command.scene_id)))
        if known is not None and self.at() < known.good_until and random.random() < 0.8:
            self.seen["published before"] += 1
            return PublishResult(command, (), known.good_until)
        until = self._at_later(random.choice((60.0, 43_200.0)))
        self._count += 1
        self.seen["published"] += 1
        made = Publication(hash_of(command.scene_id), _PLACE, f"https://files.example/{self._count}", until)
        return PublishResult(command, (made,), until)

    def as_sent(self, scene: SceneFacts) -> SceneFacts:
        """A scene with what it asks for, as the manifest says it and what is durable."""
        return scene

    def prepare(self, command: Prepare) -> PrepareResult:
        """Make a request from results: no scene of this world is built on any."""
        raise AssertionError(f"{command.scene_id} is built on nothing")

    def link(self, command: Link) -> LinkResult:
        """Have a result of another run directory: this world knows none."""
        raise AssertionError(f"{command.scene_id} is lent nothing")

    def facts(self, state: State, choice: Choice) -> tuple[SceneFacts, ...]:  # noqa: ARG002 - for worlds with links
        """The scenes of the manifest, as a run finds them in a state."""
        return tuple(map(self.scene, self.versions))

    def _fetch(self, command: Fetch) -> FetchResult:
        self._heard = None
        if self.random.random() >= self.gateway.faults:
            return self._fetched(command)
        how = self.random.choice(("cut", "expired", "expired", "disk", "mismatch"))
        self.seen[f"fetch {how}"] += 1
        if how == "expired":
            task_id = self.witness.state.attempts[command.scene_id][command.attempt - 1].task_id or ""
            self.gateway.books[task_id].forgotten = self.random.random() < 0.3
        if how == "mismatch":
            return self._fetched(command, mismatch="too short")
        return FetchResult(command, failure=how, expired=how == "expired", unstorable=how == "disk")

    def _fetched(self, command: Fetch, mismatch: str | None = None) -> FetchResult:
        """Keep a result; nothing that was kept before may be lost by that."""
        path = result_path(command.scene_id, command.attempt)
        task_id = self.witness.state.attempt((command.scene_id, command.attempt)).task_id
        content = hashlib.sha256(str(task_id).encode()).hexdigest()
        assert self._kept.setdefault(path, content) == content, f"{path} was kept, and is written over"
        return FetchResult(command, path, content, mismatch)

    # One process

    def run(self, choice: Choice, mishaps: Mishaps = FAIR) -> Scheduler | None:
        """One process from its start to its end, whatever that is; None where it was cut off."""
        self._clear()
        self.witness.disk.mishaps = mishaps
        finished = None
        try:
            finished = self._process(choice)
        except Crash:
            self.seen["crashes"] += 1
            if mishaps is not FAIR and self.random.random() < 0.5:
                self.witness.disk.power_fails()
        except (RunDirectoryError, Bug) as error:
            self._check_last_words(error)
        self.seen["processes"] += 1
        self._orphans()
        self.now_s += self.random.choice((0.0, 10.0, 1000.0))
        self.check()
        return finished

    def _check_last_words(self, error: Exception) -> None:
        """A process that ends so has waited for answers, and said which tasks it could not write down."""
        said = "\n".join([str(error), *getattr(error, "__notes__", ())])
        assert "damaged" not in said, said
        assert self.now_s - self._ended_at >= _GRACE_S - _NO_TIME_S or not self._unanswered, "ended without the answers"
        self.seen["ended by a bug" if isinstance(error, Bug) else "stopped by the disk"] += 1
        known = {attempt.task_id for attempt in self.witness.state.all_attempts()}
        lost = {task_id for task_id in self._told_ids - known if task_id not in said}
        assert not lost, f"paid, and written down nowhere: {lost}"

    def _process(self, choice: Choice) -> Scheduler:
        state = self.witness.open()
        self._budget = self.budget
        faulty = self.gateway.faults
        # A repetition that was asked for and created nothing is still asked for.
        facts = self.facts(state, choice)
        standing = [(scene.scene_id, state.current_attempt(scene)) for scene in facts]
        still = {
            name
            for name, one in standing
            if one is not None and (one.is_unknown or one.is_open or one.again or one.state is S.REFUSED)
        }
        self.asked_again = set(self.versions) if choice.retry_failed else self.asked_again & still
        without = {name for name, one in standing if one is not None and one.state is S.NO_RESULT}
        self.asked_again |= {name for name in without if choice.wants_again(name)}
        open_wishes = {wish[0] for wish in state.wanted_again.values()}
        for wish in [each for each in self._bought_again if each.split()[-1] not in open_wishes]:
            del self._bought_again[wish]
        self._scenes = {scene.scene_id: scene for scene in facts}
        self._settings = self._some_settings(choice)
        missing = [scene_id for scene_id in self.versions if faulty and self.random.random() < faulty / 4]
        begun: list[Event] = [RunStarted(self.at(), "1")]
        if state.scenes != facts:
            begun.append(news_of(state.scenes, self.at(), "garden", "m", facts))
        self.witness.append(begun)
        for event in begun:
            state.apply(event)
        assert state.scenes == facts, "the scenes are not those of the manifest"
        steps = plan(facts, state, choice, missing)
        wishes = [WantedAgain(self.at(), step.scene.scene_id) for step in steps if step.again]
        self._remember(state, [*adoptions(state, self.at()), *wishes])
        following = (step for step in steps if step.buys or (step.action in _FOLLOWING and not step.blocked))
        self.may_buy = {step.scene.scene_id for step in following}
        self.seen["reused"] += sum(step.action is Action.REUSE for step in steps)
        self.seen["waits for another"] += sum(step.action is Action.WAIT for step in steps)
        resumed = sum(one.is_open for one in state.all_attempts())
        most = max(self._settings.max_in_flight, resumed)
        scheduler = Scheduler(state, steps, self._settings, self.random.random, self._new_request_id, choice)
        self._scheduler = scheduler

        self._most_in_flight = most
        self._loop = Loop(scheduler, self, self.perform, self.witness, self, grace_s=_GRACE_S)
        self._loop.run(self)
        waited = self.now_s - self._interrupted_at >= _GRACE_S - _NO_TIME_S
        assert waited or not self._unanswered, "ended without the answers to submissions under way"
        self.witness.append([ended := RunEnded(self.at(), 0)])
        state.apply(ended)
        assert state == self.witness.state, "the state is not what the journal tells"
        assert scheduler.stop is not None or not self._denied, "the gateway refused the account, and it goes on"
        unasked = [one for one in self._refused_form if self._refused[one] < MOST_POSTS]
        assert scheduler.stop is not None or not unasked, "refused for its form, and never asked in the other"
        for (scene_id, number), candidate in self._named.items():
            assert state.attempts[scene_id][number - 1].candidate_id == candidate, "an id that came is not kept"
        known = {attempt.task_id for attempt in state.all_attempts()}
        assert self._told_ids <= known, "told of a task, and written down nowhere"
        self.seen[f"stop {scheduler.stop or 'none'}"] += 1
        return scheduler

    def _remember(self, state: State, events: Sequence[Event]) -> None:
        if events:
            self.witness.append(events)
        for event in events:
            state.apply(event)
            self.seen["adopted"] += isinstance(event, Adopted)

    def turn(self) -> None:
        """The loop has gone around once."""
        self._ended_at = self.now_s
        with self._noticing():
            self._check_pace()

    def _check_pace(self) -> None:
        assert self._scheduler.in_flight <= self._most_in_flight, "more tasks in flight than allowed"
        since = self.now_s if self._missing_since is None else self._missing_since
        lost = self.now_s - since > LOST_AFTER_S + _LONGEST_POLL_S
        assert not lost or self._scheduler.stop is not None, "none of the tasks is known there, and it goes on"
        sending = self._scheduler.sending
        if self._scheduler.in_flight > sending or self.now_s < self.gateway.down_until:
            self._shut_out_since = None
        elif sending == 0 and self.now_s < self._held_until and self._scheduler.has_to_submit:
            self._shut_out_since = self._shut_out_since or self.now_s
            waited = self.now_s - self._shut_out_since
            assert waited <= PATIENCE_S or self._scheduler.stop is not None, "waits to be let in without end"

    def waits_for_answers(self, count: int, seconds: float) -> None:
        """The run ends early."""
        assert (count > 0, seconds) == (True, _GRACE_S)
        self.seen["waits for answers"] += 1

    def _new_request_id(self) -> str:
        self._ids += 1
        return f"q{self._ids}"

    def _some_settings(self, choice: Choice) -> Settings:
        choose, rough = self.random.choice, self.gateway.faults > 0
        return Settings(
            workers=choose((1, 2, 8, 64)),
            max_in_flight=choose((1, 2, 50)),
            submit_rate=choose((None, None, 0.5)),
            poll_interval_s=5.0,
            task_timeout_s=choose((3600.0, 40.0)) if rough else 3600.0,
            attempts=choice.attempts,
            wait=not rough or self.random.random() < 0.9,
            download=choice.download,
            budget_usd=self.budget,
            upload_bytes=choose((_no_files, _large_files)),
            publishes=self._draw.choice((_no_scene, _no_scene, _each_scene)),
            request_formats=("documented", "params") if not rough or self.random.random() < 0.9 else ("documented",),
        )

    def _orphans(self) -> None:
        """What had left the dead process may still reach the gateway."""
        for command in self._unsent.values():
            if self.random.random() < 0.5:
                self._create(command)

    def _told(self, event: Event) -> None:
        """The journal has said that an event is durable."""
        if isinstance(event, (Submitting, SubmittingAgain)) and self._budget is not None:
            promises.within_budget(event, self.witness.state, self._budget)
        if isinstance(event, Refused) and not event.again:
            assert event.scene_id not in self._refused_form, "failed before it was asked in the other form"

    # The user

    def scene(self, scene_id: str) -> SceneFacts:
        """What the manifest says of a scene now."""
        wish = self.versions[scene_id]
        asked: dict[str, Any] = {"size": "1280*720", "duration": _DURATION_S}
        any_seed = None if wish.startswith(_WITH_SEED) else hash_of(wish)
        if not wish.startswith(_WITHOUT_SEED):
            asked["seed"] = 7 if any_seed is None else int(hash_of(scene_id)[:6], 16)
        request = {"model": "m", "input": {"prompt": wish}, "parameters": asked}
        sha256 = hash_of(wish, *([str(asked["seed"])] if wish.startswith(_DERIVED_SEED) else []))
        facts = known_request(sha256, request, "720P", ("hero",))
        return SceneFacts(scene_id, facts, self.price_usd * _DURATION_S, any_seed)

    def edit(self, scene_id: str) -> None:
        """The user wants something that was never wanted before of a scene."""
        self._edits += 1
        self.versions[scene_id] = f"{self.versions[scene_id].split()[0]} edit {self._edits}"

    def take_back(self, scene_id: str) -> None:
        """The user wants a scene again as it was in the beginning."""
        self.versions[scene_id] = self._first[scene_id]

    def remove(self, scene_id: str) -> None:
        """The user takes a scene out of the manifest."""
        self._removed[scene_id] = self.versions.pop(scene_id)

    def add(self, scene_id: str) -> None:
        """The user puts a scene into the manifest, or back into it as it was."""
        wish = f"{self.random.choice(_WISHES)} {scene_id}"
        self._first.setdefault(scene_id, wish)
        self.versions.setdefault(scene_id, self._removed.get(scene_id, self._first[scene_id]))

    def want_the_same(self, scene_id: str, other_id: str) -> None:
        """The user wants of one scene what another one is."""
        self.versions[scene_id] = self.versions[other_id]

    def rename(self, scene_id: str) -> None:
        """The user gives a scene another name, and wants the same of it."""
        self.repeat(scene_id)
        self.remove(scene_id)

    def repeat(self, scene_id: str) -> None:
        """The user wants of a new scene what another one is already."""
        self._edits += 1
        name = f"n{self._edits}"
        self.versions[name] = self._first[name] = self.versions[scene_id]
        if scene_id in self.asked_again:
            self.asked_again.add(name)

    def resolve(self, *, truthfully: bool = True) -> None:
        """The user settles what is unknown: with what the provider shows, or by saying that there is nothing."""
        if self.witness.is_settled() and not any(map(self._is_mistyped, self.witness.state.all_attempts())):
            return
        self.witness.disk.mishaps = FAIR
        state = self.witness.open()
        for attempt in [one for one in state.all_attempts() if one.is_unknown or self._is_mistyped(one)]:
            known = {one.task_id for one in state.all_attempts()}
            # What a task was asked for can be seen at the provider.
            books = [one for one in self.gateway.books.values() if one.sha256 == attempt.request.sha256]
            mine = [one for one in books if one.scene_id == attempt.scene_id and one.task_id not in known]
            mine = [entry for entry in mine if not entry.disowned]
            task_id = mine[0].task_id if mine and truthfully else None
            if attempt.is_unknown and self.gateway.faults and self.random.random() < 0.2:
                task_id = f"mistyped-{attempt.scene_id}-{attempt.number}"
            else:
                for entry in mine:
                    entry.disowned = not truthfully
                if not truthfully:
                    self._bought_again[self._wish(attempt)] = 0
                self.seen["corrected"] += not attempt.is_unknown
            self.witness.append([event := Resolved(self.at(), attempt.scene_id, attempt.number, task_id)])
            state.apply(event)
            self.seen["resolved"] += 1

    def _wish(self, attempt: Attempt) -> str:
        """What a purchase fulfils: the wish for its request, or where results differ for its scene."""
        sha256 = attempt.request.sha256
        return f"{attempt.scene_id} {sha256}" if attempt.any_seed == sha256 else sha256

    def _is_mistyped(self, attempt: Attempt) -> bool:
        """Whether the user gave an id that there is not, which can be put right."""
        return attempt.by_hand and attempt.is_open and attempt.task_id not in self.gateway.books

    def _is_really_gone(self, attempt: Attempt) -> bool:
        entry = self.gateway.books[attempt.task_id or ""]
        return entry.fate in ("gone", NO_RESULT) or entry.forgotten

    # What has to hold

    def check(self) -> None:
        """The promises that hold at any time."""
        promises.nothing_is_lost(self.witness.state, self.gateway.books)
        promises.no_result_is_given_up(self.witness.state, self.gateway.books)
        for attempt in self.witness.state.all_attempts():
            if attempt.has_file:
                assert self._kept[str(attempt.video_path)] == attempt.video_sha256, (
                    f"{attempt.name} is not what is kept"
                )

    def reconcile(self) -> None:
        """The money, scene by scene; as the journal tells it to a new process."""
        self.witness.disk.mishaps = FAIR
        state = self.witness.open()
        promises.books_agree(state, self.gateway.books)
        promises.ceiling_holds(self.gateway.books, self._ceiling)
        for attempt in state.all_attempts():
            self.seen[f"state {attempt.state}"] += 1

    def fair_weather(self) -> None:
        """Everything works from now on; the next run brings all to its end."""
        self.gateway.clear_up()
        self.interrupts = self.bugs = 0.0
        self.resolve()
        scheduler = self.run(Choice())
        if any(map(self.witness.state.is_wanted_again, self.versions)):
            scheduler = self.run(Choice())  # what was on its way for a wish had come to nothing
        assert scheduler is not None, "cut off in fair weather"
        self.reconcile()
        state = self.witness.state
        attempts = list(state.all_attempts())
        left_open = [one for one in attempts if one.is_open]
        assert all(self._is_really_gone(one) for one in left_open), "fair weather leaves a task running"
        to_fetch = [one for one in attempts if one.state in (S.COMPLETED, S.DOWNLOAD_FAILED)]
        assert all(self._is_really_gone(one) for one in to_fetch), "what was paid for is not here"
        listed = [(scene, state.current_attempt(scene)) for scene in state.scenes]
        promises.one_scene_each(listed)
        left = {one.state for scene, one in listed if one is not None and one.asks_for(scene) and not one.is_open}
        assert left <= {S.DELIVERED, S.MISMATCHED, S.FAILED, S.REFUSED}, f"fair weather leaves {left}"
        nobody_left = scheduler.stop is Stop.UNREACHABLE and len(left_open) > 1
        if self.budget is None and not nobody_left:
            assert scheduler.stop is None, f"fair weather stops: {scheduler.stop}"
            assert not any(map(state.is_wanted_again, self.versions)), "a wish is not fulfilled"

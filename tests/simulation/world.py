"""Processes, one after the other, in virtual time: the real loop, scheduler, planner and journal.

What is not real: the clock, the executor, the disk and the gateway, which keeps books of its own.
The books are what every promise is held against.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from queue import Empty
from random import Random
from typing import Any

from simulation import answers, promises
from simulation.answers import Heard
from simulation.disk import Disk, Witness
from simulation.gateway import ModelGateway
from simulation.mishaps import FAIR, Crash, How, Mishaps, Point

from batchgen.engine.commands import Act, Ending, Fetch, FetchEnded, Poll, PollEnded, Submit, SubmitEnded
from batchgen.engine.events import Event, ManifestRead, Resolved, RunEnded, RunStarted, SceneFacts, Submitting
from batchgen.engine.planner import Choice, plan
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import AttemptState
from batchgen.errors import RunDirectoryError
from batchgen.gateway.wire import Answer
from batchgen.runner.loop import GRACE_S, Inbox, Loop, Wake

S = AttemptState
_TICK_S = 0.5
_NO_TIME_S = 1e-6
"""Less than that can vanish in a float, and no real clock knows it."""
_MOST_STEPS = 5_000
_EPOCH = datetime(2026, 1, 2, tzinfo=UTC)
_POINTS: dict[type, Point] = {Submit: Point.CREATE, Poll: Point.READ, Fetch: Point.FETCH}
_DENIED = (401, 403)
_BUSY = (429, 503)
_DURATION_S = 5
NO_LIMIT = Decimal("Infinity")


class World(Executor):
    """Clock, executor, user and gateway of one history. ``seen`` counts what happened."""

    def __init__(self, random: Random, seen: Counter[str], *, scenes: int = 1, cap: int = 99) -> None:
        self.random = random
        self.seen = seen
        self.now_s = 1000.0
        self._moment = 0.0, ""
        self.gateway = ModelGateway(random, cap)
        self.witness = Witness(Disk(random, seen), self._told)
        self.price_usd = Decimal("0.10")
        self.versions = {f"s{number}": 1 for number in range(scenes)}
        self._edits = 1
        self.budget: Decimal | None = None
        self.attempts = 1
        self.interrupts = 0.0
        self.asked_again: set[str] = set()
        self._removed: dict[str, int] = {}
        self._ceiling = Decimal(0)
        self._budget: Decimal | None = None
        self._clear()

    def _clear(self) -> None:
        """Forget everything that belongs to one process."""
        self._steps = 0
        self._pending: list[tuple[float, int, Callable[[], None]]] = []
        self._unsent: dict[int, Submit] = {}
        self._unanswered: set[int] = set()
        self._interrupted_at = float("inf")
        self._under_way = 0
        self._count = 0
        self._scenes: dict[str, SceneFacts] = {}
        self._denied = False
        self._held_until = 0.0
        self._heard: Heard | None = None
        self._told_ids: set[str] = set()
        self._settings = Settings()
        self._scheduler: Scheduler
        self._loop: Loop

    # The clock

    def now(self) -> float:
        return self.now_s

    def at(self) -> str:
        if self._moment[0] != self.now_s:
            moment = _EPOCH + timedelta(seconds=self.now_s)
            self._moment = self.now_s, f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"
        return self._moment[1]

    def receive(self, inbox: Inbox, timeout_s: float) -> Ending | Wake | None:
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
            happen()
            return
        assert until < float("inf"), "the run waits for what can never happen"
        self.now_s = max(until, self.now_s)

    # The executor: the gateway acts at one moment, and the answer is seen at a later one.

    def submit(self, perform: Callable[..., Any], /, *args: Any, **_: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        (act,) = args
        self._count += 1
        number = self._count
        if isinstance(act, Submit):
            assert not self._denied, "submitted though the gateway refused the account"
            assert self.now_s >= self._held_until, "submitted though the gateway asked to wait"
            self._unsent[number] = act
            self._unanswered.add(number)
        self._under_way += 1
        assert self._under_way <= self._settings.workers, "more acts under way than workers"

        def acted() -> None:
            self._unsent.pop(number, None)
            ending = perform(act)
            heard = self._heard
            self._later(self.random.choice((0.0, 0.1, 3.0)), lambda: seen(ending, heard))

        def seen(ending: Ending, heard: Heard | None) -> None:
            self._under_way -= 1
            self._unanswered.discard(number)
            self._hear(ending, heard)
            future.set_result(ending)

        latency = self.random.choice((None, 0.0, 0.01, 0.3, 2.0, 15.0))
        if latency is None:  # a thread may be done before the loop comes back to itself
            acted()
        else:
            self._later(latency, acted)
        return future

    def _later(self, wait: float, happen: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._pending, (self.now_s + wait, self._count, happen))

    def _hear(self, ending: Ending, heard: Heard | None) -> None:
        """From here on the run knows of an answer, and has to keep to it."""
        if isinstance(ending, SubmitEnded) and ending.task_id is not None:
            self._told_ids.add(ending.task_id)
        if isinstance(heard, Answer):
            self._denied = self._denied or heard.status in _DENIED
            if heard.status in _BUSY and heard.retry_after_s is not None:
                self._held_until = max(self._held_until, self.now_s + heard.retry_after_s)

    def perform(self, act: Act) -> Ending:
        """What the gateway makes of an act; the process may be cut off before, or before it knows."""
        mishap = self.witness.disk.mishaps.at(point := _POINTS[type(act)])
        if mishap is not None:
            self.seen[f"{point} {mishap.how}"] += 1
            if mishap.how is How.BEFORE:
                raise Crash
        ending = self._carried_out(act)
        if mishap is not None:
            raise Crash
        return ending

    def _carried_out(self, act: Act) -> Ending:
        if isinstance(act, Submit):
            return self._create(act)
        if isinstance(act, Fetch):
            return self._fetch(act)
        known = self.witness.state.attempts[act.scene_id][act.attempt - 1]
        assert known.task_id == act.task_id, "read before its id was durable"
        self._heard = self.gateway.read(act.task_id, self.now_s)
        meaning, result = answers.of_reading(self._heard)
        self.seen[f"read {meaning.kind}"] += 1
        self.seen[f"read answered by {answers.name_of(self._heard)}"] += 1
        return PollEnded(act, meaning, result)

    def _create(self, act: Submit) -> SubmitEnded:
        assert act.scene_id in self._scenes, "submitted though the manifest has it no more"
        state, scene = self.witness.state, self._scenes[act.scene_id]
        intent = state.latest(act.scene_id)
        assert intent is not None, "sent without an intent"
        assert (intent.state, intent.number) == (S.SUBMITTING, act.attempt), "sent before the intent was durable"
        assert intent.request_sha256 == scene.request_sha256, "sent something else than was written down"
        before = len(self.gateway.books)
        self._heard = self.gateway.create(scene, self.now_s)
        if len(self.gateway.books) > before:
            asked = act.scene_id in self.asked_again
            promises.bought_with_reason(intent, state, self.gateway.books, asked=asked, allowed=self.attempts)
            self._ceiling = max(self._ceiling, NO_LIMIT if self.budget is None else self.budget)
        meaning, task_id = answers.of_submission(self._heard)
        self.seen[f"create {meaning.kind}"] += 1
        self.seen[f"create answered by {answers.name_of(self._heard)}"] += 1
        return SubmitEnded(act, meaning, task_id)

    def _fetch(self, act: Fetch) -> FetchEnded:
        self._heard = None
        if self.random.random() >= self.gateway.faults:
            return FetchEnded(act, f"videos/{act.scene_id}.mp4", "ab" * 32)
        how = self.random.choice(("cut", "expired", "expired", "disk", "mismatch"))
        self.seen[f"fetch {how}"] += 1
        if how == "expired":
            task_id = self.witness.state.attempts[act.scene_id][act.attempt - 1].task_id or ""
            self.gateway.books[task_id].forgotten = self.random.random() < 0.3
        if how == "mismatch":
            return FetchEnded(act, f"videos/{act.scene_id}.mp4", "ab" * 32, mismatch="too short")
        return FetchEnded(act, failure=how, expired=how == "expired", unstorable=how == "disk")

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
        except RunDirectoryError as error:
            self._check_last_words(str(error))
        self.seen["processes"] += 1
        self._orphans()
        self.now_s += self.random.choice((0.0, 10.0, 1000.0))
        self.check()
        return finished

    def _check_last_words(self, said: str) -> None:
        """A process that cannot write any more has said which tasks it could not write down."""
        assert "damaged" not in said, said
        self.seen["stopped by the disk"] += 1
        known = {attempt.task_id for attempt in self.witness.state.all_attempts()}
        lost = {task_id for task_id in self._told_ids - known if task_id not in said}
        assert not lost, f"paid, and written down nowhere: {lost}"

    def _process(self, choice: Choice) -> Scheduler:
        state = self.witness.open()
        self._budget = self.budget
        faulty = self.gateway.faults
        # A repetition that was asked for and created nothing is still asked for.
        latest = [attempt for attempt in map(state.latest, self.versions) if attempt is not None]
        still = {one.scene_id for one in latest if one.is_unknown or one.is_open or one.again or one.state is S.REFUSED}
        self.asked_again = set(self.versions) if choice.retry_failed else self.asked_again & still
        facts = tuple(map(self.scene, self.versions))
        self._scenes = {scene.scene_id: scene for scene in facts}
        self._settings = self._some_settings(choice)
        missing = [scene_id for scene_id in self.versions if faulty and self.random.random() < faulty / 4]
        begun: list[Event] = [RunStarted(self.at(), "1")]
        if state.scenes != facts:
            begun.append(ManifestRead(self.at(), "garden", "m", facts))
        self.witness.append(begun)
        for event in begun:
            state.apply(event)
        resumed = sum(one.is_open for one in state.all_attempts())
        most = max(self._settings.max_in_flight, resumed)
        scheduler = Scheduler(state, plan(facts, state, choice, missing), self._settings, self.random.random)
        self._scheduler = scheduler

        def observe() -> None:
            assert scheduler.in_flight <= most, "more tasks in flight than allowed"

        self._loop = Loop(scheduler, self, self.perform, self.witness, self)
        self._loop.run(observe)
        waited = self.now_s - self._interrupted_at >= GRACE_S - _NO_TIME_S
        assert waited or not self._unanswered, "ended without the answers to submissions under way"
        self.witness.append([ended := RunEnded(self.at(), 0)])
        state.apply(ended)
        assert state == self.witness.state, "the state is not what the journal tells"
        assert scheduler.stop is not None or not self._denied, "the gateway refused the account, and it goes on"
        known = {attempt.task_id for attempt in state.all_attempts()}
        assert self._told_ids <= known, "told of a task, and written down nowhere"
        self.seen[f"stop {scheduler.stop or 'none'}"] += 1
        return scheduler

    def _some_settings(self, choice: Choice) -> Settings:
        choose, rough = self.random.choice, self.gateway.faults > 0
        return Settings(
            workers=choose((1, 2, 8)),
            max_in_flight=choose((1, 2, 50)),
            submit_rate=choose((None, None, 0.5)),
            poll_interval_s=5.0,
            task_timeout_s=choose((3600.0, 40.0)) if rough else 3600.0,
            attempts=self.attempts,
            wait=not rough or self.random.random() < 0.9,
            download=choice.download,
            budget_usd=self.budget,
        )

    def _orphans(self) -> None:
        """What had left the dead process may still reach the gateway."""
        for act in self._unsent.values():
            if self.random.random() < 0.5:
                self._create(act)

    def _told(self, event: Event) -> None:
        """The journal has said that an event is durable."""
        if isinstance(event, Submitting) and self._budget is not None:
            promises.within_budget(event, self.witness.state, self._budget)

    # The user

    def scene(self, scene_id: str) -> SceneFacts:
        """What the manifest says of a scene now."""
        version = self.versions[scene_id]
        asked = {"size": "1280*720", "duration": _DURATION_S, "seed": 7}
        request = {"model": "m", "input": {"prompt": f"{scene_id} {version}"}, "parameters": asked}
        return SceneFacts(
            scene_id, f"{scene_id}{version:064x}"[-64:], request, "720P", ("hero",), self.price_usd * _DURATION_S
        )

    def edit(self, scene_id: str) -> None:
        """The user wants something that was never wanted before of a scene."""
        self._edits += 1
        self.versions[scene_id] = self._edits

    def take_back(self, scene_id: str) -> None:
        """The user wants a scene again as it was in the beginning."""
        self.versions[scene_id] = 1

    def remove(self, scene_id: str) -> None:
        """The user takes a scene out of the manifest."""
        self._removed[scene_id] = self.versions.pop(scene_id)

    def add(self, scene_id: str) -> None:
        """The user puts a scene into the manifest, or back into it as it was."""
        self.versions.setdefault(scene_id, self._removed.get(scene_id, 1))

    def resolve(self, *, truthfully: bool = True) -> None:
        """The user settles what is unknown: with what the provider shows, or by saying that there is nothing."""
        if self.witness.is_settled():
            return
        self.witness.disk.mishaps = FAIR
        state = self.witness.open()
        known = {attempt.task_id for attempt in state.all_attempts()}
        for attempt in [one for one in state.all_attempts() if one.is_unknown]:
            books = self.gateway.books.values()
            mine = [one for one in books if one.scene_id == attempt.scene_id and one.task_id not in known]
            mine = [entry for entry in mine if not entry.disowned]
            task_id = mine[0].task_id if mine and truthfully else None
            for entry in mine:
                entry.disowned = not truthfully
            self.witness.append([event := Resolved(self.at(), attempt.scene_id, attempt.number, task_id)])
            state.apply(event)
            self.seen["resolved"] += 1

    # What has to hold

    def check(self) -> None:
        """The promises that hold at any time."""
        promises.nothing_is_lost(self.witness.state, self.gateway.books)

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
        self.gateway.faults = self.gateway.down_until = self.interrupts = 0.0
        self.resolve()
        scheduler = self.run(Choice())
        assert scheduler is not None, "cut off in fair weather"
        self.reconcile()
        state = self.witness.state
        assert not any(attempt.is_open for attempt in state.all_attempts()), "fair weather leaves a task running"
        listed = [(scene, state.standing(scene)) for scene in map(self.scene, self.versions)]
        left = {one.state for scene, one in listed if one and one.request_sha256 == scene.request_sha256}
        assert left <= {S.DELIVERED, S.MISMATCHED, S.FAILED, S.REFUSED}, f"fair weather leaves {left}"
        if self.budget is None:
            assert scheduler.stop is None, f"fair weather stops: {scheduler.stop}"

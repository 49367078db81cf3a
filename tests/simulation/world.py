"""A whole history from one seed: runs, crashes and resumes, in virtual time, of the real loop and scheduler.

What is not real: the clock, the executor, the disk (bytes in memory) and the gateway, which keeps
books of its own. The books are what every promise is held against.
"""

import heapq
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from decimal import Decimal
from pathlib import Path
from queue import Empty
from random import Random
from typing import Any

from simulation.gateway import ESTIMATE, OVERCHARGE, ModelGateway

from batchgen.engine.budget import charged
from batchgen.engine.commands import Act, Ending, Fetch, FetchEnded, Poll, PollEnded, Submit, SubmitEnded
from batchgen.engine.events import Event, ManifestRead, Resolved, RunEnded, RunStarted, SceneFacts
from batchgen.engine.planner import Choice, plan
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import Attempt, AttemptState, State
from batchgen.errors import RunDirectoryError
from batchgen.journal.log import replayed
from batchgen.journal.records import encode
from batchgen.runner.loop import Inbox, Loop, Wake

S = AttemptState
_FINISHED = frozenset({S.COMPLETED, S.DOWNLOAD_FAILED, S.DELIVERED, S.MISMATCHED, S.FAILED})
_TICK_S = 0.5
_MOST_STEPS = 5_000
_PLACE = Path("state.jsonl")


class Crash(BaseException):
    """The process is gone, at once."""


class Disk:
    """The journal's bytes; breaks when it is told to."""

    def __init__(self, random: Random) -> None:
        self.content = b""
        self.state = State()
        self._random = random
        self.faults = 0.0

    def append(self, events: Iterable[Event]) -> None:
        listed = list(events)
        if not listed:
            return
        lines = b"".join(map(encode, listed))
        draw = self._random.random()
        if self.faults * 0.5 <= draw < self.faults * 0.6:
            raise RunDirectoryError("no space left")
        if draw < self.faults * 0.5:
            lines = lines[: int(len(lines) * self._random.random())]  # often none of it, or half a line
        self.content += lines
        for event in listed[: lines.count(b"\n")]:
            self.state.apply(event)
        if draw < self.faults:
            raise Crash

    def reopened(self) -> State:
        """The state as a new process finds it; a torn tail is cut off."""
        state, length = replayed(_PLACE, self.content)
        self.content = self.content[:length]
        assert state == self.state, "the journal does not tell what was written"
        return state


class World(Executor):
    """Clock, executor and gateway of one history."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a game and no secret
        draw = self.random
        self.now_s = 1000.0
        self.disk = Disk(draw)
        self.gateway = ModelGateway(draw, cap=draw.choice((1, 2, 99)))
        self.intensity = draw.choice((0.0, 0.05, 0.2, 0.5))
        self.versions = {f"s{number}": 1 for number in range(draw.choice((1, 2, 3, 5)))}
        self.budget = draw.choice((None, None, Decimal("1.0"), Decimal("2.2")))
        self.attempts = draw.choice((1, 1, 2, 3))
        self.asked_again: set[str] = set()
        self.crash_rate = 0.0
        self.steps = 0
        self._pending: list[tuple[float, int, Callable[[], None]]] = []
        self._sent: dict[int, Act] = {}
        self._count = 0
        self._scheduler: Scheduler
        self._loop: Loop
        self._settings = Settings()

    # The clock

    def now(self) -> float:
        return self.now_s

    def at(self) -> str:
        return f"2026-01-02T03:04:05Z+{self.now_s:.3f}"

    def receive(self, inbox: Inbox, timeout_s: float) -> Ending | Wake | None:
        self.steps += 1
        assert self.steps < _MOST_STEPS, "the run does not end"
        if self.random.random() < self.crash_rate:
            if self.random.random() < 0.3:
                self._loop.interrupt()
            else:
                raise Crash
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
        until = self.now_s + max(timeout_s, 1e-6)  # less than that can vanish in a float, and no real clock knows it
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
        self._sent[number] = act
        assert len(self._sent) <= self._settings.workers, "more acts under way than workers"
        latency = self.random.choice((0.0, 0.01, 0.3, 2.0, 15.0))

        def acted() -> None:
            ending = perform(act)
            self._later(self.random.choice((0.0, 0.1, 3.0)), lambda: seen(ending))
            self._sent[number] = ending.act if not isinstance(act, Submit) else Poll("", 0, "")

        def seen(ending: Ending) -> None:
            del self._sent[number]
            future.set_result(ending)

        self._later(latency, acted)
        return future

    def _later(self, wait: float, happen: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._pending, (self.now_s + wait, self._count, happen))

    def perform(self, act: Act) -> Ending:
        """What the gateway makes of an act."""
        if isinstance(act, Submit):
            return self._create(act)
        if isinstance(act, Poll):
            known = self.disk.state.attempts[act.scene_id][act.attempt - 1]
            assert known.task_id == act.task_id, "read before its id was durable"
            return PollEnded(act, *self.gateway.read(act.task_id, self.now_s))
        return self._fetch(act)

    def _create(self, act: Submit) -> SubmitEnded:
        intent = self.disk.state.latest(act.scene_id)
        assert intent is not None
        assert (intent.state, intent.number) == (S.SUBMITTING, act.attempt), "sent before the intent was durable"
        before = len(self.gateway.books)
        meaning, task_id = self.gateway.create(act.scene_id, act.attempt, intent.request_sha256, self.now_s)
        if len(self.gateway.books) > before:
            self._check_purchase(intent)
        return SubmitEnded(act, meaning, task_id)

    def _check_purchase(self, bought: Attempt) -> None:
        """Nothing is bought twice: whatever was bought for the scene before has ended, and with good reason."""
        *earlier, _ = self.gateway.books.values()
        attempts = {attempt.task_id: attempt for attempt in self.disk.state.attempts[bought.scene_id]}
        for entry in earlier:
            if entry.scene_id != bought.scene_id:
                continue
            known = attempts.get(entry.task_id)
            assert known is not None, f"bought again while the outcome of {entry.task_id} is unknown"
            assert known.state in _FINISHED, f"bought again while {entry.task_id} is {known.state}"
            if known.request_sha256 == bought.request_sha256:
                asked = bought.scene_id in self.asked_again or known.number < bought.number - 1
                reasons = (S.FAILED, S.MISMATCHED) if asked else (S.FAILED,)
                assert known.state in reasons, f"bought again though {entry.task_id} is {known.state}"
        same = [known for known in attempts.values() if known.request_sha256 == bought.request_sha256]
        paid = sum(known.state in (S.FAILED, S.MISMATCHED) and not known.again for known in same)
        assert bought.scene_id in self.asked_again or paid < self.attempts, "more paid attempts than allowed"

    def _fetch(self, act: Fetch) -> FetchEnded:
        draw = self.random.random()
        if draw > self.gateway.faults:
            return FetchEnded(act, f"videos/{act.scene_id}.mp4", "ab")
        how = self.random.choice(("cut", "expired", "expired", "disk", "mismatch"))
        if how == "mismatch":
            return FetchEnded(act, f"videos/{act.scene_id}.mp4", "ab", mismatch="too short")
        return FetchEnded(act, failure=how, expired=how == "expired", unstorable=how == "disk")

    # A history

    def history(self) -> None:
        """Some runs that end badly, then one in fair weather; every promise is checked after each."""
        for _ in range(self.random.choice((1, 2, 3, 4))):
            self.gateway.faults = self.intensity
            self.disk.faults = self.random.choice((0.0, 0.05, 0.2))
            self.crash_rate = self.random.choice((0.0, 0.01, 0.05))
            if self.random.random() < self.intensity / 4:
                self.gateway.down_until = self.now_s + self.random.choice((5.0, 25.0, 60.0))
            self.run(Choice(retry_failed=self.random.random() < 0.2, download=self.random.random() < 0.9))
            self._user_acts()
        self.disk.faults = self.crash_rate = self.gateway.faults = self.gateway.down_until = 0.0
        self._resolve()
        scheduler = self.run(Choice())
        self.disk.reopened()
        assert scheduler is not None
        latest = [attempt for attempt in map(self.disk.state.latest, self.versions) if attempt is not None]
        left = {one.state for one in latest if one.request_sha256 == self._scene(one.scene_id).request_sha256}
        assert left <= {S.DELIVERED, S.MISMATCHED, S.FAILED, S.REFUSED}, f"fair weather leaves {left}"
        if self.budget is None:
            assert scheduler.stop is None, f"fair weather stops: {scheduler.stop}"

    def run(self, choice: Choice) -> Scheduler | None:
        """One process from its start to its end, whatever that is; None where it was cut off."""
        state = self.disk.reopened()
        # A repetition that was asked for and created nothing is still asked for.
        latest = [attempt for attempt in map(state.latest, self.versions) if attempt is not None]
        still = {one.scene_id for one in latest if one.is_unknown or one.is_open or one.again or one.state is S.REFUSED}
        self.asked_again = set(self.versions) if choice.retry_failed else self.asked_again & still
        self.steps = 0
        facts = tuple(self._scene(scene_id) for scene_id in self.versions)
        self._settings = Settings(
            workers=self.random.choice((1, 2, 8)),
            max_in_flight=self.random.choice((1, 2, 50)),
            submit_rate=self.random.choice((None, None, 0.5)),
            poll_interval_s=5.0,
            task_timeout_s=self.random.choice((3600.0, 40.0)) if self.crash_rate or self.disk.faults else 3600.0,
            attempts=self.attempts,
            wait=self.random.random() < 0.9 or not self.gateway.faults,
            download=choice.download,
            budget_usd=self.budget,
        )
        missing = [
            scene_id for scene_id in self.versions if self.gateway.faults and self.random.random() < self.intensity / 4
        ]
        finished = None
        try:
            begun: list[Event] = [RunStarted(self.at(), "1"), ManifestRead(self.at(), "garden", "m", facts)]
            self.disk.append(begun)
            for event in begun:
                state.apply(event)
            self._scheduler = Scheduler(state, plan(facts, state, choice, missing), self._settings, self.random.random)
            self._loop = Loop(self._scheduler, self, self.perform, self.disk, self)
            self._loop.run(self._observe)
            self.disk.append([ended := RunEnded(self.at(), 0)])
            state.apply(ended)
            assert state == self.disk.state, "the state is not what the journal tells"
            finished = self._scheduler
        except (Crash, RunDirectoryError):
            pass
        self._orphans()
        self.check()
        return finished

    def _observe(self) -> None:
        limit = max(self._settings.max_in_flight, sum(one.is_open for one in self._scheduler.state.all_attempts()))
        assert self._scheduler.in_flight <= limit

    def _orphans(self) -> None:
        """What had left the dead process may still reach the gateway."""
        for act in self._sent.values():
            if isinstance(act, Submit) and self.random.random() < 0.5:
                self.perform(act)
        self._sent.clear()
        self._pending.clear()
        self.now_s += self.random.choice((0.0, 10.0, 1000.0))

    def _scene(self, scene_id: str) -> SceneFacts:
        version = self.versions[scene_id]
        request = {"model": "m", "input": {"prompt": f"{scene_id} {version}"}, "parameters": {"duration": 5}}
        return SceneFacts(scene_id, f"{scene_id}-{version}", request, "720P", (), ESTIMATE)

    def _user_acts(self) -> None:
        if self.random.random() < 0.3:
            self._resolve()
        if self.random.random() < 0.3:
            self.versions[self.random.choice(list(self.versions))] += 1

    def _resolve(self) -> None:
        """The user looks the unknown ones up at the provider, and tells the truth."""
        self.disk.reopened()
        state = self.disk.state
        known = {attempt.task_id for attempt in state.all_attempts()}
        for attempt in [one for one in state.all_attempts() if one.is_unknown]:
            books = self.gateway.books.values()
            lost = [entry.task_id for entry in books if entry.scene_id == attempt.scene_id]
            mine = [task_id for task_id in lost if task_id not in known]
            event = Resolved(self.at(), attempt.scene_id, attempt.number, mine[0] if mine else None)
            self.disk.content += encode(event)
            self.disk.state.apply(event)

    def check(self) -> None:
        """The promises, held against the gateway's books."""
        state = self.disk.state
        known = {attempt.task_id: attempt for attempt in state.all_attempts() if attempt.task_id}
        books = self.gateway.books
        assert known.keys() <= books.keys(), "a task that nobody created"
        for task_id, entry in books.items():
            latest = state.latest(entry.scene_id)
            assert latest is not None
            assert task_id in known or latest.is_unknown, f"{task_id} was bought and is lost"
        told = [
            books[task_id].cost_usd
            for task_id, attempt in known.items()
            if books[task_id].told and attempt.finished_at is not None and attempt.state is not S.FAILED
        ]
        assert charged(state.all_attempts()).usd == sum(told, Decimal(0)), "the money is not that of the books"
        if self.budget is not None:
            spent = sum((entry.charged for entry in books.values()), Decimal(0))
            assert spent <= self.budget + OVERCHARGE * len(books), f"{spent} spent of {self.budget}"

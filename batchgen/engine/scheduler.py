"""The state machine of a run: endings and time go in, events to remember and acts to do come out.

Pure: it sleeps nowhere, reads no clock, draws no chance of its own and touches no file, so that a
whole run can be played in virtual time. Times are seconds of the caller's clock; ``at`` is the same
moment as text for the journal.

The caller keeps to one order: what `end` or `begin` returns as events is durable before any act
that was returned with it is begun.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from batchgen.engine import events as ev
from batchgen.engine.budget import Sum, liability
from batchgen.engine.commands import Act, Ending, Fetch, FetchEnded, Poll, PollEnded, Stop, Submit, SubmitEnded
from batchgen.engine.outcomes import NOT_CONNECTED, Kind, Meaning
from batchgen.engine.pacing import Jitter, Pace, poll_wait, retry_wait
from batchgen.engine.planner import Action, Step
from batchgen.engine.states import Attempt, AttemptState, State

LOST_AFTER_S = 30.0
"""Seconds without any connection after which a run gives up."""
_LONGEST_LOST_WAIT_S = 8.0
_MOST_REFUSALS = 6
_MOST_FETCHES = 4
_MOST_REFRESHES = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is to go; what the options of `run` say.

    ``workers`` bounds the acts under way, ``attempts`` the paid attempts at a scene. Times are in
    seconds.
    """

    workers: int = 8
    max_in_flight: int = 50
    submit_rate: float | None = None
    poll_interval_s: float = 5.0
    task_timeout_s: float = 3600.0
    attempts: int = 1
    wait: bool = True
    download: bool = True
    budget_usd: Decimal | None = None


@dataclass(slots=True)
class _Job:
    """One scene on its way through this run."""

    scene: ev.SceneFacts
    attempt: int = 0
    polls: int = 0
    failures: int = 0
    said: str = ""
    said_times: int = 0
    give_up_at: float = 0.0
    fetches: int = 0
    refreshes: int = 0


class Scheduler:
    """Decides for all scenes of one run. Owns ``state``, and changes it by events only."""

    def __init__(self, state: State, steps: Iterable[Step], settings: Settings, jitter: Jitter) -> None:
        """Take up a plan. Nothing begins before `begin` is called."""
        self.state = state
        self.stop: Stop | None = None
        self._settings = settings
        self._jitter = jitter
        self._pace = Pace(settings.max_in_flight, settings.submit_rate)
        self._jobs: dict[str, _Job] = {}
        self._submits: deque[str] = deque()
        self._polls: deque[str] = deque()
        self._fetches: deque[str] = deque()
        self._timers: list[tuple[float, int, str, deque[str]]] = []
        self._timer_count = 0
        self._sending: set[str] = set()
        self._in_flight: set[str] = set()
        self._under_way = 0
        self._turn = 0
        self._polling_stopped = False
        self._lost_since: float | None = None
        self._lost_times = 0
        self._liability = Sum()
        self._events: list[ev.Event] = []
        self._endings: Mapping[type, Callable[..., None]] = {
            SubmitEnded: self._submit_ended,
            PollEnded: self._poll_ended,
            FetchEnded: self._fetch_ended,
        }
        for attempt in state.all_attempts():
            self._count(liability(attempt), 1)
        self._take_up(steps)

    def _take_up(self, steps: Iterable[Step]) -> None:
        for step in steps:
            job = self._jobs[step.scene.scene_id] = _Job(step.scene)
            latest = self.state.latest(step.scene.scene_id)
            job.attempt = latest.number if latest else 0
            if step.action is Action.SUBMIT:
                self._submits.append(step.scene.scene_id)
            elif step.action is Action.RESUME:
                self._in_flight.add(step.scene.scene_id)
                if self._settings.wait:
                    self._polls.append(step.scene.scene_id)
            elif step.action is Action.DOWNLOAD and self._settings.wait:
                self._fetches.append(step.scene.scene_id)

    # What the caller asks

    @property
    def in_flight(self) -> int:
        """Tasks at the gateway, and submissions on their way to it."""
        return len(self._in_flight)

    @property
    def sending(self) -> int:
        """Submissions under way: their answers must not be lost."""
        return len(self._sending)

    def is_finished(self) -> bool:
        """Whether nothing is under way and nothing is left to begin."""
        if self.stop is Stop.INTERRUPTED:
            return not self._sending
        return not (self._under_way or self._submits or self._polls or self._fetches or self._timers)

    def wakes_at(self) -> float | None:
        """When `begin` has something new to do without any ending, None for never."""
        times = [self._timers[0][0]] if self._timers else []
        if self._submits and self._may_submit_more():
            times.append(self._pace.opens_at())
        return min(times, default=None)

    # What the caller tells

    def begin(self, now: float, at: str) -> tuple[list[ev.Event], list[Act]]:
        """What to remember and then to begin at this moment."""
        while self._timers and self._timers[0][0] <= now:
            _, _, scene_id, queue = heapq.heappop(self._timers)
            queue.append(scene_id)
        acts: list[Act] = []
        while self._under_way < self._settings.workers:
            act = self._next_act(now, at)
            if act is None:
                break
            self._under_way += 1
            acts.append(act)
        return self._drain(), acts

    def end(self, ending: Ending, now: float, at: str) -> list[ev.Event]:
        """Take in how an act ended; what to remember of it."""
        self._under_way -= 1
        self._endings[type(ending)](ending, self._jobs[ending.act.scene_id], now, at)
        return self._drain()

    def interrupt(self) -> None:
        """Begin nothing more; only answers to submissions under way are waited for."""
        self._end_early(Stop.INTERRUPTED)
        self._stop_polling()
        self._fetches.clear()

    def _drain(self) -> list[ev.Event]:
        drained, self._events = self._events, []
        return drained

    def _remember(self, event: ev.Event) -> None:
        scene_id = getattr(event, "scene_id", "")
        before = self.state.latest(scene_id)
        self.state.apply(event)
        after = self.state.latest(scene_id)
        if after is not None and after is not before:
            if before is not None and before.number == after.number:
                self._count(liability(before), -1)
            self._count(liability(after), 1)
        self._events.append(event)

    def _count(self, amount: Sum, sign: int) -> None:
        self._liability = Sum(self._liability.usd + sign * amount.usd, self._liability.unknown + sign * amount.unknown)

    # Choosing what to begin

    def _next_act(self, now: float, at: str) -> Act | None:
        """The next act, submissions, readings and downloads taking turns so that none starves."""
        for _ in range(3):
            self._turn = (self._turn + 1) % 3
            act = (self._next_submit, self._next_poll, self._next_fetch)[self._turn](now, at)
            if act is not None:
                return act
        return None

    def _may_submit_more(self) -> bool:
        return self.stop is None and len(self._in_flight) < self._pace.limit

    def _next_submit(self, now: float, at: str) -> Submit | None:
        if not self._submits or not self._may_submit_more() or now < self._pace.opens_at():
            return None
        job = self._jobs[self._submits[0]]
        if not self._within_budget(job.scene):
            self._stop_at_budget(at)
            return None
        scene = self._jobs[self._submits.popleft()].scene
        latest = self.state.latest(scene.scene_id)
        again = latest is not None and latest.state is AttemptState.REFUSED
        job.attempt = latest.number if latest and again else (latest.number if latest else 0) + 1
        self._pace.sent(now)
        self._in_flight.add(scene.scene_id)
        self._sending.add(scene.scene_id)
        self._remember(
            ev.Submitting(
                at,
                scene.scene_id,
                job.attempt,
                scene.request_sha256,
                scene.request,
                scene.tier,
                scene.characters,
                scene.estimated_cost_usd,
            )
        )
        return Submit(scene.scene_id, job.attempt)

    def _next_poll(self, now: float, at: str) -> Poll | None:
        while self._polls:
            job = self._jobs[self._polls.popleft()]
            attempt = self._attempt(job)
            if not job.give_up_at:
                job.give_up_at = now + self._settings.task_timeout_s
            if now >= job.give_up_at and attempt.state is AttemptState.RUNNING:
                reason = f"still running after {self._settings.task_timeout_s:g} s; the next run goes on waiting for it"
                self._remember(ev.TaskTimedOut(at, attempt.scene_id, attempt.number, "task_timeout", reason))
                continue
            return Poll(attempt.scene_id, attempt.number, attempt.task_id or "")
        return None

    def _next_fetch(self, now: float, at: str) -> Fetch | None:  # noqa: ARG002 - the choices are called alike
        if not self._fetches:
            return None
        attempt = self._attempt(self._jobs[self._fetches.popleft()])
        return Fetch(attempt.scene_id, attempt.number, attempt.video_url or "")

    def _attempt(self, job: _Job) -> Attempt:
        return self.state.attempts[job.scene.scene_id][job.attempt - 1]

    def _within_budget(self, scene: ev.SceneFacts) -> bool:
        """Whether one more submission stays within the budget, all that is in flight or unknown counted.

        An amount that nobody knows cannot be kept to a budget: then nothing more is submitted.
        """
        budget = self._settings.budget_usd
        if budget is None:
            return True
        if scene.estimated_cost_usd is None or self._liability.unknown:
            return False
        return self._liability.usd + scene.estimated_cost_usd <= budget

    def _stop_at_budget(self, at: str) -> None:
        reason = f"not submitted: it would go beyond the budget of {self._settings.budget_usd} USD"
        waiting = [*self._submits, *(scene_id for _, _, scene_id, queue in self._timers if queue is self._submits)]
        for scene_id in waiting:
            self._remember(ev.HeldBack(at, scene_id, "budget", reason))
        self._end_early(Stop.BUDGET)

    def _end_early(self, why: Stop) -> None:
        """Submit nothing more."""
        if self.stop is None or why is Stop.INTERRUPTED:
            self.stop = why
        self._submits.clear()
        self._timers = [timer for timer in self._timers if timer[3] is not self._submits]
        heapq.heapify(self._timers)

    def _stop_polling(self) -> None:
        self._polling_stopped = True
        self._polls.clear()
        self._timers = [timer for timer in self._timers if timer[3] is not self._polls]
        heapq.heapify(self._timers)

    def _at(self, when: float, job: _Job, queue: deque[str]) -> None:
        """Put a job into a queue later, unless that queue is not served any more."""
        if (queue is self._submits and self.stop is not None) or (queue is self._polls and self._polling_stopped):
            return
        if self.stop is Stop.INTERRUPTED:
            return
        self._timer_count += 1
        heapq.heappush(self._timers, (when, self._timer_count, job.scene.scene_id, queue))

    # How submissions end

    def _submit_ended(self, ending: SubmitEnded, job: _Job, now: float, at: str) -> None:
        meaning, act = ending.meaning, ending.act
        self._sending.discard(act.scene_id)
        self._note_reachability(meaning, now)
        if meaning.kind is Kind.CREATED and ending.task_id is not None:
            self._remember(ev.Submitted(at, act.scene_id, act.attempt, ending.task_id))
            self._pace.accepted(len(self._in_flight))
            job.failures = job.polls = 0
            job.give_up_at = now + self._settings.task_timeout_s
            if self._settings.wait:
                self._at(now + poll_wait(self._settings.poll_interval_s, 0, self._jitter), job, self._polls)
            return
        self._in_flight.discard(act.scene_id)
        if meaning.kind is Kind.UNCERTAIN:
            self._remember(ev.OutcomeUnknown(at, act.scene_id, act.attempt, meaning.code, meaning.reason))
            return
        again = meaning.again or meaning.kind is Kind.ACCOUNT
        self._remember(ev.Refused(at, act.scene_id, act.attempt, meaning.code, meaning.reason, again))
        if meaning.kind is Kind.ACCOUNT:
            self._end_early(Stop.ACCOUNT)
        elif meaning.again:
            self._send_later(meaning, job, now)

    def _send_later(self, meaning: Meaning, job: _Job, now: float) -> None:
        """Submit once more: nothing was created. Waiting for the account is no failure of the scene."""
        if meaning.throttled:
            self._pace.throttled(now, len(self._in_flight), meaning.wait_s)
        elif meaning.code == NOT_CONNECTED:
            self._pace.hold(now + self._lost_wait())
        elif meaning.wait_s is not None:
            self._pace.hold(now + meaning.wait_s)
        else:
            job.failures += 1
            if job.failures < _MOST_REFUSALS:
                self._at(now + retry_wait(job.failures, self._jitter), job, self._submits)
            return
        if self.stop is None:
            self._submits.appendleft(job.scene.scene_id)

    def _note_reachability(self, meaning: Meaning, now: float) -> None:
        """Give up once no connection at all has been made for long enough."""
        if meaning.code != NOT_CONNECTED:
            self._lost_since, self._lost_times = None, 0
            return
        self._lost_times += 1
        if self._lost_since is None:
            self._lost_since = now
        elif now - self._lost_since >= LOST_AFTER_S:
            self._end_early(Stop.UNREACHABLE)
            self._stop_polling()

    def _lost_wait(self) -> float:
        return min(retry_wait(self._lost_times, self._jitter), _LONGEST_LOST_WAIT_S)

    # How readings end

    def _poll_ended(self, ending: PollEnded, job: _Job, now: float, at: str) -> None:
        meaning = ending.meaning
        attempt = self._attempt(job)
        self._note_reachability(meaning, now)
        job.polls += 1
        if meaning.kind is Kind.DONE:
            self._completed(ending, job, attempt, at)
        elif meaning.kind is Kind.ACCOUNT:
            self._end_early(Stop.ACCOUNT)
            self._stop_polling()
        elif meaning.kind is Kind.FAILED and self._is_confirmed(meaning, job):
            self._failed(ending, job, attempt, now, at)
        else:
            self._look_again(meaning, job, now)

    def _is_confirmed(self, meaning: Meaning, job: _Job) -> bool:
        job.said_times = job.said_times + 1 if job.said == meaning.code else 1
        job.said = meaning.code
        return job.said_times >= meaning.confirm

    def _look_again(self, meaning: Meaning, job: _Job, now: float) -> None:
        if meaning.kind is not Kind.FAILED:
            job.said, job.said_times = "", 0
        wait = poll_wait(self._settings.poll_interval_s, job.polls, self._jitter)
        if meaning.kind is Kind.TRANSIENT:
            job.failures += 1
            lost = meaning.code == NOT_CONNECTED
            wait = self._lost_wait() if lost else max(wait, retry_wait(job.failures, self._jitter), meaning.wait_s or 0)
        else:
            job.failures = 0
        # The last look comes when the time is up, however long the wait would be.
        when = min(now + wait, max(job.give_up_at, now)) if job.give_up_at else now + wait
        self._at(when, job, self._polls)

    def _completed(self, ending: PollEnded, job: _Job, attempt: Attempt, at: str) -> None:
        result = ending.result
        self._in_flight.discard(attempt.scene_id)
        self._remember(
            ev.Completed(
                at,
                attempt.scene_id,
                attempt.number,
                result.video_url or "",
                result.job_id,
                result.cost_usd,
                result.discount,
            )
        )
        if attempt.request_sha256 != job.scene.request_sha256:
            self._submit_anew(job)  # the manifest was changed while this task ran
        elif self._settings.download and self.stop is not Stop.INTERRUPTED:
            self._fetches.append(attempt.scene_id)

    def _failed(self, ending: PollEnded, job: _Job, attempt: Attempt, now: float, at: str) -> None:
        meaning, result = ending.meaning, ending.result
        if attempt.state is not AttemptState.RUNNING:
            # Read for a fresh address only: what was bought stays bought.
            self._remember(ev.DownloadFailed(at, attempt.scene_id, attempt.number, meaning.reason))
            return
        self._in_flight.discard(attempt.scene_id)
        self._remember(
            ev.Failed(
                at,
                attempt.scene_id,
                attempt.number,
                meaning.code,
                meaning.reason,
                result.cost_usd,
                result.discount,
                meaning.again,
            )
        )
        if attempt.request_sha256 != job.scene.request_sha256:
            self._submit_anew(job)
        elif meaning.again or (meaning.passing and self._paid(job) < self._settings.attempts):
            job.failures += 1
            if job.failures < _MOST_REFUSALS:
                self._at(now + retry_wait(job.failures, self._jitter), job, self._submits)

    def _submit_anew(self, job: _Job) -> None:
        if self.stop is None:
            self._submits.append(job.scene.scene_id)

    def _paid(self, job: _Job) -> int:
        """Attempts at this very request that may have cost something."""
        return sum(
            attempt.state is not AttemptState.REFUSED and not attempt.again
            for attempt in self.state.attempts[job.scene.scene_id]
            if attempt.request_sha256 == job.scene.request_sha256
        )

    # How downloads end

    def _fetch_ended(self, ending: FetchEnded, job: _Job, now: float, at: str) -> None:
        act = ending.act
        if ending.path is not None and ending.sha256 is not None:
            event = ev.Downloaded(at, act.scene_id, act.attempt, ending.path, ending.sha256, ending.mismatch)
            self._remember(event)
            return
        job.fetches += 1
        if ending.unstorable:
            self._end_early(Stop.STORAGE)  # what cannot be kept is not bought
        if ending.expired and job.refreshes < _MOST_REFRESHES and not self._polling_stopped:
            job.refreshes += 1
            job.give_up_at = 0.0
            self._polls.append(act.scene_id)
        elif not ending.expired and job.fetches < _MOST_FETCHES and self.stop is not Stop.INTERRUPTED:
            self._at(now + retry_wait(job.fetches, self._jitter), job, self._fetches)
        else:
            self._remember(ev.DownloadFailed(at, act.scene_id, act.attempt, ending.failure))

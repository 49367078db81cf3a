"""The state machine of a run: endings and time go in, events to remember and acts to do come out.

Pure: it sleeps nowhere, reads no clock, draws no chance of its own and touches no file, so that a
whole run can be played in virtual time. Times are seconds of the caller's clock; ``at`` is the same
moment as text for the journal.

The caller keeps to one order: what `end` or `begin` returns as events is durable before any act
that was returned with it is begun.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from batchgen.engine import events as ev
from batchgen.engine import wording
from batchgen.engine.agenda import Agenda, Sort
from batchgen.engine.backoff import Jitter, retry_wait, submit_wait
from batchgen.engine.breaker import Breaker
from batchgen.engine.budget import Budget, Estimate, as_reckoned
from batchgen.engine.commands import Act, Ending, Fetch, FetchEnded, Poll, PollEnded, Stop, Submit, SubmitEnded
from batchgen.engine.job import Job
from batchgen.engine.outcomes import NOT_CONNECTED, Kind, Meaning
from batchgen.engine.pacing import Lengths, poll_wait
from batchgen.engine.planner import Action, Step, paid_for
from batchgen.engine.reach import Reach
from batchgen.engine.states import Attempt, AttemptState, State
from batchgen.engine.throttle import Hold, Pace
from batchgen.limits import CONFIRMED_AFTER, LOOKS_AT_MISSING, MOST_FETCHES, MOST_POSTS, MOST_REFRESHES, PATIENCE_S


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is to go; what the options of `run` say.

    ``workers`` bounds the acts under way, ``attempts`` the paid attempts at a scene; ``estimate`` is
    what an attempt of which no cost is known takes of the budget. Times are in seconds.
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
    estimate: Estimate = as_reckoned


_OF_THE_TASK = frozenset({Kind.RUNNING, Kind.DONE, Kind.FAILED})
"""What a reading can say of a task itself."""


class Scheduler:
    """Decides for all scenes of one run. Owns ``state``, and changes it by events only."""

    def __init__(self, state: State, steps: Iterable[Step], settings: Settings, jitter: Jitter) -> None:
        """Take up a plan. Nothing begins before `begin` is called."""
        self.state = state
        self.stop: Stop | None = None
        self.why = ""
        self._held_code = ""
        self._settings = settings
        self._jitter = jitter
        self._lengths = Lengths()
        self._pace = Pace(settings.max_in_flight, settings.submit_rate)
        self._reach = Reach()
        self._breaker = Breaker()
        self._shut_out_since: float | None = None
        self._budget = Budget(settings.budget_usd, state.all_attempts(), settings.estimate)
        self._agenda = Agenda()
        self._jobs: dict[str, Job] = {}
        self._sending: set[str] = set()
        self._in_flight: set[str] = set()
        self._under_way = 0
        self._turn = 0
        self._events: list[ev.Event] = []
        self._endings: Mapping[type, Callable[..., None]] = {
            SubmitEnded: self._submit_ended,
            PollEnded: self._poll_ended,
            FetchEnded: self._fetch_ended,
        }
        self._choices = (self._next_submit, self._next_poll, self._next_fetch)
        self._take_up(steps)

    def _take_up(self, steps: Iterable[Step]) -> None:
        for step in steps:
            scene_id = step.scene.scene_id
            job = self._jobs[scene_id] = Job(step.scene, step.removed, step.then_submits)
            standing = self.state.standing(step.scene)
            job.attempt = standing.number if standing else 0
            if step.action is Action.SUBMIT:
                self._agenda.now(Sort.SUBMIT, scene_id)
            elif step.action is Action.RESUME:
                self._in_flight.add(scene_id)
                self._agenda.now(Sort.POLL, scene_id)
            elif step.action is Action.DOWNLOAD:
                self._agenda.now(Sort.FETCH, scene_id)

    # What the caller asks

    @property
    def in_flight(self) -> int:
        """Tasks at the gateway, and submissions on their way to it."""
        return len(self._in_flight)

    @property
    def sending(self) -> int:
        """Submissions under way: their answers must not be lost."""
        return len(self._sending)

    @property
    def has_to_submit(self) -> bool:
        """Whether a scene waits to be submitted."""
        return self._agenda.has(Sort.SUBMIT)

    @property
    def hold(self) -> Hold:
        """Until when submissions rest at least, and why."""
        return self._pace.held

    def is_finished(self) -> bool:
        """Whether nothing is under way and nothing is left to begin."""
        if self.stop is Stop.INTERRUPTED:
            return not self._sending
        if self._under_way:
            return False
        return not (self._agenda if self._settings.wait else self._agenda.has(Sort.SUBMIT))

    def wakes_at(self) -> float | None:
        """When `begin` has something new to do without any ending, None for never."""
        if self._under_way >= self._settings.workers:
            return None  # whatever falls due has to wait for a worker, that is, for an ending
        times = [self._agenda.wakes_at()]
        if self._agenda.head(Sort.SUBMIT) is not None and self._may_submit_more():
            times.append(self._pace.opens_at())
        return min((when for when in times if when is not None), default=None)

    # What the caller tells

    def begin(self, now: float, at: str) -> tuple[list[ev.Event], list[Act]]:
        """What to remember and then to begin at this moment."""
        self._agenda.advance(now)
        self._lose_patience(now, at)
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
        self._end_early(Stop.INTERRUPTED, "interrupted", *Sort)

    def _drain(self) -> list[ev.Event]:
        drained, self._events = self._events, []
        return drained

    def _remember(self, event: ev.Event) -> None:
        self.state.apply(event)
        self._events.append(event)

    def _remember_of(self, event: ev.AttemptEvent) -> None:
        """Remember what happened to an attempt; the budget follows."""
        listed = self.state.attempts.get(event.scene_id, [])
        before = listed[event.attempt - 1] if event.attempt <= len(listed) else None
        self._remember(event)
        self._budget.changed(before, self.state.attempts[event.scene_id][event.attempt - 1])

    # Choosing what to begin

    def _next_act(self, now: float, at: str) -> Act | None:
        """The next act, submissions, readings and downloads taking turns so that none starves."""
        for _ in Sort:
            self._turn = (self._turn + 1) % len(Sort)
            act = self._choices[self._turn](now, at)
            if act is not None:
                return act
        return None

    def _may_submit_more(self) -> bool:
        has_room = len(self._in_flight) < self._pace.limit
        return self.stop is None and has_room and self._breaker.allows(len(self._sending))

    def _next_submit(self, now: float, at: str) -> Submit | None:
        scene_id = self._agenda.head(Sort.SUBMIT)
        if scene_id is None or not self._may_submit_more() or now < self._pace.opens_at():
            return None
        job = self._jobs[scene_id]
        if not self._budget.allows(job.scene.estimated_cost_usd):
            self._stop_at_budget(at)
            return None
        self._agenda.take(Sort.SUBMIT)
        latest = self.state.latest(scene_id)
        refused = latest is not None and latest.state is AttemptState.REFUSED
        job.attempt = (latest.number if latest else 0) + (0 if refused else 1)
        self._pace.sent(now)
        self._breaker.sent()
        self._in_flight.add(scene_id)
        self._sending.add(scene_id)
        self._remember_of(wording.submitting(at, job.scene, job.attempt))
        return Submit(scene_id, job.attempt)

    def _next_poll(self, now: float, at: str) -> Poll | None:  # noqa: ARG002 - the choices are called alike
        if self._agenda.head(Sort.POLL) is None or not self._has_time_for_tasks():
            return None
        job = self._jobs[self._agenda.take(Sort.POLL)]
        attempt = self._attempt(job)
        if job.give_up_at is None:
            job.give_up_at = now + self._settings.task_timeout_s
        return Poll(attempt.scene_id, attempt.number, attempt.task_id or "")

    def _has_time_for_tasks(self) -> bool:
        """Whether tasks are read: without waiting, only to see which of them make room for others."""
        full = len(self._in_flight) >= self._pace.limit
        return self._settings.wait or (full and self._agenda.has(Sort.SUBMIT))

    def _next_fetch(self, now: float, at: str) -> Fetch | None:  # noqa: ARG002 - the choices are called alike
        if self._agenda.head(Sort.FETCH) is None or not self._settings.wait:
            return None
        attempt = self._attempt(self._jobs[self._agenda.take(Sort.FETCH)])
        asked = attempt.request.get("parameters", {})
        size, duration_s = str(asked.get("size", "")), int(asked.get("duration", 0))
        return Fetch(attempt.scene_id, attempt.number, attempt.video_url or "", size, duration_s)

    def _attempt(self, job: Job) -> Attempt:
        return self.state.attempts[job.scene.scene_id][job.attempt - 1]

    def _stop_at_budget(self, at: str) -> None:
        budget, unknown = self._settings.budget_usd, self._budget.liable.unknown
        reason = f"it would go beyond the budget of {budget} USD; raise it with --budget, and run again"
        if unknown:
            reason = (
                f"{unknown} earlier attempt{'' if unknown == 1 else 's'} may have cost what nobody can "
                f"reckon, so the budget of {budget} USD cannot be kept; add a price for their tier to pricing"
            )
        self._stop_submitting(Stop.BUDGET, "budget", reason, at)

    def _stop_submitting(self, why: Stop, code: str, reason: str, at: str, *also: Sort) -> None:
        """End early, and write down of every scene that waits why it is left to a later run."""
        waiting = dict.fromkeys(self._agenda.waiting(Sort.SUBMIT))
        if self.stop is None:
            self._held_code = code
        self._end_early(why, reason, *also)
        for scene_id in waiting:
            self._hold_back(scene_id, at)

    def _hold_back(self, scene_id: str, at: str) -> None:
        """Leave a scene to a later run, for what ended this one."""
        if self._held_code:
            self._remember(ev.HeldBack(at, scene_id, self._held_code, f"not submitted: {self.why}"))

    def _end_early(self, why: Stop, reason: str, *also: Sort) -> None:
        """Submit nothing more, and begin no acts of the other sorts named."""
        if self.stop is None or why is Stop.INTERRUPTED:
            self.stop, self.why = why, reason
        self._agenda.close({Sort.SUBMIT, *also})

    def _lose_patience(self, now: float, at: str) -> None:
        """Leave the rest to a later run, where the gateway lets nothing in and no task of this run goes on."""
        hold = self._pace.held
        if len(self._in_flight) > len(self._sending):
            self._shut_out_since = None
        elif now < hold.until and self.has_to_submit:
            if self._shut_out_since is None:
                self._shut_out_since = now
            if hold.until - self._shut_out_since >= PATIENCE_S:
                reason = f"the gateway lets nothing in ({hold.reason}), and none of the tasks is left to wait for"
                self._stop_submitting(Stop.SHUT_OUT, "shut_out", reason, at)

    # How submissions end

    def _submit_ended(self, ending: SubmitEnded, job: Job, now: float, at: str) -> None:
        meaning, act = ending.meaning, ending.act
        self._sending.discard(act.scene_id)
        self._heard(meaning, now, at)
        owner = None if ending.task_id is None else self.state.owner_of(ending.task_id)
        event = wording.submission(at, ending, owner)
        self._remember_of(event)
        self._count(meaning, at, uncertain=isinstance(event, ev.OutcomeUnknown))
        if isinstance(event, ev.Submitted):
            self._created(job, now)
            return
        self._in_flight.discard(act.scene_id)
        if meaning.kind is Kind.ACCOUNT:
            self._stop_submitting(Stop.ACCOUNT, meaning.code, f"the gateway refused: {meaning.reason}", at)
        elif isinstance(event, ev.Refused) and event.again:
            self._send_later(meaning, job, now, at)

    def _created(self, job: Job, now: float) -> None:
        self._shut_out_since = None
        self._pace.accepted(len(self._in_flight))
        job.waits_for_task(now, now + self._settings.task_timeout_s)
        usual = self._lengths.first_wait(wording.kind_of(self._attempt(job)))
        first = max(usual, poll_wait(self._settings.poll_interval_s, 0, self._jitter))
        self._agenda.at(now + min(first, self._settings.task_timeout_s), Sort.POLL, job.scene.scene_id)

    def _count(self, meaning: Meaning, at: str, *, uncertain: bool) -> None:
        """Have the breaker know of an answer to a submission."""
        if meaning.code == NOT_CONNECTED:
            self._breaker.unreached()
        elif self._breaker.answered(uncertain=uncertain):
            reason = f"the gateway gives no usable answers to submissions ({meaning.reason})"
            self._stop_submitting(Stop.UNANSWERED, "unanswered", reason, at)

    def _send_later(self, meaning: Meaning, job: Job, now: float, at: str) -> None:
        """Submit once more: nothing was created. Waiting for the account is no failure of the scene."""
        scene_id = job.scene.scene_id
        if meaning.throttled or meaning.wait_s is not None:
            self._pace.refused(now, meaning.wait_s, meaning.reason)
        if self.stop is not None:
            self._hold_back(scene_id, at)
        elif meaning.throttled:
            self._pace.throttled(len(self._in_flight))
            self._agenda.first(Sort.SUBMIT, scene_id)
        elif meaning.code == NOT_CONNECTED:
            self._pace.hold(now + self._reach.wait(self._jitter), meaning.reason)
            self._agenda.first(Sort.SUBMIT, scene_id)
        else:
            self._submit_after_refusal(job, meaning, now)

    def _submit_after_refusal(self, job: Job, meaning: Meaning, now: float) -> None:
        """Submit once more after a while, a few times; then the scene is left to a later run."""
        job.refusals += 1
        if job.refusals < MOST_POSTS:
            when = now + max(submit_wait(job.refusals, self._jitter), meaning.wait_s or 0.0)
            self._agenda.at(when, Sort.SUBMIT, job.scene.scene_id)

    def _heard(self, meaning: Meaning, now: float, at: str) -> None:
        """What any answer says of the gateway as a whole: that it is there, and that it wants rest."""
        if meaning.wait_s is not None:
            self._pace.hold(now + meaning.wait_s, meaning.reason)
        if meaning.code != NOT_CONNECTED:
            self._reach.answered()
        elif self._reach.lost(now):
            self._stop_submitting(Stop.UNREACHABLE, NOT_CONNECTED, meaning.reason, at, Sort.POLL)

    # How readings end

    def _poll_ended(self, ending: PollEnded, job: Job, now: float, at: str) -> None:
        meaning = ending.meaning
        self._heard(meaning, now, at)
        self._heard_of_task(ending, job, now, at)
        job.polls += 1
        job.hears_charge(ending.result)
        if meaning.kind is Kind.DONE:
            self._completed(ending, job, now, at)
        elif meaning.kind is Kind.ACCOUNT:
            reason = f"the gateway refused: {meaning.reason}"
            self._stop_submitting(Stop.ACCOUNT, meaning.code, reason, at, Sort.POLL)
        elif meaning.kind is Kind.FAILED and job.is_confirmed(meaning):
            self._failed(ending, job, now, at)
        elif self._is_time_up(job, now):
            self._give_up(job, at)
        else:
            self._look_again(meaning, job, now)

    def _heard_of_task(self, ending: PollEnded, job: Job, now: float, at: str) -> None:
        """What a reading says of whether the gateway has our tasks, and this one."""
        meaning, act = ending.meaning, ending.act
        if meaning.not_found:
            job.missed += meaning.kind is Kind.MISSING
            if job.missed >= CONFIRMED_AFTER:
                self._in_flight.discard(act.scene_id)  # what the gateway does not know must not keep others waiting
            if self._reach.missed(act.task_id, now):
                reason = "the gateway knows none of the tasks (404 to all of them); is its address the right one?"
                self._stop_submitting(Stop.UNREACHABLE, "task_not_found", reason, at, Sort.POLL)
            elif self._reach.misses_all:
                self._pace.hold(now + self._reach.wait(self._jitter), meaning.reason)
        elif meaning.kind in _OF_THE_TASK:
            self._reach.knows_task()
            job.heard_of, job.missed = True, 0
            if self._attempt(job).state in (AttemptState.RESOLVED, AttemptState.NOT_FOUND):
                self._remember_of(ev.TaskSeen(at, act.scene_id, act.attempt))

    def _is_time_up(self, job: Job, now: float) -> bool:
        """Whether a task is not waited for any longer; one that is only looked at once more, sooner."""
        if job.give_up_at is not None and now >= job.give_up_at:
            return True
        only_looked_at = self._attempt(job).state not in (AttemptState.RUNNING, AttemptState.RESOLVED)
        return only_looked_at and job.missed >= LOOKS_AT_MISSING

    def _look_again(self, meaning: Meaning, job: Job, now: float) -> None:
        if meaning.kind is not Kind.FAILED:
            job.said, job.said_times = "", 0
        wait = poll_wait(self._settings.poll_interval_s, job.polls, self._jitter)
        if meaning.code == NOT_CONNECTED:
            wait = self._reach.wait(self._jitter)
        elif meaning.kind is Kind.TRANSIENT:
            job.failures += 1
            wait = max(wait, retry_wait(job.failures, self._jitter), meaning.wait_s or 0)
        else:
            job.failures = 0
        # The last look comes when the time is up, however long the wait would be.
        when = now + wait if job.give_up_at is None else min(now + wait, job.give_up_at)
        self._agenda.at(when, Sort.POLL, job.scene.scene_id)

    def _give_up(self, job: Job, at: str) -> None:
        """Wait no longer in this run. The task makes room: a stuck one must not keep others waiting."""
        attempt = self._attempt(job)
        self._in_flight.discard(attempt.scene_id)
        if attempt.is_open and job.missed and not job.heard_of:
            self._remember_of(wording.not_found(at, attempt))
            # An id that was given by hand may be mistyped: what became of the submission is as unknown as before.
            if job.repeats and not attempt.by_hand:
                self._submit_anew(job, at)
        elif attempt.is_in_flight:
            self._remember_of(wording.timed_out(at, attempt, self._settings.task_timeout_s))
        elif not attempt.is_open:
            reason = "the address of the result has expired, and the gateway gave no other in time"
            self._remember_of(ev.DownloadFailed(at, attempt.scene_id, attempt.number, reason))

    def _completed(self, ending: PollEnded, job: Job, now: float, at: str) -> None:
        attempt = self._attempt(job)
        if job.created_at is not None:
            self._lengths.completed(wording.kind_of(attempt), now - job.created_at)
            job.created_at = None
        self._in_flight.discard(attempt.scene_id)
        self._remember_of(wording.completed(at, attempt, ending.result))
        if attempt.request_sha256 != job.scene.request_sha256:
            self._submit_anew(job, at)  # the manifest was changed while this task ran
        elif self._settings.download:
            self._agenda.now(Sort.FETCH, attempt.scene_id)

    def _failed(self, ending: PollEnded, job: Job, now: float, at: str) -> None:
        meaning, attempt = ending.meaning, self._attempt(job)
        if not attempt.is_open:
            # Read for a fresh address only: what was bought stays bought.
            self._remember_of(ev.DownloadFailed(at, attempt.scene_id, attempt.number, meaning.reason))
            return
        self._in_flight.discard(attempt.scene_id)
        self._remember_of(wording.failed(at, attempt, meaning, job.charge))
        if job.removed:
            return
        paid = paid_for(self.state, job.scene)
        if job.repeats or attempt.request_sha256 != job.scene.request_sha256:
            self._submit_anew(job, at)
        elif meaning.again:
            self._submit_after_refusal(job, meaning, now)
        elif meaning.passing and paid < self._settings.attempts:
            self._agenda.at(now + retry_wait(paid, self._jitter), Sort.SUBMIT, attempt.scene_id)

    def _submit_anew(self, job: Job, at: str) -> None:
        job.repeats = False
        if self.stop is not None:
            self._hold_back(job.scene.scene_id, at)
        self._agenda.now(Sort.SUBMIT, job.scene.scene_id)

    # How downloads end

    def _fetch_ended(self, ending: FetchEnded, job: Job, now: float, at: str) -> None:
        act = ending.act
        if ending.path is not None and ending.sha256 is not None:
            self._remember_of(wording.delivered(at, ending, ending.path, ending.sha256))
            return
        job.fetches += 1
        if ending.unstorable:
            reason = f"results cannot be stored: {ending.failure}"
            self._stop_submitting(Stop.STORAGE, "storage", reason, at)  # what cannot be kept is not bought
        if ending.expired and job.refreshes < MOST_REFRESHES and self._agenda.is_open(Sort.POLL):
            job.refreshes += 1
            job.give_up_at = None
            self._agenda.now(Sort.POLL, act.scene_id)
        elif not ending.expired and job.fetches < MOST_FETCHES and self._agenda.is_open(Sort.FETCH):
            self._agenda.at(now + retry_wait(job.fetches, self._jitter), Sort.FETCH, act.scene_id)
        else:
            self._remember_of(ev.DownloadFailed(at, act.scene_id, act.attempt, ending.failure))

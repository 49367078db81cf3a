"""What follows from the result of a command, and from the passing of time: how scenes move on in a run. Pure.

`Scheduler`, which chooses what to begin, builds on it; the theory of operation stands at the head of its module.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from batchgen.engine import events as ev
from batchgen.engine import outcome_events
from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.backoff import Jitter, retry_wait, submit_wait
from batchgen.engine.breaker import Breaker
from batchgen.engine.budget import Budget
from batchgen.engine.classification import NOT_CONNECTED, REFUSES_ACCOUNT, Classification, Kind
from batchgen.engine.commands import Command, FetchResult, PollResult, Stop, SubmitResult
from batchgen.engine.followers import Followers
from batchgen.engine.looks import Looks
from batchgen.engine.pacing import Pacing
from batchgen.engine.planner import paid_for
from batchgen.engine.queues import BEFORE_TASKS, CommandKind, CommandQueues
from batchgen.engine.reach import Reach
from batchgen.engine.request_formats import RequestFormats
from batchgen.engine.scene_run import SceneRun
from batchgen.engine.settings import Settings
from batchgen.engine.states import State
from batchgen.engine.throttle import Pace
from batchgen.engine.workers import Workers
from batchgen.limits import (
    CONFIRMED_AFTER,
    LOOKS_AT_MISSING,
    MOST_FETCHES,
    MOST_POSTS,
    MOST_REFRESHES,
    PATIENCE_S,
)

_ENDED = (Kind.FAILED, Kind.NO_RESULT)
"""What has to be said often enough to be believed."""
_OF_THE_ACCOUNT = (Stop.ACCOUNT, Stop.BALANCE)
_OF_THE_TASK = frozenset({Kind.RUNNING, Kind.DONE, *_ENDED})
"""What a reading can say of a task itself."""


class Reactions:
    """Takes in results, and keeps what the choosing of commands looks at.

    Owns ``state``, and changes it by events only.
    """

    def __init__(self, state: State, settings: Settings, jitter: Jitter) -> None:
        """Begin with no scene."""
        self.state = state
        self.stop: Stop | None = None
        self.why = ""
        self._held_code = ""
        self._settings = settings
        self._jitter = jitter
        self._pace = Pace(settings.max_in_flight, settings.submit_rate)
        self._reach = Reach()
        self._breaker = Breaker()
        self._formats = RequestFormats(settings.request_formats, state.request_format, settings.formats_left_out)
        self._shut_out_since: float | None = None
        self._budget = Budget(settings.budget_usd, state.all_attempts(), settings.estimate)
        self._queues = CommandQueues()
        pacing = Pacing(settings.poll_interval_s, settings.earlier_lengths)
        self._looks = Looks(settings.poll_interval_s, pacing, self._queues, self._reach, jitter)
        self._commands: dict[Command, SceneRun] = {}
        self._sending: set[SceneRun] = set()
        self._in_flight: set[SceneRun] = set()
        self._workers = Workers(settings.workers)
        self._followers = Followers(state, self._is_under_way, self._prepare)
        self._events: list[ev.Event] = []
        self._endings: Mapping[type, Callable[..., None]] = {
            SubmitResult: self._submit_result,
            PollResult: self._poll_result,
            FetchResult: self._fetch_result,
        }

    def _drain(self) -> list[ev.Event]:
        drained, self._events = self._events, []
        return drained

    def _remember(self, event: ev.Event) -> None:
        self.state.apply(event)
        self._events.append(event)

    def _remember_of(self, event: ev.AttemptEvent) -> None:
        """Remember what happened to an attempt; the budget follows."""
        key = event.scene_id, event.attempt
        before = self.state.find(key)
        self._remember(event)
        self._budget.changed(before, self.state.attempt(key))

    @property
    def _running(self) -> int:
        """How many tasks the gateway is known to have."""
        return len(self._in_flight) - len(self._sending)

    def _attempt(self, run: SceneRun) -> Attempt:
        return self.state.attempt(run.attempt)

    def _stop_at_budget(self, at: str) -> None:
        self._stop_submitting(Stop.BUDGET, "budget", self._budget.refusal, at)

    def _stop_for_account(self, refused: Classification, at: str, *also: CommandKind) -> None:
        stop = Stop.BALANCE if refused.kind is Kind.BALANCE else Stop.ACCOUNT
        self._stop_submitting(stop, refused.code, f"the gateway refused: {refused.reason}", at, *also)

    def _stop_submitting(self, why: Stop, code: str, reason: str, at: str, *also: CommandKind) -> None:
        """End early, and write down of every scene that waits why it is left to a later run."""
        waiting = dict.fromkeys(run for kind in BEFORE_TASKS for run in self._queues.waiting(kind))
        if self.stop is None:
            self._held_code = code
        self._end_early(why, reason, *also)
        for run in waiting:
            self._hold_back(run, at)

    def _hold_back(self, run: SceneRun, at: str) -> None:
        """Leave a scene to a later run, for what ended this one."""
        if self._held_code:
            self._remember(ev.HeldBack(at, run.scene.scene_id, self._held_code, f"not submitted: {self.why}"))

    def _end_early(self, why: Stop, reason: str, *also: CommandKind) -> None:
        """Submit nothing more, and begin no acts of the other sorts named."""
        # An account that is refused is what the next run meets, whatever its budget.
        is_first = self.stop is None or (self.stop is Stop.BUDGET and why in _OF_THE_ACCOUNT)
        if is_first or why is Stop.INTERRUPTED:
            self.stop, self.why = why, reason
        self._queues.close({*BEFORE_TASKS, *also})

    def _lose_patience(self, now: float, at: str) -> None:
        """Leave the rest to a later run, where the gateway lets nothing in and no task of this run goes on."""
        hold = self._pace.held
        if len(self._in_flight) > len(self._sending):
            self._shut_out_since = None
        elif now < hold.until and self._queues.has(CommandKind.SUBMIT):
            if self._shut_out_since is None:
                self._shut_out_since = now
            if hold.until - self._shut_out_since >= PATIENCE_S:
                reason = f"the gateway lets nothing in ({hold.reason}), and none of the tasks is left to wait for"
                self._stop_submitting(Stop.SHUT_OUT, "shut_out", reason, at)

    def _doubt_address(self, now: float, at: str) -> None:
        """End early where every task is met with 404, and has been for long enough."""
        elsewhere_at = self._reach.elsewhere_at
        if elsewhere_at is not None and now >= elsewhere_at and self.stop is None:
            reason = "the gateway knows none of the tasks (404 to all of them); is its address the right one?"
            self._stop_submitting(Stop.UNREACHABLE, "task_not_found", reason, at, CommandKind.POLL)

    # How submissions end

    def _submit_result(self, result: SubmitResult, run: SceneRun, now: float, at: str) -> None:
        self._sending.discard(run)
        self._heard(result.classification, now, at)
        result = replace(result, classification=self._heed_format(result, run))
        classification = result.classification
        owner = None if result.task_id is None else self.state.owner_of(result.task_id)
        event = outcome_events.submission(at, result, owner)
        self._remember_of(event)
        self._count(classification, at, uncertain=isinstance(event, ev.OutcomeUnknown))
        if isinstance(event, ev.Submitted):
            self._created(run, now)
            return
        self._in_flight.discard(run)
        if classification.kind in REFUSES_ACCOUNT:
            self._stop_for_account(classification, at)
        elif outcome_events.is_asked_otherwise(result):
            self._submit_next(run, at)
        elif isinstance(event, ev.Refused) and event.again:
            self._send_later(classification, run, now, at)

    def _heed_format(self, result: SubmitResult, run: SceneRun) -> Classification:
        """What an answer says of the form of the request: refused, it may be asked once more in the other one."""
        classification, command = result.classification, result.command
        if not classification.malformed:
            return classification
        if outcome_events.is_asked_otherwise(result):
            self._formats.refused(command.request_format)
            run.refused_as, run.request_format = classification, command.other_format
            return classification
        return self._formats.refused_at_last(classification, command.request_format, run.refused_as)

    def _submit_next(self, run: SceneRun, at: str) -> None:
        """Submit before any other scene, in another form; it counts among the submissions of the scene."""
        run.refusals += 1
        if self.stop is not None:
            self._hold_back(run, at)
        elif run.refusals < MOST_POSTS:
            self._queues.first(CommandKind.SUBMIT, run)

    def _created(self, run: SceneRun, now: float) -> None:
        self._shut_out_since = None
        self._formats.created(self._attempt(run).request_format)
        self._pace.accepted(self._running, run.sent_at, now)
        run.waits_for_task(now, now + self._settings.task_timeout_s)
        self._looks.first(self._kind(run), run, now)

    def _count(self, classification: Classification, at: str, *, uncertain: bool) -> None:
        """Have the breaker know of an answer to a submission."""
        if classification.code == NOT_CONNECTED:
            self._breaker.unreached()
        elif self._breaker.answered(uncertain=uncertain):
            reason = f"the gateway gives no usable answers to submissions ({classification.reason})"
            self._stop_submitting(Stop.UNANSWERED, "unanswered", reason, at)

    def _send_later(self, classification: Classification, run: SceneRun, now: float, at: str) -> None:
        """Submit once more: nothing was created. Waiting for the account is no failure of the scene."""
        if classification.throttled:
            self._pace.throttled(self._running, run.sent_at, now, classification.wait_s, classification.reason)
        elif classification.wait_s is not None:
            self._pace.refused(run.sent_at, now, classification.wait_s, classification.reason)
        if self.stop is not None:
            self._hold_back(run, at)
        elif classification.throttled:
            self._queues.first(CommandKind.SUBMIT, run)
        elif classification.code == NOT_CONNECTED:
            self._pace.hold(now + self._reach.wait(self._jitter), classification.reason)
            self._queues.first(CommandKind.SUBMIT, run)
        else:
            self._submit_after_refusal(run, classification, now)

    def _submit_after_refusal(self, run: SceneRun, classification: Classification, now: float) -> None:
        """Submit once more after a while, a few times; then the scene is left to a later run."""
        run.refusals += 1
        if run.refusals < MOST_POSTS:
            when = now + max(submit_wait(run.refusals, self._jitter), classification.wait_s or 0.0)
            self._queues.at(when, CommandKind.SUBMIT, run)

    def _heard(self, classification: Classification, now: float, at: str) -> None:
        """What any answer says of the gateway as a whole: that it is there, and that it wants rest."""
        if classification.wait_s is not None:
            self._pace.hold(now + classification.wait_s, classification.reason)
        if classification.code != NOT_CONNECTED:
            self._reach.answered()
        elif self._reach.lost(now):
            self._stop_submitting(Stop.UNREACHABLE, NOT_CONNECTED, classification.reason, at, CommandKind.POLL)

    # How readings end

    def _poll_result(self, result: PollResult, run: SceneRun, now: float, at: str) -> None:
        classification = result.classification
        self._heard(classification, now, at)
        self._heard_of_task(result, run, now, at)
        run.hears_charge(result.task)
        self._looks.heard(classification, now)
        if classification.kind is Kind.DONE:
            self._completed(result, run, now, at)
        elif classification.kind in REFUSES_ACCOUNT:
            self._stop_for_account(classification, at, CommandKind.POLL)
        elif classification.kind in _ENDED and self._is_confirmed(classification, run):
            self._failed(result, run, now, at)
        elif self._is_time_up(run, now):
            self._give_up(run, at)
        else:
            self._look_again(classification, run, now)

    def _is_confirmed(self, classification: Classification, run: SceneRun) -> bool:
        """Whether it was said often enough; what an earlier run was told often needs to be said once more only."""
        known = (self._attempt(run).state, classification.kind) == (AttemptState.NO_RESULT, Kind.NO_RESULT)
        return run.is_confirmed(classification) or known

    def _heard_of_task(self, result: PollResult, run: SceneRun, now: float, at: str) -> None:
        """What a reading says of whether the gateway has our tasks, and this one."""
        classification, command = result.classification, result.command
        has_ended = self._attempt(run).state is AttemptState.NO_RESULT or not self._attempt(run).is_open
        if classification.not_found and has_ended:
            run.missed += classification.kind is Kind.MISSING  # a gateway may forget what it has finished
        elif classification.not_found:
            run.missed += classification.kind is Kind.MISSING
            self._reach.missed(command.task_id, now)
            elsewhere_at = self._reach.elsewhere_at
            if elsewhere_at is not None:
                # Nothing is bought from a gateway that knows none of what was bought.
                self._pace.hold(elsewhere_at, classification.reason)
                self._doubt_address(now, at)
            elif run.missed >= CONFIRMED_AFTER:
                self._in_flight.discard(run)  # what the gateway does not know must not keep others waiting
        elif classification.kind in _OF_THE_TASK:
            self._reach.knows_task()
            run.heard_of, run.missed = True, 0
            if self._attempt(run).state in (AttemptState.RESOLVED, AttemptState.NOT_FOUND):
                self._remember_of(ev.TaskSeen(at, command.scene_id, command.attempt))

    def _is_time_up(self, run: SceneRun, now: float) -> bool:
        """Whether a task is not waited for any longer; one that is only looked at once more, sooner."""
        if run.give_up_at is not None and now >= run.give_up_at:
            return True
        only_looked_at = self._attempt(run).state not in (AttemptState.RUNNING, AttemptState.RESOLVED)
        return only_looked_at and run.missed >= LOOKS_AT_MISSING and not self._reach.misses_all

    def _look_again(self, classification: Classification, run: SceneRun, now: float) -> None:
        if classification.kind not in _ENDED:
            run.said, run.said_times = "", 0
        self._looks.again(self._kind(run), run, classification, now)

    def _kind(self, run: SceneRun) -> str:
        return outcome_events.kind_of(self._attempt(run).request)

    def _give_up(self, run: SceneRun, at: str) -> None:
        """Wait no longer in this run. The task makes room: a stuck one must not keep others waiting."""
        attempt = self._attempt(run)
        self._in_flight.discard(run)
        if attempt.state is AttemptState.NO_RESULT:
            if run.repeats:
                self._submit_anew(run, at)
        elif attempt.is_open and run.missed and not run.heard_of and not self._reach.misses_all:
            self._remember_of(outcome_events.not_found(at, attempt))
            # An id that was given by hand may be mistyped: what became of the submission is as unknown as before.
            if run.repeats and not attempt.by_hand:
                self._submit_anew(run, at)
        elif attempt.is_in_flight:
            self._remember_of(outcome_events.timed_out(at, attempt, self._settings.task_timeout_s))
        elif not attempt.is_open:
            reason = "the address of the result has expired, and the gateway gave no other in time"
            self._remember_of(ev.DownloadFailed(at, attempt.scene_id, attempt.number, reason))

    def _completed(self, result: PollResult, run: SceneRun, now: float, at: str) -> None:
        attempt = self._attempt(run)
        lasted = self._looks.ended(attempt, run, now, at, result.lasted_s) if attempt.is_open else None
        self._in_flight.discard(run)
        self._remember_of(outcome_events.completed(at, attempt, run.charged(result.task), lasted))
        # Only where the plan says so: it shows what is bought, and lets one of several scenes buy.
        changed = run.repeats and not attempt.asks_for(run.scene)
        if self._settings.download:
            fetching = SceneRun(attempt.as_scene(), attempt.key, removed=True) if changed else run
            self._followers.hand_over(fetching)
            self._queues.now(CommandKind.FETCH, fetching)
        if changed:
            self._submit_anew(run, at)  # the manifest was changed while this task ran

    def _failed(self, result: PollResult, run: SceneRun, now: float, at: str) -> None:
        classification, attempt = result.classification, self._attempt(run)
        if not attempt.is_open:
            # Read for a fresh address only: what was bought stays bought.
            self._remember_of(ev.DownloadFailed(at, attempt.scene_id, attempt.number, classification.reason))
            return
        self._in_flight.discard(run)
        self._remember_of(outcome_events.failed(at, attempt, classification, run.charge))
        paid = paid_for(self.state, run.scene)
        if run.repeats:
            self._submit_anew(run, at)
        elif run.removed or not attempt.asks_for(run.scene) or attempt.state is AttemptState.NO_RESULT:
            return  # of what an earlier run had no result from, the plan says whether it is bought again
        elif self._attempt(run).again:
            self._submit_after_refusal(run, classification, now)
        elif classification.passing and paid < self._settings.attempts:
            self._queues.at(now + retry_wait(paid, self._jitter), CommandKind.SUBMIT, run)

    def _submit_anew(self, run: SceneRun, at: str) -> None:
        run.repeats = False
        if self.stop is not None:
            self._hold_back(run, at)
        if run.scene.sources:
            self._await_sources(run)
        else:
            self._queues.now(CommandKind.SUBMIT, run)

    # Scenes that are made of the results of others

    def _is_under_way(self, run: SceneRun) -> bool:
        return run.is_busy or run in self._in_flight or self._queues.holds(run)

    def _await_sources(self, run: SceneRun) -> None:
        """Have a scene wait for its sources; once they are there its request is made."""
        run.is_new = True
        self._followers.wait(run)

    def _prepare(self, run: SceneRun) -> None:
        self._queues.now(CommandKind.PREPARE, run)

    def _settle(self, run: SceneRun) -> None:
        """Go on with the scenes that wait for one, where nothing more happens with that."""
        if not self._followers.is_on_its_way(run):
            self._followers.ended(run)

    # How downloads end

    def _fetch_result(self, result: FetchResult, run: SceneRun, now: float, at: str) -> None:
        command = result.command
        if result.path is not None and result.sha256 is not None:
            self._remember_of(outcome_events.delivered(at, result, result.path, result.sha256))
            return
        run.fetches += 1
        if result.unstorable:
            reason = f"results cannot be stored: {result.failure}"
            self._stop_submitting(Stop.STORAGE, "storage", reason, at)  # what cannot be kept is not bought
        if result.expired and run.refreshes < MOST_REFRESHES and self._queues.is_open(CommandKind.POLL):
            run.refreshes += 1
            run.give_up_at = None
            self._queues.now(CommandKind.POLL, run)
        elif not result.expired and run.fetches < MOST_FETCHES and self._queues.is_open(CommandKind.FETCH):
            self._queues.at(now + retry_wait(run.fetches, self._jitter), CommandKind.FETCH, run)
        else:
            self._remember_of(ev.DownloadFailed(at, command.scene_id, command.attempt, result.failure))

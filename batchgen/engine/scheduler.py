"""The state machine of a run: results and time go in, events to remember and commands to carry out come out.

Pure: it sleeps nowhere, reads no clock, draws no random number of its own and touches no file, so that a
whole run can be played in virtual time. Times are seconds of the caller's clock; ``at`` is the same
moment as text for the journal.

Theory of operation
-------------------

What is known, and when. The caller alternates two calls: `begin` returns events and commands, `end`
takes the result of one command and returns events. It makes the events durable before it starts any
command that came with them. So the intent to submit is on disk before the first byte of the POST, and
the id of a task before its first read; whatever a crash leaves behind says at least that much.

What a scene goes through. ``_take_up`` puts each step of the plan into one of four queues: submit, poll,
fetch, prepare. A queue holds scenes on their way, a `SceneRun` each, with the attempt that it follows; one is in
at most one of them, or under way in one command. An attempt is followed once, whoever else needs it: the others
find it by its request.
The results move it on: created → poll, completed → fetch, refused for now → submit later, and so on.
Where an attempt stands is kept in ``state`` alone, and changed by events alone; `SceneRun` holds counters
that nobody needs after the run.

Which orders of events are possible, and what closes each race:

- A submission and its end. Between them the scene is in ``_sending``. Neither an interrupt nor any other
  early end forgets it: `is_finished` stays false until its answer came, and the loop gives up only after
  its grace period, with the attempt left as ``submitting``, which reads as unknown.
- A task id that another attempt has. `State.owner_of` decides: whoever came first keeps it, the later
  submission becomes unknown and names both.
- A refused account, a spent budget or a gateway out of reach, while answers are still under way. ``stop``
  closes the submit queue at once; each scene in it is held back with the reason, and one that is
  refused afterwards is held back in ``_send_later``. What is under way ends as it would have.
- 404 to a read. It says nothing at once: the task may be seconds old, or the page a proxy's. Where all of
  several tasks are met with it, submissions rest and the run ends unreached; else the attempt waits for
  its time-out, and keeps its place among the tasks in flight only until the gateway has denied it often.
- A manifest that was changed while a task ran. The task is waited for; then the new request is submitted,
  while the result of the old one is fetched: it was paid for.
- Scenes that ask for the same. The plan lets one of them submit; it says in `State.attempts_for` what the
  others have of it.
- Files that a request names by URL. A scene whose turn it is has them published first, and is then submitted
  before all that are not published; where its turn comes late, what was published is looked at once more. Another
  scene may have asked for the same meanwhile: so it is found out anew what is to happen with it.
- 429 while others are under way. The limit of tasks in flight falls to what the gateway bears, and the
  scene goes to the head of the queue; refusals that come together count once.
- The form of a request, where the gateway may take one of two. Until a task was created in one of them, one
  submission at a time is under way; one that is refused for its form perhaps goes to the head of the queue
  and is sent in the other. It is written down as to be sent again, so that a crash in between loses nothing.
- A scene that is built on the results of others. It has no request until these are there, and waits for its
  sources one by one (`Followers`): for as long as anything happens with a source its result may become another,
  be it that the source is bought once more by wish or that a task of before still runs. Once all have come to
  their end, `Prepare` makes the request from their files, `RequestMade` writes it down, and it goes to the end of
  the submit queue. Only at its head it is looked at whether the request is a new one: a twin may have submitted
  the same meanwhile, and another run directory may have a result of it, which `Link` has here then.
- Two takes that are done in another order than they stand in. What stands for a shot is chosen when the first scene
  is built on it, once no earlier take is on its way or unknown, and is written down with its request.
- Uncertain answers in a row. The breaker lets one submission out at a time; its answer opens or trips it.

Which of the policies waits how long, and why, stands in `batchgen.limits`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from batchgen.engine import events as ev
from batchgen.engine import outcome_events
from batchgen.engine.adoptions import left_for
from batchgen.engine.attempts import RESULT_IS_HERE
from batchgen.engine.backoff import Jitter
from batchgen.engine.classification import Kind
from batchgen.engine.commands import (
    Command,
    CommandResult,
    Fetch,
    FetchResult,
    LinkResult,
    Poll,
    PrepareResult,
    Publish,
    PublishResult,
    Stop,
    Submit,
)
from batchgen.engine.earlier_lengths import earlier_lengths
from batchgen.engine.forecast import Forecast, forecast
from batchgen.engine.linked_scenes import KINDS
from batchgen.engine.published_files import PublishedFiles
from batchgen.engine.queues import BEFORE_TASKS, CommandKind
from batchgen.engine.scene_run import SceneRun
from batchgen.engine.settings import Settings
from batchgen.engine.states import State
from batchgen.engine.steerable import Steerable
from batchgen.engine.steering import CannotSteer, Change, Steering
from batchgen.engine.steps import Choice, Step
from batchgen.engine.throttle import Hold
from batchgen.money import readable

__all__ = ["Scheduler", "Settings"]
_USABLE = frozenset({Kind.CREATED, Kind.RUNNING, Kind.DONE})
"""What the answers of a gateway that works say."""


class Scheduler(PublishedFiles):
    """Decides for all scenes of one run."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a run is made of
        self,
        state: State,
        steps: Iterable[Step],
        settings: Settings,
        jitter: Jitter,
        new_request_id: Callable[[], str],
        choice: Choice | None = None,
    ) -> None:
        """Take up a plan. Nothing begins before `begin` is called.

        ``new_request_id`` gives each submission an id that no other one ever had; ``choice`` is what the plan was
        made with, for scenes whose request can only be made once others have their results.
        """
        super().__init__(state, settings, jitter, choice)
        self._new_request_id = new_request_id
        self._turn = 0
        self._steering = Steering(self._pace, self._looks, self._budget)
        self._choices = (
            self._next_submit, self._next_poll, self._next_fetch, self._next_prepare, self._next_publish
        )  # fmt: skip
        self._take_up(steps)

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
        return self._queues.has(CommandKind.SUBMIT)

    @property
    def hold(self) -> Hold:
        """Until when submissions rest at least, and why."""
        return self._pace.held

    @property
    def budget_usd(self) -> Decimal | None:
        """The budget that holds now."""
        return self._budget.limit_usd

    def forecast(self, waiting: Mapping[str, int], running: Iterable[tuple[str, float]], now: float) -> Forecast:
        """What is to be expected of tasks by kind: those to be submitted, and the ages of those that run."""
        return forecast(waiting, running, self._looks.mean_s, self._pace.limit(now))

    @property
    def is_idle(self) -> bool:
        """Whether no command is under way."""
        return not self._workers.under_way

    def is_finished(self) -> bool:
        """Whether nothing is under way and nothing is left to begin."""
        if self.stop is Stop.INTERRUPTED:
            return not self._sending
        if self._workers.under_way:
            return False
        return not (self._queues if self._settings.wait else any(map(self._queues.has, BEFORE_TASKS)))

    def wakes_at(self) -> float | None:
        """When `begin` has something new to do without any ending, None for never."""
        if not self._workers.are_free:
            return None  # whatever falls due has to wait for a worker, that is, for an ending
        times = [self._queues.wakes_at(), self._reach.elsewhere_at if self.stop is None else None]
        if self._queues.head(CommandKind.SUBMIT) is not None and self.stop is None and not self._is_head_held:
            times.append(self._submits_at())
        return min((when for when in times if when is not None), default=None)

    # What the caller tells

    def begin(self, now: float, at: str) -> tuple[list[ev.Event], list[Command]]:
        """What to remember and then to begin at this moment."""
        self._queues.advance(now)
        self._lose_patience(now, at)
        self._doubt_address(now, at)
        commands: list[Command] = []
        while self._workers.are_free:
            command = self._next_command(now, at)
            if command is None:
                break
            commands.append(command)
        return self._drain(), commands

    def end(self, result: CommandResult, now: float, at: str) -> list[ev.Event]:
        """Take in how an act ended; what to remember of it."""
        run = self._commands.pop(result.command)
        self._free_worker(result, run, now)
        self._endings[type(result)](result, run, now, at)
        self._settle(run)
        return self._drain()

    def interrupt(self) -> None:
        """Begin nothing more; only answers to submissions under way are waited for."""
        self._end_early(Stop.INTERRUPTED, "interrupted", *CommandKind)

    @property
    def is_paused(self) -> bool:
        """Whether the user wants nothing submitted for now."""
        return self._steering.is_paused

    def steer(self, changes: Sequence[Change], now: float, at: str) -> list[ev.Event]:
        """Change settings from now on, all or none; what to remember of it. Raises `CannotSteer`."""
        if self.stop is not None and any(change.setting is not Steerable.POLL_INTERVAL for change in changes):
            raise CannotSteer(f"this run submits nothing more and only waits for what is under way: {self.why}")
        for change in changes:
            if change.setting is Steerable.BUDGET and change.value is not None:
                self._check_budget(change.value)
        for change in changes:
            self._steering.change(change, earlier_lengths(self.state.all_attempts()), now)
            self._remember(ev.Steered(at, change.setting, change.text))
        return self._drain()

    def _check_budget(self, limit_usd: Decimal) -> None:
        """Raise `CannotSteer` for a budget that cannot be kept, or is spent: it would end the run, and for good."""
        waiting = [run for kind in BEFORE_TASKS for run in self._queues.waiting(kind)]
        committed_usd = self._budget.committed.usd
        if self._budget.committed.unknown or any(run.scene.estimated_cost_usd is None for run in waiting):
            raise CannotSteer("no budget can be kept without a price for every tier; add it to pricing, and run again")
        if limit_usd < committed_usd:
            raise CannotSteer(
                f"a budget of {readable(limit_usd)} USD is less than the {readable(committed_usd)} USD that are "
                "charged already or may still be: this run would submit nothing more, for good. To submit nothing for "
                "now, use pause; to end the run, interrupt it"
            )

    # Choosing what to begin

    def _next_command(self, now: float, at: str) -> Command | None:
        """The next act, submissions, readings and downloads taking turns so that none starves."""
        for _ in self._choices:
            self._turn = (self._turn + 1) % len(self._choices)
            command = self._choices[self._turn](now, at)
            if command is not None:
                return command
        # A scene that needs no submission after all may have made ready what is built on it.
        return self._next_prepare(now, at)

    def _free_worker(self, result: CommandResult, run: SceneRun, now: float) -> None:
        command, upload_bytes = result.command, self._upload_bytes(result.command)
        self._workers.ended(KINDS[type(command)], upload_bytes)
        run.is_busy = False
        if (
            isinstance(result, FetchResult | PrepareResult | LinkResult | PublishResult)
            or upload_bytes
            or result.classification.kind not in _USABLE
        ):
            return
        self._workers.answered(now - (run.sent_at if isinstance(command, Submit) else run.looked_at))

    def _may_submit_more(self, now: float) -> bool:
        in_flight, sending = len(self._in_flight), len(self._sending)
        # Most often the gateway has all the tasks that it may have, and this is asked twice a turn.
        if self.stop is not None or self._steering.is_paused or not self._pace.allows(in_flight, sending, now):
            return False
        run = self._queues.head(CommandKind.SUBMIT)
        upload_bytes = 0 if run is None else self._settings.upload_bytes(run.scene.scene_id)
        may_ask = (self._formats.is_known or not sending) and self._workers.may_submit(upload_bytes)
        may_ask = may_ask and self._has_room_for_results()
        # What is being sent may be refused, and is free then: the budget has its say once that is answered.
        may_ask = may_ask and (not sending or run is None or self._is_affordable(run))
        return may_ask and self._breaker.allows(sending)

    def _is_affordable(self, run: SceneRun) -> bool:
        """Whether one more submission of a scene stays within the budget."""
        return self._budget.allows(run.scene.estimated_cost_usd)

    def _has_room_for_results(self) -> bool:
        """Whether no more results wait to be fetched than tasks may be in flight: their addresses expire meanwhile."""
        return not self._settings.wait or self._queues.count(CommandKind.FETCH) < self._pace.max_in_flight

    def _submits_at(self) -> float | None:
        """When the next submission may go out without any ending, None for never."""
        opens_at, trial_at = self._pace.opens_at(), self._pace.trial_at()
        moments = [opens_at, *([] if trial_at is None else [max(trial_at, opens_at)])]
        return next((moment for moment in moments if self._may_submit_more(moment)), None)

    def _next_submit(self, now: float, at: str) -> Submit | Publish | None:
        self._is_head_held = False
        run = self._queues.head(CommandKind.SUBMIT)
        while run is not None and self._needs_no_submission(run, at):
            self._settle(run)
            run = self._queues.head(CommandKind.SUBMIT)
        if run is None or not self._may_submit_more(now) or now < self._pace.opens_at():
            return None
        if not self._is_affordable(run):
            self._stop_at_budget(at)
            return None
        if not self._is_published(run, at):
            return self._publish_first(now, at)
        self._queues.take(CommandKind.SUBMIT)
        command = self._submission(run)
        run.attempt = command.scene_id, command.attempt
        self._followers.follow(run.attempt, run)
        run.sent_at = now
        self._pace.sent(now)
        self._breaker.sent()
        self._in_flight.add(run)
        self._sending.add(run)
        self._remember_of(outcome_events.submitting(at, run.scene, command, self.state.find(run.attempt)))
        return self._begun(command, run)

    def _submission(self, run: SceneRun) -> Submit:
        """The next attempt at a scene; in the other form, where it was refused in one."""
        scene_id = run.scene.scene_id
        form = run.request_format or self._formats.usual
        other = "" if run.refused_as is not None else self._formats.other(form)
        return Submit(scene_id, self.state.next_number(scene_id), self._new_request_id(), form, other)

    def _needs_no_submission(self, run: SceneRun, at: str) -> bool:
        """Whether the scene at the head of the queue has, or gets, what it asks for; it is taken out then."""
        if (run.is_new or self._is_overtaken(run)) and self._goes_otherwise(run):
            return True
        if self._is_served(run) or (not run.again and self._inherits(run, at)):
            self._queues.take(CommandKind.SUBMIT)
            return True
        return False

    def _is_served(self, run: SceneRun) -> bool:
        """Whether what a scene asks for has come meanwhile, from an attempt that had been given up perhaps."""
        return not run.again and any(one.state in RESULT_IS_HERE for one in self.state.attempts_for(run.scene))

    def _inherits(self, run: SceneRun, at: str) -> bool:
        """Have a scene take what one that is gone has left, if anything is, and follow that where nobody does."""
        left = left_for(self.state, run.scene)
        if left is None:
            return False
        self._remember(ev.Adopted(at, run.scene.scene_id, *left))
        is_followed = any(other.attempt == left for other in self._in_flight)
        if self.state.attempt(left).is_in_flight and not is_followed and self._queues.is_open(CommandKind.POLL):
            run.follows(left)
            self._in_flight.add(run)
            self._queues.now(CommandKind.POLL, run)
        return True

    def _next_poll(self, now: float, at: str) -> Poll | None:
        is_wanted = self._queues.head(CommandKind.POLL) is not None and self._has_time_for_tasks(now)
        if not is_wanted or not self._workers.may_ask():
            return None
        run = self._queues.take(CommandKind.POLL)
        attempt = self._attempt(run)
        if run.give_up_at is None:
            run.give_up_at = now + self._settings.task_timeout_s
        self._looks.begun(self._kind(run), run, attempt.submitted_at, now, at)
        return self._begun(Poll(attempt.scene_id, attempt.number, attempt.task_id or ""), run)

    def _has_time_for_tasks(self, now: float) -> bool:
        """Whether tasks are read: without waiting, only to see which of them make room for others."""
        full = len(self._in_flight) >= self._pace.limit(now)
        return self._settings.wait or (full and self._queues.has(CommandKind.SUBMIT))

    def _next_fetch(self, now: float, at: str) -> Fetch | None:  # noqa: ARG002 - the choices are called alike
        is_wanted = self._queues.head(CommandKind.FETCH) is not None and self._settings.wait
        is_alone = not self._queues.has(CommandKind.SUBMIT) and not self._in_flight
        if not is_wanted or not self._workers.may_fetch(is_alone=is_alone):
            return None
        run = self._queues.take(CommandKind.FETCH)
        attempt = self._attempt(run)
        asked = attempt.request
        size, duration_s = asked.size or "", asked.seconds or 0
        return self._begun(Fetch(*attempt.key, attempt.result.video_url or "", size, duration_s), run)

"""Faults that somebody could make, each as a change of the text; every one breaks a promise."""

from campaigns.mutations.fault import Fault, fault, fault_on_disk
from campaigns.mutations.linked_faults import LINKED_FAULTS
from campaigns.mutations.published_faults import PUBLISHED_FAULTS

LOOP = "runner/loop.py"
LINE_LOG = "journal/line_log.py"
REPLAY = "journal/replay.py"
LINE_FORMS = "journal/line_forms.py"
ATTEMPTS = "engine/attempts.py"
STATES = "engine/states.py"
ADOPTIONS = "engine/adoptions.py"
MANIFEST_CHANGES = "engine/manifest_changes.py"
SCHEDULER = "engine/scheduler.py"
REACTIONS = "engine/reactions.py"
PLANNER = "engine/planner.py"
BUDGET = "engine/budget.py"
ERROR_POLICY = "providers/error_policy.py"
VTRIX_POLICY = "providers/vtrix/error_policy.py"
CODEC = "providers/vtrix/codec.py"
PARTS = "providers/vtrix/parts.py"
RESULT_READER = "providers/vtrix/result_reader.py"
OUTCOME_EVENTS = "engine/outcome_events.py"
THROTTLE = "engine/throttle.py"
WORKERS = "engine/workers.py"
BREAKER = "engine/breaker.py"
REACH = "engine/reach.py"
LIMITS = "limits.py"
LOCAL_STORE = "store/local.py"
LINKS = "store/links.py"
VIEW = "store/view.py"


FAULTS: tuple[Fault, ...] = (
    fault(
        "the intent is written after the POST",
        LOOP,
        "            self._journal.append([*self._ended, *events])\n",
        "            for command in commands:\n                self._start(command)\n"
        "            self._journal.append([*self._ended, *events])\n",
        "            for command in commands:\n                self._start(command)\n            observer.turn()\n",
        "            observer.turn()\n",
    ),
    fault(
        "the intent is not written at all",
        LOOP,
        "            self._journal.append([*self._ended, *events])\n",
        "            self._journal.append(self._ended)\n",
    ),
    fault(
        "what ended is written down twice",
        LOOP,
        "            self._journal.append([*self._ended, *events])\n",
        "            self._journal.append([*self._ended, *self._ended, *events])\n",
    ),
    fault(
        "paid task ids are left out when the disk is full",
        LOOP,
        "            if lost:\n",
        "            if not lost:\n",
    ),
    fault(
        "what ends a run is not held up by answers to submissions",
        LOOP,
        "            self._keep_answers(error, observer)\n",
        "            self._scheduler = self._scheduler\n",
    ),
    fault(
        "answers that came at the end are not written down",
        LOOP,
        "            self._journal.append(events)\n",
        "            self._journal.append([])\n",
    ),
    fault(
        "fsync is left out after writing",
        LINE_LOG,
        "                rest = rest[self._medium.write(rest) :]\n            self._medium.make_durable()\n",
        "                rest = rest[self._medium.write(rest) :]\n",
    ),
    fault(
        "what a process before left behind is not made durable",
        LINE_LOG,
        "        medium.make_durable()\n\n    def append",
        "\n    def append",
    ),
    fault(
        "an append does not look whether somebody else has written",
        LINE_LOG,
        "            self._check_length(self._length)\n            self._write(content)\n",
        "            self._length = self._medium.length()\n            self._write(content)\n",
    ),
    fault(
        "an append does not look whether somebody else wrote meanwhile",
        LINE_LOG,
        "            self._check_length(self._length + len(content))\n        except",
        "            self._length = self._medium.length() - len(content)\n        except",
    ),
    fault(
        "bytes of somebody else are cut off with ours",
        LINE_LOG,
        "                if content.startswith(self._medium.read()[self._length :]):\n",
        "                if content:\n",
    ),
    fault("a torn tail is not cut off", LINE_LOG, "        if self.torn:\n", "        if not self:\n"),
    fault("the rest of a short write is dropped", LINE_LOG, "            while rest:\n", "            if rest:\n"),
    fault(
        "a torn tail counts as a line",
        REPLAY,
        '    whole = content.rfind(b"\\n") + 1\n',
        '    whole = len(content) if content.endswith(b"}") else content.rfind(b"\\n") + 1\n',
    ),
    fault(
        "money passes through a float",
        LINE_FORMS,
        '    return None if amount is None else format(amount, "f")\n',
        '    return None if amount is None else format(float(amount), "f")\n',
    ),
    fault(
        "a scene that has left the manifest stays in what is remembered of it",
        MANIFEST_CHANGES,
        "        del listed[name]\n",
        "        listed.pop(name, None) if not listed else None\n",
    ),
    fault(
        "a manifest that was put in another order is remembered in the old one",
        MANIFEST_CHANGES,
        "    order = event.order or tuple(listed)\n",
        "    order = tuple(listed)\n",
    ),
    fault(
        "an attempt cut off in sending is not unknown",
        ATTEMPTS,
        "        return self.state in (S.UNKNOWN, S.SUBMITTING)\n",
        "        return self.state is S.UNKNOWN\n",
    ),
    fault(
        "the task id is written after the first poll",
        REACTIONS,
        "        self._remember_of(event)\n        self._count(",
        "        (self.state.apply if isinstance(event, ev.Submitted) else self._remember_of)(event)\n"
        "        self._count(",
        "        self._heard_of_task(result, run, now, at)\n        run.hears",
        "        command = result.command\n        self._heard_of_task(result, run, now, at)\n"
        "        told = self.__dict__.setdefault('told', set())\n"
        "        if command.task_id not in told:\n"
        "            told.add(command.task_id)\n"
        "            self._events.append(ev.Submitted(at, command.scene_id, command.attempt, command.task_id))\n"
        "        run.hears",
    ),
    fault(
        "401 and 403 on a submission do not stop the run",
        REACTIONS,
        "            self._stop_for_account(classification, at)\n",
        "            self._submit_after_refusal(run, classification, now)\n",
    ),
    fault(
        "401 and 403 on a reading do not stop the run",
        REACTIONS,
        "            self._stop_for_account(classification, at, CommandKind.POLL)\n",
        "            self._look_again(classification, run, now)\n",
    ),
    fault(
        "Retry-After is ignored",
        REACTIONS,
        "            self._pace.hold(now + classification.wait_s, classification.reason)\n",
        "            self._pace.hold(now, classification.reason)\n",
        "run.sent_at, now, classification.wait_s, classification.reason)\n        elif",
        "run.sent_at, now, None, classification.reason)\n        elif",
        "            self._pace.refused(run.sent_at, now, classification.wait_s, classification.reason)\n",
        "            self._pace.refused(run.sent_at, now, None, classification.reason)\n",
    ),
    fault(
        "Retry-After: 0 is taken at its word",
        THROTTLE,
        "max(wait_s or 0.0, self._least_hold_s if is_news else 0.0)",
        "(self._least_hold_s if wait_s is None else wait_s)",
    ),
    fault(
        "refusals are not counted",
        REACTIONS,
        "        run.refusals += 1\n        if run.refusals < MOST_POSTS:\n",
        "        if run.refusals < MOST_POSTS:\n",
    ),
    fault(
        "a scene that is refused in one form is not asked in the other",
        REACTIONS,
        "            self._submit_next(run, at)\n",
        "            pass\n",
    ),
    fault(
        "a scene that is refused in one form has failed until it is asked in the other",
        OUTCOME_EVENTS,
        " or is_asked_otherwise(result)\n",
        "\n",
    ),
    fault(
        "several scenes leave before anybody knows in which form",
        SCHEDULER,
        "        may_ask = (self._formats.is_known or not sending) and",
        "        may_ask = True and",
    ),
    fault(
        "a scene is asked in one form after the other, on and on",
        SCHEDULER,
        '        other = "" if run.refused_as is not None else self._formats.other(form)\n',
        "        other = self._formats.other(form)\n",
    ),
    fault(
        "an edited request is taken for the one that was refused",
        OUTCOME_EVENTS,
        "    if before is not None and (before.request, before.any_seed) == (scene.request, scene.any_seed):\n",
        "    if before is not None:\n",
    ),
    fault(
        "a request goes out with an id that is not written down",
        OUTCOME_EVENTS,
        "        request_id=command.request_id,\n",
        "",
    ),
    fault(
        "what was sent after a refusal counts with it",
        THROTTLE,
        "        is_news = sent_at > self._refused_at\n",
        "        is_news = now > self._refused_at + self._least_hold_s\n",
    ),
    fault(
        "a run that is not let in waits for ever",
        REACTIONS,
        "            if hold.until - self._shut_out_since >= PATIENCE_S:\n",
        "            if hold.until < now:\n",
    ),
    fault(
        "uncertain answers do not trip the breaker",
        BREAKER,
        "        self.is_tripped = sum(self._recent) >= TRIPS_AFTER\n",
        "",
    ),
    fault(
        "a tripped breaker lets all through",
        BREAKER,
        "        return not self.is_tripped or sending == 0\n",
        "        return not self.is_tripped or sending >= 0\n",
    ),
    fault(
        "probes go on without end",
        BREAKER,
        "            return self._failed_probes >= MOST_PROBES\n",
        "            return self._failed_probes < 0\n",
    ),
    fault(
        "an id that another attempt has is booked once more",
        OUTCOME_EVENTS,
        "result.task_id is not None and owner is None:\n",
        "result.task_id is not None:\n",
    ),
    fault(
        "an answer about another task is taken for this one",
        CODEC,
        "        check_task_id(next(iter(named), None), task_id)\n",
        "        pass\n",
    ),
    fault(
        "a failure is a failure, though it names a video",
        CODEC,
        "    if video is not None:\n        result",
        '    if video is not None and word not in ("failed", "cancelled"):\n        result',
    ),
    fault(
        "a cost that cannot be read keeps its video away",
        RESULT_READER,
        '    return None, (f"the gateway',
        '    raise NotUnderstood(f"the gateway',
        "import JsonObject,",
        "import JsonObject, NotUnderstood,",
    ),
    fault(
        "an envelope is not opened",
        PARTS,
        "    return (answer, inside) if isinstance(inside, dict) else (answer,)\n",
        "    return (answer, inside) if inside is answer else (answer,)\n",
    ),
    fault(
        "a code that speaks of the balance is one like others",
        VTRIX_POLICY,
        '    balance_codes=frozenset({*map(str, range(40_201, 40_209)), "insufficient_balance"}),\n',
        "",
    ),
    fault(
        "what brought no result is bought again without one more look",
        PLANNER,
        "                return self._no_result(scene, current)\n",
        "                return self._ended(scene, current)\n",
    ),
    fault(
        "the cost of what brought no result is forgotten with the next look",
        ATTEMPTS,
        "    if before.state is S.NO_RESULT:\n",
        "    if isinstance(event, Completed) and before.state is S.NO_RESULT:\n",
    ),
    fault(
        "an id that came with a useless answer is dropped",
        OUTCOME_EVENTS,
        "code, reason, candidate_id, result.excerpt)",
        "code, reason, None, result.excerpt)",
    ),
    fault(
        "404 is a verdict",
        ERROR_POLICY,
        "    kind = Kind.TRANSIENT if ending.is_html else Kind.MISSING\n",
        "    kind = Kind.TRANSIENT if ending.is_html else Kind.FAILED\n",
    ),
    fault(
        "a gateway that knows none of the tasks is asked on and on",
        REACH,
        "        return self._missing_since + LOST_AFTER_S if self.misses_all",
        "        return self._missing_since + 10**9 if self.misses_all",
    ),
    fault(
        "what was given up as not found is never looked for again",
        PLANNER,
        "                return self._not_found(scene, current)\n",
        '                return Step(scene, Action.FAILED, "not found")\n',
        "            if attempt.is_open:\n                reason",
        "            if attempt.is_in_flight:\n                reason",
    ),
    fault(
        "an id that was mistyped counts as no task",
        REACTIONS,
        "            if run.repeats and not attempt.by_hand:\n",
        "            if run.repeats:\n",
    ),
    fault(
        "one paid attempt more than allowed",
        REACTIONS,
        "classification.passing and paid < self._settings.attempts",
        "classification.passing and paid <= self._settings.attempts",
    ),
    fault(
        "one paid attempt more than allowed over runs",
        PLANNER,
        "attempt.passing and made < most",
        "attempt.passing and made <= most",
    ),
    fault(
        "one task more in flight than allowed",
        THROTTLE,
        "        return in_flight < self.limit(now) and sending < self._under_way\n",
        "        return in_flight <= self.limit(now) and sending < self._under_way\n",
    ),
    fault(
        "one command more under way than workers",
        WORKERS,
        "        return self.under_way < self._most\n",
        "        return self.under_way <= self._most\n",
    ),
    fault(
        "an interrupted run does not wait for answers",
        SCHEDULER,
        "            return not self._sending\n",
        "            return True\n",
    ),
    fault(
        "a scene that was taken out is submitted again",
        REACTIONS,
        "        elif run.removed or not attempt.asks_for(run.scene) or attempt",
        "        elif attempt",
    ),
    fault(
        "an unknown outcome is sent again in the same run",
        REACTIONS,
        "        self._in_flight.discard(run)\n        if classification.kind in REFUSES_ACCOUNT:\n",
        "        self._in_flight.discard(run)\n"
        "        if isinstance(event, ev.OutcomeUnknown):\n"
        "            self._queues.now(CommandKind.SUBMIT, run)\n"
        "        if classification.kind in REFUSES_ACCOUNT:\n",
    ),
    fault(
        "an unknown outcome is sent again by the next run",
        PLANNER,
        "Step(scene, Action.UNKNOWN, ",
        "Step(scene, Action.SUBMIT, ",
    ),
    fault(
        "what failed is paid for again without being asked",
        PLANNER,
        "        if self._choice.retry_failed:\n",
        "        if scene:\n",
    ),
    fault(
        "a changed scene is bought while its task still runs",
        PLANNER,
        "        return Step(scene, Action.RESUME, reason, changed, paid_before=True, then_submits=True,",
        "        return Step(scene, Action.SUBMIT, reason, changed, paid_before=True,",
    ),
    fault(
        "the budget counts only settled charges",
        BUDGET,
        "    return Sum().plus(estimate(attempt) if attempt.result.cost_usd is None else attempt.result.cost_usd)\n",
        "    return Sum() if attempt.result.cost_usd is None else Sum().plus(attempt.result.cost_usd)\n",
    ),
    fault(
        "the budget leaves the next submission out",
        BUDGET,
        "plus(self.committed.usd, estimate) <= self.limit_usd",
        "self.committed.usd <= self.limit_usd",
    ),
    fault(
        "what failures cost is not counted",
        BUDGET,
        "        if attempt.result.cost_usd is not None or (",
        "        if attempt.state is not AttemptState.FAILED and attempt.result.cost_usd is not None or (",
        " and not _is_free(attempt)):\n            total = total.plus(attempt.result.cost_usd)",
        " and attempt.state is not AttemptState.FAILED):\n            total = total.plus(attempt.result.cost_usd)",
    ),
    fault(
        "what was charged for counts as never created",
        OUTCOME_EVENTS,
        "again=classification.again and not result.cost_usd,",
        "again=classification.again,",
    ),
    fault(
        "a gateway that knows none of the tasks gets more of them",
        REACTIONS,
        "                self._pace.hold(elsewhere_at, classification.reason)\n",
        "",
    ),
    fault(
        "what was bought for another scene is not asked for",
        STATES,
        "        if scene.any_seed is not None:\n            # Its own",
        "        if scene:\n            # Its own",
        "            keys = own if scene.any_seed == scene.request.sha256 else list(",
        "            keys = own if scene else list(",
    ),
    fault(
        "of scenes that ask for the same each is bought",
        PLANNER,
        "        if not is_shared or first.setdefault(sha256, scene_id) == scene_id:\n",
        "        if step:\n",
    ),
    fault(
        "what is unknown of another scene is bought",
        STATES,
        "        adopted = self.adopted_by(scene)\n        return",
        "        adopted = self.adopted_by(scene)\n"
        "        keys = [key for key in keys if key[0] == scene.scene_id or not self.attempt(key).is_unknown]\n"
        "        return",
    ),
    fault(
        "what failed for another scene is bought",
        STATES,
        "        adopted = self.adopted_by(scene)\n        return",
        "        adopted = self.adopted_by(scene)\n"
        "        keys = [key for key in keys if key[0] == scene.scene_id or self.attempt(key).state is not S.FAILED]\n"
        "        return",
    ),
    fault(
        "a result with a random seed serves several scenes",
        STATES,
        "            keys = own if scene.any_seed == scene.request.sha256 else list(",
        "            keys = own if not scene else list(",
    ),
    fault(
        "what a scene that is gone has left is bought again",
        ADOPTIONS,
        "        if scene.any_seed is None or any(",
        "        if scene or any(",
    ),
    fault(
        "a result stays with the heir of a scene that is back",
        STATES,
        "        return key if found is not None and fits and not self.is_claimed(found) else None\n",
        "        return key if fits else None\n",
    ),
    fault(
        "a wish is fulfilled twice",
        STATES,
        "self._known_paid(scene) <= wish[1]\n",
        "self._known_paid(scene) <= wish[1] + 1\n",
    ),
    fault(
        "what a plan does not show is bought after a task",
        REACTIONS,
        "        changed = run.repeats and not attempt.asks_for(run.scene)\n",
        "        changed = not (run.removed or attempt.asks_for(run.scene))\n",
    ),
    fault(
        "a result that no scene uses is not fetched",
        PLANNER,
        "            elif self._choice.download and attempt.state in TO_FETCH:\n",
        "            elif not attempt:\n",
    ),
    fault(
        "a task that no scene needs is not waited for",
        PLANNER,
        "            if attempt.is_open:\n                reason",
        "            if not attempt:\n                reason",
    ),
    fault(
        "the result of a later attempt takes the name of the first",
        OUTCOME_EVENTS,
        "    return ev.Downloaded(at, result.command.scene_id, result.command.attempt, path",
        "    return ev.Downloaded(at, result.command.scene_id, 1, path",
    ),
    fault(
        "a failure of whose cost nothing is said counts as free",
        BUDGET,
        "(attempt.state is AttemptState.FAILED and attempt.again)",
        "attempt.state is AttemptState.FAILED",
    ),
    fault(
        "504 counts as refused",
        VTRIX_POLICY,
        "wait=frozenset({429, 503}),\n    unknown=frozenset({502, 504})",
        "wait=frozenset({429, 503, 504}),\n    unknown=frozenset({502})",
    ),
    fault(
        "502 with a message counts as refused",
        ERROR_POLICY,
        "    if status in policy.unknown:\n        return _uncertain(ending)\n",
        "    if status in policy.unknown and ending.stated:\n        return _refused(ending, policy, again=True)\n",
    ),
    fault(
        "500 without a word counts as refused",
        ERROR_POLICY,
        "    if status in policy.stated and ending.stated and",
        "    if status in policy.stated and",
    ),
    fault(
        "500 with the id of a task counts as refused",
        ERROR_POLICY,
        "ending.stated and not names_task:",
        "ending.stated:",
    ),
    fault(
        "a broken connection counts as none",
        ERROR_POLICY,
        "    if trouble is Trouble.NOT_CONNECTED:\n",
        "    if trouble in (Trouble.NOT_CONNECTED, Trouble.BROKEN):\n",
    ),
    fault(
        "silence counts as no connection",
        ERROR_POLICY,
        "    if trouble is Trouble.NOT_CONNECTED:\n",
        "    if trouble in (Trouble.NOT_CONNECTED, Trouble.TIMED_OUT):\n",
    ),
    fault(
        "success without a task id counts as refused",
        ERROR_POLICY,
        "        return _refused(ending, policy, again=False)\n    return _uncertain(ending)\n",
        "        return _refused(ending, policy, again=False)\n    return _refused(ending, policy, again=True)\n",
    ),
    fault("a doubtful failure is believed at once", LIMITS, "CONFIRMED_AFTER = 5", "CONFIRMED_AFTER = 1"),
    fault_on_disk(
        "a result is written over",
        LOCAL_STORE,
        "        put_aside(target)\n        make_read_only(",
        "        make_read_only(",
    ),
    fault_on_disk(
        "results can be written to",
        LOCAL_STORE,
        "        make_read_only(checked.fetched.path)\n",
        "",
    ),
    fault_on_disk(
        "a result is linked in whatever its hash",
        LOCAL_STORE,
        "        if digest(source) != sha256:\n",
        "        if not source.exists():\n",
    ),
    fault_on_disk(
        "where the disk has no links nothing is copied",
        LINKS,
        "        if error.errno not in _NO_LINKS:\n            raise\n        shutil.copy2(source, temporary)\n",
        "        if error.errno in _NO_LINKS:\n            raise\n        shutil.copy2(source, temporary)\n",
    ),
    fault_on_disk(
        "a video of the user's own makes way for a view",
        VIEW,
        "        if shown.is_file() and not is_result(shown):\n",
        "        if not shown.exists():\n",
    ),
    fault_on_disk(
        "the view takes away what is no result",
        VIEW,
        "        if path not in wanted and path.stem in known and is_result(path):\n",
        "        if path not in wanted:\n",
    ),
    fault_on_disk(
        "the view keeps what counts no more",
        VIEW,
        "        if path not in wanted and path.stem in known and is_result(path):\n",
        "        if not path:\n",
    ),
    *LINKED_FAULTS,
    *PUBLISHED_FAULTS,
)

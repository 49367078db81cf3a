"""Faults that somebody could make, each as a change of the text; every one breaks a promise."""

from dataclasses import dataclass

LOOP = "runner/loop.py"
LOG = "journal/log.py"
RECORDS = "journal/records.py"
STATES = "engine/states.py"
SCHEDULER = "engine/scheduler.py"
PLANNER = "engine/planner.py"
BUDGET = "engine/budget.py"
MEANINGS = "gateway/meanings.py"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in which file of the package, and the texts that are replaced to make it so."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]


def fault(name: str, file: str, before: str, after: str, *more: str) -> Fault:
    """A fault of one change or several: texts before and after, in turns."""
    texts = (before, after, *more)
    return Fault(name, file, tuple(zip(texts[::2], texts[1::2], strict=True)))


FAULTS = (
    fault(
        "the intent is written after the POST",
        LOOP,
        "            try:\n                self._journal.append([*remembered, *events])\n",
        "            for act in acts:\n                self._start(act)\n"
        "            try:\n                self._journal.append([*remembered, *events])\n",
        "            for act in acts:\n                self._start(act)\n            observe()\n",
        "            observe()\n",
    ),
    fault(
        "the intent is not written at all",
        LOOP,
        "                self._journal.append([*remembered, *events])\n",
        "                self._journal.append(remembered)\n",
    ),
    fault(
        "what ended is written down twice",
        LOOP,
        "                self._journal.append([*remembered, *events])\n",
        "                self._journal.append([*remembered, *remembered, *events])\n",
    ),
    fault(
        "paid task ids are left out when the disk is full",
        LOOP,
        "        if not lost:\n            return error\n",
        "        if lost:\n            return error\n",
    ),
    fault(
        "fsync is left out after writing",
        LOG,
        "            self._medium.make_durable()\n        except",
        "        except",
    ),
    fault(
        "what a process before left behind is not made durable",
        LOG,
        "        medium.make_durable()\n\n    def append",
        "\n    def append",
    ),
    fault("a torn tail is not cut off", LOG, "        if self.torn:\n", "        if not self:\n"),
    fault("the rest of a short write is dropped", LOG, "            while rest:\n", "            if rest:\n"),
    fault(
        "a torn tail counts as a line",
        LOG,
        '    whole = content.rfind(b"\\n") + 1\n',
        '    whole = len(content) if content.endswith(b"}") else content.rfind(b"\\n") + 1\n',
    ),
    fault(
        "money passes through a float",
        RECORDS,
        '        return format(value, "f")\n',
        '        return format(float(value), "f")\n',
    ),
    fault(
        "an attempt cut off in sending is not unknown",
        STATES,
        "        return self.state in (S.UNKNOWN, S.SUBMITTING)\n",
        "        return self.state is S.UNKNOWN\n",
    ),
    fault(
        "the task id is written after the first poll",
        SCHEDULER,
        "            self._remember_of(ev.Submitted(at, act.scene_id, act.attempt, ending.task_id))\n",
        "            self.state.apply(ev.Submitted(at, act.scene_id, act.attempt, ending.task_id))\n",
        "        meaning = ending.meaning\n        self._heard(meaning, now)\n        job.polls += 1\n",
        "        meaning, act = ending.meaning, ending.act\n        self._heard(meaning, now)\n        job.polls += 1\n"
        "        if job.polls == 1:\n"
        "            self._events.append(ev.Submitted(at, act.scene_id, act.attempt, act.task_id))\n",
    ),
    fault(
        "401 and 403 on a submission do not stop the run",
        SCHEDULER,
        "            self._end_early(Stop.ACCOUNT)\n",
        "            self._submit_after_refusal(job, now)\n",
    ),
    fault(
        "401 and 403 on a reading do not stop the run",
        SCHEDULER,
        "            self._end_early(Stop.ACCOUNT, Sort.POLL)\n",
        "            self._look_again(meaning, job, now)\n",
    ),
    fault(
        "Retry-After is ignored",
        SCHEDULER,
        "            self._pace.hold(now + meaning.wait_s)\n",
        "            self._pace.hold(now)\n",
    ),
    fault(
        "one paid attempt more than allowed",
        SCHEDULER,
        "self._paid(job) < self._settings.attempts",
        "self._paid(job) <= self._settings.attempts",
    ),
    fault(
        "one task more in flight than allowed",
        SCHEDULER,
        "self.stop is None and len(self._in_flight) < self._pace.limit",
        "self.stop is None and len(self._in_flight) <= self._pace.limit",
    ),
    fault(
        "one act more under way than workers",
        SCHEDULER,
        "        while self._under_way < self._settings.workers:\n",
        "        while self._under_way <= self._settings.workers:\n",
    ),
    fault(
        "an interrupted run does not wait for answers",
        SCHEDULER,
        "            return not self._sending\n",
        "            return True\n",
    ),
    fault(
        "a scene that was taken out is submitted again",
        SCHEDULER,
        "        if job.removed:\n            return\n",
        "",
    ),
    fault(
        "an unknown outcome is sent again in the same run",
        SCHEDULER,
        "            self._remember_of(wording.unknown(at, ending))\n",
        "            self._remember_of(wording.unknown(at, ending))\n"
        "            self._agenda.now(Sort.SUBMIT, act.scene_id)\n",
    ),
    fault(
        "an unknown outcome is sent again by the next run",
        PLANNER,
        "Step(scene, Action.UNKNOWN, ",
        "Step(scene, Action.SUBMIT, ",
    ),
    fault(
        "a download that failed is bought again",
        PLANNER,
        'Step(scene, Action.DOWNLOAD, "bought, and not here yet"',
        'Step(scene, Action.SUBMIT, "bought, and not here yet"',
    ),
    fault(
        "what failed is paid for again without being asked",
        PLANNER,
        "    if choice.retry_failed:\n",
        "    if scene:\n",
    ),
    fault(
        "a changed scene is bought while its task still runs",
        PLANNER,
        "        return Step(scene, Action.RESUME, reason, changed, paid_before=True, then_submits=True)\n",
        "        return Step(scene, Action.SUBMIT, reason, changed, paid_before=True)\n",
    ),
    fault(
        "the budget counts only settled charges",
        BUDGET,
        "    return Sum().plus(estimate(attempt) if attempt.cost_usd is None else attempt.cost_usd)\n",
        "    return Sum() if attempt.cost_usd is None else Sum().plus(attempt.cost_usd)\n",
    ),
    fault(
        "the budget leaves the next submission out",
        BUDGET,
        "plus(self.liable.usd, estimate) <= self._limit",
        "self.liable.usd <= self._limit",
    ),
    fault(
        "what failures cost is not counted",
        BUDGET,
        "        if attempt.cost_usd is not None or (",
        "        if (attempt.cost_usd is not None and attempt.state is not AttemptState.FAILED) or (",
    ),
    fault(
        "an edit that was refused and taken back is paid for again",
        PLANNER,
        "    latest = state.standing(scene)\n",
        "    latest = attempts[-1] if attempts else None\n",
    ),
    fault(
        "a failure of whose cost nothing is said counts as free",
        BUDGET,
        "(attempt.state is AttemptState.FAILED and attempt.again)",
        "attempt.state is AttemptState.FAILED",
    ),
    fault("504 counts as refused", MEANINGS, "_WAIT = (429, 503)", "_WAIT = (429, 503, 504)"),
    fault(
        "502 with a message counts as refused",
        MEANINGS,
        "    if status == _INTERNAL_ERROR and ending.stated",
        "    if status >= _INTERNAL_ERROR and ending.stated",
    ),
    fault(
        "500 without a word counts as refused",
        MEANINGS,
        "    if status == _INTERNAL_ERROR and ending.stated and",
        "    if status == _INTERNAL_ERROR and",
    ),
    fault(
        "500 with the id of a task counts as refused",
        MEANINGS,
        "ending.stated and ending.task_id is None:",
        "ending.stated:",
    ),
    fault(
        "a broken connection counts as none",
        MEANINGS,
        "    if trouble is Trouble.NOT_CONNECTED:\n",
        "    if trouble in (Trouble.NOT_CONNECTED, Trouble.BROKEN):\n",
    ),
    fault(
        "silence counts as no connection",
        MEANINGS,
        "    if trouble is Trouble.NOT_CONNECTED:\n",
        "    if trouble in (Trouble.NOT_CONNECTED, Trouble.TIMED_OUT):\n",
    ),
    fault(
        "success without a task id counts as refused",
        MEANINGS,
        "        return _of_create_status(ending, ending.status)\n    return _uncertain(ending)\n",
        "        return _of_create_status(ending, ending.status)\n    return _refused(ending, again=True)\n",
    ),
    fault("a doubtful failure is believed at once", MEANINGS, "_CONFIRM = 5", "_CONFIRM = 1"),
)

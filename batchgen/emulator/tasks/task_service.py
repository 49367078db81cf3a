"""Creates tasks, runs each one to its end, and finds them by id."""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import replace
from decimal import Decimal

from batchgen.emulator.faults.kinds import Fault, Stage
from batchgen.emulator.faults.selector import FaultSelector
from batchgen.emulator.models import Models
from batchgen.emulator.money import Charge, Tariff, default_prices
from batchgen.emulator.request_log import RequestLog
from batchgen.emulator.seeded_random import random_between, random_task_id, random_token
from batchgen.emulator.settings import SEED_LIMIT, Settings
from batchgen.emulator.tasks.generation_request import GenerationRequest
from batchgen.emulator.tasks.lifecycle import (
    Task,
    TaskEvent,
    TaskStatus,
    in_queue,
    progress,
    remaining_seconds,
    transition,
)
from batchgen.emulator.tasks.task_store import StoredTask, TaskStore
from batchgen.emulator.video.drawing import VideoSpec
from batchgen.emulator.video.render_pool import RenderedVideo, RenderPool
from batchgen.emulator.video.renderer import RenderingStoppedError, RenderInput

_log = logging.getLogger("batchgen.emulator")

_MAX_SHOTS = 3
_CANNOT_RENDER = Fault("fail-render", Stage.OUTCOME, "the emulator itself failed", code="0", error_shape="string")


class TaskService:
    """All state of an emulator that a request can change. Not thread-safe: use it on one event loop."""

    def __init__(self, settings: Settings, models: Models, log: RequestLog, task_store: TaskStore) -> None:
        """Start without tasks; `resume` adds the stored ones."""
        self.settings = settings
        self.models = models
        self.log = log
        self.fault_selector = FaultSelector(settings.rules, settings.seed)
        self._task_store = task_store
        self._render_pool = RenderPool()
        self._tasks: dict[str, Task] = {}
        self._running: dict[str, Task] = {}
        self._task_ids_by_job: dict[str, str] = {}
        self._videos: dict[str, RenderedVideo] = {}
        self._unrendered: dict[str, RenderInput] = {}
        """The inputs of videos, by job, of stored tasks that had ended before the start."""
        self._submission_counts: Counter[str] = Counter()
        self.poll_counts: Counter[str] = Counter()
        """How many times each task was read."""
        self.url_counts: Counter[str] = Counter()
        """How many times each task was read with a result URL."""
        self.download_counts: Counter[str] = Counter()
        """How many times each result was requested, by job."""
        self._background_tasks: set[asyncio.Task[None]] = set()
        self._clock_offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Unix seconds of a monotonic clock: changes of the system time after the start have no effect."""
        return self._clock_offset + time.monotonic()

    def next_submission_index(self, request: GenerationRequest) -> int:
        """How many equal requests came before this one. Counts this one."""
        self._submission_counts[request.sha256] += 1
        return self._submission_counts[request.sha256] - 1

    def seconds_until_capacity(self) -> float:
        """Seconds until the limit on concurrent tasks admits another one; 0 if it does now."""
        limit = self.settings.max_concurrent
        if limit is None or len(self._running) < limit:
            return 0.0
        return max(1.0, min((remaining_seconds(task, self.now()) for task in self._running.values()), default=0.0))

    def price(self, request: GenerationRequest) -> Charge:
        """What a task of that request costs."""
        settings, model = self.settings, request.model
        prices = {**default_prices(model.tiers), **settings.prices}
        tariff = Tariff(prices, settings.discount, settings.overcharge, settings.reference_price)
        videos = [each for each in request.references if each.kind == "video" or model.names_video(each.redacted)]
        lengths = [each.seconds for each in videos if settings.bill_reference_video]
        billed = model.billed_reference_seconds(lengths)
        return tariff.charge(model.tier(request.fields), model.seconds(request.fields), billed)

    def balance_left(self) -> Decimal | None:
        """What may still be spent, in US dollars: what tasks under way will cost is held back. None: no limit."""
        if self.settings.balance is None:
            return None
        # What is being stored is among the running ones only.
        tasks = {**self._tasks, **self._running}.values()
        charged = (task for task in tasks if task.status is not TaskStatus.FAILED or self.settings.charge_failed)
        return self.settings.balance - sum((task.charge.cost for task in charged), Decimal(0))

    def resume(self) -> None:
        """Resume the stored tasks. The ones that are due by now have ended."""
        for stored in self._task_store.tasks:
            task = replace(stored.task, created=min(stored.task.created, self.now()))
            self._submission_counts[stored.request_sha256] = max(
                self._submission_counts[stored.request_sha256], stored.submission_index + 1
            )
            if task.stuck or remaining_seconds(task, self.now()):
                self._start(task, stored.render_input)
                continue
            self._task_ids_by_job[task.job_id] = task.id
            self._tasks[task.id] = transition(task, TaskEvent.FAILED if task.will_fail else TaskEvent.FINISHED)
            self._unrendered[task.job_id] = stored.render_input
        self._task_store.tasks.clear()

    async def submit(self, request: GenerationRequest, submission_index: int) -> Task:
        """Create and start the task of a request that came ``submission_index`` times before.

        Raises OSError if the task cannot be stored; no task is created then.
        """
        task = self._new_task(request, submission_index)
        render_input = self._render_input(request, task)
        # Counted from here on, so that the limit includes submissions that are still being stored.
        self._running[task.id] = task
        try:
            if self.settings.state is not None:
                await asyncio.to_thread(self._task_store.save_picture, render_input)
            self._task_store.add(StoredTask(task, render_input, request.sha256, submission_index))
        except BaseException:
            del self._running[task.id]
            raise
        self._log_event(task, request_sha256=request.sha256)
        self._start(task, render_input)
        return task

    def _start(self, task: Task, render_input: RenderInput) -> None:
        self._tasks[task.id] = self._running[task.id] = task
        self._task_ids_by_job[task.job_id] = task.id
        background_task = asyncio.get_running_loop().create_task(self._run_to_end(task, render_input))
        self._background_tasks.add(background_task)
        background_task.add_done_callback(self._background_tasks.discard)

    def find(self, task_id: str) -> Task | None:
        """The task of that id; None if it does not exist or cannot be read."""
        task = self._tasks.get(task_id)
        return None if task is None or task.vanished else task

    async def result(self, job_id: str) -> tuple[Task, RenderedVideo] | None:
        """The task and the video of a completed job. Renders the video again after a restart."""
        task = self._tasks.get(self._task_ids_by_job.get(job_id, ""))
        if task is None or task.status is not TaskStatus.COMPLETED:
            return None
        if job_id not in self._videos:
            self._videos[job_id] = await asyncio.wrap_future(self._render_pool.submit(self._unrendered[job_id]))
        return task, self._videos[job_id]

    def progress(self, task: Task) -> float | None:
        """The progress of a task, from 0 to 1; None while it is in the queue."""
        now = self.now()
        return None if in_queue(task, now) else progress(task, now)

    async def close(self) -> None:
        """Cancel all running tasks and close the files."""
        for background_task in self._background_tasks:
            background_task.cancel()
        await asyncio.gather(*self._background_tasks, return_exceptions=True)
        await asyncio.to_thread(self._render_pool.close)
        self.log.close()
        self._task_store.close()

    def _new_task(self, request: GenerationRequest, submission_index: int) -> Task:
        seed, settings, model = self.settings.seed, self.settings, request.model
        key = (request.sha256, submission_index)
        queued = random_between(*settings.in_queue, seed, "queue", *key)
        outcome_fault = self.fault_selector.select_first(Stage.OUTCOME, request.prompt, *key)
        length_fault = self.fault_selector.select_first(Stage.LENGTH, request.prompt, *key)
        latency = random_between(*settings.latency, seed, "latency", *key)
        return Task(
            id=random_task_id(seed, *key),
            job_id=f"job_{random_token(seed, 'job', *key)}",
            model=model.name,
            prompt=request.prompt,
            created=self.now(),
            latency=queued + (latency if length_fault is None else length_fault.seconds),
            queued=queued,
            charge=self.price(request),
            outcome_fault=outcome_fault,
            failure_message=model.message(outcome_fault.code) if outcome_fault else "",
            wording_fault=self.fault_selector.select_first(Stage.WORDING, request.prompt, *key),
            result_faults=self.fault_selector.select_all(Stage.RESULT, request.prompt, *key),
            shape_faults=self.fault_selector.select_all(Stage.SHAPE, request.prompt, *key),
        )

    def _render_input(self, request: GenerationRequest, task: Task) -> RenderInput:
        model, fields = request.model, request.fields
        width, height = map(int, model.size(fields).split("*"))
        seconds = model.seconds(fields)
        if "wrong-size-result" in task.result_faults:
            width, height = width // 4 * 2, height // 4 * 2
        seed = model.parameter(fields, "seed")
        multiple_shots = model.parameter(fields, "shot_type") == "multi" and model.parameter(fields, "prompt_extend")
        first_reference = request.references[0] if request.references else None
        spec = VideoSpec(
            width=width,
            height=height,
            seconds=seconds - 1 if "wrong-duration-result" in task.result_faults else seconds,
            seed=int(random_between(0, SEED_LIMIT, self.settings.seed, "seed", task.id) if seed is None else seed),
            prompt=request.prompt,
            shots=min(_MAX_SHOTS, seconds) if multiple_shots else 1,
            sound=bool(model.parameter(fields, "audio")),
            watermark=bool(model.parameter(fields, "watermark")),
            reference=first_reference.redacted if first_reference else "",
            picture=first_reference.picture if first_reference else None,
        )
        return RenderInput(spec, first_reference.sha256 if first_reference else "")

    async def _run_to_end(self, task: Task, render_input: RenderInput) -> None:
        """Run a task to its end."""
        rendering = None if task.will_fail or task.stuck else self._render_pool.submit(render_input)
        await asyncio.sleep(remaining_seconds(task, self.now()))
        if rendering is None:
            if task.will_fail:
                self._fail(task, task.outcome_fault.code if task.outcome_fault else "")
            return
        try:
            video = await asyncio.wrap_future(rendering)
        except RenderingStoppedError:
            return
        except Exception:  # noqa: BLE001 - whatever the cause, the client must not wait for ever
            _log.exception("the video of %s could not be made", task.id)
            failed = replace(task, outcome_fault=_CANNOT_RENDER, failure_message=_CANNOT_RENDER.description)
            self._fail(failed, _CANNOT_RENDER.code)
            return
        self._videos[task.job_id] = video
        completed = transition(task, TaskEvent.FINISHED)
        self._set_task(
            completed, cost=format(task.charge.cost, "f"), job_id=task.job_id, bytes=video.size, sha256=video.sha256
        )

    def _fail(self, task: Task, code: str) -> None:
        charge = {"cost": format(task.charge.cost, "f")} if self.settings.charge_failed else {}
        self._set_task(transition(task, TaskEvent.FAILED), error_code=code, **charge)

    def _set_task(self, task: Task, **facts: object) -> None:
        self._tasks[task.id] = task
        self._running.pop(task.id, None)
        self._log_event(task, **facts)

    def _log_event(self, task: Task, **facts: object) -> None:
        self.log.write("task", task_id=task.id, status=task.status.value, model=task.model, **facts)

"""Takes orders in: makes tasks of them, brings each to its end, and knows them all by id."""

import asyncio
import logging
import re
import time
from collections import Counter
from dataclasses import replace

from batchgen.emulator.faults.kinds import Fault, Stage
from batchgen.emulator.faults.selector import FaultSelector
from batchgen.emulator.models import Models
from batchgen.emulator.money import Tariff, invented_prices
from batchgen.emulator.request_log import RequestLog
from batchgen.emulator.seeded_random import random_between, random_token
from batchgen.emulator.settings import MOST_SEEDS, Settings
from batchgen.emulator.tasks.generation_request import Order
from batchgen.emulator.tasks.lifecycle import Happening, Phase, Task, advanced, progress, remaining
from batchgen.emulator.tasks.task_store import Kept, Memory
from batchgen.emulator.video.drawing import VideoSpec
from batchgen.emulator.video.render_pool import RenderedVideo, RenderPool
from batchgen.emulator.video.renderer import RenderingStoppedError, RenderInput

_log = logging.getLogger("batchgen.emulator")

_SHOTS = 3
_CANNOT_RENDER = Fault("fail-render", Stage.OUTCOME, "the emulator itself failed", code="0", error_shape="string")


class Desk:
    """All state of an emulator that a request can change. Lives on one event loop."""

    def __init__(self, settings: Settings, models: Models, log: RequestLog, memory: Memory) -> None:
        """Start without tasks; `resume` takes up those that are remembered."""
        self.settings = settings
        self.models = models
        self.log = log
        self.fault_selector = FaultSelector(settings.rules, settings.seed)
        self._memory = memory
        self._render_pool = RenderPool()
        self._tasks: dict[str, Task] = {}
        self._running: dict[str, Task] = {}
        self._jobs: dict[str, str] = {}
        self._videos: dict[str, RenderedVideo] = {}
        self._unmade: dict[str, RenderInput] = {}
        """The videos, by job, of tasks that an earlier emulator brought to their end."""
        self._submitted: Counter[str] = Counter()
        self.polls: Counter[str] = Counter()
        """How often each task has been read."""
        self.completed_views: Counter[str] = Counter()
        """How often each task's result URL has been given out."""
        self.downloads: Counter[str] = Counter()
        """How often each result has been asked for, by job."""
        self._lives: set[asyncio.Task[None]] = set()
        self._started = time.time() - time.monotonic()

    def now(self) -> float:
        """Unix seconds, of a clock that nobody can set while the emulator runs."""
        return self._started + time.monotonic()

    def case(self, order: Order) -> int:
        """How often this very request has come before; counts it."""
        self._submitted[order.sha256] += 1
        return self._submitted[order.sha256] - 1

    def wait(self) -> float:
        """Seconds until the cap on concurrent tasks leaves room; 0 where it does already."""
        cap = self.settings.max_concurrent
        if cap is None or len(self._running) < cap:
            return 0.0
        return max(1.0, min((remaining(task, self.now()) for task in self._running.values()), default=0.0))

    def resume(self) -> None:
        """Take up the tasks that are remembered. Those whose time is over by now have ended."""
        for kept in self._memory.kept:
            task = replace(kept.task, created=min(kept.task.created, self.now()))
            self._submitted[kept.request_sha256] = max(self._submitted[kept.request_sha256], kept.case + 1)
            if task.stuck or remaining(task, self.now()):
                self._begin(task, kept.render_input)
                continue
            self._jobs[task.job_id] = task.id
            self._tasks[task.id] = advanced(task, Happening.FAILED if task.fails else Happening.FINISHED)
            self._unmade[task.job_id] = kept.render_input
        self._memory.kept.clear()

    async def submit(self, order: Order, case: int) -> Task:
        """Create the task of an order that came for the ``case``-th time; it runs on its own.

        Raises OSError where it cannot be remembered; there is no task then.
        """
        task = self._task(order, case)
        render_input = self._scene(order, task)
        # Counted from here on, so that the cap holds for submissions that are being written down.
        self._running[task.id] = task
        try:
            if self.settings.state is not None:
                await asyncio.to_thread(self._memory.keep_picture, render_input)
            self._memory.add(Kept(task, render_input, order.sha256, case))
        except BaseException:
            del self._running[task.id]
            raise
        self._tell(task, request_sha256=order.sha256)
        self._begin(task, render_input)
        return task

    def _begin(self, task: Task, render_input: RenderInput) -> None:
        self._tasks[task.id] = self._running[task.id] = task
        self._jobs[task.job_id] = task.id
        life = asyncio.get_running_loop().create_task(self._live(task, render_input))
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    def find(self, task_id: str) -> Task | None:
        """The task of that id, if there is one that can be read."""
        task = self._tasks.get(task_id)
        return None if task is None or task.vanished else task

    async def result(self, job_id: str) -> tuple[Task, RenderedVideo] | None:
        """The task and the video of a job that has completed; made anew where an earlier emulator had it."""
        task = self._tasks.get(self._jobs.get(job_id, ""))
        if task is None or task.phase is not Phase.COMPLETED:
            return None
        if job_id not in self._videos:
            self._videos[job_id] = await asyncio.wrap_future(self._render_pool.submit(self._unmade[job_id]))
        return task, self._videos[job_id]

    def progress(self, task: Task) -> float:
        """The share of a task that is done."""
        return progress(task, self.now())

    async def close(self) -> None:
        """Stop all that is under way."""
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        await asyncio.to_thread(self._render_pool.close)
        self.log.close()
        self._memory.close()

    def _task(self, order: Order, case: int) -> Task:
        seed, settings, model = self.settings.seed, self.settings, order.model
        key = (order.sha256, case)
        prices = {**invented_prices(model.tiers), **settings.prices}
        tariff = Tariff(prices, settings.discount, settings.overcharge)
        tier = model.tier(model.size(order.parameters))
        cost, discount = tariff.charge(tier, model.seconds(order.parameters))
        outcome = self.fault_selector.select_first(Stage.OUTCOME, order.prompt, *key)
        return Task(
            id=f"task_{random_token(seed, 'task', *key)}",
            job_id=f"job_{random_token(seed, 'job', *key)}",
            model=model.name,
            prompt=order.prompt,
            created=self.now(),
            latency=random_between(*settings.latency, seed, "latency", *key),
            cost=cost,
            discount=discount,
            outcome=outcome,
            failure_message=model.message(outcome.code) if outcome else "",
            wording=self.fault_selector.select_first(Stage.WORDING, order.prompt, *key),
            result_faults=self.fault_selector.select_all(Stage.RESULT, order.prompt, *key),
        )

    def _scene(self, order: Order, task: Task) -> RenderInput:
        model, parameters = order.model, order.parameters
        width, height = map(int, re.findall(r"\d+", model.size(parameters))[:2])
        seconds = model.seconds(parameters)
        if "wrong-size-result" in task.result_faults:
            width, height = width // 4 * 2, height // 4 * 2
        seed = model.parameter(parameters, "seed")
        multi = model.parameter(parameters, "shot_type") == "multi" and model.parameter(parameters, "prompt_extend")
        first = order.references[0] if order.references else None
        spec = VideoSpec(
            width=width,
            height=height,
            seconds=seconds - 1 if "wrong-duration-result" in task.result_faults else seconds,
            seed=int(random_between(0, MOST_SEEDS, self.settings.seed, "seed", task.id) if seed is None else seed),
            prompt=order.prompt,
            shots=min(_SHOTS, seconds) if multi else 1,
            sound=bool(model.parameter(parameters, "audio")),
            watermark=bool(model.parameter(parameters, "watermark")),
            reference=first.redacted if first else "",
            picture=first.picture if first else None,
        )
        return RenderInput(spec, first.sha256 if first else "")

    async def _live(self, task: Task, render_input: RenderInput) -> None:
        """Bring a task to its end."""
        coming = None if task.fails or task.stuck else self._render_pool.submit(render_input)
        await asyncio.sleep(remaining(task, self.now()))
        if coming is None:
            if task.fails:
                self._fail(task, task.outcome.code if task.outcome else "")
            return
        try:
            video = await asyncio.wrap_future(coming)
        except RenderingStoppedError:
            return
        except Exception:  # noqa: BLE001 - whatever it is, the client must not wait for ever
            _log.exception("the video of %s could not be made", task.id)
            lost = replace(task, outcome=_CANNOT_RENDER, failure_message=_CANNOT_RENDER.description)
            self._fail(lost, _CANNOT_RENDER.code)
            return
        self._videos[task.job_id] = video
        done = advanced(task, Happening.FINISHED)
        self._change(done, cost=format(task.cost, "f"), job_id=task.job_id, bytes=video.size, sha256=video.sha256)

    def _fail(self, task: Task, code: str) -> None:
        charged = {"cost": format(task.cost, "f")} if self.settings.charge_failed else {}
        self._change(advanced(task, Happening.FAILED), error_code=code, **charged)

    def _change(self, task: Task, **facts: object) -> None:
        self._tasks[task.id] = task
        self._running.pop(task.id, None)
        self._tell(task, **facts)

    def _tell(self, task: Task, **facts: object) -> None:
        self.log.write("task", task_id=task.id, status=task.phase.value, model=task.model, **facts)

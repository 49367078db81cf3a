"""What a run does with scenes that are made of the results of others, and how scenes are taken up at all. Pure.

`PublishedFiles` and `Scheduler` build on it. A scene that waits is looked at again when nothing more
happens with the one that it waits for. Once its sources are there its request is made, by a command, since stills
are taken out of files; what it asks for is known only then, and so is whether it has to be bought.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from batchgen.engine import events as ev
from batchgen.engine.backoff import Jitter
from batchgen.engine.commands import (
    Command,
    Fetch,
    Link,
    LinkResult,
    Poll,
    Prepare,
    PrepareResult,
    Publish,
    SourceFile,
    Stop,
    Submit,
)
from batchgen.engine.events import SceneFacts
from batchgen.engine.planner import step_of
from batchgen.engine.queues import CommandKind
from batchgen.engine.reactions import Reactions
from batchgen.engine.scene_run import SceneRun
from batchgen.engine.settings import Settings
from batchgen.engine.sources import WAITS_FOR, sources_of
from batchgen.engine.states import State
from batchgen.engine.steps import Action, Choice, Elsewhere, Step
from batchgen.layout import result_path

KINDS = {
    Submit: CommandKind.SUBMIT,
    Poll: CommandKind.POLL,
    Fetch: CommandKind.FETCH,
    Prepare: CommandKind.PREPARE,
    Link: CommandKind.PREPARE,
    Publish: CommandKind.PUBLISH,
}
"""The kind of each command."""
_AnyCommand = TypeVar("_AnyCommand", Submit, Poll, Fetch, Prepare, Link, Publish)


class LinkedScenes(Reactions):
    """Takes up the steps of a plan, and those that are found in the course of the run."""

    def __init__(self, state: State, settings: Settings, jitter: Jitter, choice: Choice | None) -> None:
        """Begin with no scene; ``choice`` is what the plan was made with."""
        super().__init__(state, settings, jitter)
        chosen = choice or Choice(attempts=settings.attempts, download=settings.download)
        # What was wished for once more is written down by now; what is on its way meanwhile was not meant.
        self._choice = replace(chosen, again=())
        self._endings = {**self._endings, PrepareResult: self._prepare_result, LinkResult: self._link_result}
        self._borrowed: set[str] = set()
        """Hashes of what other run directories lend in this run: where any seed will do, a result serves one scene."""

    def _take_up(self, steps: Iterable[Step]) -> None:
        waiting: list[SceneRun] = []
        # Of those that need one attempt, the scene that it was made for follows it.
        for step in sorted(steps, key=lambda step: step.action is Action.WAIT):
            key = step.attempt.key if step.attempt is not None else (step.scene.scene_id, 0)
            run = SceneRun(step.scene, key, step.removed, step.then_submits and not step.waits_for, step.again)
            if step.action is Action.SUBMIT:
                self._queues.now(CommandKind.PREPARE if step.scene.sources else CommandKind.SUBMIT, run)
            self._followers.know(run)
            if step.follows:
                self._follow(step, run)
            if step.waits_for and not step.blocked:
                # Whatever comes of a task of what it was made of before.
                waiting.append(SceneRun(step.scene, (step.scene.scene_id, 0), again=step.again))
        for run in waiting:
            self._followers.expect(run)
        # Only now is it known what each may wait for.
        for run in waiting:
            self._await_sources(run)
            self._settle(run)

    def _follow(self, step: Step, run: SceneRun) -> None:
        """Wait for a task, or fetch its file; where that is done already, who does it goes on as this one would."""
        other = self._followers.follow(run.attempt, run)
        if other is not run:
            if run.repeats:
                other.scene, other.repeats, other.removed = run.scene, True, False
                self._followers.know(other)
        elif step.action is Action.DOWNLOAD:
            self._queues.now(CommandKind.FETCH, run)
        else:
            self._in_flight.add(run)
            self._queues.now(CommandKind.POLL, run)

    def _next_prepare(self, now: float, at: str) -> Prepare | Link | None:  # noqa: ARG002 - the choices are called alike
        run = self._queues.head(CommandKind.PREPARE)
        if run is None or not self._workers.may_fetch(is_alone=not self._queues.has(CommandKind.SUBMIT)):
            return None
        self._queues.take(CommandKind.PREPARE)
        scene_id, lent = run.scene.scene_id, run.lent
        if lent is None:
            return self._begun(Prepare(scene_id, tuple(self._files_of(run.scene))), run)
        return self._begun(Link(scene_id, self.state.next_number(scene_id), lent.path, lent.sha256), run)

    def _files_of(self, scene: SceneFacts) -> Iterator[SourceFile]:
        for source in sources_of(scene, self.state, lambda _: False):
            if source.attempt is not None:
                path, sha256 = str(source.attempt.video_path), str(source.attempt.video_sha256)
                yield SourceFile(str(source.reference), source.attempt.name, path, sha256)

    def _prepare_result(self, result: PrepareResult, run: SceneRun, now: float, at: str) -> None:  # noqa: ARG002 - as all
        """Submit a scene whose request is made now; what cannot be made waits for a later run."""
        scene_id, request = run.scene.scene_id, result.request
        if request is None:
            self._remember(ev.HeldBack(at, scene_id, WAITS_FOR, result.failure))
            return
        built_on = tuple(source.attempt for source in result.command.sources)
        if (request.sha256, built_on) != (run.scene.request.sha256, run.scene.built_on):
            self._remember(ev.RequestMade(at, scene_id, request, result.any_seed, built_on))
            run.scene = self.state.scene(scene_id) or run.scene
        self._followers.know(run)
        run.elsewhere = result.elsewhere
        run.published_until = ""  # of what it was made of before
        if self.stop is not None:
            self._hold_back(run, at)
        self._queues.now(CommandKind.SUBMIT, run)

    def _goes_otherwise(self, run: SceneRun) -> bool:
        """Do something else than submit the scene at the head of the queue, where its request is not a new one."""
        run.is_new = False
        step = step_of(run.scene, self.state, self._choice, run.elsewhere, self._borrowed)
        run.again = step.again
        if step.action is Action.SUBMIT:
            return False
        self._queues.take(CommandKind.SUBMIT)
        if step.elsewhere is None:
            self._take_up([step])
        else:
            self._borrow(step.elsewhere, run)
        return True

    def _borrow(self, lent: Elsewhere, run: SceneRun) -> None:
        """Have the result of another run directory linked in."""
        run.lent = lent
        self._borrowed.add(lent.sha256)
        self._queues.now(CommandKind.PREPARE, run)

    def _link_result(self, result: LinkResult, run: SceneRun, now: float, at: str) -> None:  # noqa: ARG002 - as all
        """Take note of what was linked in; a scene for which that could not be done is not bought meanwhile."""
        command, lent = result.command, run.lent
        run.lent = None
        if result.unstorable:
            self._stop_submitting(Stop.STORAGE, "storage", f"results cannot be stored: {result.failure}", at)
        if result.failure or lent is None:
            self._remember(ev.HeldBack(at, command.scene_id, WAITS_FOR, result.failure))
            return
        path, any_seed = result_path(command.scene_id, command.attempt), run.scene.any_seed
        self._remember_of(
            ev.Reused(at, command.scene_id, command.attempt, lent.request, lent.name, path, lent.sha256, any_seed)
        )

    def _begun(self, command: _AnyCommand, run: SceneRun) -> _AnyCommand:
        """Keep in mind for which scene a command is begun, and that it occupies a worker."""
        self._commands[command] = run
        run.is_busy = True
        self._workers.begun(KINDS[type(command)], self._upload_bytes(command))
        return command

    def _upload_bytes(self, command: Command) -> int:
        return self._settings.upload_bytes(command.scene_id) if isinstance(command, Submit) else 0

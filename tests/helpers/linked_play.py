"""Runs of scenes that are built on one another, played without files or time: every command ends at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from batchgen.engine import events as ev
from batchgen.engine.classification import Classification
from batchgen.engine.commands import (
    Command,
    Fetch,
    FetchResult,
    Link,
    LinkResult,
    Poll,
    PollResult,
    Prepare,
    PrepareResult,
    Publish,
    SourceFile,
    Submit,
    SubmitResult,
)
from batchgen.engine.events import SceneFacts
from batchgen.engine.making import made_whole
from batchgen.engine.planner import plan
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import State
from batchgen.engine.steps import NOTHING_ELSEWHERE, Choice, Lent
from batchgen.model import RequestFacts, TaskResult

from helpers.engine_support import (
    CREATED,
    DENIED,
    DONE,
    ENDED,
    PRICE,
    UNCERTAIN,
    URL,
    WRONG,
    clock,
    known_request,
    scene,
)


def shot(name: str, *sources: str, version: str = "", **facts: Any) -> SceneFacts:
    """A scene; one that is built on others has no request before they are there."""
    return replace(scene(name, request=f"{name}{version}"), sources=sources, shot=name, **facts)


def takes(name: str, count: int, *sources: str, **facts: Any) -> list[SceneFacts]:
    return [
        replace(shot(f"{name}-t{number}", *sources, **facts), shot=name, take=number) for number in range(1, count + 1)
    ]


def asked(of: SceneFacts, files: Sequence[SourceFile]) -> RequestFacts:
    """The request of a scene, by what it is built on."""
    content = "+".join(f"{file.source}={file.sha256}" for file in files)
    prompt = of.request.document["input"]["prompt"]
    return known_request(f"sha-{prompt}<{content}>", {**of.request.document, "input": {"prompt": prompt}}, "720P")


def make(of: SceneFacts, files: tuple[SourceFile, ...], _: State) -> ev.RequestMade | None:
    return ev.RequestMade("", of.scene_id, asked(of, files), of.any_seed, tuple(file.attempt for file in files))


@dataclass
class Play:
    """Runs of one directory, in which every command ends well, or as ``answers`` say of its scene."""

    listed: Sequence[SceneFacts]
    state: State = field(default_factory=State)
    now: float = 1000.0
    tasks: int = 0
    missing: tuple[str, ...] = ()
    """Scenes whose file is gone."""
    lent: Lent = field(default_factory=dict)
    """What other run directories have of requests that are made in the course of a run."""
    submitted: list[str] = field(default_factory=list)
    """Scenes, in the order of their submission, over all runs."""
    events: list[ev.Event] = field(default_factory=list)
    linked: list[Link] = field(default_factory=list)
    link_fails: tuple[Any, ...] = ()
    """Why nothing can be linked in, and whether the disk is at fault."""

    def planned(self, choice: Choice, elsewhere: Lent = NOTHING_ELSEWHERE) -> tuple[tuple[SceneFacts, ...], list[Any]]:
        def steps_of(scenes: tuple[SceneFacts, ...]) -> list[Any]:
            return plan(scenes, self.state, choice, self.missing, elsewhere)

        scenes = made_whole(tuple(self.listed), self.state, choice, steps_of, make)
        return scenes, steps_of(scenes)

    def steps(self, elsewhere: Lent = NOTHING_ELSEWHERE, **choice: Any) -> dict[str, str]:
        """The plan: action, what is waited for, and what it costs."""
        _, steps = self.planned(Choice(**choice), elsewhere)
        return {
            step.scene.scene_id: f"{step.action}{' ' if step.waits_for else ''}{','.join(step.waits_for)}"
            f"{' blocked' if step.blocked else ''}{' buys' if step.buys else ''}"
            for step in steps
        }

    def reasons(self, **choice: Any) -> dict[str, str]:
        return {step.scene.scene_id: step.reason for step in self.planned(Choice(**choice))[1]}

    def run(
        self,
        answers: Mapping[str, Classification] | None = None,
        choice: Choice = Choice(),  # noqa: B008 - frozen
        **settings: Any,
    ) -> "Play":
        """One run to its end; what was submitted in it is told by `told`."""
        scheduler = self.begun(choice, **settings)
        under_way: list[Command] = []
        while not scheduler.is_finished():
            events, commands = scheduler.begin(self.now, clock(self.now))
            self.events += events
            under_way += commands
            if not under_way and not scheduler.is_finished():
                wakes_at = scheduler.wakes_at()
                assert wakes_at is not None, "nothing will ever happen again"
                self.now = max(wakes_at, self.now)
            if not under_way:
                continue
            result = self.result(under_way.pop(0), answers or {})
            self.now += 0.01
            self.events += scheduler.end(result, self.now, clock(self.now))
        self.stop = scheduler.stop
        self.state.apply(ev.RunEnded(clock(self.now), 0))
        return self

    def begun(self, choice: Choice = Choice(), **settings: Any) -> Scheduler:  # noqa: B008 - frozen
        scenes, steps = self.planned(choice)
        for event in (ev.RunStarted(clock(self.now), "1"), ev.ManifestRead(clock(self.now), "n", "m", scenes)):
            self.state.apply(event)
        for scene_id in [one.scene_id for one in scenes if choice.wants_again(one.scene_id)]:
            self.state.apply(ev.WantedAgain(clock(self.now), scene_id))
        self.before = len(self.submitted)
        return Scheduler(self.state, steps, Settings(**settings), lambda: 0.5, lambda: "q1", choice)

    def result(self, command: Command, answers: Mapping[str, Classification]) -> Any:  # noqa: PLR0911 - one for each
        answer = answers.get(command.scene_id)
        match command:
            case Publish():  # pragma: no cover - nothing is published here
                raise AssertionError(command)
            case Prepare():
                if answer is WRONG:
                    return PrepareResult(command, failure="cannot be built on")
                of = self.state.scene(command.scene_id)
                assert of is not None
                return PrepareResult(command, asked(of, command.sources), of.any_seed, elsewhere=self.lent)
            case Link():
                self.linked.append(command)
                return LinkResult(command, *self.link_fails)
            case Submit():
                self.submitted.append(command.scene_id)
                if answer in (UNCERTAIN, DENIED):
                    return SubmitResult(command, answer)
                self.tasks += 1
                return SubmitResult(command, CREATED, f"t{self.tasks}")
            case Poll():
                told = answer if answer in (ENDED, WRONG) else DONE
                return PollResult(command, told, TaskResult(URL, "j", PRICE) if told is DONE else TaskResult())
            case Fetch():
                name = f"{command.scene_id}@{command.attempt}"
                return FetchResult(command, f"results/{name}.mp4", f"file-{name}")

    @property
    def told(self) -> list[str]:
        """What the last run submitted."""
        return self.submitted[self.before :]

    def status(self, name: str) -> str:
        of = self.state.scene(name)
        attempt = None if of is None else self.state.current_attempt(of)
        return "-" if attempt is None else str(attempt.state)

    def built_on(self, name: str) -> tuple[str, ...]:
        of = self.state.scene(name)
        assert of is not None
        return of.built_on

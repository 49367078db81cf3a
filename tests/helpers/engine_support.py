"""A bench for the engine: scenes, and a scheduler that is told how its acts end, in time that is set by hand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from batchgen.engine.attempts import Attempt
from batchgen.engine.classification import NOT_CONNECTED, Classification, Kind
from batchgen.engine.commands import Command, CommandResult, Fetch, FetchResult, Poll, PollResult, Submit, SubmitResult
from batchgen.engine.events import Event, RunStarted, SceneFacts
from batchgen.engine.planner import plan
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import State
from batchgen.engine.steps import Choice
from batchgen.model import RequestFacts, TaskResult
from batchgen.providers.registry import asked_before

CREATED = Classification(Kind.CREATED)
RUNNING = Classification(Kind.RUNNING)
DONE = Classification(Kind.DONE)
UNCERTAIN = Classification(Kind.UNCERTAIN, "submit_unknown", "submitted, and the outcome is not known")
DENIED = Classification(Kind.ACCOUNT, "http_403", "balance too low")
REFUSED = Classification(Kind.REFUSED, "http_400", "bad request")
BUSY = Classification(Kind.REFUSED, "http_500", "try later", again=True)
THROTTLED = Classification(Kind.REFUSED, "http_429", "too many requests", again=True, throttled=True)
UNREACHED = Classification(Kind.REFUSED, NOT_CONNECTED, "no connection", again=True)
UNREAD = Classification(Kind.TRANSIENT, NOT_CONNECTED, "no connection")
HICCUP = Classification(Kind.TRANSIENT, "http_502", "bad gateway")
GONE = Classification(Kind.MISSING, "http_404", "unknown task", not_found=True)
ENDED = Classification(Kind.FAILED, "001028095", "internal generation error", passing=True)
NO_VIDEO = Classification(Kind.NO_RESULT, "no_result", "completed, and no video is named", passing=True, confirm=5)
RECHECK = Classification(Kind.FAILED, "001028096", "result parsing error", confirm=5)
PASSING = Classification(Kind.FAILED, "001028097", "http error response", confirm=5, passing=True)
NOT_MADE = Classification(Kind.FAILED, "001028099", "task creation error", again=True)
WRONG = Classification(Kind.FAILED, "001028004", "invalid reference")
REQUEST_ID = "q1"
PRICE = Decimal("0.50")
URL = "https://cdn.example/v.mp4"


def known_request(
    sha256: str, document: Mapping[str, Any], tier: str | None = None, characters: tuple[str, ...] = ()
) -> RequestFacts:
    """What is known of a request with such a document."""
    return RequestFacts(sha256, document, tier, characters, asked_before(document))


def scene(name: str = "s1", request: str = "r1", price: Decimal | None = PRICE, **parameters: Any) -> SceneFacts:
    """A scene whose request is known by ``request``."""
    asked = {"size": "1280*720", "duration": 5, "seed": 7, **parameters}
    content = {"model": "m", "input": {"prompt": request}, "parameters": asked}
    return SceneFacts(name, known_request(f"sha-{request}", content, "720P", ("hero",)), price)


def scenes(count: int, price: Decimal | None = PRICE) -> list[SceneFacts]:
    """So many scenes, s1 and on, each with a request of its own."""
    return [scene(f"s{number}", request=f"r{number}", price=price) for number in range(1, count + 1)]


def submit(scene_id: str, attempt: int) -> Submit:
    """A submission in the only form that there is."""
    return Submit(scene_id, attempt, REQUEST_ID, "")


def clock(now: float) -> str:
    """A moment as text."""
    minutes, seconds = divmod(now, 60)
    return f"2026-01-02T{int(minutes // 60) % 24:02d}:{int(minutes % 60):02d}:{seconds:06.3f}Z"


@dataclass
class Bench:
    """One run of a scheduler under the hands of a test."""

    listed: Sequence[SceneFacts] = field(default_factory=lambda: [scene()])
    settings: Settings = Settings()  # noqa: RUF009 - frozen
    state: State = field(default_factory=State)
    choice: Choice = Choice()  # noqa: RUF009 - frozen
    missing: tuple[str, ...] = ()
    now: float = 1000.0
    jitter: float = 0.5
    commands: list[Command] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    tasks: int = 0

    def __post_init__(self) -> None:
        self.start(RunStarted(clock(self.now), "1"))
        self.scheduler = Scheduler(
            self.state,
            plan(self.listed, self.state, self.choice, self.missing),
            self.settings,
            lambda: self.jitter,
            lambda: REQUEST_ID,
        )

    def start(self, event: Event) -> None:
        self.state.apply(event)
        self.events.append(event)

    def begin(self, wait: float = 0.0) -> list[Command]:
        """What begins after so many seconds."""
        self.now += wait
        events, commands = self.scheduler.begin(self.now, clock(self.now))
        self.events += events
        self.commands += commands
        return commands

    def end(self, result: CommandResult, wait: float = 0.0) -> list[Event]:
        """Tell how an act ended; what is remembered of it."""
        self.now += wait
        events = self.scheduler.end(result, self.now, clock(self.now))
        self.events += events
        self.commands.remove(result.command)
        return events

    def taken(self, kind: type) -> Any:
        """The oldest act under way of a kind."""
        return next(command for command in self.commands if isinstance(command, kind))

    def submitted(self, classification: Classification = CREATED, scene_id: str | None = None) -> list[Event]:
        """A submission ends, by default with a task."""
        command = next(a for a in self.commands if isinstance(a, Submit) and scene_id in (None, a.scene_id))
        self.tasks += classification.kind is Kind.CREATED
        task_id = f"t{self.tasks}" if classification.kind is Kind.CREATED else None
        return self.end(SubmitResult(command, classification, task_id))

    def read(self, classification: Classification, result: TaskResult | None = None) -> list[Event]:
        """A reading ends."""
        default = TaskResult(URL, "j1", PRICE, Decimal(1)) if classification.kind is Kind.DONE else TaskResult()
        return self.end(PollResult(self.taken(Poll), classification, result or default))

    def fetched(self, **how: Any) -> list[Event]:
        """A download ends, by default with a file."""
        told = how or {"path": "videos/s1.mp4", "sha256": "ab"}
        return self.end(FetchResult(self.taken(Fetch), **told))

    def next_act(self) -> Command:
        """Let time pass until the next act begins."""
        for _ in range(1000):
            if begun := self.begin():
                return begun[0]
            wakes_at = self.scheduler.wakes_at()
            assert wakes_at is not None, "nothing will ever happen again"
            assert wakes_at > self.now, "awake without anything to do"
            self.now = wakes_at
        raise AssertionError("nothing begins")

    def polled(self, classification: Classification, result: TaskResult | None = None) -> list[Event]:
        """The next reading happens and ends so."""
        assert isinstance(self.next_act(), Poll)
        return self.read(classification, result)

    def answered(self, classification: Classification) -> int:
        """The next acts begin, and all submissions and readings under way end so; how many they were."""
        if not self.commands:
            self.next_act()
        count = len(self.commands)
        while self.commands:
            if isinstance(self.commands[0], Submit):
                self.submitted(classification)
            else:
                self.read(classification)
        return count

    def running(self, count: int = 1) -> "Bench":
        """So many tasks are submitted."""
        for _ in range(count):
            if not any(isinstance(command, Submit) for command in self.commands):
                assert isinstance(self.next_act(), Submit)
            self.submitted()
        return self

    def attempt(self, scene_id: str = "s1") -> Attempt:
        """The latest attempt at a scene."""
        latest = self.state.latest(scene_id)
        assert latest is not None
        return latest

    def again(self, listed: Sequence[SceneFacts] | None = None, **changes: Any) -> "Bench":
        """The next run in the same directory."""
        options: dict[str, Any] = {"settings": self.settings, "now": self.now, "tasks": self.tasks, **changes}
        return Bench(self.listed if listed is None else listed, state=self.state, **options)


def kinds(commands: Iterable[object]) -> list[str]:
    """The names of the types of things."""
    return [type(command).__name__ for command in commands]

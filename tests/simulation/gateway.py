"""A model of the gateway with books of its own: what was created, what became of it, what it cost."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from batchgen.engine.outcomes import Meaning, Result
from batchgen.gateway.interface import CallFailed, Created, RemoteStatus, Stage, Task, TaskError, Trouble
from batchgen.gateway.meanings import of_create, of_read

CODES = {
    "001028004": "permanent",
    "001028095": "ended",
    "001028096": "recheck",
    "001028097": "transient",
    "001028098": "check",
    "001028099": "not_created",
}
ESTIMATE = Decimal("0.50")
OVERCHARGE = Decimal("0.10")
COSTS = (ESTIMATE + OVERCHARGE, Decimal("0.45"), Decimal("0.123456"), Decimal(0))
_FATES = (*["completed"] * 6, *CODES, "no code", "")
_NOTHING_MADE: tuple[Callable[[], CallFailed], ...] = (
    lambda: _create(400),
    lambda: _create(422, code="001028004"),
    lambda: _create(401),
    lambda: _create(403),
    lambda: _create(429),
    lambda: _create(429, wait=7.0),
    lambda: _create(503),
    lambda: _create(503, wait=20.0),
    lambda: _create(500, stated=True),
    lambda: _create(200, code="001028099"),
    lambda: CallFailed(Stage.CREATE, Trouble.NOT_CONNECTED, "refused"),
    lambda: CallFailed(Stage.CREATE, Trouble.NOT_SENT, "the file changed"),
)
_NOBODY_KNOWS: tuple[Callable[[], CallFailed], ...] = (
    lambda: CallFailed(Stage.CREATE, Trouble.TIMED_OUT, "silence"),
    lambda: CallFailed(Stage.CREATE, Trouble.BROKEN, "reset"),
    lambda: CallFailed(Stage.CREATE, Trouble.UNREADABLE, "no id", status=200),
    lambda: _create(500),
    lambda: _create(502),
    lambda: _create(504, wait=3.0),
    lambda: _create(302),
)
_READ_TROUBLES: tuple[Callable[[], CallFailed], ...] = (
    lambda: CallFailed(Stage.READ, Trouble.NOT_CONNECTED, "refused"),
    lambda: CallFailed(Stage.READ, Trouble.TIMED_OUT, "silence"),
    lambda: CallFailed(Stage.READ, Trouble.STATUS, "busy", status=429, retry_after_s=9.0),
    lambda: CallFailed(Stage.READ, Trouble.STATUS, "bad gateway", status=502),
)


def _create(status: int, *, code: str = "", stated: bool = False, wait: float | None = None) -> CallFailed:
    trouble = Trouble.UNREADABLE if status == 200 else Trouble.STATUS
    return CallFailed(
        Stage.CREATE, trouble, "no", status=status, code=code, stated=stated or bool(code), retry_after_s=wait
    )


@dataclass(slots=True)
class Entry:
    """One task in the books. ``cost_usd`` is what it costs if it is charged, ``told`` whether it says so."""

    task_id: str
    scene_id: str
    attempt: int
    sha256: str
    done_at: float
    fate: str
    cost_usd: Decimal
    told: bool
    lies: int = 0

    @property
    def charged(self) -> Decimal:
        """What was really charged, or will be."""
        return self.cost_usd if self.fate == "completed" else Decimal(0)


class ModelGateway:
    """Creates and finishes tasks, and says so with as many faults as it is told to make."""

    def __init__(self, random: Random, cap: int) -> None:
        self.random = random
        self.faults = 0.0
        self.down_until = 0.0
        self.books: dict[str, Entry] = {}
        self._cap = cap

    def create(self, scene_id: str, attempt: int, sha256: str, now: float) -> tuple[Meaning, str | None]:
        """Take a submission, or not; what the other side hears of it."""
        draw = self.random.random
        if now < self.down_until:
            return of_create(CallFailed(Stage.CREATE, Trouble.NOT_CONNECTED, "down"), CODES), None
        if sum(entry.done_at > now for entry in self.books.values()) >= self._cap:
            return of_create(_create(429), CODES), None
        if draw() < self.faults:
            if draw() < 0.6:
                return of_create(self.random.choice(_NOTHING_MADE)(), CODES), None
            if draw() < 0.5:
                self._enter(scene_id, attempt, sha256, now)
            return of_create(self.random.choice(_NOBODY_KNOWS)(), CODES), None
        task_id = self._enter(scene_id, attempt, sha256, now)
        return of_create(Created(task_id), CODES), task_id

    def _enter(self, scene_id: str, attempt: int, sha256: str, now: float) -> str:
        random = self.random
        fate = random.choice(_FATES) if random.random() < self.faults else "completed"
        entry = Entry(
            f"t{len(self.books) + 1}",
            scene_id,
            attempt,
            sha256,
            now + random.choice((0.0, 5.0, 30.0, 120.0)),
            "completed" if fate == "001028098" else fate,
            random.choice(COSTS),
            random.random() > self.faults / 2,
        )
        self.books[entry.task_id] = entry
        return entry.task_id

    def read(self, task_id: str, now: float) -> tuple[Meaning, Result]:
        """Say how a task stands, or something else."""
        draw, entry = self.random.random, self.books[task_id]
        if now < self.down_until:
            return of_read(CallFailed(Stage.READ, Trouble.NOT_CONNECTED, "down"), CODES), Result()
        if draw() < self.faults:
            return of_read(self._trouble(entry), CODES), Result()
        if now < entry.done_at:
            entry.lies = 0
            return of_read(Task(RemoteStatus.RUNNING), CODES), Result()
        cost = entry.cost_usd if entry.told else None
        if entry.fate == "completed":
            entry.lies = 0
            return of_read(Task(RemoteStatus.COMPLETED), CODES), Result("https://cdn/v", "j", cost, Decimal(1))
        return of_read(Task(RemoteStatus.FAILED, error=TaskError(entry.fate, "sorry")), CODES), Result()

    def _trouble(self, entry: Entry) -> CallFailed | Task:
        """A reading that goes wrong; of what is not true never so often in a row that it has to be believed."""
        draw = self.random.random()
        if draw < 0.02:
            return CallFailed(Stage.READ, Trouble.STATUS, "who are you", status=401)
        if draw < 0.6 or entry.lies >= 2:
            return self.random.choice(_READ_TROUBLES)()
        if draw < 0.7:
            entry.lies = 0
            return Task(RemoteStatus.FAILED, error=TaskError("001028098", "status check error"))
        entry.lies += 1
        if draw < 0.8:
            return CallFailed(Stage.READ, Trouble.STATUS, "no such task", status=404)
        return Task(RemoteStatus.FAILED, error=TaskError(self.random.choice(("001028096", "001028097")), "maybe"))

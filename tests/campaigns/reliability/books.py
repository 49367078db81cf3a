"""Do the books agree? What the gateway created and charged, held against what batchgen says of it.

The gateway's side is taken from three places that have to say the same: its request log, the folder
in which it keeps its tasks, and what it answers when each task is read. batchgen's side is
``ledger.csv``, ``report.csv``, the total of ``batchgen audit`` and the videos. Scenes and tasks are
matched by prompt, because no prompt comes twice in a trial.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from helpers.runs import CREATE, KEY, Batch, Gateway, json_lines

_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])
_PATIENCE_S = 30
_FETCHES = 4
_NOT_AS_ASKED = frozenset({"wrong-size-result", "wrong-duration-result", "short-result"})
_REFUSED_IN_WORDS = ("429", "503", "500-json", "code-")
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Task:
    """A task as the gateway has it; ``cost`` in US dollars, nothing where it charged nothing."""

    task_id: str
    prompt: str
    created: float
    status: str
    cost: Decimal
    stated: bool
    """Whether the gateway says what it costs; it does not where it charges nothing."""
    sha256: str
    """Of its video; empty where there is none."""
    as_asked: bool
    """Whether its video is what was asked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """One scene in both books; amounts in US dollars."""

    scene_id: str
    status: str
    attempts: int
    tasks: int
    charged: Decimal
    """By the gateway, for all tasks of the scene."""
    in_ledger: Decimal
    unnamed: Decimal
    """Of what was charged: for a task that the ledger has as unknown."""
    lost: int
    """Tasks that the ledger has in no way at all."""
    paid_twice: int
    """Tasks beyond the first that were created though the one before had not failed."""

    @property
    def difference(self) -> Decimal:
        """What nobody accounts for."""
        return _EXACT.subtract(self.charged, _EXACT.add(self.in_ledger, self.unnamed))


@dataclass(frozen=True, slots=True)
class Books:
    """Both books of one batch beside each other, and every objection to them."""

    lines: tuple[Line, ...]
    objections: tuple[str, ...]

    def sum_of(self, column: str) -> Decimal:
        """The exact sum of a column of amounts."""
        return exact_sum(getattr(line, column) for line in self.lines)

    def count_of(self, column: str) -> int:
        """The sum of a column of counts."""
        return sum(getattr(line, column) for line in self.lines)

    @property
    def unknown(self) -> list[str]:
        """The scenes whose outcome batchgen does not know."""
        return [line.scene_id for line in self.lines if line.status == "unknown"]


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of amounts, not one digit rounded."""
    result = Decimal(0)
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return result


def tasks_of(gateway: Gateway, state: Path) -> tuple[list[Task], list[str]]:
    """All tasks of a gateway that is up and well, and where it contradicts itself."""
    entries = [entry for entry in gateway.entries() if entry["event"] == "task"]
    ended = {entry["task_id"]: entry for entry in entries if entry["status"] != "in_progress"}
    kept = json_lines(state / "tasks.jsonl")
    tasks = [_task(gateway, record, ended.get(record["task_id"])) for record in kept]
    objections = [
        f"the gateway contradicts itself: {what}"
        for what, holds in (
            ("a task is in its log only", {entry["task_id"] for entry in entries} <= {task.task_id for task in tasks}),
            ("a task came twice", len({task.task_id for task in tasks}) == len(tasks)),
            ("log and answer differ in a cost", all(_log_agrees(task, ended) for task in tasks)),
        )
        if not holds
    ]
    return tasks, objections


def _log_agrees(task: Task, ended: dict[str, Any]) -> bool:
    logged = ended.get(task.task_id, {}).get("cost")
    return logged is None or Decimal(logged) == task.cost


def _task(gateway: Gateway, record: dict[str, Any], ended: dict[str, Any] | None) -> Task:
    answer = _read(gateway, record["task_id"])
    status = answer["status"].lower()
    sha256 = (ended or {}).get("sha256", "")
    if status == "completed" and not sha256:
        sha256 = hashlib.sha256(_video(gateway, record["task_id"])).hexdigest()
    return Task(
        task_id=record["task_id"],
        prompt=record["look"]["prompt"],
        created=record["created"],
        status=status,
        cost=Decimal(answer["usage"]["cost"]) if "usage" in answer else Decimal(0),
        stated="usage" in answer,
        sha256=sha256,
        as_asked=_NOT_AS_ASKED.isdisjoint(record["result_faults"]),
    )


def _read(gateway: Gateway, task_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(_get(f"{gateway.base_url}{CREATE}/task/{task_id}"), parse_float=Decimal)
    return answer


def _video(gateway: Gateway, task_id: str) -> bytes:
    """The video of a task, whose first URL may have expired and whose first download may break off."""
    for _ in range(_FETCHES):
        with suppress(HTTPError, IncompleteRead):
            return _get(_read(gateway, task_id)["output"][0]["content"][0]["url"])
    raise AssertionError(f"the gateway does not give out the video of {task_id}")


def _get(url: str) -> bytes:
    asked = Request(url, headers={"Authorization": f"Bearer {KEY}"})  # noqa: S310 - the address of our own emulator
    with urlopen(asked, timeout=_PATIENCE_S) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


def reconcile(film: Batch, gateway: Gateway, state: Path) -> Books:
    """Hold the books of a batch that has come to its end against those of its gateway."""
    with localcontext(_EXACT):
        tasks, objections = tasks_of(gateway, state)
        sent = _sent(gateway)
        audit = json.loads(film.do("audit", film.run_dir, "--format=json").out)["total"]["cost_usd"]
        books = compared(film, tasks, sent, Decimal(audit))
        return Books(books.lines, (*objections, *books.objections))


def _sent(gateway: Gateway) -> list[str]:
    """The prompts of all submissions that were not refused in words, and so may have made a task."""
    return [
        entry["request"]["input"]["prompt"]
        for entry in gateway.posts()
        if not str(entry.get("fault", "")).startswith(_REFUSED_IN_WORDS)
    ]


def compared(film: Batch, tasks: Sequence[Task], sent: Sequence[str], audit: Decimal) -> Books:
    """Both books, scene by scene; ``sent`` are prompts of submissions, ``audit`` is what the audit says."""
    ledger, report = film.ledger(), film.report()
    resolved = [entry for entry in film.journal() if entry["event"] == "resolved" and entry["task_id"] is None]
    not_created = Counter(entry["scene_id"] for entry in resolved)
    objections: list[str] = []
    lines = []
    for scene_id, settings in film.scenes.items():
        prompt = settings["prompt"]
        rows = sorted((row for row in ledger if row["scene_id"] == scene_id), key=lambda row: int(row["attempt"]))
        made = sorted((task for task in tasks if task.prompt == prompt), key=lambda task: task.created)
        lines.append(_line(scene_id, report[scene_id]["status"], rows, made))
        faults = [*_faults_of_rows(rows, made), *_faults_of_end(film, report[scene_id], rows, made)]
        # An attempt of which the user has said that it created nothing is not a row of the ledger any more.
        entitled = len(rows) + not_created[scene_id]
        if sent.count(prompt) > entitled:
            faults.append(f"{sent.count(prompt)} submissions, {entitled} attempts")
        objections += [f"{scene_id}: {fault}" for fault in faults]
    books = Books(tuple(lines), ())
    objections += _faults_of_sums(books, film, tasks, audit)
    return Books(books.lines, tuple(objections))


def _line(scene_id: str, status: str, rows: Sequence[Row], made: Sequence[Task]) -> Line:
    named = {row["task_id"] for row in rows if row["task_id"]}
    unnamed = [task for task in made if task.task_id not in named]
    unknown = [row for row in rows if row["outcome"] == "unknown"]
    return Line(
        scene_id=scene_id,
        status=status,
        attempts=len(rows),
        tasks=len(made),
        charged=exact_sum(task.cost for task in made),
        in_ledger=exact_sum(map(_cost, rows)),
        unnamed=exact_sum(task.cost for task in unnamed[: len(unknown)]),
        lost=max(0, len(unnamed) - len(unknown)),
        paid_twice=sum(task.status != "failed" for task in made[:-1]),
    )


def _cost(row: Row) -> Decimal:
    return Decimal(row["cost_usd"] or 0)


def _faults_of_rows(rows: Sequence[Row], made: Sequence[Task]) -> list[str]:
    """What is wrong with single rows of the ledger."""
    known = {task.task_id: task for task in made}
    faults = []
    for row in rows:
        where, task = f"attempt {row['attempt']}", known.get(row["task_id"])
        if task is None:
            if row["outcome"] != "unknown":
                faults.append(f"{where}: {row['outcome']}, and the gateway has no task {row['task_id']!r} for it")
        elif task.stated != bool(row["cost_usd"]):
            faults.append(f"{where}: {task.status} at the gateway, cost {row['cost_usd']!r} in the ledger")
        elif _cost(row) != task.cost:
            faults.append(f"{where}: {row['cost_usd']} in the ledger, {task.cost} at the gateway")
    return faults


def _faults_of_end(film: Batch, row: Row, rows: Sequence[Row], made: Sequence[Task]) -> list[str]:
    """What is wrong with where the scene stands at the end, and with its video."""
    if not rows:
        return [f"{row['status']} ({row['error_code']}), and it was never submitted"]
    last = rows[-1]
    task = next((task for task in made if task.task_id == last["task_id"]), None)
    wanted = _wanted(task)
    if row["status"] != wanted:
        return [f"{row['status']} ({row['error_code']}) in the report, and it should be {wanted}"]
    if wanted != "completed" or task is None:
        return []
    path = film.run_dir / row["video_path"]
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
    if not found == row["video_sha256"] == task.sha256:
        return [f"the video is {found}, in the report {row['video_sha256']}, at the gateway {task.sha256}"]
    return []


def _wanted(task: Task | None) -> str:
    if task is None:
        return "unknown"
    return "completed" if task.status == "completed" and task.as_asked else "failed"


def _faults_of_sums(books: Books, film: Batch, tasks: Sequence[Task], audit: Decimal) -> list[str]:
    """Where the four sums are not one: ledger, report, audit, and the gateway without what is unknown."""
    sums = {
        "ledger": exact_sum(map(_cost, film.ledger())),
        "report": exact_sum(map(_cost, film.report().values())),
        "audit": audit,
        "gateway": _EXACT.subtract(exact_sum(task.cost for task in tasks), books.sum_of("unnamed")),
    }
    faults = [] if len(set(sums.values())) == 1 else [f"the sums differ: {sums}"]
    if books.count_of("tasks") != len(tasks):
        faults.append("there is a task that belongs to no scene")
    for line in books.lines:
        if line.lost or line.paid_twice or line.difference:
            words = f"{line.lost} lost, {line.paid_twice} paid twice, difference {line.difference}"
            faults.append(f"{line.scene_id}: {words}")
    return faults

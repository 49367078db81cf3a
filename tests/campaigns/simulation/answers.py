"""What the model gateway says, byte by byte, so that the real reading and classing of answers is played, too."""

import json
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

from batchgen.engine.classification import Classification
from batchgen.engine.commands import Submit, SubmitResult
from batchgen.model import TaskResult
from batchgen.providers.answers import Answer, Unfinished
from batchgen.providers.error_policy import classify_create, classify_read
from batchgen.providers.interface import CallFailed, Created, Stage, Task, Trouble
from batchgen.providers.vtrix.codec import read_created, read_task
from batchgen.providers.vtrix.error_policy import ERROR_POLICY

CODES = {
    "001028001": "permanent",
    "001028002": "permanent",
    "001028003": "permanent",
    "001028004": "permanent",
    "001028095": "ended",
    "001028096": "recheck",
    "001028097": "transient",
    "001028098": "check",
    "001028099": "not_created",
}
POLICY = ERROR_POLICY.of_model({code: {"class": known} for code, known in CODES.items()})
Heard: TypeAlias = Answer | Unfinished | CallFailed
"""An answer, or why there is none."""

_HTML = b"<html><h1>sorry</h1></html>"


def _json(**content: object) -> bytes:
    return json.dumps(content).encode()


def _lost(stage: Stage, trouble: Trouble) -> CallFailed:
    return CallFailed(stage, trouble, str(trouble))


def refusal_with(code: str) -> bytes:
    """An error with a code, as the gateway words it."""
    return _json(error={"code": code, "message": "no"})


DOWN = _lost(Stage.CREATE, Trouble.NOT_CONNECTED)
OF_THE_BALANCE = (
    Answer(200, _json(data=None, status={"code": 40201, "message": "balance"})),
    Answer(400, _json(error_code=40208)),
    Answer(422, _json(error="insufficient_balance")),
    Answer(429, refusal_with("insufficient_balance")),
)
"""Answers that refuse the account by a code, whatever their status."""
BUSY = Answer(429, _json(message="too many requests"))
NOTHING_MADE: tuple[Heard, ...] = (
    DOWN,
    _lost(Stage.CREATE, Trouble.NOT_SENT),
    _lost(Stage.CREATE, Trouble.OUT_OF_REACH),
    BUSY,
    Answer(400, _json(message="bad request")),
    Answer(400, refusal_with("001028099")),
    Answer(401, _json(error="who are you")),
    Answer(403, _json(error={"code": 123, "error_message": "balance too low"})),
    Answer(404, b""),
    Answer(422, refusal_with("001028004")),
    Answer(429, _HTML, 7.0),
    Answer(500, _json(error={"message": "internal"})),
    Answer(503, _HTML),
    Answer(503, b"", 20.0),
    Answer(503, _HTML, 0.0),
    Answer(402, _json(message="balance")),
    *OF_THE_BALANCE,
    Answer(200, _json(data=None, status={"code": 1028099})),
    Answer(400, _json(detail=[{"loc": ["body"], "msg": "no"}])),
    Answer(200, refusal_with("1028099")),
    Answer(200, refusal_with("001028001")),
    Answer(500, refusal_with("001028004")),
)
_NOT_AN_ARRAY = "input must be an array"
WRONG_FORM: tuple[Answer, ...] = (
    Answer(400, _json(error={"code": "001028001", "message": _NOT_AN_ARRAY})),
    Answer(400, _json(message=_NOT_AN_ARRAY)),
    Answer(422, _json(detail=[{"loc": ["body", "input"], "msg": _NOT_AN_ARRAY}])),
    Answer(200, _json(error={"code": "001028001", "message": _NOT_AN_ARRAY})),
)
"""Refusals of a request in a form that the gateway does not take."""
OVERLOADED: tuple[Heard, ...] = (
    Answer(503, _HTML, 0.0),
    Answer(503, _HTML),
    Answer(500, _json(error="try again")),
    Answer(400, refusal_with("001028099")),
)
"""Refusals of a gateway that may be asked again, as long as it does not go on for ever."""
STORM: tuple[Heard, ...] = tuple(Answer(429, b"", wait_s) for wait_s in (None, 0.0, 1.0, 30.0, 86_400.0))
"""Too many requests, with every way of saying how long to wait."""
NOBODY_KNOWS: tuple[Heard, ...] = (
    _lost(Stage.CREATE, Trouble.TIMED_OUT),
    _lost(Stage.CREATE, Trouble.BROKEN),
    Answer(200, b"{}"),
    Answer(200, b'{"id": "t1", "sta'),
    Answer(200, _HTML),
    Answer(302, b""),
    Answer(500, _HTML),
    Answer(502, refusal_with("001028099")),
    Answer(502, _json(message="bad gateway")),
    Answer(502, _HTML),
    Answer(504, _json(message="took too long"), 3.0),
    Answer(504, _HTML),
)
UNREACHED = _lost(Stage.READ, Trouble.NOT_CONNECTED)
READ_TROUBLES: tuple[Heard, ...] = (
    UNREACHED,
    _lost(Stage.READ, Trouble.TIMED_OUT),
    _lost(Stage.READ, Trouble.BROKEN),
    Answer(200, _HTML),
    Answer(200, _json(data=None, status={"code": 500, "message": "internal"})),
    Answer(429, b"", 9.0),
    Answer(500, _json(message="internal")),
    Answer(502, _HTML),
)
DENIED = (
    Answer(401, _json(error="who are you")),
    Answer(402, b""),
    Answer(403, b""),
    Answer(200, _json(data=None, status={"code": 40201})),
)
GONE = Answer(404, _json(message="no such task"))
PAGE = Answer(404, _HTML)
STILL_RUNNING = (
    Answer(200, _json(status="in_progress", progress=0.5)),
    Answer(200, _json(status="QUEUED")),
    Answer(200, _json(status="failed", error={"code": "001028098", "message": "status check error"})),
)
NOT_MEANT = (
    *(Answer(200, _json(status="failed", error=f"{code}: maybe")) for code in ("001028096", "001028097")),
    Answer(200, _json(status="completed", output=[], usage={"cost": "a lot"})),
)


def created(task_id: str) -> Answer:
    """A task was created."""
    return Answer(200, _json(id=task_id, status="in_progress", model="m", created_at=1))


def named(task_id: str) -> tuple[Heard, ...]:
    """Answers that are of no use, and name the task all the same."""
    body = _json(id=task_id, status="queued")
    return (
        Answer(500, _json(error="but it exists", id=task_id)),
        Answer(302, body),
        Answer(502, body),
        Answer(200, body[:-12]),
        Unfinished(Answer(200, body), Trouble.BROKEN, "the connection broke"),
    )


def about(task_id: str, answer: Heard) -> Heard:
    """An answer to a reading that says which task it speaks of."""
    if not isinstance(answer, Answer) or not answer.body.startswith(b"{"):
        return answer
    return Answer(answer.status, b'{"id": "' + task_id.encode() + b'", ' + answer.body[1:], answer.retry_after_s)


def in_envelope(answer: Heard) -> Heard:
    """The same answer, with what it says in ``data``."""
    if not isinstance(answer, Answer) or not answer.body.startswith(b"{"):
        return answer
    body = b'{"data": ' + answer.body + b', "status": {"code": 200, "message": "success"}}'
    return Answer(answer.status, body, answer.retry_after_s)


def usage(cost: Decimal | None, discount: Decimal | None, form: str) -> str:
    """What was charged, in a string, as a number or with an exponent; or something that says nothing of it."""
    told = {"cost": cost, "discount": discount}
    amounts = {name: _written(amount, form) for name, amount in told.items() if amount is not None}
    return ", ".join(f'"{name}": {amount}' for name, amount in amounts.items()) if amounts else form


AMOUNTS = ("text", "number", "exponent")
"""How an amount can be written."""
UNTOLD = ("", '"cost": "a lot"', '"cost": -1', '"cost": "", "discount": []', '"cost": NaN', '"cost": 1e99')
"""Usage that states no cost."""


def _written(amount: Decimal, form: str) -> str:
    if form == "exponent":
        return f'"{amount.scaleb(3):f}e-3"'
    return f"{amount:f}" if form == "number" else f'"{amount:f}"'


COMPLETED = ("completed", "completed", "completed", "SUCCESS", "Succeeded", "done", "failed", "cancelled", "")
"""What a gateway may call a task that names its video."""
OUTPUTS = (
    '[{"content": [{"type": "video", "url": "https://cdn.example/v.mp4", "jobId": "j1"}]}]',
    '[null, {"content": [{"type": "image", "url": "x"}]}, {"url": "https://cdn.example/v.mp4"}]',
)
NO_OUTPUTS = ("[]", '[{"content": [{"type": "video", "url": ""}]}]', "null")


def completed(said: str, word: str, output: str) -> Answer:
    """The task has its result, whatever the word for that."""
    error = ', "error": {"code": "001028095", "message": "sorry"}' if word in ("failed", "cancelled") else ""
    return Answer(200, f'{{"status": "{word}", "output": {output}, "usage": {{{said}}}{error}}}'.encode())


def failed(code: str, said: str) -> Answer:
    """The task ended without a result; in place of a code there may be a word for that."""
    error = f'{{"code": "{code}", "message": "sorry"}}' if code and not code.isalpha() else "null"
    word = code if code.isalpha() else "failed"
    return Answer(200, f'{{"status": "{word}", "error": {error}, "usage": {{{said}}}}}'.encode())


def refuses_account(heard: Heard | None) -> bool:
    """Whether an answer says that the account is not served."""
    return isinstance(heard, Answer) and (heard.status in (401, 402, 403) or heard in (*OF_THE_BALANCE, *DENIED))


def name_of(heard: Heard) -> str:
    """What came, in a word: the status of an answer, or the trouble without one."""
    return str(heard.status if isinstance(heard, Answer) else heard.trouble)


@lru_cache(maxsize=4096)
def _read_created(answer: Answer | Unfinished) -> Created | CallFailed:
    try:
        return read_created(answer)
    except CallFailed as error:
        return error


@lru_cache(maxsize=4096)
def _read_task(answer: Answer | Unfinished, task_id: str) -> Task | CallFailed:
    try:
        return read_task(answer, task_id)
    except CallFailed as error:
        return error


def of_submission(command: Submit, heard: Heard) -> SubmitResult:
    """What the real code makes of the answer to a submission."""
    result = heard if isinstance(heard, CallFailed) else _read_created(heard)
    if isinstance(result, Created):
        return SubmitResult(command, classify_create(result, POLICY), result.task_id)
    return SubmitResult(command, classify_create(result, POLICY), candidate_id=result.task_id, excerpt=result.excerpt)


def of_reading(heard: Heard, task_id: str) -> tuple[Classification, TaskResult]:
    """What the real code makes of the answer to a reading."""
    result = heard if isinstance(heard, CallFailed) else _read_task(heard, task_id)
    classification = classify_read(result, POLICY)
    if isinstance(result, CallFailed):
        return classification, TaskResult()
    return classification, result.result

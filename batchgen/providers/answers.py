"""What came in answer to a call, and the reading of JSON that varies. Pure.

Tolerant where gateways vary (numbers as texts, ids as numbers, keys that come and go), strict about
what is needed.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from http import HTTPStatus
from typing import Any, TypeAlias

from batchgen.limits import LONGEST_EXCERPT, LONGEST_ID, MOST_DIGITS, MOST_PLACES
from batchgen.providers.interface import CallFailed, Created, Stage, Task, TaskError, Trouble
from batchgen.text import is_usable_id, printable

MOST_ANSWER_BYTES = 4 * 1024 * 1024
"""A longer answer is not read to its end; real ones have a few kilobytes."""
_LONGEST_TEXT = 2_000
_LONGEST_REQUEST_ID = 200
_LONGEST_SHOWN = 80
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status, its body as far as it was read, and what its headers say.

    ``retry_after_s`` is how many seconds to wait, ``request_id`` what support finds the request by.
    """

    status: int
    body: bytes
    retry_after_s: float | None = None
    request_id: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the status is one of the 200s."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def excerpt(self) -> str:
        """The beginning of the body as text, with nothing in it that steers a terminal."""
        return printable(self.body[:LONGEST_EXCERPT].decode("utf-8", "replace"))

    @property
    def is_html(self) -> bool:
        """Whether the body is a page, and no answer of the gateway."""
        return self.body[:LONGEST_EXCERPT].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The connection ended inside an answer: what came of it, at which point, and why in words."""

    answer: Answer
    trouble: Trouble
    message: str


JsonObject: TypeAlias = Mapping[str, Any]
ErrorOf: TypeAlias = Callable[[JsonObject], TaskError]
IdPlaces: TypeAlias = Mapping[str, tuple[str, ...]]
"""Where an answer may name a task: by key of an object in it, "" for the answer itself, the keys of ids there."""
TOP = ""


NO_ERROR = TaskError("", "")


class NotUnderstood(ValueError):  # noqa: N818 - the answer is at fault
    """Something needed is missing from an answer, or makes no sense there; ``error`` is what it says instead."""

    def __init__(self, message: str, error: TaskError = NO_ERROR) -> None:
        """The message says what is missing."""
        super().__init__(message)
        self.error = error


def created(
    came: Answer | Unfinished, id_of: Callable[[JsonObject], object], error_of: ErrorOf, id_places: IdPlaces
) -> Created:
    """The task that an answer to creating one names, where ``id_of`` finds it.

    ``error_of`` reads what the answer says in place of a task; in an answer of no use otherwise, an id
    that may be that of a task is looked for at ``id_places``. Raises `CallFailed`.
    """
    if isinstance(came, Unfinished):
        body = came.answer.body
        raise _broken_off(Stage.CREATE, came, _candidate_id(_parsed(body), body, id_places))
    data = _parsed(came.body)
    task_id = usable_id(id_of(data)) if isinstance(data, dict) else None
    if came.is_success and task_id is not None:
        return Created(task_id)
    raise _answered(Stage.CREATE, came, data, error_of, task_id or _candidate_id(data, came.body, id_places))


def task(came: Answer | Unfinished, task_of: Callable[[JsonObject], Task], error_of: ErrorOf) -> Task:
    """What an answer to reading a task says of it; ``task_of`` may raise `NotUnderstood`. Raises `CallFailed`."""
    if isinstance(came, Unfinished):
        raise _broken_off(Stage.READ, came, None)
    data = _parsed(came.body)
    if not came.is_success or not isinstance(data, dict):
        raise _answered(Stage.READ, came, data, error_of, None)
    try:
        return task_of(data)
    except NotUnderstood as said:
        error = said.error
        raise CallFailed(
            Stage.READ,
            Trouble.UNREADABLE,
            _with_request_id(f"{said}: {error.message}" if error.message else str(said), came, data),
            status=came.status,
            code=error.code,
            stated=True,
            excerpt=came.excerpt,
        ) from None


def _broken_off(stage: Stage, came: Unfinished, task_id: str | None) -> CallFailed:
    """A call whose answer was not whole when its connection ended."""
    answer = came.answer
    return CallFailed(
        stage,
        came.trouble,
        came.message,
        status=answer.status,
        is_html=answer.is_html,
        task_id=task_id,
        excerpt=answer.excerpt,
        retry_after_s=answer.retry_after_s,
    )


def _answered(stage: Stage, answer: Answer, data: object, error_of: ErrorOf, task_id: str | None) -> CallFailed:
    """A call that was answered, though not with what it is for."""
    error = error_of(data) if isinstance(data, dict) else NO_ERROR
    summary = f"the gateway answered {answer.status}"
    if answer.is_success:
        summary += f" without {'a usable task id' if stage is Stage.CREATE else 'a task'}"
    return CallFailed(
        stage,
        Trouble.UNREADABLE if answer.is_success else Trouble.STATUS,
        _with_request_id(f"{summary}: {error.message}" if error.message else summary, answer, data),
        status=answer.status,
        code=error.code,
        stated=bool(error.code or error.message),
        is_html=answer.is_html,
        task_id=task_id,
        excerpt=answer.excerpt,
        retry_after_s=answer.retry_after_s,
    )


def _with_request_id(message: str, answer: Answer, data: object) -> str:
    """A message with the id by which support finds the request, where the answer or its header names one."""
    said = short_text(data.get("request_id")) if isinstance(data, dict) else ""
    request_id = printable((said or answer.request_id)[:_LONGEST_REQUEST_ID])
    return f"{message} (request id {request_id})" if request_id else message


def check_task_id(said: object, task_id: str) -> None:
    """Refuse an answer about another task than the one that was asked for."""
    other = usable_id(said)
    if other is not None and other != task_id:
        raise NotUnderstood(f"the gateway answered for another task, {other}")


def _candidate_id(data: object, body: bytes, id_places: IdPlaces) -> str | None:
    """What may be the id of a task, in an answer that is of no use otherwise; as it came, usable or not."""
    if isinstance(data, dict):
        places = ((data if key == TOP else data.get(key), names) for key, names in id_places.items())
        found = [place.get(name) for place, names in places if isinstance(place, dict) for name in names]
    else:
        names = frozenset(name for listed in id_places.values() for name in listed)
        named = _named_id(names).search(body[:MOST_ANSWER_BYTES].decode("utf-8", "replace"))
        found = [_parsed(named[1].encode())] if named else []
    texts = (str(value) for value in found if isinstance(value, str | int) and not isinstance(value, bool))
    return next((text[:_LONGEST_TEXT] for text in texts if text.strip()), None)


@cache
def _named_id(names: frozenset[str]) -> re.Pattern[str]:
    """An id in the text of an answer that is not whole."""
    keys = "|".join(map(re.escape, sorted(names)))
    return re.compile(rf'"(?:{keys})"\s*:\s*("(?:[^"\\]|\\.){{1,1000}}"|[0-9]{{1,1000}}(?=[\s,}}]))')


def _parsed(body: bytes) -> Any:
    """The JSON of a body, None for what is none. Numbers with a point become Decimal at once."""
    if len(body) > MOST_ANSWER_BYTES:
        return None
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=_decimal, parse_int=_whole, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def json_object(answer: Answer) -> JsonObject | None:
    """The object that an answer is, None where it is none; numbers in it are exact."""
    data = _parsed(answer.body)
    return data if isinstance(data, dict) else None


def _decimal(text: str) -> Decimal | str:
    """A number, and the text of one that nobody can hold: what stands beside it still counts."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= LONGEST_ID else text


def usable_id(value: object) -> str | None:
    """An id that can be used: a text, or a number as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and is_usable_id(value) else None


def short_text(value: object) -> str:
    """A text or a number as a text of bounded length, nothing else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value.strip()[:_LONGEST_TEXT] if isinstance(value, str) else ""


def shown(value: object) -> str:
    """What came, as it is quoted to people: short, and with nothing that steers a terminal."""
    return printable(repr(str(value) if isinstance(value, Decimal) else value)[:_LONGEST_SHOWN])


def share(value: object) -> float | None:
    """A number from 0 to 1; what is none is only decoration and left out."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return float(value) if 0 <= value <= 1 else None


def number(value: object) -> Decimal | None:
    """A number from a number or its text, never by way of a float; None for what is none, or has too many digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        return None
    exact = Decimal(text)
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or exact.adjusted() >= MOST_DIGITS or exponent < -MOST_PLACES:
        return None
    return Decimal(format(exact, "f"))


def cost(value: object) -> Decimal | None:
    """An amount of US dollars that was charged; None where it cannot be read as one."""
    usd = number(value)
    return None if usd is None or usd < 0 else usd.copy_abs()

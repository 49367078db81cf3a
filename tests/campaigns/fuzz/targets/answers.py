"""Any answer of a gateway ends in one of the typed endings, and only what is certain counts as a refusal.

The input is a line ``create|read STATUS RETRY-AFTER`` and, below it, the body. What may be called
what is stated here a second time, from the documentation and not from the code under test.
"""

import contextlib
import json
import math
import re
from decimal import Decimal
from typing import Any

from batchgen.engine.classification import REFUSES_ACCOUNT, Classification, Kind
from batchgen.engine.events import Refused
from batchgen.journal.records import decode, encode
from batchgen.providers.answers import Answer
from batchgen.providers.error_policy import classify_create, classify_read
from batchgen.providers.http import retry_after_s
from batchgen.providers.interface import CallFailed, Created, RemoteStatus, Stage, Task
from batchgen.providers.vtrix.codec import read_created, read_task
from batchgen.providers.vtrix.error_policy import ERROR_POLICY
from batchgen.schemas import DEFAULT_MODEL, shipped

POLICY = ERROR_POLICY.of_model(shipped().for_model(DEFAULT_MODEL, "model.json")["errors"])
NOW = "Fri, 15 Jan 2027 08:00:00 GMT"
LONGEST_WAIT_S = 86_400
LONGEST_TEXT = 5_000
NOT_CREATED = "1028099"
CERTAIN_WHATEVER_THE_BODY = (429, 503)
ACCOUNT = (401, 402, 403)
PERMANENT = ("1028001", "1028002", "1028003", "1028004")
NOT_KNOWN = (502, 504)
ASKED_FOR = "t1"
ENDED_WELL = frozenset({"completed", "success", "succeeded"})


def check(data: bytes) -> None:
    """Read the answer as one to the call that the first line names, and hold it against the promise."""
    head, _, body = data.partition(b"\n")
    words = head.split(b" ", 2)
    status = int(words[1]) % 1000 if len(words) > 1 and words[1].isdigit() and len(words[1]) < 10 else 200
    headers = words[2].decode("latin-1") if len(words) > 2 else ""
    retry_after, _, date = headers.partition("; ")
    wait_s = retry_after_s(retry_after, date or NOW)
    assert wait_s is None or 0 <= wait_s <= LONGEST_WAIT_S
    answer = Answer(status, body, wait_s)
    if words[0].startswith(b"r"):
        _check_reading(answer)
    else:
        _check_creating(answer)


def _check_creating(answer: Answer) -> None:
    said = _json(answer.body)
    try:
        created = read_created(answer)
    except CallFailed as failed:
        classification = classify_create(failed, POLICY)
        _check_failure(failed, classification, Stage.CREATE, answer)
        _check_refusal(classification, answer.status, said)
        return
    assert classify_create(created, POLICY).kind is Kind.CREATED
    assert 200 <= answer.status < 300
    named = [str(part.get("id")) for part in _parts(said)]
    assert said is None or created.task_id in named, "a number that nobody can hold stands beside the id"
    assert isinstance(created, Created)
    assert created.task_id.isprintable()


def _check_refusal(classification: Classification, status: int, said: Any) -> None:
    """Promise 1: nothing is called a refusal that is not certain to have created nothing."""
    assert classification.kind in (Kind.REFUSED, Kind.UNCERTAIN, *REFUSES_ACCOUNT)
    text = json.dumps(said, default=str)
    by_code, for_good = NOT_CREATED in text, any(code in text for code in PERMANENT)
    in_words = status == 500 and isinstance(said, dict) and not said.get("id")
    certain = by_code or status in CERTAIN_WHATEVER_THE_BODY or in_words
    assert status not in NOT_KNOWN or classification.kind is Kind.UNCERTAIN
    if classification.kind in REFUSES_ACCOUNT:
        assert status in ACCOUNT or _speaks_of_the_balance(text, status)
    elif classification.kind is Kind.REFUSED:
        assert certain or for_good or 400 <= status < 500
        assert not classification.again or certain
    else:
        assert not 400 <= status < 500
        assert status not in CERTAIN_WHATEVER_THE_BODY


def _check_reading(answer: Answer) -> None:
    said = _json(answer.body)
    try:
        task = read_task(answer, ASKED_FOR)
    except CallFailed as failed:
        classification = classify_read(failed, POLICY)
        _check_failure(failed, classification, Stage.READ, answer)
        assert classification.kind in (Kind.TRANSIENT, *REFUSES_ACCOUNT) or (classification.kind, answer.status) == (
            Kind.MISSING,
            404,
        )
        text = json.dumps(said, default=str)
        is_account = answer.status in ACCOUNT or _speaks_of_the_balance(text, answer.status)
        assert classification.kind not in REFUSES_ACCOUNT or is_account
        is_lost = _is_done(said) and 200 <= answer.status < 300 and not _may_be_of_another(said)
        assert not is_lost, "a video that is named is lost"
        return
    classification = classify_read(task, POLICY)
    assert 200 <= answer.status < 300
    assert isinstance(said, dict)
    assert not _is_of_another(said), "an answer about another task"
    assert not _is_done(said) or task.status is RemoteStatus.COMPLETED, "a video that is named is lost"
    _check_task(task, classification, said)


def _parts(said: Any) -> list[dict[str, Any]]:
    """Where the fields of an answer may stand: at its top, and in its envelope."""
    inside = said.get("data") if isinstance(said, dict) else None
    return [part for part in (said, inside) if isinstance(part, dict)]


def _is_of_another(said: Any) -> bool:
    """Whether it is certain that an answer names another task than the one that was asked for."""
    named = [part["id"] for part in _parts(said) if isinstance(part.get("id"), str)]
    return bool(named) and all(task_id.isalnum() and task_id != ASKED_FOR for task_id in named)


def _may_be_of_another(said: Any) -> bool:
    named = [str(part["id"]) for part in _parts(said) if isinstance(part.get("id"), str | int)]
    return bool(named) and ASKED_FOR not in named


def _is_done(said: Any) -> bool:
    """Whether an answer says that the task is completed, and names its video as it is documented."""
    words = [part["status"].strip().casefold() for part in _parts(said) if isinstance(part.get("status"), str)]
    return bool(words) and set(words) <= ENDED_WELL and any(map(_names_video, _parts(said)))


def _names_video(part: dict[str, Any]) -> bool:
    groups = part.get("output")
    contents = [group.get("content") for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
    items = [item for content in contents if isinstance(content, list) for item in content if isinstance(item, dict)]
    urls = [item.get("url") for item in items if item.get("type") == "video"]
    return any(isinstance(url, str) and url.isascii() and re.fullmatch(r"https?://[\w.]+/[\w.]*", url) for url in urls)


def _speaks_of_the_balance(text: str, status: int) -> bool:
    named = "insufficient_balance" in text.casefold() or any(str(code) in text for code in range(40201, 40209))
    return named and (200 <= status < 300 or 400 <= status < 500)


def _check_task(task: Task, classification: Classification, said: dict[str, Any]) -> None:
    assert task.progress is None or 0 <= task.progress <= 1
    for name, amount in (("cost", task.result.cost_usd), ("discount", task.result.discount)):
        assert amount is None or (amount.is_finite() and (amount >= 0 or name == "discount"))
        assert amount is None or amount in _numbers(said, name), "an amount that was not said"
    assert (classification.kind is Kind.DONE) == (task.status is RemoteStatus.COMPLETED)
    assert (classification.kind is Kind.NO_RESULT) == (task.status is RemoteStatus.NO_RESULT)
    assert (classification.kind is Kind.FAILED) <= (task.status is RemoteStatus.FAILED)
    if task.status is RemoteStatus.COMPLETED:
        assert task.result.video_url
        outputs = [part.get("output") for part in _parts(said)]
        assert json.dumps(task.result.video_url)[1:-1] in json.dumps(outputs, default=str)


def _numbers(said: dict[str, Any], name: str) -> list[Decimal]:
    """Every amount of that name in an answer."""
    usage = [part["usage"] for part in _parts(said) if isinstance(part.get("usage"), dict)]
    found = []
    for value in [one[name] for one in usage if name in one]:
        with contextlib.suppress(ArithmeticError, ValueError):
            found.append(Decimal(str(value)))
    return found


def _check_failure(failed: CallFailed, classification: Classification, stage: Stage, answer: Answer) -> None:
    """The ending carries what was answered, in bounded texts, and can be written down and read back."""
    assert (failed.stage, failed.status) == (stage, answer.status)
    assert max(map(len, (failed.message, failed.code, failed.excerpt, classification.reason))) <= LONGEST_TEXT
    assert classification.wait_s is None or math.isfinite(classification.wait_s)
    event = Refused("2026-01-01T00:00:00Z", "s01", 1, classification.code, classification.reason, classification.again)
    assert decode(encode(event)).event == event


def _json(body: bytes) -> Any:
    """What a body says, None for what is not JSON."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return None

"""What an ending means: promise 1 as a table, and over all combinations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.engine.classification import Kind
from batchgen.providers.answers import Answer
from batchgen.providers.error_policy import classify_create, classify_read
from batchgen.providers.interface import CallFailed, Created, RemoteStatus, Stage, Task, TaskError, Trouble
from batchgen.providers.vtrix.codec import read_created, read_task
from batchgen.providers.vtrix.error_policy import ERROR_POLICY
from batchgen.schemas import DEFAULT_MODEL, shipped

POLICY = ERROR_POLICY.of_model(shipped().for_model(DEFAULT_MODEL, "model.json")["errors"])
NOT_CREATED = b'{"error": {"code": "001028099", "message": "Task creation error"}}'
ERROR = b'{"error": {"code": "E7", "message": "no"}}'
WRONG = b'{"error": {"code": "001028004", "message": "Invalid reference URL format"}}'
HTML = b"<html>proxy</html>"


def answered(status: int, body: bytes) -> tuple[Kind, bool]:
    try:
        classification = classify_create(read_created(Answer(status, body)), POLICY)
    except CallFailed as error:
        classification = classify_create(error, POLICY)
    return classification.kind, classification.again


AGAIN = (Kind.REFUSED, True)
NEVER = (Kind.REFUSED, False)
UNCERTAIN = (Kind.UNCERTAIN, False)
ACCOUNT = (Kind.ACCOUNT, False)
BALANCE = (Kind.BALANCE, False)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"id": "t1", "status": "in_progress"}', (Kind.CREATED, False)),
        (200, b"{}", UNCERTAIN),
        (200, HTML, UNCERTAIN),
        (200, ERROR, UNCERTAIN),
        (200, b'{"data": {"id": "t1", "status": "queued"}, "status": {"code": 500}}', (Kind.CREATED, False)),
        (200, b'{"id": "t1", "error": {"code": "40201"}}', (Kind.CREATED, False)),
        (200, b'{"data": null, "status": {"code": 40201, "message": "no balance"}}', BALANCE),
        (200, b'{"data": {}, "status": {"code": 40208}}', BALANCE),
        (200, b'{"data": null, "status": {"code": 1028099}}', AGAIN),
        (200, b'{"data": null, "status": {"code": "001028004"}}', NEVER),
        (200, b'{"data": null, "status": {"code": 200, "message": "success"}}', UNCERTAIN),
        (200, b'{"id": "a b", "error": {"code": "40201"}}', UNCERTAIN),
        (200, b'{"code": 40209}', UNCERTAIN),
        (400, b'{"error_code": "40203"}', BALANCE),
        (400, b'{"code": 400, "error": "insufficient_balance"}', BALANCE),
        (400, b'{"error": {"code": "Insufficient_Balance"}}', BALANCE),
        (404, b'{"detail": "40205: top up"}', BALANCE),
        (429, b'{"status": {"code": 40201}}', BALANCE),
        (429, b'{"error": {"code": "insufficient_balance", "message": "no"}}', BALANCE),
        (500, b'{"error": {"code": 40201}}', AGAIN),
        (502, b'{"error": {"code": 40201}}', UNCERTAIN),
        (503, b'{"error": {"code": 40201}}', AGAIN),
        (504, b'{"error": {"code": "001028099"}}', UNCERTAIN),
        (302, b'{"error": {"code": "001028099"}}', AGAIN),
        (200, NOT_CREATED, AGAIN),
        (200, WRONG, NEVER),
        (200, b'{"id": "a b"}', UNCERTAIN),
        (202, b'{"id": "t1"}', (Kind.CREATED, False)),
        (301, b"", UNCERTAIN),
        (307, ERROR, UNCERTAIN),
        (400, ERROR, NEVER),
        (400, b'{"error": {"code": "001028004"}}', NEVER),
        (400, NOT_CREATED, AGAIN),
        (401, b"", ACCOUNT),
        (401, NOT_CREATED, AGAIN),
        (402, ERROR, BALANCE),
        (403, WRONG, ACCOUNT),
        (403, ERROR, ACCOUNT),
        (404, b"", NEVER),
        (413, HTML, NEVER),
        (422, ERROR, NEVER),
        (429, b"", AGAIN),
        (429, HTML, AGAIN),
        (500, ERROR, AGAIN),
        (500, b'{"message": "no"}', AGAIN),
        (500, b'{"detail": "no"}', AGAIN),
        (500, b'{"error": "no"}', AGAIN),
        (500, b'{"id": "t1", "error": "no"}', UNCERTAIN),
        (500, b"{}", UNCERTAIN),
        (500, HTML, UNCERTAIN),
        (500, b"", UNCERTAIN),
        (501, ERROR, UNCERTAIN),
        (502, ERROR, UNCERTAIN),
        (502, HTML, UNCERTAIN),
        (500, WRONG, NEVER),
        (500, b'{"id": "t1", "error": {"code": "001028099"}}', UNCERTAIN),
        (502, NOT_CREATED, UNCERTAIN),
        (502, WRONG, UNCERTAIN),
        (503, b"", AGAIN),
        (503, WRONG, AGAIN),
        (503, HTML, AGAIN),
        (504, ERROR, UNCERTAIN),
        (504, b"", UNCERTAIN),
    ],
)
def test_what_an_answer_to_a_creation_means(status: int, body: bytes, expected: tuple[Kind, bool]) -> None:
    assert answered(status, body) == expected


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (Trouble.NOT_SENT, NEVER),
        (Trouble.OUT_OF_REACH, AGAIN),
        (Trouble.NOT_CONNECTED, AGAIN),
        (Trouble.TIMED_OUT, UNCERTAIN),
        (Trouble.BROKEN, UNCERTAIN),
        (Trouble.UNREADABLE, UNCERTAIN),
    ],
)
def test_what_no_answer_to_a_creation_means(trouble: Trouble, expected: tuple[Kind, bool]) -> None:
    classification = classify_create(CallFailed(Stage.CREATE, trouble, "why"), POLICY)
    assert (classification.kind, classification.again) == expected
    assert "why" in classification.reason


ENDINGS = st.builds(
    CallFailed,
    st.just(Stage.CREATE),
    st.sampled_from(Trouble),
    st.text(),
    status=st.none() | st.integers(100, 599),
    code=st.sampled_from(["", "E7", "40201", "40209", "insufficient_balance", *POLICY.codes]),
    stated=st.booleans(),
    task_id=st.none() | st.just("t1"),
    retry_after_s=st.none() | st.floats(0, 3600),
)


def certain(ending: CallFailed) -> bool:
    """Promise 1, written down once more from the contract: is it certain that nothing was created?"""
    if ending.trouble in (Trouble.NOT_CONNECTED, Trouble.OUT_OF_REACH):
        return True  # no request left, or none that was whole
    if ending.trouble not in (Trouble.STATUS, Trouble.UNREADABLE) or ending.status in (502, 504):
        return False
    if ending.code == "001028099" and ending.task_id is None and ending.status is not None:
        return True
    if speaks_of_the_balance(ending):
        return False
    if ending.status in (429, 503):
        return True
    return (
        ending.status == 500
        and ending.stated
        and ending.task_id is None
        and POLICY.codes.get(ending.code) != "permanent"
    )


def speaks_of_the_balance(ending: CallFailed) -> bool:
    """The same of a code that stops the run, nothing having been created."""
    status = ending.status or 0
    says_so = ending.code in ("40201", "insufficient_balance")
    return says_so and (400 <= status < 500 or (200 <= status < 300 and ending.task_id is None))


@given(ENDINGS)
def test_a_creation_is_repeated_only_where_nothing_can_have_been_created(ending: CallFailed) -> None:
    classification = classify_create(ending, POLICY)
    assert classification.again == certain(ending)
    assert classification.kind in (Kind.REFUSED, Kind.UNCERTAIN, Kind.ACCOUNT, Kind.BALANCE)
    assert not classification.again or classification.kind is Kind.REFUSED
    if classification.kind is Kind.ACCOUNT:
        assert ending.status in (401, 403)
    if classification.kind is Kind.BALANCE:
        assert ending.status == 402 or ending.code in ("40201", "insufficient_balance")


@pytest.mark.parametrize(
    ("status", "body", "malformed"),
    [
        (400, b"", True),
        (422, b'{"detail": "input must be an array"}', True),
        (200, b'{"error": {"code": "001028001"}}', True),
        (500, b'{"error": {"code": "001028004"}}', True),
        (404, b"{}", False),
        (413, b"", False),
        (400, b'{"code": "001028099"}', False),
        (400, b'{"error": "insufficient_balance"}', False),
        (429, b"", False),
        (400, b'{"id": "t-1", "error": "bad request"}', False),
    ],
)
def test_what_may_be_due_to_the_form_of_a_request(status: int, body: bytes, *, malformed: bool) -> None:
    with pytest.raises(CallFailed) as caught:
        read_created(Answer(status, body))
    assert classify_create(caught.value, POLICY).malformed is malformed


@given(ENDINGS)
def test_no_message_about_an_uncertain_ending_says_to_try_again(ending: CallFailed) -> None:
    classification = classify_create(CallFailed(ending.stage, ending.trouble, "", ending.status), POLICY)
    if classification.kind is Kind.UNCERTAIN:
        assert "again" not in classification.reason
        assert "retry" not in classification.reason


def of_task(answer: bytes) -> tuple[Kind, str, bool, int]:
    classification = classify_read(read_task(Answer(200, answer), "t1"), POLICY)
    return classification.kind, classification.code, classification.again, classification.confirm


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("001028001", (Kind.FAILED, False, 1)),
        ("001028002", (Kind.FAILED, False, 1)),
        ("001028003", (Kind.FAILED, False, 1)),
        ("001028004", (Kind.FAILED, False, 1)),
        ("001028095", (Kind.FAILED, False, 1)),
        ("001028096", (Kind.FAILED, False, 5)),
        ("001028097", (Kind.FAILED, False, 5)),
        ("001028098", (Kind.RUNNING, False, 1)),
        ("001028099", (Kind.FAILED, True, 1)),
        ("E7", (Kind.FAILED, False, 1)),
    ],
)
def test_what_a_failed_task_means(code: str, expected: tuple[Kind, bool, int]) -> None:
    kind, told, again, confirm = of_task(b'{"status": "failed", "error": {"code": "%s"}}' % code.encode())
    assert (kind, again, confirm) == expected
    assert told == code


def test_a_code_that_came_as_a_number_is_known_without_its_zeros() -> None:
    assert of_task(b'{"status": "failed", "error": {"code": 1028098}}')[:2] == (Kind.RUNNING, "001028098")


def test_every_documented_code_has_its_test() -> None:
    assert set(POLICY.codes) == {
        f"0010280{number}" for number in ("01", "02", "03", "04", "95", "96", "97", "98", "99")
    }


def test_a_failure_without_code_or_reason_gets_both() -> None:
    classification = classify_read(read_task(Answer(200, b'{"status": "failed"}'), "t1"), POLICY)
    assert (classification.code, bool(classification.reason)) == ("task_failed", True)


READINGS = st.builds(
    CallFailed,
    st.just(Stage.READ),
    st.sampled_from(Trouble),
    st.text(),
    status=st.none() | st.just(404) | st.integers(100, 599),
    is_html=st.booleans(),
)


@given(READINGS)
def test_a_reading_that_fails_never_ends_a_task_at_once(ending: CallFailed) -> None:
    classification = classify_read(ending, POLICY)
    assert classification.kind in (Kind.TRANSIENT, Kind.ACCOUNT, Kind.BALANCE, Kind.MISSING)
    assert (classification.kind is Kind.MISSING) == (ending.status == 404 and not ending.is_html), (
        "a page is nobody's word"
    )
    assert classification.not_found == (ending.status == 404)
    assert not classification.again


@given(st.sampled_from(RemoteStatus), st.sampled_from(["", "E7", *POLICY.codes]))
def test_every_task_has_a_meaning(status: RemoteStatus, code: str) -> None:
    classification = classify_read(Task(status, error=TaskError(code, "")), POLICY)
    assert classification.kind in (Kind.RUNNING, Kind.DONE, Kind.NO_RESULT, Kind.FAILED)


def test_endings_of_one_stage_are_not_taken_for_those_of_the_other() -> None:
    with pytest.raises(ValueError, match="read"):
        classify_create(CallFailed(Stage.READ, Trouble.BROKEN, ""), POLICY)
    with pytest.raises(ValueError, match="create"):
        classify_read(CallFailed(Stage.CREATE, Trouble.BROKEN, ""), POLICY)
    assert classify_create(Created("t"), POLICY).kind is Kind.CREATED

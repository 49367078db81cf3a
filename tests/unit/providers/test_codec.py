"""Answers are read tolerantly and typed strictly."""

import json
import os
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchgen.model import Lasted, TaskResult
from batchgen.providers.answers import MOST_ANSWER_BYTES, Answer
from batchgen.providers.interface import CallFailed, Created, RemoteStatus, Stage, Task, TaskError, Trouble
from batchgen.providers.vtrix.codec import read_created, read_task

T = TypeVar("T")
ANSWERS = 5_000 if os.environ.get("HYPOTHESIS_PROFILE", "fast") != "fast" else 500
"""Of each kind; ten thousand in all where everything is checked."""
VIDEO = {"output": [{"content": [{"type": "video", "url": "https://cdn.example/x.mp4", "jobId": "job-1"}]}]}


def task(**answer: object) -> Task:
    return reading(Answer(200, json.dumps(answer).encode()))


def reading(answer: Answer) -> Task:
    return read_task(answer, "t1")


def failed(read: Callable[[Answer], object], status: int, body: bytes) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        read(Answer(status, body))
    return caught.value


@pytest.mark.parametrize("task_id", ["abc", "12-34", "ü", 17, 1790000000000000001, 10**30, "x" * 300, "x" * 1_000])
def test_a_created_task_has_an_id(task_id: object) -> None:
    answer = {"id": task_id, "status": "in_progress", "model": "m", "created_at": 1}
    assert read_created(Answer(200, json.dumps(answer).encode())) == Created(str(task_id))


@pytest.mark.parametrize("task_id", [None, "", " ", True, [], {}, 1.5])
def test_an_id_that_cannot_be_used_is_none(task_id: object) -> None:
    error = failed(read_created, 200, json.dumps({"id": task_id}).encode())
    assert (error.trouble, error.status, error.task_id) == (Trouble.UNREADABLE, 200, None)


@pytest.mark.parametrize("task_id", [".", "..", "a b", 10**1000])
def test_an_id_that_cannot_be_asked_for_is_kept_and_not_used(task_id: object) -> None:
    error = failed(read_created, 200, json.dumps({"id": task_id}).encode())
    assert (error.trouble, error.status, error.task_id) == (Trouble.UNREADABLE, 200, str(task_id))


@pytest.mark.parametrize("number", ["1e99999999999999999999", "9" * 5000, "NaN", "-Infinity"])
def test_a_number_that_nobody_can_hold_takes_no_id_away(number: str) -> None:
    body = f'{{"id": "t1", "queue": {number}, "created_at": 5}}'
    assert read_created(Answer(200, body.encode())) == Created("t1")


@pytest.mark.parametrize("body", [b'{"id":123', b'{"id": 12', b'{"status":"x","id":1790000000000000001'])
def test_a_number_that_was_cut_off_is_not_an_id(body: bytes) -> None:
    assert failed(read_created, 200, body).task_id is None
    assert failed(read_created, 200, body + b",").task_id is not None


@pytest.mark.parametrize(
    ("status", "body", "candidate"),
    [
        (200, b'{"id": "a b"}', "a b"),
        (200, b'{"id": "a\\nb"}', "a\nb"),
        (200, b'{"id": "' + b"x" * 1_001 + b'"}', "x" * 1_001),
        (200, b'{"data": {"task_id": "t7"}}', "t7"),
        (502, b'{"data": {"id": "t7"}}', "t7"),
        (200, b'{"task_id": 7}', "7"),
        (200, b'{"status": "queued", "id": "t7", "mod', "t7"),
        (200, b'garbage {"taskId":"t7"}', "t7"),
        (200, b"<html>t7</html>", None),
        (302, b'{"id": "t7"}', "t7"),
        (500, b'{"error": "no", "id": "t7"}', "t7"),
        (502, b'<html>{"id": "t7"}</html>', "t7"),
        (500, b'{"error": {"id": "not a task"}, "request_id": "r1"}', None),
    ],
)
def test_an_id_that_came_with_an_answer_of_no_use_is_kept(status: int, body: bytes, candidate: str | None) -> None:
    error = failed(read_created, status, body)
    assert error.task_id == candidate
    assert error.excerpt == body[:500].decode()


def test_what_is_kept_of_an_answer_is_short_and_steers_nothing() -> None:
    error = failed(read_created, 502, b"\x1b[2J\xff" + b"y" * 10_000)
    assert error.excerpt.startswith("\\u001b[2J\ufffdy")
    assert len(error.excerpt) < 520
    assert error.excerpt.isprintable()


def test_an_answer_about_another_task_is_none() -> None:
    about = {"status": "completed", **VIDEO}
    for said in ("t2", 7, "T1"):
        error = failed(reading, 200, json.dumps({"id": said, **about}).encode())
        assert (error.trouble, str(said) in error.message) == (Trouble.UNREADABLE, True)
    for unsaid in ("t1", None, "", [1]):
        assert task(id=unsaid, **about).status is RemoteStatus.COMPLETED
    assert read_task(Answer(200, b'{"id": 17, "status": "queued"}'), "17").status is RemoteStatus.RUNNING


@pytest.mark.parametrize("said", ["completed", "COMPLETED", " Completed "])
def test_completed_in_any_letter_case(said: str) -> None:
    done = task(status=said, usage={"cost": "0.50", "discount": 0.9}, **VIDEO)
    assert done == Task(
        RemoteStatus.COMPLETED,
        result=TaskResult("https://cdn.example/x.mp4", "job-1", Decimal("0.50"), Decimal("0.9")),
    )


@pytest.mark.parametrize("said", ["in_progress", "queued", "PENDING", "Processing", "something new"])
def test_whatever_is_neither_completed_nor_failed_is_running(said: str) -> None:
    assert task(status=said, progress=0.25) == Task(RemoteStatus.RUNNING, progress=0.25)


@pytest.mark.parametrize("progress", [None, "half", -1, 2, True, [0.5]])
def test_a_progress_that_makes_no_sense_is_left_out(progress: object) -> None:
    assert task(status="queued", progress=progress).progress is None


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        ('"0.1234567891"', "0.1234567891"),
        ("0.1234567891", "0.1234567891"),
        ("0.1", "0.1"),
        ("1", "1"),
        ('"1.50"', "1.50"),
        ("1.50", "1.50"),
        ("1e-5", "0.00001"),
        ('"0"', "0"),
    ],
)
def test_cost_is_exact_from_text_and_from_number(written: str, exact: str) -> None:
    body = json.dumps({"status": "completed", "usage": {"cost": 0}, **VIDEO}).replace('"cost": 0', f'"cost": {written}')
    cost = reading(Answer(200, body.encode())).result.cost_usd
    assert cost is not None
    assert format(cost, "f") == exact


@pytest.mark.parametrize("usage", [None, [], "free", {}, {"cost": None}, {"cost": ""}])
def test_a_cost_that_is_not_told_is_unknown_and_not_zero(usage: object) -> None:
    assert task(status="completed", usage=usage, **VIDEO).result.cost_usd is None


@pytest.mark.parametrize(
    "cost", ["NaN", '"NaN"', "Infinity", '"-1"', "-0.5", '"' + "9" * 300 + '"', "9" * 300, "1e999999999", '"1e-400"',
             "true", "[]", "{}", '"ten"']
)  # fmt: skip
def test_a_cost_that_is_no_amount_is_not_stated_and_keeps_no_video_away(cost: str) -> None:
    body = json.dumps({"status": "completed", "usage": {"cost": 0}, **VIDEO}).replace('"cost": 0', f'"cost": {cost}')
    found = reading(Answer(200, body.encode()))
    assert (found.status, found.result) == (RemoteStatus.COMPLETED, TaskResult("https://cdn.example/x.mp4", "job-1"))
    assert "cost cannot be read and counts as not stated" in found.notes[0]
    assert len(found.notes[0]) < 200


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"error": {"code": "001028095", "message": "Internal"}}, TaskError("001028095", "Internal")),
        ({"error": "it broke"}, TaskError("", "it broke")),
        ({"error": "001028095: Internal"}, TaskError("001028095", "Internal")),
        ({"error": "001028095"}, TaskError("001028095", "001028095")),
        ({"error": "12 monkeys"}, TaskError("", "12 monkeys")),
        ({"error": {"code": 123, "error_message": "odd"}}, TaskError("123", "odd")),
        ({"code": "x", "message": "y"}, TaskError("x", "y")),
        ({}, TaskError("", "")),
        ({"error": None}, TaskError("", "")),
        ({"error": [1]}, TaskError("", "")),
    ],
)
def test_errors_in_every_shape(answer: dict[str, object], expected: TaskError) -> None:
    assert task(status="failed", **answer).error == expected


@pytest.mark.parametrize(
    ("answer", "lasted"),
    [
        ({"metadata": {"in_queue_at": 1790000000.25, "completed_at": 1790000090.5}}, (90.249, 90.251)),
        ({"metadata": {"in_queue_at": 1790000000.25, "completed_at": 1790000090}}, (89.749, 90.75)),
        ({"created_at": 1790000000, "metadata": {"completed_at": "1790000090.5"}}, (89.5, 90.501)),
        ({"metadata": {"in_queue_at": 1790000000250, "completed_at": 1790000090500}}, (90.249, 90.251)),
        (
            {"metadata": {"in_queue_at": "2026-09-21T12:00:00.5Z", "completed_at": "2026-09-21T14:01:00.75+02:00"}},
            (60.249, 60.251),
        ),
        ({"metadata": {"in_queue_at": 1790000000, "completed_at": 1790000000}}, (0.0, 1.0)),
    ],
)
def test_the_length_of_a_task_is_the_difference_of_two_times(answer: dict[str, object], lasted: Lasted) -> None:
    for told in ({"status": "completed", **VIDEO, **answer}, {"data": {"status": "completed", **VIDEO, **answer}}):
        assert task(id="t1", **told).lasted_s == pytest.approx(lasted, abs=1e-6)


@pytest.mark.parametrize(
    ("began", "ended"),
    [
        (1790000090, 1790000000),
        (0, 0),
        (0.0, 1790000000.5),
        (1790000000, 0),
        (1790000000, None),
        (1790000000, True),
        (1790000000, -5),
        (1790000000, 10**400),
        (1790000000, "soon"),
        (1790000000, "nan"),
        (1790000000, "9999-99-99"),
        (1790000000, []),
        (17, 90),
    ],
)
def test_times_that_make_no_sense_say_nothing_and_take_nothing_away(began: object, ended: object) -> None:
    answer = task(status="completed", **VIDEO, metadata={"in_queue_at": began, "completed_at": ended}, id="t1")
    assert (answer.status, answer.lasted_s) == (RemoteStatus.COMPLETED, None)


@pytest.mark.parametrize("metadata", [None, [], "x", 5])
def test_metadata_that_is_none_says_nothing(metadata: object) -> None:
    assert task(id="t1", status="completed", **VIDEO, metadata=metadata).lasted_s is None


def test_a_failed_task_keeps_a_charge_that_was_told() -> None:
    assert task(status="failed", usage={"cost": "0.10"}, error="late").result.cost_usd == Decimal("0.10")


def test_completed_without_a_video_has_no_result_and_keeps_its_cost() -> None:
    outputs: tuple[object, ...] = (
        None,
        [],
        [{}],
        [{"content": []}],
        [{"content": [{"type": "image", "url": "https://cdn.example/x.png"}]}],
        [{"content": [{"type": "video", "url": "x.mp4"}]}],
        [{"content": [{"type": "video", "url": "https://"}, {"type": "video"}, None]}],
        [{"url": "https://[::1/x"}, {"url": "https://x:port/"}, {"url": "//x/y"}, {"url": "https://cdn.example/a\tb"}],
        [{"url": "ftp://cdn.example/x.mp4"}, {"type": "image", "url": "https://cdn.example/x.png"}],
        "x",
        5,
    )
    for output in outputs:
        found = task(status="completed", output=output, usage={"cost": "0.5"})
        assert found == Task(RemoteStatus.NO_RESULT, result=TaskResult(cost_usd=Decimal("0.5")))


def test_a_typed_error_carries_status_code_message_and_a_bounded_excerpt() -> None:
    body = json.dumps({"error": {"code": "001028004", "message": "Invalid reference URL format"}}) + " " * 9_000
    error = failed(read_created, 400, body.encode())
    assert (error.stage, error.trouble, error.status) == (Stage.CREATE, Trouble.STATUS, 400)
    assert (error.code, error.stated) == ("001028004", True)
    assert "Invalid reference URL format" in error.message
    assert 0 < len(error.excerpt) <= 500


HOSTILE = {
    "brackets": b"[" * 10_000_000,
    "deep": b'{"a":' * 200_000,
    "deep but short": b"[" * 100_000,
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "empty": b"",
    "truncated": b'{"id": "abc", "sta',
    "not utf-8": b'\xff\xfe{"id": 1}',
    "nan": b"NaN",
    "number": b"5",
    "list": b'[{"id": "abc"}]',
    "null": b"null",
    "long digits": b'{"id": ' + b"9" * 6_000 + b"}",
    "long": b'{"id": "abc", "x": "' + b"y" * MOST_ANSWER_BYTES + b'"}',
    "lone surrogate": b'{"id": "\\ud800", "status": "\\ud800"}',
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("read", [read_created, reading])
def test_a_hostile_answer_is_a_typed_error(name: str, read: Callable[[Answer], object]) -> None:
    if name == "lone surrogate" and read is reading:
        assert read(Answer(200, HOSTILE[name])) == Task(RemoteStatus.RUNNING)
    else:
        assert failed(read, 200, HOSTILE[name]).trouble is Trouble.UNREADABLE


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["completed", "failed", "video"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "status", "output", "content", "type", "url", "jobId", "usage", "cost", "error", "code"]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()) | st.fixed_dictionaries(
    {"status": st.sampled_from(["completed", "failed", "queued"])},
    optional={"usage": JSON, "output": JSON, "error": JSON},
).map(lambda value: json.dumps(value).encode())  # fmt: skip


@settings(max_examples=ANSWERS)
@given(st.integers(100, 599), BODIES)
def test_whatever_the_answer_to_a_creation_there_is_an_id_or_a_typed_error(status: int, body: bytes) -> None:
    created = result(read_created, status, body)
    assert created is None or created.task_id


@settings(max_examples=ANSWERS)
@given(st.integers(100, 599), BODIES)
def test_whatever_the_answer_to_a_reading_there_is_a_task_or_a_typed_error(status: int, body: bytes) -> None:
    found = result(reading, status, body)
    if found is not None:
        assert (found.result.video_url is not None) == (found.status is RemoteStatus.COMPLETED)
        assert (found.error is not None) == (found.status is RemoteStatus.FAILED)
        assert found.result.cost_usd is None or (found.result.cost_usd.is_finite() and found.result.cost_usd >= 0)


def result(read: Callable[[Answer], T], status: int, body: bytes) -> T | None:
    """What was read, or None for a typed error; any other exception fails the test."""
    try:
        return read(Answer(status, body))
    except CallFailed:
        return None

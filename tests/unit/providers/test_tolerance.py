"""Every shape of an answer that gateways of this family are known to send: what it means, and what it cost."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.engine.classification import Classification, Kind
from batchgen.model import TaskResult
from batchgen.providers.answers import Answer
from batchgen.providers.error_policy import classify_create, classify_read
from batchgen.providers.interface import CallFailed, RemoteStatus, Task
from batchgen.providers.vtrix.codec import read_created, read_task
from batchgen.providers.vtrix.error_policy import ERROR_POLICY
from batchgen.schemas import DEFAULT_MODEL, shipped

POLICY = ERROR_POLICY.of_model(shipped().for_model(DEFAULT_MODEL, "model.json")["errors"])
URL = "https://cdn.example/x.mp4"
VIDEO = [{"content": [{"type": "video", "url": URL, "jobId": "j"}]}]
IMAGE = {"type": "image", "url": "https://cdn.example/x.png"}
HALF = Decimal("0.5")


def task(answer: object) -> Task:
    return read_task(Answer(200, json.dumps(answer).encode()), "t1")


def read(answer: object, status: int = 200, request_id: str = "") -> tuple[Classification, TaskResult]:
    try:
        found = read_task(Answer(status, json.dumps(answer).encode(), request_id=request_id), "t1")
    except CallFailed as error:
        return classify_read(error, POLICY), TaskResult()
    return classify_read(found, POLICY), found.result


def enveloped(answer: dict[str, Any]) -> dict[str, Any]:
    return {"data": answer, "status": {"code": 200, "message": "success"}}


STATUSES = {
    "completed": ("done", ""),
    "SUCCESS": ("done", ""),
    "Succeeded": ("done", ""),
    "failed": ("failed", "task_failed"),
    "Error": ("failed", "task_failed"),
    "CANCELLED": ("failed", "task_cancelled"),
    "canceled": ("failed", "task_cancelled"),
    "Expired": ("failed", "task_expired"),
    "in_progress": ("running", ""),
    "IN_QUEUE": ("running", ""),
    "In-Queue": ("running", ""),
    "in progress": ("running", ""),
    "something new": ("running", ""),
}


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "envelope"])
@pytest.mark.parametrize("word", STATUSES)
def test_a_status_in_any_word_and_letter_case(word: str, wrapped: bool) -> None:  # noqa: FBT001 - which of two
    kind, code = STATUSES[word]
    answer: dict[str, Any] = {"id": "t1", "status": word, "usage": {"cost": "0.50"}}
    if kind == "done":
        answer["output"] = VIDEO
    said, result = read(enveloped(answer) if wrapped else answer)
    assert (said.kind, said.code) == (Kind(kind), code)
    assert said.passing == (kind == "failed"), "another paid attempt may do better"
    assert result.cost_usd == (None if kind == "running" else HALF)
    assert result.video_url == (URL if kind == "done" else None)


@pytest.mark.parametrize(
    "word", ["failed", "error", "cancelled", "expired", "something new", "", None, 7, {"code": 200}]
)
def test_a_video_that_is_named_is_fetched_whatever_the_status(word: object) -> None:
    for answer in ({"status": word, "output": VIDEO}, enveloped({"status": word, "output": VIDEO})):
        found = task({**answer, "error": {"code": "001028095", "message": "sorry"}, "usage": {"cost": 0.5}})
        assert (found.status, found.result) == (RemoteStatus.COMPLETED, TaskResult(URL, "j", HALF, None))
        assert "001028095: sorry" in found.notes[0]
        assert classify_read(found, POLICY).kind is Kind.DONE


@pytest.mark.parametrize("word", ["in_progress", "QUEUED", "Pending", "processing"])
def test_a_task_that_says_it_runs_is_waited_for_though_it_names_a_video(word: str) -> None:
    assert task({"status": word, "output": VIDEO}).status is RemoteStatus.RUNNING


OUTPUTS = {
    "as documented": (VIDEO, "j"),
    "job id one level up": ([{"jobId": "j", "content": [{"type": "video", "url": URL}]}], "j"),
    "no job id": ([{"content": [{"type": "video", "url": URL, "jobId": None}]}], None),
    "an object in place of a list": ({"content": {"type": "VIDEO", "url": f" {URL} "}}, None),
    "a url without content": ([{"url": URL, "jobId": "j"}], "j"),
    "a url beside an empty content": ([{"content": [], "type": "video", "url": URL}], None),
    "odd neighbours": ([None, 7, IMAGE, {"content": [None, IMAGE, {"type": "video"}, *VIDEO[0]["content"]]}], "j"),
    "a video that has no address first": ([{"content": [{"type": "video", "url": "soon"}]}, *VIDEO], "j"),
    "the cover of a group": ([{"url": "https://cdn.example/cover.png", **VIDEO[0]}], "j"),
    "no type": ([{"content": [IMAGE, {"url": URL}]}], None),
    "beside its poster": ([{"content": [IMAGE], "url": URL, "jobId": "j"}], "j"),
    "beside content of another kind": ([{"content": "ready", "url": URL}], None),
    "a type of media": ([{"content": [{"type": "video/mp4", "url": URL}]}], None),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_video_is_found_wherever_it_stands(name: str) -> None:
    output, job_id = OUTPUTS[name]
    for answer in ({"status": "completed", "output": output}, enveloped({"status": "completed", "output": output})):
        assert task(answer) == Task(RemoteStatus.COMPLETED, result=TaskResult(URL, job_id))


def test_an_address_is_not_cut() -> None:
    url = f"{URL}?signature={'x' * 5_000}"
    assert task({"status": "completed", "output": [{"url": url}]}).result.video_url == url


COSTS = {
    '"0.50"': "0.50", "0.50": "0.50", "1": "1", '"1e-5"': "0.00001", "1.5E+2": "150", "0": "0", '" .5 "': "0.5",
    "-0.0": "0.0", "999999999999": "999999999999", "1000000000000": None,
    '"0.00000000000000000001"': "0." + "0" * 19 + "1",
    '"0.000000000000000000001"': None, '"$1"': None, '"1,5"': None, '"1_000"': None, '"-1"': None, "-1": None,
    '"NaN"': None, "Infinity": None, "true": None, "[1]": None, '""': None, "null": None, '"1e-99999"': None,
}  # fmt: skip


@pytest.mark.parametrize("said", COSTS)
def test_a_cost_is_exact_or_not_stated(said: str) -> None:
    answer = json.dumps({"status": "completed", "output": VIDEO, "usage": {"cost": "?", "quantity": [], "x": None}})
    found = read_task(Answer(200, answer.replace('"?"', said).encode()), "t1")
    told = found.result.cost_usd
    assert (told is None and COSTS[said] is None) or (told is not None and format(told, "f") == COSTS[said])
    assert found.result.video_url == URL
    assert bool(found.notes) == (told is None and said not in ('""', "null"))


@pytest.mark.parametrize(("currency", "usd"), [("USD", HALF), ("usd", HALF), ("", HALF), (None, HALF), ("CNY", None)])
def test_a_cost_in_another_currency_is_not_one_in_dollars(currency: object, usd: object) -> None:
    usage = {"cost": "0.50", "discount": 0.7, "currency": currency}
    found = task({"status": "completed", "output": VIDEO, "usage": usage})
    assert (found.result.cost_usd, found.result.discount, found.result.video_url) == (usd, Decimal("0.7"), URL)
    assert found.notes == (() if usd else ("the gateway's cost is in 'CNY' and counts as not stated: '0.50'",))
    assert not task({"status": "failed", "usage": {"cost": "", "currency": "CNY"}}).notes, "no cost is in none"


@pytest.mark.parametrize(
    ("said", "told"), [(0.7, "0.7"), ("0.70", "0.70"), ("1e-1", "0.1"), (-2, "-2"), ("a lot", None), ([], None)]
)
def test_a_discount_is_kept_as_it_came(said: object, told: str | None) -> None:
    found = task({"status": "completed", "output": VIDEO, "usage": {"cost": "0.5", "discount": said}})
    assert found.result.discount == (None if told is None else Decimal(told))
    assert (found.result.cost_usd, bool(found.notes)) == (HALF, told is None)


NO_RESULTS: list[dict[str, Any]] = [
    {"status": "completed"},
    {"status": "success", "output": []},
    {"status": "completed", "output": [{"content": [IMAGE]}], "error": None, "message": "ok"},
    {"status": "completed", "output": [{"content": [{"type": "video", "url": "soon"}], "url": IMAGE["url"]}]},
    {"status": "completed", "error": {}},
    {"status": "completed", "error": {"code": 0, "message": "success"}},
    {"status": "completed", "error_code": 0, "error_message": ""},
    enveloped({"status": "completed"}),
]


@pytest.mark.parametrize("answer", NO_RESULTS)
def test_completed_without_a_video_is_asked_for_again(answer: dict[str, Any]) -> None:
    said, result = read({**answer, "usage": {"cost": "0.5"}})
    assert (said.kind, said.code, said.passing, said.confirm > 1) == (Kind.NO_RESULT, "no_result", True, True)
    assert result.cost_usd == HALF


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ({"error": {"code": "001028095", "message": "no"}}, "001028095"),
        ({"error": "it broke"}, "task_failed"),
        ({"error_code": 1028004}, "001028004"),
        ({"data": {"error": {"message": "no"}}}, "task_failed"),
    ],
)
def test_completed_with_an_error_and_no_video_has_failed(stated: dict[str, Any], code: str) -> None:
    said, _ = read({"status": "completed", **stated})
    assert (said.kind, said.code) == (Kind.FAILED, code)


BODIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "message": ({"message": "no"}, "http_400", "no"),
    "detail": ({"detail": "no such size"}, "http_400", "no such size"),
    "a list of details": (
        {"detail": [{"loc": ["body", "input", 0], "msg": "is missing", "type": "x"}, "and more", 7, None]},
        "http_400",
        "body.input.0: is missing; and more; 7",
    ),
    "error as text": ({"error": "it broke"}, "http_400", "it broke"),
    "error as object": ({"error": {"code": "E7", "message": "no"}}, "E7", "no"),
    "error_message": ({"error": {"code": 123, "error_message": "odd"}}, "123", "odd"),
    "error_code": ({"error_code": "E8", "error_message": "why"}, "E8", "why"),
    "status of an envelope": ({"data": None, "status": {"code": 40404, "message": "gone"}}, "40404", "gone"),
    "error in an envelope": ({"data": {"error": {"code": "E9", "message": "in"}}, "status": {"code": 7}}, "E9", "in"),
    "several": (
        {"error": {"message": "one"}, "message": "two", "detail": "one", "status": {"message": "three"}},
        "http_400",
        "one; two; three",
    ),
    "a code that says no more than the status": ({"code": 400, "error_code": "E7"}, "E7", ""),
    "an integer that is documented": ({"error": {"code": 1028095, "message": "no"}}, "001028095", "no"),
    "an integer that is not": ({"error": {"code": 1028, "message": "no"}}, "1028", "no"),
    "a code in the text": ({"code": 400, "message": "001028095: broken"}, "001028095", "broken"),
    "zero beside a text": ({"code": 0, "message": "bad prompt"}, "http_400", "bad prompt"),
}


@pytest.mark.parametrize("name", BODIES)
def test_an_error_is_read_and_shown_in_every_shape(name: str) -> None:
    body, code, text = BODIES[name]
    for request_id, named in ((body, "r-head"), ({**body, "request_id": "r-body"}, "r-body")):
        answer = Answer(400, json.dumps(request_id).encode(), request_id="r-head")
        with pytest.raises(CallFailed) as caught:
            read_created(answer)
        said = classify_create(caught.value, POLICY)
        assert (said.kind, said.code) == (Kind.REFUSED, code)
        assert said.reason == f"the gateway answered 400{': ' if text else ''}{text} (request id {named})"


def test_a_refused_account_is_seen_while_a_task_is_read() -> None:
    for status in (200, 400, 429):
        for body in ({"data": None, "status": {"code": 40201, "message": "empty"}}, {"error": "insufficient_balance"}):
            assert read(body, status)[0].kind is Kind.BALANCE
    assert read({"error": {"code": "40201"}}, 500)[0].kind is Kind.TRANSIENT


def test_what_an_answer_about_another_task_says_is_not_believed() -> None:
    for other in ({"id": "t2"}, {"data": {"id": "t2"}}, {"id": "t3", "data": {"id": "t2"}}):
        assert (
            read({"status": "completed", "output": VIDEO, "error": {"code": 40201}, **other})[0].kind is Kind.TRANSIENT
        )
    assert task({"id": "request-9", "data": {"id": "t1", "status": "queued"}}).status is RemoteStatus.RUNNING


@pytest.mark.parametrize(
    ("answer", "task_id"),
    [
        ({"id": "request-9", "data": {"id": "t1", "status": "in_progress"}, "status": {"code": 200}}, "t1"),
        ({"id": "request-9", "data": {"id": "t1", "status": "queued"}, "status": "success"}, "t1"),
        ({"id": "t1", "status": "in_progress", "data": {"id": "other"}}, "t1"),
        ({"id": "t1", "data": {"status": "in_progress"}}, "t1"),
        ({"id": "t1", "data": {"id": "no id", "status": "in_progress"}}, "t1"),
    ],
)
def test_the_id_of_a_call_is_not_that_of_the_task_in_its_envelope(answer: dict[str, Any], task_id: str) -> None:
    assert read_created(Answer(200, json.dumps(answer).encode())).task_id == task_id


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["video", URL, "failed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(["completed", "success", "failed", "cancelled", "expired", "what"]),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("usage", "error", "message", "progress", "created_at"), ODD)),
    st.lists(ODD, max_size=3),
    st.booleans(),
)
def test_nothing_beside_a_video_keeps_it_away(
    word: str,
    beside: dict[str, Any],
    neighbours: list[Any],
    wrapped: bool,  # noqa: FBT001 - which of two
) -> None:
    answer = {"status": word, "output": [*neighbours, *VIDEO], **beside}
    said, result = read(enveloped(answer) if wrapped else answer)
    assert said.kind is Kind.DONE
    assert result.video_url is not None

"""What the emulator has in common with the real gateway beyond the documented page: forms, headers, billing."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from batchgen.app.emulating import emulator_settings
from batchgen.emulator.seeded_random import random_task_id
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.errors import UsageError
from batchgen.schemas import DEFAULT_MODEL, shipped

from helpers.support import in_process, write_video
from unit.emulator.client import CREATE, Client, Start, data_uri, picture, request

PREVIEW, MODELS = f"{CREATE}/precharge", "/model/v1/models/skill/search"


def params(*, flat: bool = False, **side_fields: Any) -> dict[str, Any]:
    documented = request()
    held = {name: documented[name] for name in ("input", "parameters")}
    if flat:
        held = {**held["input"], **held["parameters"]}
    return {"model": DEFAULT_MODEL, "input": [{"params": held}], **side_fields}


def test_ids_have_the_real_form_and_repeat_with_the_seed() -> None:
    ids = [random_task_id(1, "request", number) for number in range(1000)]
    assert all(re.fullmatch("d[0-9a-v]{21}", each) for each in ids)
    assert len(set(ids)) == 1000
    assert ids[3] == random_task_id(1, "request", 3) != random_task_id(2, "request", 3)


def test_a_task_may_be_in_the_queue_first(start: Start) -> None:
    client = start("stuck", in_queue=(60.0, 60.0), latency=(0.0, 0.0))
    created = client.create(request()).json()
    assert created["status"] == "in_queue"
    waiting = client.read(created["id"]).json()
    assert (waiting["status"], "progress" in waiting) == ("in_queue", False)
    client = start(in_queue=(0.2, 0.2), latency=(0.0, 0.0))
    task = client.bought(request("soon"))
    assert task["status"] == "completed"
    assert task["metadata"]["completed_at"] - task["metadata"]["in_queue_at"] == Decimal("0.2")


def test_the_flat_form_is_the_same_request(start: Start) -> None:
    client = start()
    bodies = [
        request(),
        params(),
        params(flat=True),
        params(flat=True, metadata={"shot": 1}, moderation=False, id="d8"),
    ]
    assert [client.create(body).status for body in bodies] == [200] * 4
    entries = client.entries("request")
    assert len({entry["request_sha256"] for entry in entries}) == 1
    assert [(entry["format"], entry["flat"]) for entry in entries] == [
        ("documented", False),
        ("params", False),
        ("params", True),
        ("params", True),
    ]
    assert (entries[3]["metadata"], entries[3]["moderation"]) == ({"shot": 1}, False)


@pytest.mark.parametrize(
    "body",
    [
        params(metadata="text"),
        params(moderation=1),
        params(id=["d8"]),
        {**params(flat=True), "parameters": {}},
        {"model": DEFAULT_MODEL, "input": []},
        {"model": DEFAULT_MODEL, "input": [{"params": {}}]},
        {"model": DEFAULT_MODEL, "input": [{"params": {"prompt": "a", "unknown": 1}}]},
        {"model": DEFAULT_MODEL, "input": [{"params": []}]},
        {"model": DEFAULT_MODEL, "input": [7]},
        params(metadata={"a": data_uri(b"x" * 100_000)}),
    ],
)
def test_what_is_beside_the_forms_is_refused(start: Start, body: dict[str, Any]) -> None:
    client = start()
    assert client.create(body).status == 400
    assert client.entries("task") == []


def test_one_form_alone_and_a_gateway_that_changes_its_mind(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with EmbeddedEmulator(Settings(latency=(9, 9), log=log, accept="params"), shipped()) as emulator:
        client = Client(emulator.base_url, log)
        refused = client.create(request())
        assert refused.status == 422
        assert refused.json()["detail"][0]["loc"] == ["body", "input"]
        assert [client.create(body).status for body in (params(), params(flat=True))] == [200, 200]
        emulator.switches.accept = "documented"
        refused = client.create(params())
        assert (refused.status, refused.code) == (400, "001028001")
        assert client.create(request()).status == 200
        posts = client.entries("request")
        client.close()
    assert [entry["status"] for entry in posts] == [422, 200, 200, 400, 200]
    assert [(entry["format"], bool(entry.get("refused"))) for entry in posts if entry["status"] != 200] == [
        ("documented", True),
        ("params", True),
    ]
    assert len([line for line in log.read_text().splitlines() if '"event": "task"' in line]) == 3


def test_an_answer_names_its_request_and_the_log_its_client(start: Start) -> None:
    client = start()
    answer = client.send("GET", "/", X_Request_Id="mine-1", User_Agent="tool/1.0")
    assert answer.headers["x-request-id"] == "mine-1"
    made_up = client.send("GET", f"{CREATE}/task/none", Authorization="").headers["x-request-id"]
    assert made_up.startswith("req-")
    first, second = client.entries("request")
    assert (first["request_id"], first["user_agent"]) == ("mine-1", "tool/1.0")
    assert second["request_id"] == ""


@pytest.mark.parametrize("end", ["fail-001028095", None])
def test_a_balance_runs_out(start: Start, end: str | None) -> None:
    client = start(*([end] if end else []), balance=Decimal("0.50"), latency=(0.3, 0.3))
    tasks = [client.create(request(str(number))).json()["id"] for number in range(2)]
    # What tasks under way will cost is held back.
    refused = client.create(request("one too many"))
    assert (refused.status, refused.code) == (402, "insufficient_balance")
    assert "0.10 USD left, 0.20 needed" in refused.json()["error"]["message"]
    assert [client.ended(task)["status"] for task in tasks] == ["failed" if end else "completed"] * 2
    # A failed task gives it back.
    assert client.create(request("later")).status == (200 if end else 402)


def test_the_balance_is_that_of_all_tasks_of_a_state(start: Start, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"balance": Decimal("0.30"), "state": tmp_path / "state"}
    with EmbeddedEmulator(Settings(latency=(0, 0), **settings), shipped()) as emulator:
        client = Client(emulator.base_url, tmp_path / "none")
        assert client.bought(request())["status"] == "completed"
        client.close()
    assert start(**settings).create(request("after the restart")).status == 402


def test_reference_video_is_billed_by_its_seconds(start: Start, tmp_path: Path) -> None:
    client = start(bill_reference_video=True, discount=Decimal("0.5"))
    video = data_uri(write_video(tmp_path / "a.mp4", seconds=3).read_bytes(), "video/mp4")
    billed = {}
    for name, references in {
        "none": ("https://example.com/a.png",),
        "local": (video, data_uri(picture())),
        "url": ("https://example.com/a.MP4?b=1", "https://example.com/unknown"),
        "two": ("https://example.com/a.mov", video),
    }.items():
        usage = client.bought(request(name, *references))["usage"]
        assert Decimal(usage["cost"]) == usage["quantity"] * Decimal(usage["unit_price"]) - usage["discount"]
        assert usage["quantity"] == 2 + usage["metadata"]["reference_seconds"]
        billed[name] = usage["metadata"]["reference_seconds"]
    assert billed == {"none": 0, "local": 3, "url": 5, "two": 5}


def test_a_preview_says_the_price_and_creates_nothing(start: Start) -> None:
    client = start("precharge-task:0", discount=Decimal("0.25"), bill_reference_video=True)
    costs = []
    for body in (request("a", "https://example.com/a.mp4"), params(flat=True)):
        answer = client.send("POST", PREVIEW, json.dumps(body).encode())
        assert answer.status == 200
        data = answer.json()["data"]
        assert (answer.json()["status"], data["currency"], data["discount"]) == ("success", "USD", Decimal("0.75"))
        costs.append(Decimal(data["cost"]))
    assert costs == [Decimal("0.525"), Decimal("0.15")]
    assert client.send("POST", PREVIEW, b"{}").status == 400
    assert client.send("POST", PREVIEW, b"{}", Authorization="").status == 401
    assert client.entries("task") == []


def test_faults_of_a_preview(start: Start) -> None:
    body = json.dumps(request()).encode()
    missed = start("precharge-miss").send("POST", PREVIEW, body)
    assert (missed.status, missed.json()["status"]) == (200, "failed")
    assert (missed.json()["data"]["cost"], missed.json()["data"]["reason"]) == (None, "COST_CACHE_MISS")
    assert start("precharge-404").send("POST", PREVIEW, body).status == 404
    client = start("precharge-task")
    task = client.ended(client.send("POST", PREVIEW, body).json()["id"])
    assert task["status"] == "completed"


def test_a_larger_body_is_refused_and_the_client_reads_it(start: Start) -> None:
    client = start(max_body=2**20)
    assert client.create(request("a", data_uri(picture()))).status == 200
    for size in (2**20, 40 * 2**20):
        body = json.dumps(request("a", data_uri(b"\0" * size))).encode()
        answer = client.send("POST", CREATE, body)
        assert (answer.status, answer.headers["content-type"].split(";")[0]) == (413, "text/html")
    assert len(client.entries("task")) >= 1


def test_models_are_found_by_their_names(start: Start) -> None:
    client = start()
    assert [each["name"] for each in client.send("GET", f"{MODELS}?q=WAN26_R").json()["hits"]] == [DEFAULT_MODEL]
    assert client.send("GET", f"{MODELS}?q=nothing").json()["hits"] == []
    assert client.send("GET", MODELS, Authorization="").status == 401


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("code-001028004-422-int", {"error": {"code": 1028004, "error_message": "Invalid reference URL format"}}),
        ("code-001028004-flat", {"code": 1028004, "error_message": "Invalid reference URL format"}),
        ("code-40201-402-string", {"error": "40201: Unknown error"}),
        ("code-001028004-object", {"error": {"code": "001028004", "message": "Invalid reference URL format"}}),
        ("422-details", {"detail": [{"loc": ["body", "input"], "msg": "Unprocessable", "type": "value_error"}]}),
    ],
)
def test_codes_come_in_every_shape(start: Start, kind: str, body: dict[str, Any]) -> None:
    said = start(kind).create(request()).json()
    if "detail" in said:
        # The phrase is another one in newer versions of Python.
        said["detail"][0]["msg"] = said["detail"][0]["msg"].split()[0]
    assert said == body


def test_empty_and_html_refusals(start: Start) -> None:
    answers = [start(kind).create(request()) for kind in ("400-empty", "500-empty", "400-html", "429-bare")]
    assert [answer.status for answer in answers] == [400, 500, 400, 429]
    assert [len(answer.body) for answer in answers[:2]] == [0, 0]
    assert b"<html>" in answers[2].body
    assert "retry-after" not in answers[3].headers


def test_like_real_gives_way_to_what_is_said_beside_it() -> None:
    real = emulator_settings(like_real=True)
    assert (real.latency, real.in_queue, real.max_concurrent) == ((60, 300), (5, 20), 2)
    assert real.bill_reference_video
    beside = emulator_settings(like_real=True, latency="0", max_concurrent=9, bill_reference_video=False)
    assert (beside.latency, beside.in_queue, beside.max_concurrent) == ((0, 0), (5, 20), 9)
    assert not beside.bill_reference_video
    usual = emulator_settings()
    assert (usual.latency, usual.in_queue, usual.max_concurrent) == ((1, 3), (0, 0), None)
    with pytest.raises(UsageError, match="in-queue x"):
        emulator_settings(in_queue="x")


def test_the_command_lists_the_faults() -> None:
    ended = in_process("emulator", "--list-faults")
    assert ended.code == 0
    assert re.search(r"^\+ lost-response +the connection is closed without an answer$", ended.out, re.MULTILINE)
    for kind in (
        "fail-CODE[-SHAPE]",
        "envelope",
        "precharge-miss",
        "upload-401",
        "poll-404",
        "result-404",
        "status-weird",
    ):
        assert f"  {kind} " in ended.out

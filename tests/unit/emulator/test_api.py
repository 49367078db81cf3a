"""What is asked and what is answered, over real HTTP."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from batchgen.schemas import DEFAULT_MODEL, shipped

from helpers.support import write_video
from unit.emulator.client import CREATE, KEY, Start, data_uri, picture, request

MODEL = shipped().for_model(DEFAULT_MODEL, "model.json")


def documented(code_or_none: str, body: Any) -> None:
    assert body["error"] == {"code": code_or_none, "message": MODEL["errors"][code_or_none]["description"]}


def test_a_task_goes_from_in_progress_to_completed(start: Start) -> None:
    client = start(latency=(0.4, 0.4), prices={"720P": Decimal("0.125")}, discount=Decimal("0.2"))
    created = client.create(request()).json()
    assert created.keys() == {"id", "status", "model", "created_at"}
    assert (created["status"], created["model"]) == ("in_progress", DEFAULT_MODEL)
    first = client.read(created["id"]).json()
    assert first["status"] == "in_progress"
    assert 0 <= first["progress"] < 1
    task = client.ended(created["id"])
    assert task["status"] == "completed"
    assert task["usage"] == {
        "cost": "0.2000",
        "discount": Decimal("0.0500"),
        "quantity": 2,
        "unit_price": "0.125",
        "extra_info": {"tier": "720P"},
        "metadata": {"output_seconds": 2, "reference_seconds": 0},
    }
    assert task["metadata"]["completed_at"] - task["metadata"]["in_queue_at"] == Decimal("0.4")
    (output,) = task["output"]
    (content,) = output["content"]
    assert content["type"] == "video"
    assert content["jobId"]
    video = client.send("GET", content["url"])
    assert (video.status, video.headers["content-type"]) == (200, "video/mp4")
    assert int(video.headers["content-length"]) == len(video.body)


def test_both_request_forms_are_one_request(start: Start) -> None:
    client = start()
    body = request()
    client.create(body)
    client.create({"model": body["model"], "input": [{"params": {k: body[k] for k in ("input", "parameters")}}]})
    first, second = client.entries("request")
    assert (first["format"], second["format"]) == ("documented", "params")
    assert first["request_sha256"] == second["request_sha256"]


def test_prices_are_invented_and_can_be_overcharged(start: Start) -> None:
    client = start(overcharge=Decimal("1.5"), cost_as="number")
    answer = client.read(client.bought(request(size="1920*1080", duration=3))["id"])
    # 0.15 a second is what the second tier costs here by default.
    assert b'"cost": 0.675,' in answer.body
    assert b'"discount": 0.00' in answer.body
    assert b'"unit_price": 0.15,' in answer.body


def test_the_key_is_asked_for_before_anything(start: Start) -> None:
    client = start()
    for key in ("", "Bearer", "Bearer ", "Basic abc", "secret"):
        assert client.send("POST", CREATE, b"{", Authorization=key).status == 401
        assert client.send("GET", f"{CREATE}/task/x", Authorization=key).status == 401
    assert client.send("POST", CREATE, b"{", Authorization="bearer any").status == 400


def test_the_log_has_sizes_and_hashes_and_no_key(start: Start) -> None:
    client = start()
    client.bought(request("a", data_uri(picture())))
    text = client.log.read_text(encoding="utf-8")
    assert KEY.split()[1] not in text
    assert data_uri(picture()) not in text
    (entry,) = (entry for entry in client.entries("request") if entry["method"] == "POST")
    (shown,) = entry["request"]["input"]["reference_urls"]
    assert re.fullmatch(rf"data:image/png;base64,\({len(picture())} bytes, sha256 [0-9a-f]{{64}}\)", shown)
    created, completed = client.entries("task")
    assert (created["status"], completed["status"]) == ("in_progress", "completed")
    assert completed["cost"] == "0.20"
    numbers = [entry["number"] for entry in client.entries()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    ("references", "code"),
    [
        ([], "001028001"),
        (["https://example.com/a"] * 6, "001028001"),
        ("https://example.com/a", "001028001"),
        (None, "001028001"),
        (["https://example.com/a.mp4"] * 4, "001028003"),
        (["ftp://example.com/a"], "001028004"),
        ([5], "001028004"),
        (["data:image/png;base64,AAAA"], "001028004"),
        (["data:image/png;base64,A"], "001028004"),
        (["data:image/png;base64,AAAAA"], "001028004"),
        (["data:image/png;base64," + "A" * 100_000], "001028004"),
        (["data:image/png;base64," + "?" * 100_000], "001028004"),
    ],
)
def test_references_are_refused_with_their_code(start: Start, references: object, code: str) -> None:
    body = request()
    body["input"]["reference_urls"] = references
    answer = start().create(body)
    assert answer.status == 400
    documented(code, answer.json())


def test_no_references_at_all_have_the_code_too(start: Start) -> None:
    body = request()
    del body["input"]["reference_urls"]
    documented("001028001", start().create(body).json())


def test_what_a_data_uri_is_follows_from_its_content(start: Start, tmp_path: Path) -> None:
    client = start()
    video = write_video(tmp_path / "a.mp4", seconds=1).read_bytes()
    # Four videos that call themselves images.
    answer = client.create(request("a", *[data_uri(video, "image/png")] * 4))
    assert answer.status == 400
    documented("001028003", answer.json())
    mixed = [data_uri(video, "video/mp4")] * 3 + [data_uri(picture(form="WEBP"))] * 2
    assert client.create(request("a", *mixed)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"model": NaN}',
        b'{"model": ["a"]}',
        b'{"model": "another"}',
        json.dumps({"model": DEFAULT_MODEL, "input": "x"}).encode(),
        json.dumps(request("x" * 1501)).encode(),
        json.dumps(request(" ")).encode(),
        json.dumps(request(size="1*1")).encode(),
        json.dumps(request(duration=16)).encode(),
        json.dumps(request(seed=2**31)).encode(),
        json.dumps(request(unknown=True)).encode(),
        json.dumps({**request(), "extra": data_uri(b"x" * 100_000)}).encode(),
        json.dumps(request(data_uri(b"x" * 100_000))).encode(),
    ],
)
def test_other_violations_are_refused_with_a_reason(start: Start, body: bytes) -> None:
    answer = start().send("POST", CREATE, body)
    assert answer.status == 400
    assert answer.code in ("bad_request", "invalid_request")
    assert len(answer.body) < 500


def test_half_a_character_in_a_prompt_does_no_harm(start: Start) -> None:
    assert start().bought(request("a \ud83d half, \x00 and 世界"))["status"] == "completed"


def test_integers_may_be_written_with_a_point(start: Start) -> None:
    assert start().bought(request(duration=2.0, seed=3.0))["usage"]["cost"] == "0.20"


def test_a_body_beyond_all_bounds_is_refused_unread(start: Start) -> None:
    answer = start().send("POST", CREATE, b"", Content_Length=str(10**10))
    assert answer.status == 413


def test_one_task_too_many_has_to_wait(start: Start) -> None:
    client = start("stuck", max_concurrent=2, latency=(5.0, 5.0))
    assert [client.create(request(str(number))).status for number in range(2)] == [200, 200]
    refused = client.create(request("3"))
    assert refused.status == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 5


def test_ended_tasks_make_room(start: Start) -> None:
    client = start("fail-001028095", max_concurrent=1)
    for number in range(3):
        assert client.bought(request(str(number)))["status"] == "failed"


def test_the_order_of_checks(start: Start) -> None:
    client = start("stuck", "500-json", max_concurrent=1)
    assert client.create({"model": DEFAULT_MODEL}).status == 400
    assert client.create(request()).status == 500
    # A fault that creates nothing leaves room.
    assert client.create(request()).status == 500


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", CREATE, 405)])
def test_what_there_is_not_is_said_in_json(start: Start, method: str, path: str, status: int) -> None:
    answer = start().send(method, path)
    assert answer.status == status
    assert answer.code


def test_unknown_tasks_and_files_are_not_found(start: Start) -> None:
    client = start()
    assert client.read("task_unknown").status == 404
    assert client.send("GET", "/files/job_unknown.mp4?expires=1").status == 404


def test_the_root_says_what_this_is(start: Start) -> None:
    about = start().send("GET", "/").json()
    assert about["name"] == "batchgen emulator"
    assert DEFAULT_MODEL in about["models"]

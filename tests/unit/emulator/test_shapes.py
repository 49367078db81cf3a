"""What the emulator's answers look like under each shape."""

import json
from typing import Any

import pytest

from batchgen.emulator.faults.kinds import KINDS, Fault, Stage
from batchgen.emulator.faults.selector import Rule
from batchgen.emulator.http.responses import error_in_form
from batchgen.emulator.http.shapes import shaped

from unit.emulator.client import Start, request

VIDEO = {"type": "video", "url": "http://host/v.mp4", "jobId": "j"}
COMPLETED: dict[str, Any] = {
    "id": "t",
    "status": "completed",
    "output": [{"content": [VIDEO]}],
    "usage": {"cost": "0.20", "discount": 0},
}
RUNNING: dict[str, Any] = {"id": "t", "status": "in_progress", "progress": 0.5}
SHAPES = [kind for kind, fault in KINDS.items() if fault.stage is Stage.SHAPE]


@pytest.mark.parametrize("kind", SHAPES)
def test_each_shape_changes_what_is_completed_and_only_an_envelope_the_rest(kind: str) -> None:
    assert shaped(COMPLETED, {kind}, 1) != COMPLETED
    assert (shaped(RUNNING, {kind}, 0) == RUNNING) == (kind != "envelope")
    assert shaped(COMPLETED, (), 1) == COMPLETED


@pytest.mark.parametrize("kind", [kind for kind in SHAPES if kind.startswith(("cost", "usage", "discount"))])
def test_a_shape_of_what_was_charged_needs_that_it_is_told(kind: str) -> None:
    untold = {name: value for name, value in COMPLETED.items() if name != "usage"}
    assert shaped(untold, {kind}, 1) == untold


def test_a_late_video_comes_in_the_third_reading() -> None:
    assert [shaped(COMPLETED, {"late-result"}, seen) == COMPLETED for seen in (1, 2, 3)] == [False, False, True]


def test_shapes_add_up_with_the_envelope_around_them() -> None:
    body = shaped(COMPLETED, {"envelope", "cost-exponent", "output-url"}, 1)
    assert body["status"] == {"code": 200, "message": "success"}
    assert body["data"]["usage"]["cost"] == "200e-3"
    assert body["data"]["output"] == [{"url": VIDEO["url"], "jobId": "j"}]


def test_an_error_has_the_form_that_is_asked_for() -> None:
    fault = Fault("x", Stage.SUBMIT, "", status=400, code="001028004")
    assert error_in_form("json", fault, "no", "r")["error"] == {"code": "001028004", "message": "no"}
    assert error_in_form("envelope", fault, "no", "r") == {"data": None, "status": {"code": 1028004, "message": "no"}}
    assert error_in_form("text", fault, "no", "r") == {"error": "no"}


def test_a_client_sees_the_shapes_and_the_id_of_a_request(start: Start) -> None:
    client = start("envelope")
    created = client.create(request())
    assert json.loads(created.body)["data"]["status"] == "in_progress"
    refusing = start("400-detail").create(request())
    assert (refusing.status, refusing.headers["x-request-id"]) == (400, refusing.json()["request_id"])


def test_a_rule_of_a_shape_is_one_like_others() -> None:
    assert Rule(KINDS["envelope"]).fault.description.startswith("the answers about the task")

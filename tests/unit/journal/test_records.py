"""Lines with a good checksum that are not events all the same: the text says what is wrong."""

import json
import zlib
from decimal import Decimal
from typing import Any

import pytest

from batchgen.engine.events import Completed, ManifestRead, RunStarted, Submitting
from batchgen.journal.records import DamagedRecord, decode, encode
from batchgen.model import RequestFacts, TaskResult

GOOD: dict[str, Any] = {
    "v": 1, "event": "failed", "at": "t", "scene_id": "s", "attempt": 1, "code": "c", "message": "m",
    "cost_usd": "0.1", "discount": None, "again": False,
}  # fmt: skip
READ: dict[str, Any] = {"v": 1, "event": "manifest_read", "at": "t", "name": "n", "model": "m", "scenes": []}

SCENE: dict[str, Any] = {
    "scene_id": "s", "request_sha256": "x", "request": {}, "tier": None, "characters": [], "estimated_cost_usd": None,
}  # fmt: skip


def line(text: str) -> bytes:
    body = text[:-1]
    return f'{body},"crc":"{zlib.crc32(body.encode()):08x}"}}\n'.encode()


def test_the_good_line_is_good() -> None:
    decode(line(json.dumps(GOOD)))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"v": 2}, "a newer batchgen"),
        ({"v": None}, "a newer batchgen"),
        ({"v": 3, "event": "sneezed"}, "a newer batchgen"),
        ({"v": 1, "event": "manifest_changed"}, "not of version 2"),
        ({"event": "sneezed"}, "no event 'sneezed'"),
        ({"event": None}, "no event None"),
        ({"at": 5}, "5 is not a text"),
        ({"attempt": "1"}, "not a whole number"),
        ({"attempt": True}, "not a whole number"),
        ({"again": 1}, "neither true nor false"),
        ({"cost_usd": 0.1}, "0.1 is not a text"),
        ({"cost_usd": "much"}, "its fields are not those"),
        ({"cost_usd": "NaN"}, "not an amount of money"),
        ({"cost_usd": "Infinity"}, "not an amount of money"),
        ({"message": "\ud800", "at": 5}, "at: 5 is not a text"),
        ({"again": "\ud800"}, "its fields are not those"),
        ({"writer": 5, "line": 1}, "who wrote it: 5, line 1"),
        ({"writer": "w"}, "who wrote it: 'w', line None"),
        ({"v": True}, "v: True is not a whole number"),
    ],
)
def test_a_wrong_field(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(DamagedRecord, match=why):
        decode(line(json.dumps({**GOOD, **changes})))


def test_a_wrong_field_of_a_scene_says_of_which() -> None:
    with pytest.raises(DamagedRecord, match=r"\$\.scenes\[1\]\.shot"):
        decode(line(json.dumps({**READ, "scenes": [SCENE, {**SCENE, "shot": 5}]})))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e999, 10**400, 0.1, 1e-320, -0.0])
def test_a_request_keeps_every_number_that_was_written(number: float) -> None:
    """Also those that JSON does not have, and that versions before wrote all the same."""
    event = Submitting("t", "s", 1, RequestFacts("x", {"\udfff": [number, True]}), Decimal("0.10"))
    assert repr(decode(encode(event)).event) == repr(event)


def test_a_request_may_be_deep_and_not_too_deep() -> None:
    depths = (500, 100_000)  # Python 3.13 reads what is 5,000 deep
    texts = [json.dumps({**READ, "scenes": [SCENE]}).replace("{}", f'{{"a": {"[" * n}{"]" * n}}}') for n in depths]
    decode(line(texts[0]))
    with pytest.raises(DamagedRecord, match="not JSON"):
        decode(line(texts[1]))


@pytest.mark.parametrize("scenes", [None, 5, ["s"], [{}], "s"])
def test_wrong_scenes(scenes: object) -> None:
    with pytest.raises(DamagedRecord):
        decode(line(json.dumps({**READ, "scenes": scenes})))


@pytest.mark.parametrize("name", ["at", "scene_id", "attempt", "code", "cost_usd", "again"])
def test_a_missing_field(name: str) -> None:
    with pytest.raises(DamagedRecord, match=name):
        decode(line(json.dumps({key: value for key, value in GOOD.items() if key != name})))


@pytest.mark.parametrize("text", ["{x}", '{"a":' + "[" * 100_000 + "}", '{"a":' + "1" * 5000 + "}"])
def test_text_that_is_no_json(text: str) -> None:
    with pytest.raises(DamagedRecord):
        decode(line(text))


@pytest.mark.parametrize("length", ["-1", "NaN", "Infinity", "1e999", "1" * 400, '"5"', "true", "[]", "null"])
def test_a_length_that_makes_no_sense_is_not_known_and_takes_nothing_away(length: str) -> None:
    done = {"v": 1, "event": "completed", "at": "t", "scene_id": "s", "attempt": 1, "video_url": "u", "job_id": "j"}
    text = json.dumps({**done, "cost_usd": "0.1", "discount": None})[:-1]
    event = decode(line(f'{text}, "lasted_above_s": 2.5, "lasted_until_s": {length}}}')).event
    assert event == Completed("t", "s", 1, TaskResult("u", "j", Decimal("0.1")), 2.5, None)


@pytest.mark.parametrize("field", ["profile", "output"])
def test_a_run_without_a_profile_or_a_place_for_results_is_written_as_versions_before_did(field: str) -> None:
    event = RunStarted("t", "1")
    assert json.loads(encode(event)).keys() == {
        *("v", "event", "at", "version", "download", "gateway", "rebound", "budget_usd", "crc")
    }
    with_it = RunStarted("t", "1", **{field: "said"})  # type: ignore[arg-type] # both are texts
    assert json.loads(encode(with_it))[field] == "said"
    assert [decode(encode(one)).event for one in (event, with_it)] == [event, with_it]


def test_a_scene_of_a_version_before_is_built_on_nothing() -> None:
    record = decode(line(json.dumps({**READ, "scenes": [SCENE]})))
    assert isinstance(record.event, ManifestRead)
    assert [(one.sources, one.built_on, one.review) for one in record.event.scenes] == [((), (), False)]

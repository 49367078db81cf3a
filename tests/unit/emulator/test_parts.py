"""The modules that can be tested without a server."""

import base64
import json
import tracemalloc
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.emulator.faults.kinds import find_fault
from batchgen.emulator.http.body_reader import BodyReader, BodyTooLargeError, ParsedBody
from batchgen.emulator.http.responses import json_text
from batchgen.emulator.models import Model
from batchgen.emulator.money import Charge, Tariff, amount, default_prices, price
from batchgen.emulator.seeded_random import random_between, random_token
from batchgen.emulator.settings import Settings, byte_count, price_table, seconds_range
from batchgen.emulator.tasks.lifecycle import (
    TRANSITIONS,
    IllegalTransitionError,
    Task,
    TaskEvent,
    TaskStatus,
    in_queue,
    progress,
    remaining_seconds,
    transition,
)
from batchgen.emulator.video.references import UnreadableReferenceError, open_references
from batchgen.errors import UsageError
from batchgen.schemas import Catalogue, shipped

from helpers.support import write_video
from unit.emulator.client import data_uri, picture


def task(**changes: Any) -> Task:
    given_: dict[str, Any] = {"created": 100.0, "latency": 10.0, "charge": Charge(Decimal(1), Decimal(0))}
    return Task(id="t", job_id="j", model="m", prompt="p", **{**given_, **changes})


def no_upload(_: str) -> None:
    """No URL is one of an upload."""


@pytest.mark.parametrize("status", TaskStatus)
@pytest.mark.parametrize("event", TaskEvent)
def test_only_the_steps_of_the_table_are_taken(status: TaskStatus, event: TaskEvent) -> None:
    before = task(status=status)
    if (status, event) in TRANSITIONS:
        assert transition(before, event).status is TRANSITIONS[status, event]
    else:
        with pytest.raises(IllegalTransitionError):
            transition(before, event)
    assert before.status is status


def test_progress_grows_and_never_says_done_too_soon() -> None:
    shares = [progress(task(), now) for now in (90.0, 100.0, 105.0, 110.0, 999.0)]
    assert shares == [0.0, 0.0, 0.5, 0.99, 0.99]
    assert progress(task(latency=0.0), 100.0) == 0.99
    assert progress(task(outcome_fault=find_fault("stuck")), 999.0) == 0.4
    assert progress(task(status=TaskStatus.COMPLETED), 100.0) == 1.0
    assert (remaining_seconds(task(), 104.0), remaining_seconds(task(), 200.0)) == (6.0, 0.0)


@given(st.decimals(0, 100, places=6), st.integers(2, 15), st.decimals(0, 1, places=4), st.decimals(0, 3, places=4))
def test_costs_are_exact(unit: Decimal, seconds: int, discount: Decimal, factor: Decimal) -> None:
    charge = Tariff({"a": unit}, discount, factor).charge("a", seconds)
    assert charge.discount == unit * seconds * discount
    assert charge.cost == (unit * seconds - charge.discount) * factor
    for value in (charge.cost, charge.discount):
        assert json.loads(json_text({"cost": value}), parse_float=Decimal, parse_int=Decimal)["cost"] == value


def test_prices_are_invented_tier_by_tier() -> None:
    assert default_prices({"a": 1, "b": 2}) == {"a": Decimal("0.10"), "b": Decimal("0.15")}


@pytest.mark.parametrize(
    "text", ["", "720P", "=1", "720P=", "720P=-1", "720P=x", "720P=NaN", "720P=1e99", "a=" + "1" * 99]
)
def test_wrong_prices_are_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="price"):
        price(text)


def test_amounts_and_tiers_are_checked() -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        amount("1.1", "--discount", Decimal(1))
    with pytest.raises(UsageError, match="there is no tier '480P'; there are: 720P, 1080P"):
        price_table(["480P=1"], shipped())
    assert price_table(["720P=0.2"], shipped()) == {"720P": Decimal("0.2")}


def test_latencies() -> None:
    assert [seconds_range(text, "latency") for text in ("2", "0.5-3", "0")] == [(2, 2), (0.5, 3), (0, 0)]
    for text in ("", "-1", "3-1", "1-2-3", "x", "nan"):
        with pytest.raises(UsageError, match="latency"):
            seconds_range(text, "latency")


def test_bytes() -> None:
    assert [byte_count(text, "max-body") for text in ("7", "20M", "20 MiB", "1kb", "1G")] == [
        7,
        20 * 2**20,
        20 * 2**20,
        1024,
        2**30,
    ]
    for text in ("", "0", "-1", "1.5M", "M", "20T"):
        with pytest.raises(UsageError, match="max-body"):
            byte_count(text, "max-body")


@pytest.mark.parametrize(
    ("lengths", "billed"),
    [
        ([], "0"),
        (["3"], "3"),
        (["30"], "5"),
        (["3", "30"], "5.0"),
        (["2", "30"], "4.5"),
        (["3", "3", "3"], "4.95"),
        (["1", "9", "9"], "4.30"),
        ([None], "5"),
        ([None, "3"], "5.0"),
    ],
)
def test_reference_video_is_billed_up_to_five_seconds(lengths: list[str | None], billed: str) -> None:
    model = Model("wan26_r2v", shipped())
    seconds = model.billed_reference_seconds([None if each is None else Decimal(each) for each in lengths])
    assert seconds == Decimal(billed)
    charge = Tariff({"a": Decimal("0.10")}, Decimal("0.2")).charge("a", 5, seconds)
    assert charge.quantity == 5 + seconds
    assert charge.cost == charge.quantity * Decimal("0.10") - charge.discount
    own = Tariff({"a": Decimal("0.10")}, reference_price=Decimal("0.03")).charge("a", 5, seconds)
    assert own.cost == Decimal("0.50") + seconds * Decimal("0.03")


def test_a_task_is_in_the_queue_before_it_is_in_progress() -> None:
    waits = task(latency=10.0, queued=4.0)
    assert [in_queue(waits, now) for now in (100.0, 103.9, 104.0, 200.0)] == [True, True, False, False]
    assert progress(waits, 107.0) == 0.5
    assert not in_queue(task(queued=4.0, status=TaskStatus.COMPLETED), 100.0)


def test_seeds_differ_unless_they_are_given() -> None:
    assert Settings().seed != Settings().seed
    assert random_token(1, "a", 2) == random_token(1, "a", 2) != random_token(2, "a", 2)
    assert 3 <= random_between(3, 4, 1, "x") < 4


def body_of(text: bytes, cuts: list[int] | None = None) -> ParsedBody:
    reader = BodyReader()
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts or ())})
    for start, end in pairwise(places):
        reader.feed(text[start:end])
    return reader.finish()


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ODD, st.booleans(), st.lists(st.integers(0, 10_000)))
def test_a_body_without_payloads_is_what_json_says(value: object, ascii_only: bool, cuts: list[int]) -> None:  # noqa: FBT001
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if ascii_only or "\\ud" not in json.dumps(value):
        assert body_of(text, cuts).document == value


@given(st.binary(min_size=1, max_size=50), st.lists(st.integers(0, 200_000), max_size=6), st.integers(0, 2))
def test_payloads_are_decoded_wherever_the_body_is_cut(content: bytes, cuts: list[int], style: int) -> None:
    content = content * (60_000 // len(content))
    uri = data_uri(content)
    text = json.dumps({"a": 'b\\"', "reference": uri.rstrip("=") if style == 1 else uri, "z": [1]})
    body = body_of((text.replace("/", "\\/") if style == 2 else text).encode(), cuts)
    try:
        ((placeholder, payload),) = body.payloads.items()
        assert body.document == {"a": 'b\\"', "reference": f"data:image/png;base64,{placeholder}", "z": [1]}
        assert (payload.file.read(), payload.size) == (content, len(content))
    finally:
        body.close()


@pytest.mark.parametrize(
    "payload", ["A" * 99_997, "A" * 70_000 + "==" + "A" * 70_000, "A" * 70_000 + "\\n", "A?" * 50_000]
)
def test_what_is_not_base64_leaves_a_placeholder_that_no_schema_accepts(payload: str) -> None:
    body = body_of(f'["data:a/b;base64,{payload}"]'.encode(), [66_000, 80_000])
    assert body.document == ["data:a/b;base64,!"]
    body.close()


def test_bounds_of_a_body() -> None:
    reader = BodyReader(max_size=9)
    with pytest.raises(BodyTooLargeError):
        reader.feed(b"1234567890")
    reader = BodyReader()
    with pytest.raises(BodyTooLargeError):
        reader.feed(b'"' + b"x" * 17 * 2**20 + b'"')


def test_a_large_body_costs_little_memory() -> None:
    piece = b"QUJD" * 2**16
    tracemalloc.start()
    try:
        reader = BodyReader()
        reader.feed(b'{"reference": "data:video/mp4;base64,')
        for _ in range(256):
            reader.feed(piece)
        reader.feed(b'"}')
        body = reader.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    (payload,) = body.payloads.values()
    assert payload.size == 256 * len(piece) * 3 // 4
    assert peak < 8 * 2**20
    body.close()


def test_references_are_identified_by_their_content(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mov", "mov", seconds=1).read_bytes()
    contents = [picture("red", mode="RGBA"), picture(form="JPEG"), picture(form="BMP"), picture(form="WEBP"), video]
    found = open_references([data_uri(content) for content in contents], {}, no_upload)
    assert [reference.kind for reference in found] == ["image"] * 4 + ["video"]
    assert found[0].picture is not None
    assert found[0].picture.mode == "RGB"
    assert all(reference.picture is None for reference in found[1:])
    assert found[4].size == len(video)
    (first,) = open_references([data_uri(video)], {}, no_upload)
    assert first.picture is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"\0" * 100,
        picture()[:500],
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n",
        picture(form="GIF"),
    ],
)
def test_anything_else_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableReferenceError):
        open_references(["data:image/png;base64," + base64.b64encode(content).decode()], {}, no_upload)


def test_urls_are_never_fetched() -> None:
    (reference,) = open_references(["http://127.0.0.1:9/a.png"], {}, no_upload)
    assert (reference.redacted, reference.kind) == ("http://127.0.0.1:9/a.png", None)


@pytest.fixture
def two_models() -> Catalogue:
    here = Path(__file__).parents[2]
    return Catalogue(here.parent / "schemas", here / "examples" / "models")


def test_prices_may_be_those_of_any_model(two_models: Catalogue) -> None:
    assert price_table(["draft=1"], two_models) == {"draft": Decimal(1)}

"""What an answer to the question for a price says: a price, why there is none, or a task that may have been bought."""

import json
from decimal import Decimal

import pytest

from batchgen.providers.answers import Answer, Unfinished
from batchgen.providers.interface import PricePreview, Trouble
from batchgen.providers.vtrix.price_preview import read_preview

PRICE = {"cost": "0.0357", "currency": "USD", "discount": 0.7}
PAGE = b'<!doctype html><script>{"id": "task-of-a-script"}</script>'


def said(document: object, status: int = 200) -> PricePreview:
    return read_preview(Answer(status, document if isinstance(document, bytes) else json.dumps(document).encode()))


@pytest.mark.parametrize(
    ("document", "usd"),
    [
        ({"status": "success", "data": PRICE}, "0.0357"),
        ({"data": {"cost": 0.5}}, "0.5"),
        ({"status": {"code": 200}, "data": {"cost": "5e-1", "currency": "usd"}}, "0.5"),
        ({"cost": "0", "currency": "USD"}, "0"),
    ],
)
def test_a_price_is_exact_wherever_it_stands(document: object, usd: str) -> None:
    assert said(document) == PricePreview(Decimal(usd))


@pytest.mark.parametrize(
    ("document", "status", "why", "is_last"),
    [
        ({"status": "success", "reason": "COST_CACHE_MISS"}, 200, "it answered COST_CACHE_MISS", False),
        ({"status": "error", "reason": "COST_CACHE_MISS"}, 404, "it answered COST_CACHE_MISS", False),
        ({"status": "success", "data": None}, 200, "its answer names no cost", False),
        ({"data": {"cost": "much"}}, 200, "cannot be read as a price in US dollars: 'much'", False),
        ({"data": {"cost": "-1"}}, 200, "cannot be read as a price in US dollars: '-1'", False),
        ({"data": {"cost": "NaN"}}, 200, "cannot be read", False),
        ({"data": {"cost": "3", "currency": "CNY"}}, 200, "cannot be read as a price in US dollars: '3' CNY", False),
        ({"status": "failed", "data": {"cost": "3"}}, 200, "cannot be read", False),
        ({"reason": "invalid key", "cost": "3"}, 401, "it answered invalid key", True),
        ({"reason": "UNSUPPORTED", "data": {"cost": "3"}}, 400, "it answered UNSUPPORTED", False),
        ({"error": "no such model", "data": {"cost": "3"}}, 200, "answered 200: no such model", False),
        ({"status": {"code": 40201, "message": "no money"}, "data": PRICE}, 200, "answered 200: no money", False),
        ({"message": "no such size"}, 422, "answered 422: no such size", False),
        ({"message": "who are you"}, 401, "answered 401: who are you", True),
        ({"message": "no"}, 404, "answered 404: no; it may offer no price preview", True),
        ({"detail": "slow down"}, 429, "answered 429: slow down", True),
        (PAGE, 404, "answered 404, with a page in place of an answer; it may offer", True),
        (PAGE, 200, "answered 200, with a page in place of an answer", True),
        (b"", 500, "answered 500", True),
        (b"[]", 200, "answered 200", True),
        ({"id": "an-id-of-the-refusal"}, 404, "answered 404", True),
    ],
)
def test_what_is_no_price_is_not_stated(document: object, status: int, why: str, is_last: bool) -> None:  # noqa: FBT001
    found = said(document, status)
    assert (found.cost_usd, found.task_id, found.is_last) == (None, None, is_last)
    assert why in found.why


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"id": "task-1", "status": "in_progress"}, 200),
        ({"data": {"id": "task-1", **PRICE}, "status": "success"}, 200),
        ({"taskId": "task-1", "message": "sorry"}, 500),
    ],
)
def test_a_task_id_is_never_overlooked(document: object, status: int) -> None:
    found = said(document, status)
    assert (found.task_id, found.cost_usd, found.is_last) == ("task-1", None, True)


def test_an_answer_that_broke_off() -> None:
    cut = Unfinished(Answer(200, b'{"data": {"cost": "0.5'), Trouble.BROKEN, "the connection broke")
    assert read_preview(cut) == PricePreview(why="the connection broke", is_last=True)
    bought = Unfinished(Answer(200, b'{"id": "task-1", "sta'), Trouble.BROKEN, "the connection broke")
    assert read_preview(bought).task_id == "task-1"

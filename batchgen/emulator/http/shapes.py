"""Odd shapes of the answers about a task, as gateways of this family send them. Pure.

Each changes a regular body, and several add up. The task itself is as it was: what is completed has a
video, and is charged.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]

_READINGS_WITHOUT_VIDEO = 2
_COVER = {"type": "image", "url": "https://cdn.example/cover.png"}


def shaped(body: Body, kinds: Collection[str], seen: int) -> Body:
    """The body with all shapes of these kinds; ``seen`` counts the readings that found the task completed."""
    if "output" in body:
        for kind, shape in _OF_COMPLETED.items():
            body = shape(body, seen) if kind in kinds else body
    return _in_envelope(body) if "envelope" in kinds else body


def _in_envelope(body: Body) -> Body:
    return {"data": body, "status": {"code": 200, "message": "success"}}


def _with_status(word: str) -> Callable[[Body, int], Body]:
    return lambda body, _: {**body, "status": word}


def _without_status(body: Body, _: int) -> Body:
    return {name: value for name, value in body.items() if name != "status"}


def _failed_with_video(body: Body, _: int) -> Body:
    return {**body, "status": "failed", "error": {"code": "001028096", "message": "Result parsing error"}}


def _without_video(body: Body, _: int) -> Body:
    return {**body, "output": [{"content": []}]}


def _late_video(body: Body, seen: int) -> Body:
    return _without_video(body, seen) if seen <= _READINGS_WITHOUT_VIDEO else body


def _url_alone(body: Body, _: int) -> Body:
    videos = [video for group in body["output"] for video in group["content"]]
    return {**body, "output": [{"url": video["url"], "jobId": video["jobId"]} for video in videos]}


def _with_neighbours(body: Body, _: int) -> Body:
    groups = [{"content": [None, _COVER, {"type": "video"}, *group["content"]]} for group in body["output"]]
    return {**body, "output": [None, 7, {"content": None}, {"content": [_COVER]}, *groups]}


def _charged(change: Callable[[Body], Body]) -> Callable[[Body, int], Body]:
    """A shape of ``usage``, where there is one."""
    return lambda body, _: {**body, "usage": change(body["usage"])} if "usage" in body else body


def _with_exponent(usage: Body) -> Body:
    return {**usage, "cost": f"{Decimal(usage['cost']).scaleb(3):f}e-3"}


_OF_COMPLETED: Mapping[str, Callable[[Body, int], Body]] = {
    "status-success": _with_status("success"),
    "status-succeeded": _with_status("SUCCEEDED"),
    "status-unknown": _with_status("done"),
    "status-missing": _without_status,
    "failed-with-video": _failed_with_video,
    "output-url": _url_alone,
    "output-neighbours": _with_neighbours,
    "no-result": _without_video,
    "late-result": _late_video,
    "cost-number": _charged(lambda usage: {**usage, "cost": Decimal(usage["cost"])}),
    "cost-exponent": _charged(_with_exponent),
    "cost-unreadable": _charged(lambda usage: {**usage, "cost": "a lot"}),
    "cost-negative": _charged(lambda usage: {**usage, "cost": "-1"}),
    "cost-empty": _charged(lambda usage: {**usage, "cost": ""}),
    "cost-null": _charged(lambda usage: {**usage, "cost": None}),
    "cost-missing": _charged(lambda usage: {name: value for name, value in usage.items() if name != "cost"}),
    "usage-odd": _charged(lambda usage: {**usage, "quantity": None, "unit_price": [], "extra_info": {"cost": "9"}}),
    "discount-factor": _charged(lambda usage: {**usage, "discount": Decimal("0.7")}),
    "discount-text": _charged(lambda usage: {**usage, "discount": format(Decimal(usage["discount"]), "f")}),
    "discount-unreadable": _charged(lambda usage: {**usage, "discount": "much"}),
}

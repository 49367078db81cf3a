"""What a finished task of this gateway brought, and what it cost. Pure."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import urlsplit

from batchgen.model import TaskResult
from batchgen.providers.answers import JsonObject, cost, number, short_text, shown, usable_id
from batchgen.providers.vtrix.parts import objects_of, parts_of

_UNTYPED = (None, "")
USD = frozenset({"", "usd"})
"""What a currency is called, or left out, where an amount is in US dollars."""
_Notes: TypeAlias = tuple[str, ...]


def read_video(answer: JsonObject) -> tuple[str, str | None] | None:
    """Address and job id of the first video that an answer names, None where it names none that can be fetched."""
    for item, group in _items(answer):
        url = _address(item.get("url"))
        if url is not None:
            # Where the job id stands varies: beside the video, or one level up.
            return url, usable_id(item.get("jobId")) or usable_id(group.get("jobId"))
    return None


def _items(answer: JsonObject) -> Iterator[tuple[JsonObject, JsonObject]]:
    """What may be a video, each with the entry of the output that it stands in; what is called one comes first."""
    groups = [group for part in parts_of(answer) for group in objects_of(part.get("output"))]
    items = [(item, group) for group in groups for item in objects_of(group.get("content"))]
    yield from (pair for pair in items if _is_video(pair[0]))
    yield from ((group, group) for group in groups if not group.get("content") and _may_be_video(group))
    yield from (pair for pair in items if pair[0].get("type") in _UNTYPED)
    # Beside content in which nothing is called a video, a poster perhaps, the address of an entry is the best there is.
    posters = (group for group in groups if not any(map(_is_video, objects_of(group.get("content")))))
    yield from ((group, group) for group in posters if _may_be_video(group))


def _is_video(item: JsonObject) -> bool:
    said = item.get("type")
    return isinstance(said, str) and said.strip().casefold().partition("/")[0] == "video"


def _may_be_video(item: JsonObject) -> bool:
    return _is_video(item) or item.get("type") in _UNTYPED


def _address(value: object) -> str | None:
    """An address that can be fetched from."""
    url = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is not a number, brackets without an address
        return None
    return url if usable and url.isprintable() else None


def read_usage(answer: JsonObject) -> tuple[TaskResult, _Notes]:
    """Cost and discount, and what of them cannot be read and so counts as not stated."""
    usage = [part["usage"] for part in parts_of(answer) if isinstance(part.get("usage"), dict)]
    foreign = [note for part in usage if (note := _other_currency(part))]
    charged, unread_cost = (None, tuple(foreign)) if foreign else _amount(usage, "cost", cost)
    discount, unread_discount = _amount(usage, "discount", number)
    return TaskResult(cost_usd=charged, discount=discount), (*unread_cost, *unread_discount)


def _other_currency(usage: JsonObject) -> str:
    """A note on a cost in another currency than ours, empty where it is in that or names none."""
    currency = short_text(usage.get("currency"))
    if currency.casefold() in USD or usage.get("cost") in _UNTYPED:
        return ""
    return f"the gateway's cost is in {shown(currency)} and counts as not stated: {shown(usage['cost'])}"


def _amount(
    usage: Sequence[JsonObject], name: str, read: Callable[[object], Decimal | None]
) -> tuple[Decimal | None, _Notes]:
    """The first amount of that name that can be read, else a note on one that cannot."""
    said = [part[name] for part in usage if part.get(name) not in _UNTYPED]
    amount = next((found for found in map(read, said) if found is not None), None)
    if amount is not None or not said:
        return amount, ()
    return None, (f"the gateway's {name} cannot be read and counts as not stated: {shown(said[0])}",)

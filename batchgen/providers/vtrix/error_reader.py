"""What an answer of this gateway says of an error, in all the shapes that it has. Pure."""

import re
from collections.abc import Iterator

from batchgen.providers.answers import JsonObject, short_text
from batchgen.providers.interface import TaskError
from batchgen.providers.vtrix.parts import parts_of

_CODES = ("code", "error_code")
_TEXTS = ("message", "error_message", "detail")
_SUCCESS = frozenset({"0", "200", "ok", "success"})
"""Codes that say that there is no error."""
_HTTP_STATUS = re.compile(r"[1-5][0-9]{2}")
"""A code that says no more than the status of an answer."""
_LEADING_CODE = re.compile(
    r"([0-9]{6,12}|402[0-9]{2})(?:[:\s-]+|\Z)"  # 001028004: Invalid reference URL format
    r"|([a-z]+(?:_[a-z0-9]+)+)(?:\s*:\s*|\Z)",  # insufficient_balance
)
_MOST_DETAILS = 20
_LONGEST_MESSAGE = 2_000


def read_error(answer: JsonObject) -> TaskError:
    """The error of an answer: its code, and all that is said of it.

    ``error`` is an object or a text; codes and texts stand in it, beside it, in the envelope, or in the
    ``status`` of the envelope. A text may begin with the code.
    """
    places = _places(answer)
    telling = [place for place in places if not _is_success(place)] or places
    texts = list(dict.fromkeys(text for text in (*_bare_texts(answer), *_texts(telling)) if text))
    code, texts = _code(telling, texts)
    return TaskError(code, "; ".join(texts)[:_LONGEST_MESSAGE])


def states_error(answer: JsonObject) -> bool:
    """Whether an answer has an error of its own, not only a word on how the call went."""
    for part in parts_of(answer):
        error = part.get("error")
        if isinstance(error, dict) and not _is_success(error) and (any(_codes([error])) or any(_texts([error]))):
            return True
        if short_text(error) or short_text(part.get("error_message")):
            return True
        if short_text(part.get("error_code")).casefold() not in ("", *_SUCCESS):
            return True
    return False


def _places(answer: JsonObject) -> list[JsonObject]:
    """The objects that may hold a code or a text, what speaks of the error most closely first."""
    parts = parts_of(answer)
    named = [part.get(name) for name in ("error", "status") for part in parts]
    errors, statuses = named[: len(parts)], named[len(parts) :]
    return [place for place in (*errors, *parts, *statuses) if isinstance(place, dict)]


def _is_success(place: JsonObject) -> bool:
    return short_text(place.get("code")).casefold() in _SUCCESS


def _codes(places: list[JsonObject]) -> list[str]:
    found = [short_text(place.get(name)) for place in places for name in _CODES]
    return [code for code in found if code and code.casefold() not in _SUCCESS]


def _code(places: list[JsonObject], texts: list[str]) -> tuple[str, list[str]]:
    """The code that says most, and the texts without the code that one may begin with."""
    codes = _codes(places)
    own = next((code for code in codes if not _HTTP_STATUS.fullmatch(code)), "")
    if own:
        return own, texts
    for index, text in enumerate(texts):
        if found := _LEADING_CODE.match(text):
            texts[index] = text[found.end() :] or text
            return found[1] or found[2], texts
    return next(iter(codes), ""), texts


def _bare_texts(answer: JsonObject) -> Iterator[str]:
    return (short_text(part.get("error")) for part in parts_of(answer))


def _texts(places: list[JsonObject]) -> Iterator[str]:
    return (text for place in places for name in _TEXTS for text in _spelled(place.get(name)))


def _spelled(value: object) -> Iterator[str]:
    """A text, or the texts of a list, whose entries may say which field they speak of."""
    for item in (value if isinstance(value, list) else [value])[:_MOST_DETAILS]:
        if isinstance(item, dict):
            text = short_text(item.get("msg")) or short_text(item.get("message"))
            place = item.get("loc")
            where = ".".join(map(short_text, place)) if isinstance(place, list) else ""
            yield f"{where}: {text}" if where and text else text
        else:
            yield short_text(item)

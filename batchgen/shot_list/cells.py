"""A cell → the value of a setting, as producers write it: ``5 s``, ``5,0``, ``1280x720``, ``ja``. Pure."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from batchgen.model import Data
from batchgen.references import FIRST, LAST, WHOLE
from batchgen.sheets.table import Cell, Kind

_NUMBER = re.compile(r"(\d{1,18})(?:[.,](\d{1,18}))?\s*(?:s|secs?|seconds?|sek|sekunden?|\"|″|'')?\.?\Z", re.IGNORECASE)
_PIXELS = re.compile(r"(\d{2,5})\s*[x×*]\s*(\d{2,5})\s*(?:px|pixels?)?\Z", re.IGNORECASE)  # noqa: RUF001
_TRUTH = {
    **dict.fromkeys(("true", "yes", "y", "x", "1", "on", "✓", "ja", "j", "wahr"), True),
    **dict.fromkeys(("false", "no", "n", "0", "off", "nein", "falsch"), False),
}
_RANDOM = ("random", "zufall", "zufällig")
_RESULT = re.compile(rf"([A-Za-z0-9][A-Za-z0-9._-]*)#({FIRST}|{LAST}|{WHOLE}|[0-9]{{1,6}}(?:\.[0-9]{{1,9}})?)\Z")
_BETWEEN = re.compile(r"\s*[;,]\s*")
_MONTH = r"(?:jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]*"
_DATE = re.compile(
    rf"\d{{4}}-\d\d-\d\d\Z|\d{{1,2}}([./-])\d{{1,2}}\1\d{{4}}\Z|\d{{1,2}}(?:-|\. ?){_MONTH}\.?(?:[- ]\d{{2,4}})?\Z"
    rf"|{_MONTH}-\d\d\Z",
    re.IGNORECASE,
)
"""What spreadsheets make of a number such as 3-1, unless the cell is formatted as text."""
_ERROR = re.compile(r"#[A-ZÄÖÜ/0-9]{2,10}[!?]?\Z")
_FREE = ("title", "note")
"""Texts for people, in which a date is as good as any other."""


def value(kind: str, text: str) -> Data:
    """The value that a text means for a kind of setting; the text itself where it means none."""
    return _READERS.get(kind, str)(text)


def references(text: str, is_file: Callable[[str], bool]) -> list[Data]:
    """The references in a cell. A line that is the name of a file is one, whatever marks are in it."""
    found: list[Data] = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        whole = "data:" in line or is_file(line)
        found += [line] if whole else [_reference(part) for part in _BETWEEN.split(line) if part]
    return found


def _reference(text: str) -> Data:
    """A path or an address; or the result of another scene, as ``s01#last``, ``s01#2.5`` or ``s01#video``."""
    match = _RESULT.match(text)
    if match is None:
        return text
    scene, moment = match.groups()
    if moment == WHOLE:
        return {"scene": scene}
    return {"scene": scene, "frame": moment if moment in (FIRST, LAST) else Decimal(moment)}


def refusal(setting: str, cell: Cell) -> tuple[str, str] | None:
    """Rule and message for a cell that says nothing about its setting, whatever its text is."""
    if cell.kind is Kind.FORMULA:
        message = (
            f"the result of the formula for {setting} is not in the file; save it in a spreadsheet, or write a value"
        )
        return "cell.formula", message
    if _ERROR.match(cell.text):
        return "cell.error", f"{setting} is {cell.text}, the error of a formula; mend it in the spreadsheet"
    looks_like_date = setting == "id" and _DATE.match(cell.text) is not None
    if setting in _FREE or (cell.kind is Kind.TEXT and not looks_like_date):
        return None
    what, made_of = ("a time of day", "16:9") if cell.kind is Kind.TIME else ("a date", "3-1")
    why = f"spreadsheets make {what} of a text such as {made_of}"
    return f"{setting}.date", f"{setting} is {what}, {cell.text}; {why}: format the column as text and write it again"


def literal(prompt: str) -> str:
    """A prompt whose braces stand for themselves: in a manifest they hold names of cast and vars."""
    return prompt.replace("{", "{{").replace("}", "}}")


def _integer(text: str) -> Data:
    found = _NUMBER.match(text)
    if found is None:
        return text
    return int(found[1]) if not (found[2] or "").strip("0") else Decimal(f"{found[1]}.{found[2]}")


def _seed(text: str) -> Data:
    return "random" if text.casefold() in _RANDOM else _integer(text)


def _size(text: str) -> Data:
    found = _PIXELS.match(text)
    return f"{int(found[1])}*{int(found[2])}" if found else text


def _boolean(text: str) -> Data:
    return _TRUTH.get(text.casefold(), text)


_READERS: Mapping[str, Callable[[str], Data]] = {
    "integer": _integer,
    "seed": _seed,
    "size": _size,
    "boolean": _boolean,
    "prompt": literal,
}

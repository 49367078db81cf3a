"""What is said by keyword, checked: the options of ``batchgen run`` as a program gives them.

A keyword that is None is not said.
"""

import os
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any, TypeAlias

from batchgen.app.notices import Notify, ignore
from batchgen.errors import UsageError
from batchgen.money import amount
from batchgen.schemas import shipped

StrPath: TypeAlias = str | os.PathLike[str]
Usd: TypeAlias = Decimal | int | str
_UNITS: Mapping[str, int] = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("KMGT", 1)},
    **{f"{prefix}IB": 1024**power for power, prefix in enumerate("KMGT", 1)},
}
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?) ?([KMGT]?I?B)?", re.IGNORECASE | re.ASCII)
_MOST_BYTES = 2**62


def said(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that are said."""
    return {name: value for name, value in keywords.items() if value is not None}


def refuse_beside(what: str, keywords: Mapping[str, Any]) -> None:
    """Raise `UsageError` where something is said that was settled before."""
    names = list(said(keywords))
    if names:
        raise UsageError(f"{', '.join(names)}: said too late, beside {what}")


def globs(value: object, name: str) -> tuple[str, ...]:
    """One glob or several; none where nothing is said.

    Raises `UsageError` for what is none, and for an empty list: as a selection that a program made it means no
    scene, and to take it for all would spend money.
    """
    if value is None:
        return ()
    found = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else ()
    if not found or {type(each) for each in found} != {str}:
        raise UsageError(f"{name} is a glob or a list of them that is not empty, and not {value!r}")
    return found


def text(value: object, name: str) -> str:
    """A text. Raises `UsageError` for what is none."""
    if not isinstance(value, str):
        raise UsageError(f"{name} is a text, and not {value!r}")
    return value


def path_of(value: StrPath, name: str) -> Path:
    """A path. Raises `UsageError` for what is none."""
    try:
        return Path(value)
    except TypeError:
        raise UsageError(f"{name} is a path, and not {value!r}") from None


def paths(value: StrPath | Iterable[StrPath], name: str) -> tuple[Path, ...]:
    """One path or several. Raises `UsageError` for what is none."""
    if isinstance(value, str | os.PathLike) or not isinstance(value, Iterable):
        return (path_of(value, name),)
    return tuple(path_of(each, name) for each in value)


def flag(value: object, name: str) -> bool:
    """Whether a flag is set. Raises `UsageError` for what is no truth value: the text "no" would set it."""
    if value is not None and not isinstance(value, bool):
        raise UsageError(f"{name} is True or False, and not {value!r}")
    return value is True


def listener(value: Notify | None) -> Notify:
    """Who is told what happens. Raises `UsageError` now for what could not be called once money is spent."""
    if value is not None and not callable(value):
        raise UsageError(f"on_event is called with each event, and {value!r} cannot be")
    return value or ignore


def stopper(value: Event | None) -> Event | None:
    """What says that a run is to end. Raises `UsageError` for what does not."""
    if value is not None and not callable(getattr(value, "is_set", None)):
        raise UsageError(f"stop is a threading.Event, and not {value!r}")
    return value


def dollars(value: Usd) -> Decimal:
    """A budget. Raises `UsageError` for what is none; a float has lost what was written before it gets here."""
    if isinstance(value, float):
        raise UsageError(f'money is never a float: write budget as Decimal("{value}") or "{value}"')
    try:
        usd = amount(str(value)) if not isinstance(value, bool) else Decimal(-1)
    except ValueError:
        usd = Decimal(-1)
    if usd < 0:
        raise UsageError(f"{value!r} is not an amount of US dollars")
    return usd


def file_size(value: object) -> int:
    """How many bytes a size is: a number of them, or a text as 500MB, 20GB or 1.5TiB. Raises `UsageError`."""
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is not None:
        size = int(Decimal(found[1]) * _UNITS[(found[2] or "B").upper()])
    else:
        size = value if isinstance(value, int) and not isinstance(value, bool) else 0
    if not 0 < size < _MOST_BYTES:
        raise UsageError(f"{value!r} is not a size: write it as 500MB or 20GB")
    return size


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a manifest may hold under ``run:``, within the same limits. Raises `UsageError`."""
    described = shipped().document("manifest")["properties"]["run"]["properties"]
    for name, value in settings.items():
        allowed = described[name]
        if "enum" in allowed and value not in allowed["enum"]:
            raise UsageError(f"{name} is one of {', '.join(allowed['enum'])}, and not {value!r}")
        if "minimum" in allowed and not _is_within(value, allowed):
            kind = "a whole number" if allowed["type"] == "integer" else "a number"
            raise UsageError(f"{name} is {kind} from {allowed['minimum']} to {allowed['maximum']}, and not {value!r}")
    return dict(settings)


def _is_within(value: object, allowed: Mapping[str, Any]) -> bool:
    kinds = (int,) if allowed["type"] == "integer" else (int, float)
    fits = isinstance(value, kinds) and not isinstance(value, bool)
    return fits and bool(allowed["minimum"] <= value <= allowed["maximum"])

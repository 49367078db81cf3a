"""How long a task took, by the gateway's own clock. Pure.

The reference page says of ``metadata`` that it is an object and nothing of what is in it; the names are those that a
public client of the gateway expects. So whatever makes no sense is left out, and what is left is a difference of two
times of the gateway: its clock is never compared with ours.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

from batchgen.model import Lasted
from batchgen.providers.answers import JsonObject
from batchgen.providers.vtrix.parts import parts_of

_LEAST, _MOST = 1e8, 1e14
_MILLISECONDS = 1e11
"""Unix times from here on are milliseconds: in seconds, this is the year 5138."""
_FINEST_S = 0.001


def read_length(answer: JsonObject) -> Lasted | None:
    """Seconds between which the length of a task lies, None where an answer does not tell.

    A time in whole seconds may be one that was cut, and is taken to be so inexact.
    """
    parts = parts_of(answer)
    noted = [part["metadata"] for part in parts if isinstance(part.get("metadata"), dict)]
    began = _first_time([*(each.get("in_queue_at") for each in noted), *(part.get("created_at") for part in parts)])
    ended = _first_time(each.get("completed_at") for each in noted)
    if began is None or ended is None or ended < began:
        return None
    lasted = ended - began
    return max(0.0, lasted - _inexact(began)), lasted + _inexact(ended)


def _first_time(values: Iterable[object]) -> float | None:
    return next((time for time in map(_time, values) if time is not None), None)


def _time(value: object) -> float | None:
    """Unix seconds of a time: seconds or milliseconds, as number or text, or ISO 8601."""
    said = _read(value) if isinstance(value, str) else value
    if isinstance(said, bool) or not isinstance(said, int | float | Decimal) or not _LEAST <= said <= _MOST:
        return None
    return float(said) / 1000 if said >= _MILLISECONDS else float(said)


def _read(text: str) -> float | None:
    """A number, or the Unix seconds of an ISO 8601 time; one without its zone is taken for UTC."""
    with suppress(ValueError):
        return float(text)
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _inexact(unix: float) -> float:
    return 1.0 if unix.is_integer() else _FINEST_S

"""What the ending of a call means for a run: the small set of classes, and what comes with them. Pure.

Which ending belongs to which class is decided in `batchgen.providers.error_policy`.
"""

from dataclasses import dataclass
from enum import StrEnum

NOT_CONNECTED = "not_connected"
"""The code of a call for which no connection could be made."""
HTTP_CODE = "http_"
"""How the code of an answer begins that has no code of its own; its status follows."""


class Kind(StrEnum):
    """What follows from the ending of a call."""

    CREATED = "created"
    """A task exists; its id is known."""
    REFUSED = "refused"
    """It is certain that no task was created."""
    UNCERTAIN = "uncertain"
    """A task may have been created, and nobody here knows its id. Never sent again."""
    TRANSIENT = "transient"
    """Reading the task failed; it says nothing of the task. Read again."""
    MISSING = "missing"
    """The gateway says that it does not know the task. Read again: it may be an outage, or the wrong address."""
    RUNNING = "running"
    DONE = "done"
    NO_RESULT = "no_result"
    """The task is called completed, and no video is named. Read again: it may come, and it is paid for."""
    FAILED = "failed"
    """The task ended without a result."""
    ACCOUNT = "account"
    """The gateway does not serve this account now: no task was created, and the run stops."""
    BALANCE = "balance"
    """The same, for want of money there."""


REFUSES_ACCOUNT = frozenset({Kind.ACCOUNT, Kind.BALANCE})


@dataclass(frozen=True, slots=True)
class Classification:
    """A kind, and what the user is told.

    ``code`` is the gateway's own, or a word of batchgen's where there is none; ``reason`` a sentence.
    ``again`` says that the same request may be sent again without paying twice, ``passing`` that another
    paid attempt may do better, ``throttled`` that the gateway has too much to do, ``malformed`` that it may
    take the request in another form, ``not_found`` that a reading was met with 404, whoever said so.
    ``confirm`` is how often in a row the gateway has to say it before it is believed. ``wait_s`` is how many
    seconds the gateway asked to wait.
    """

    kind: Kind
    code: str = ""
    reason: str = ""
    again: bool = False
    passing: bool = False
    throttled: bool = False
    malformed: bool = False
    not_found: bool = False
    confirm: int = 1
    wait_s: float | None = None

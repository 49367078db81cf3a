"""What a gateway can do, and every way in which a call to it can end.

A call either returns one of the types below or raises `CallFailed`; nothing else leaves this room.
What its end means for the run is decided in `batchgen.providers.error_policy`.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from batchgen.model import Lasted, Request, TaskResult
from batchgen.references import Content


class Stage(StrEnum):
    """Which call it was: creating a task costs money, reading one or uploading a file does not."""

    CREATE = "create"
    READ = "read"
    UPLOAD = "upload"


class RemoteStatus(StrEnum):
    """What the gateway says of a task. Whatever has not ended is running."""

    RUNNING = "running"
    COMPLETED = "completed"
    NO_RESULT = "no_result"
    """Completed, and the answer names no video that could be fetched."""
    FAILED = "failed"


class Trouble(StrEnum):
    """At which point a call failed."""

    NOT_SENT = "not_sent"
    """The request could not be put together here, or its body was given up before it was whole."""
    OUT_OF_REACH = "out_of_reach"
    """The same, since the store that a reference lies in does not give it now."""
    NOT_CONNECTED = "not_connected"
    """No connection was made: name, address, route, TLS or proxy. No byte of the request left."""
    TIMED_OUT = "timed_out"
    """The connection was there, and then nothing came for too long."""
    BROKEN = "broken"
    """The connection broke after it was made."""
    STATUS = "status"
    """An answer came whose HTTP status is not a success."""
    UNREADABLE = "unreadable"
    """An answer of success came, without what it has to hold."""


@dataclass(frozen=True, slots=True)
class Created:
    """A task that now exists, and costs money once it completes."""

    task_id: str


@dataclass(frozen=True, slots=True)
class TaskError:
    """Why the gateway says that a task failed; empty texts where it gives no code or reason."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Task:
    """What the gateway says of a task.

    ``progress`` is between 0 and 1. The video's address is set in ``result`` where the status is
    completed, ``error`` where it is failed. ``notes`` say what is odd about the answer. ``lasted_s`` is how long the
    task took from its creation to its end, as two seconds between which that lies; None where nothing usable is said.
    """

    status: RemoteStatus
    progress: float | None = None
    result: TaskResult = TaskResult()  # noqa: RUF009 - frozen
    error: TaskError | None = None
    notes: tuple[str, ...] = ()
    lasted_s: Lasted | None = None


@dataclass(eq=False)
class CallFailed(Exception):  # noqa: N818 - a call that failed is an ending like others, not a fault of ours
    """A call that ended without its result; carries all that is known of the ending.

    ``status`` is the HTTP status or None, ``code`` and ``message`` what the gateway said, ``stated``
    whether it said it in JSON, ``is_html`` whether a page came in place of an answer, as proxies send
    them, ``task_id`` an id that came along and that need not be usable, ``excerpt`` the beginning of the
    answer's body, ``retry_after_s`` how many seconds to wait, where the gateway said so.
    """

    stage: Stage
    trouble: Trouble
    message: str
    status: int | None = None
    code: str = ""
    stated: bool = False
    is_html: bool = False
    task_id: str | None = None
    excerpt: str = ""
    retry_after_s: float | None = None

    def __post_init__(self) -> None:
        """Make the message the text of the exception."""
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class PricePreview:
    """What a gateway said that a request would cost.

    ``cost_usd`` is US dollars, None where nothing usable was said; then ``why`` says why. ``task_id`` is the id of
    a task that came along: it may have been bought. ``is_last`` says that nothing more should be asked,
    ``is_refused`` that another form of the request may get a price.
    """

    cost_usd: Decimal | None = None
    why: str = ""
    task_id: str | None = None
    is_last: bool = False
    is_refused: bool = False


class PricePreviewer(Protocol):
    """What a gateway may offer beside its two calls: the price of a request that is not submitted."""

    def preview(self, request: Request, request_format: str) -> PricePreview:
        """Ask once what a request would cost. Raises nothing of what may come over the line.

        ``request_format`` as in `Gateway.create`.
        """

    def close(self) -> None:
        """Close all idle connections."""


class Uploader(Protocol):
    """What a provider may offer beside its gateway: to keep a file, and to give out a URL of it."""

    def upload(self, content: Content) -> str:
        """Send the file of a reference once; its URL. Raises `PublishFailed`."""

    def close(self) -> None:
        """Close all idle connections."""


class Gateway(Protocol):
    """The two calls of the API. Implementations may be shared between threads."""

    def create(self, request: Request, *, request_id: str, request_format: str) -> Created:
        """Create a task. Never repeats a request. Raises `CallFailed`.

        ``request_id`` is what support can find this one call by, where the API has a place for it, and
        ``request_format`` one of the `Provider`'s.
        """

    def read(self, task_id: str) -> Task:
        """Read a task. Raises `CallFailed`."""

    def close(self) -> None:
        """Close all idle connections."""

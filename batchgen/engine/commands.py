"""What the scheduler wants done, and what comes back from it. Pure.

An act is carried out by the runner on some thread; every act is answered by exactly one ending.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from batchgen.engine.classification import Classification
from batchgen.engine.steps import Lent
from batchgen.model import Lasted, RequestFacts, TaskResult


@dataclass(frozen=True, slots=True)
class Submit:
    """Send the request of a scene. The intent is durable by now.

    ``request_id`` is this one call's own, ``request_format`` the form in which it is sent, and
    ``other_format`` the one in which it is sent once more where that is refused; empty for none.
    """

    scene_id: str
    attempt: int
    request_id: str
    request_format: str
    other_format: str = ""


@dataclass(frozen=True, slots=True)
class Poll:
    """Read a task."""

    scene_id: str
    attempt: int
    task_id: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch a result and compare it with what this attempt asked for: width*height, and seconds."""

    scene_id: str
    attempt: int
    url: str
    size: str
    duration_s: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A result that a scene is made of: the text of its `ResultReference`, its attempt, and its file.

    ``attempt`` is named as ``SCENE@N``; ``path`` is relative to the run directory.
    """

    source: str
    attempt: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the request of a scene from the results that it is made of: measure them, and take stills out of them."""

    scene_id: str
    sources: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """Have a result of another run directory, which lies at ``path``, as that of an attempt at a scene."""

    scene_id: str
    attempt: int
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Have the files of a scene that its request names by URL where the provider can fetch them."""

    scene_id: str


Command: TypeAlias = Submit | Poll | Fetch | Prepare | Link | Publish


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """How a submission ended; ``task_id`` is set where a task was created.

    ``candidate_id`` is an id that came with an answer of no use otherwise, ``excerpt`` how that answer began.
    """

    command: Submit
    classification: Classification
    task_id: str | None = None
    candidate_id: str | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class PollResult:
    """How a reading ended; ``task`` holds what a finished task brought.

    ``lasted_s`` is how long the gateway says that it took, None where it does not.
    """

    command: Poll
    classification: Classification
    task: TaskResult = TaskResult()  # noqa: RUF009 - frozen
    lasted_s: Lasted | None = None


@dataclass(frozen=True, slots=True)
class FetchResult:
    """How a download ended: a file, or a failure with its reason.

    ``path`` is relative to the run directory. ``expired`` says that a fresh address may help,
    ``unstorable`` that the disk is at fault.
    """

    command: Fetch
    path: str | None = None
    sha256: str | None = None
    mismatch: str | None = None
    failure: str = ""
    expired: bool = False
    unstorable: bool = False


@dataclass(frozen=True, slots=True)
class PrepareResult:
    """How the making of a request ended: the request, or a failure with its reason.

    ``any_seed`` is as in `SceneFacts`; ``elsewhere`` is what other run directories have of that request.
    """

    command: Prepare
    request: RequestFacts | None = None
    any_seed: str | None = None
    failure: str = ""
    elsewhere: Lent = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkResult:
    """How linking in ended: the file is here, or a failure with its reason.

    ``unstorable`` says that the disk is at fault.
    """

    command: Link
    failure: str = ""
    unstorable: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """A file that was published: by the hash of its content, at which place, under which URL.

    ``good_until`` is until when the URL is used in requests, in UTC as ISO 8601.
    """

    sha256: str
    place: str
    url: str
    good_until: str


@dataclass(frozen=True, slots=True)
class PublishResult:
    """How publishing ended: with what was published anew, or with a failure and its reason.

    ``good_until`` is until when the request of the scene may be sent without asking again, in UTC as ISO 8601.
    ``again`` says that another try may do better, ``denied`` that whoever keeps the files refuses the user.
    """

    command: Publish
    published: tuple[Publication, ...] = ()
    good_until: str = ""
    failure: str = ""
    again: bool = False
    denied: bool = False


CommandResult: TypeAlias = SubmitResult | PollResult | FetchResult | PrepareResult | LinkResult | PublishResult


class Stop(StrEnum):
    """Why a run ended before all was done."""

    ACCOUNT = "account"
    BALANCE = "balance"
    """The account at the gateway has not enough money."""
    UNREACHABLE = "unreachable"
    UNANSWERED = "unanswered"
    """One submission after the other was answered in a way that says nothing."""
    SHUT_OUT = "shut_out"
    """The gateway let nothing in for as long as a run waits for that."""
    BUDGET = "budget"
    STORAGE = "storage"
    PUBLISHING = "publishing"
    """Files may not be published where they are to be."""
    INTERRUPTED = "interrupted"

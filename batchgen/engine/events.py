"""What happened, as it is remembered: the events that the journal keeps.

State is a fold over these and nothing else. ``at`` is always a time in UTC as ISO 8601 text, money
always a Decimal or None for unknown. Pure.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

from batchgen.model import RequestFacts, TaskResult
from batchgen.values import value


@value
class SceneFacts:
    """What a report has to know of a scene of the manifest, whether or not it was ever submitted.

    ``estimated_cost_usd`` is None without a price. ``any_seed`` is the hash of the request but for its seed
    where the manifest writes none: a result of the same request with another such seed will do as well;
    None where a seed is written. ``shot`` is the entry of the manifest that the scene is, or is a take of;
    journals of versions before do not name it. ``title`` and ``note`` are for people. ``sources`` are the results of
    other scenes that it is made of, as texts of `ResultReference`, and ``built_on`` the attempts that these are of, in
    the same order and named as ``SCENE@N``; empty while one is still to come, when there is no request yet, but what
    is known of it. ``review`` says that nothing is built on the scene before it is picked.
    """

    scene_id: str
    request: RequestFacts
    estimated_cost_usd: Decimal | None
    any_seed: str | None = None
    shot: str = ""
    take: int | None = None
    title: str = ""
    note: str = ""
    sources: tuple[str, ...] = ()
    built_on: tuple[str, ...] = ()
    review: bool = False

    @property
    def has_request(self) -> bool:
        """Whether all that it is made of is there."""
        return len(self.built_on) == len(self.sources)


@value
class RunStarted:
    """A run began. Without news of its end, whatever it had under way was cut off.

    ``download`` says that it wants the files of its results here; ``gateway`` is the address that it talks
    to, empty for a rehearsal, and ``rebound`` that the user said it is the same gateway as before.
    ``budget_usd`` is what it may spend at most, over all runs of the directory; None for no limit. ``profile`` is
    the one whose settings were laid over the defaults, empty for none. ``output`` is the URL below which results and
    reports go to an object store, empty where they stay in the run directory.
    """

    at: str
    version: str
    download: bool = True
    gateway: str = ""
    rebound: bool = False
    budget_usd: Decimal | None = None
    profile: str = ""
    output: str = ""


@value
class ManifestRead:
    """The scenes of the manifest, in order; replaces the list that was known before."""

    at: str
    name: str
    model: str
    scenes: tuple[SceneFacts, ...]


@value
class ManifestChanged:
    """The manifest is another one than that which was known before; what is not named here is as it was.

    ``scenes`` are new, or changed; of those in ``estimates`` the estimate alone has changed; ``removed`` are gone.
    ``order`` names all scenes in their order; empty where those of before keep theirs, and new ones come last.
    """

    at: str
    name: str
    model: str
    scenes: tuple[SceneFacts, ...]
    estimates: Mapping[str, Decimal | None]
    removed: tuple[str, ...]
    order: tuple[str, ...]


@value
class RequestMade:
    """What a scene is made of is there, and so it has a request; ``any_seed`` and ``built_on`` as in `SceneFacts`."""

    at: str
    scene_id: str
    request: RequestFacts
    any_seed: str | None
    built_on: tuple[str, ...]


@value
class Submitting:
    """A request to create a task is about to be sent. Durable before its first byte leaves.

    ``any_seed`` as in `SceneFacts`. ``request_id`` goes along with this one call, for support to find it by;
    ``request_format`` is the form in which the request is sent. Versions before wrote neither.
    """

    at: str
    scene_id: str
    attempt: int
    request: RequestFacts
    estimated_cost_usd: Decimal | None
    any_seed: str | None = None
    request_id: str = ""
    request_format: str = ""


@value
class SubmittingAgain:
    """The request of an attempt that was refused is about to be sent once more. Durable before its first byte leaves.

    What it asks for stands in the event that began the attempt. ``request_id`` and ``request_format`` as there.
    """

    at: str
    scene_id: str
    attempt: int
    estimated_cost_usd: Decimal | None
    request_id: str
    request_format: str


@value
class Submitted:
    """The task exists. Durable before it is first read."""

    at: str
    scene_id: str
    attempt: int
    task_id: str


@value
class Refused:
    """It is certain that no task was created; ``again`` says that asking again may help.

    ``candidate_id`` is an id that came with the refusal all the same, ``excerpt`` how that answer began.
    """

    at: str
    scene_id: str
    attempt: int
    code: str
    message: str
    again: bool
    candidate_id: str | None = None
    excerpt: str = ""


@value
class OutcomeUnknown:
    """The request was sent, and whether a task was created is not known.

    ``candidate_id`` is an id that came with an answer of no use otherwise, ``excerpt`` how that answer began.
    """

    at: str
    scene_id: str
    attempt: int
    code: str
    message: str
    candidate_id: str | None = None
    excerpt: str = ""


@value
class TaskSeen:
    """The gateway knows the task, of which that was not certain: its id was given by hand, or it had been missed."""

    at: str
    scene_id: str
    attempt: int


@value
class Completed:
    """The task has its result.

    ``lasted_above_s`` and ``lasted_until_s`` are the ages between which it ended, in seconds since it was created;
    None where nobody looked often enough. Versions before wrote neither.
    """

    at: str
    scene_id: str
    attempt: int
    result: TaskResult
    lasted_above_s: float | None = None
    lasted_until_s: float | None = None


@value
class Failed:
    """The task ended without a result.

    ``again`` says that no task was created upstream after all, ``passing`` that another paid attempt may do better.
    """

    at: str
    scene_id: str
    attempt: int
    code: str
    message: str
    cost_usd: Decimal | None
    discount: Decimal | None
    again: bool
    passing: bool = False


@value
class TaskTimedOut:
    """This run stopped waiting for the task, which goes on; the next run reads it again."""

    at: str
    scene_id: str
    attempt: int
    code: str
    message: str


@value
class TaskNotFound:
    """This run gave the task up: the gateway said 404 and nothing else. Later runs look at it again."""

    at: str
    scene_id: str
    attempt: int
    message: str


@value
class Downloaded:
    """The result is here, whole; ``mismatch`` says how it differs from what was asked for."""

    at: str
    scene_id: str
    attempt: int
    path: str
    sha256: str
    mismatch: str | None


@value
class DownloadFailed:
    """The result did not arrive. It is bought, and fetched again by the next run."""

    at: str
    scene_id: str
    attempt: int
    message: str


@value
class Resolved:
    """The user settled an unknown submission: the task's id, or None where none was created."""

    at: str
    scene_id: str
    attempt: int
    task_id: str | None


@value
class Reused:
    """A result of another run directory was linked in for a scene, free: an attempt that begins delivered.

    ``source`` names it as ``DIR:SCENE@N``.
    """

    at: str
    scene_id: str
    attempt: int
    request: RequestFacts
    source: str
    path: str
    sha256: str
    any_seed: str | None = None


@value
class Adopted:
    """A scene has the result of an attempt that was made for another one, which is gone from the manifest.

    Written where any seed will do, so that a result serves one scene at a time, and the same one for good.
    """

    at: str
    scene_id: str
    of_scene_id: str
    of_attempt: int


@value
class WantedAgain:
    """The user wants to pay once more for a scene that has its result."""

    at: str
    scene_id: str


@value
class Picked:
    """The user said what stands for a shot: a scene, or one attempt for its scene.

    Without an attempt, ``scene_id`` is the scene that stands for its shot. With one, it is the scene for which
    that attempt counts: number ``of_attempt`` at ``of_scene_id``.
    """

    at: str
    scene_id: str
    of_scene_id: str | None
    of_attempt: int | None


@value
class PicksCleared:
    """What was picked of a shot, or of all where ``shot`` is empty, holds no longer."""

    at: str
    shot: str


@value
class HeldBack:
    """A scene was not submitted on purpose, and waits for a later run; ``code`` is what kept it back."""

    at: str
    scene_id: str
    code: str
    message: str


@value
class Published:
    """A file was published: by the hash of its content, at which place, under which URL.

    ``good_until`` is until when the URL is used in requests.
    """

    at: str
    sha256: str
    place: str
    url: str
    good_until: str


@value
class Steered:
    """The user changed a setting of the run that is under way; ``value`` is its text, empty for no bound."""

    at: str
    setting: str
    value: str


@value
class RunEnded:
    """A run ended in order, with this exit code."""

    at: str
    exit_code: int


AttemptEvent: TypeAlias = (
    Submitting
    | SubmittingAgain
    | Submitted
    | Refused
    | OutcomeUnknown
    | TaskSeen
    | Completed
    | Failed
    | TaskTimedOut
    | TaskNotFound
    | Downloaded
    | DownloadFailed
    | Resolved
    | Reused
)
RunEvent: TypeAlias = (
    RunStarted
    | ManifestRead
    | ManifestChanged
    | RequestMade
    | Adopted
    | WantedAgain
    | Picked
    | PicksCleared
    | HeldBack
    | Published
    | Steered
    | RunEnded
)
Event: TypeAlias = AttemptEvent | RunEvent

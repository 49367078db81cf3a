"""What a run does with a scene: the steps that a plan is made of, and what the user chose. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TypeAlias

from batchgen.engine.attempts import Attempt
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import TAKE
from batchgen.model import RequestFacts


class Action(StrEnum):
    """What happens to a scene."""

    SUBMIT = "submit"
    REUSE = "reuse"
    """A result of the same request is there, made for another scene or in another run directory."""
    RESUME = "resume"
    WAIT = "wait"
    """A task of the same request is under way, or about to be, for another scene; or what it is made of is to come."""
    DOWNLOAD = "download"
    DONE = "done"
    UNKNOWN = "unknown"
    """Submitted, and the outcome is not known: nothing happens until the user settles it."""
    FAILED = "failed"
    """Failed, and nothing happens unless the user wants to pay for another attempt."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user chose for a run.

    ``globs`` select scenes by id, or by the id of the shot that they are takes of, all of them where
    there are none; ``again`` selects in the same way finished scenes that are paid for once more;
    ``retry_failed`` pays for failed scenes again; ``download`` wants the files; ``attempts`` is how often the
    same request is paid for, at most, where another attempt may do better.
    """

    globs: tuple[str, ...] = ()
    retry_failed: bool = False
    download: bool = True
    attempts: int = 1
    again: tuple[str, ...] = ()

    def takes(self, scene_id: str) -> bool:
        """Whether the scene is one of those selected."""
        return not self.globs or _matches(scene_id, self.globs)

    def wants_again(self, scene_id: str) -> bool:
        """Whether the scene is to be paid for once more."""
        return _matches(scene_id, self.again)


def _matches(scene_id: str, globs: Sequence[str]) -> bool:
    names = (scene_id, TAKE.sub("", scene_id))
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A delivered result of another run directory.

    ``name`` is ``DIR:SCENE@N``, ``request`` what it was asked for with, ``path`` and ``sha256`` are its file.
    """

    name: str
    request: RequestFacts
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one scene, and why.

    ``attempt`` is the one that says where it stands, which may have been made for another scene;
    ``changed`` names the fields of the request that differ from what was submitted before; ``paid_before``
    says that money was spent on this scene, or may have been, ``paid_as`` that it was with other profiles alone;
    ``removed`` that no scene of the manifest needs the attempt, and that only its task or its file is waited for;
    ``then_submits`` that the scene is submitted once the task that still runs has ended; ``again`` that it is paid
    for once more by wish;
    ``elsewhere`` is the result that is linked in; ``waits_for`` are the ids of scenes whose results it is made of
    and that are not there yet, or are about to become others, and ``blocked`` says that one of them does not come in
    this run.
    """

    scene: SceneFacts
    action: Action
    reason: str
    changed: tuple[str, ...] = ()
    paid_before: bool = False
    removed: bool = False
    then_submits: bool = False
    attempt: Attempt | None = None
    again: bool = False
    elsewhere: Elsewhere | None = None
    waits_for: tuple[str, ...] = ()
    blocked: bool = False
    paid_as: str = ""

    @property
    def buys(self) -> bool:
        """Whether the step, carried out, creates a new task."""
        return self.action is Action.SUBMIT or self.then_submits

    @property
    def follows(self) -> bool:
        """Whether the step waits for the task of its attempt, or fetches its file."""
        waits = self.action in (Action.RESUME, Action.WAIT) and self.attempt is not None and self.attempt.is_open
        return waits or self.action is Action.DOWNLOAD

    @property
    def new_cost_usd(self) -> Decimal | None:
        """What the step would cost: nothing unless it buys, None where no price is known."""
        return self.scene.estimated_cost_usd if self.buys else Decimal(0)


Lent: TypeAlias = Mapping[str, Sequence[Elsewhere]]
"""Results of other run directories, by the hash of their request, and by that of requests in which any seed will do."""
NOTHING_ELSEWHERE: Lent = MappingProxyType({})

"""What a run keeps in mind of one scene; nothing of it outlives the run. Pure."""

from dataclasses import dataclass, field, replace

from batchgen.engine.attempts import AttemptKey
from batchgen.engine.classification import Classification
from batchgen.engine.events import SceneFacts
from batchgen.engine.steps import Elsewhere, Lent
from batchgen.model import TaskResult

_NOTHING_TOLD = TaskResult()


@dataclass(slots=True, eq=False)
class SceneRun:
    """One scene on its way through this run, with the attempt that it follows.

    That attempt may have been made for another scene that asked for the same.
    ``sent_at`` is when it was submitted last; ``refusals`` counts submissions in this run that created
    nothing, ``said_times`` how often in a row the gateway said ``said``. ``created_at`` is when the task was
    created that it waits for, ``looked_at`` when that was read last, ``running_at`` when it is last known to
    have been running; ``charge`` is the last reading of it that stated a cost. ``missed`` is how often the
    task was met with 404, ``heard_of`` whether anything else was said of it. ``removed`` says that no scene
    of the manifest needs the attempt: nothing is submitted, whatever comes of its task. ``repeats`` says that
    the scene is submitted again unless its task brings a result, ``again`` that it is paid for once more by
    wish, though a result is there. ``refused_as`` is how it was refused in one form of the request; from then
    on it is sent in ``request_format``. ``is_new`` says that its request was only made in this run, so that what is
    to happen with it has still to be found out, and ``is_busy`` that a command for it is under way. ``publishes``
    counts failures to publish its files in a row; ``published_until`` is until when what was published may be sent.
    ``elsewhere`` is what other run directories have of its request, ``lent`` what of that is linked in now.
    """

    scene: SceneFacts
    attempt: AttemptKey
    removed: bool = False
    repeats: bool = False
    again: bool = False
    sent_at: float = 0.0
    refusals: int = 0
    refused_as: Classification | None = None
    request_format: str = ""
    said: str = ""
    said_times: int = 0
    charge: TaskResult = _NOTHING_TOLD
    created_at: float | None = None
    looked_at: float = 0.0
    running_at: float | None = None
    give_up_at: float | None = None
    missed: int = 0
    heard_of: bool = False
    fetches: int = 0
    refreshes: int = 0
    publishes: int = 0
    published_until: str = ""
    is_new: bool = False
    is_busy: bool = False
    elsewhere: Lent = field(default_factory=dict)
    lent: Elsewhere | None = None

    def waits_for_task(self, now: float, give_up_at: float) -> None:
        """A task exists from now on; what was said of the one before it counts no more."""
        self.created_at = self.looked_at = self.running_at = now
        self.refused_as, self.request_format = None, ""
        self.said_times = self.missed = 0
        self.said, self.charge, self.heard_of = "", _NOTHING_TOLD, False
        self.give_up_at = give_up_at

    def follows(self, attempt: AttemptKey) -> None:
        """Wait for another attempt from now on, of which nothing was heard in this run."""
        self.waits_for_task(0.0, 0.0)
        self.attempt, self.created_at, self.running_at, self.give_up_at = attempt, None, None, None

    def hears_charge(self, result: TaskResult) -> None:
        """Keep what a reading states of the cost; one that states none takes nothing back."""
        if result.cost_usd is not None:
            self.charge = result

    def charged(self, result: TaskResult) -> TaskResult:
        """A result with the cost that an earlier reading has stated, where this one states none."""
        if result.cost_usd is not None or self.charge.cost_usd is None:
            return result
        return replace(result, cost_usd=self.charge.cost_usd, discount=self.charge.discount)

    def is_confirmed(self, classification: Classification) -> bool:
        """Whether the gateway has now said this often enough in a row to be believed."""
        self.said_times = self.said_times + 1 if self.said == classification.code else 1
        self.said = classification.code
        return self.said_times >= classification.confirm

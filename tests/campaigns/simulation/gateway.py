"""A model of the gateway with books of its own: what was created, what became of it, what it cost."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from batchgen.engine.events import SceneFacts

from campaigns.simulation import answers
from campaigns.simulation.answers import Heard

NEVER_MADE = "001028099"
"""The end of a task that the gateway says was never created: the one that is certain to be free."""
_ENDS = ("001028004", "001028095", "001028096", "001028097", NEVER_MADE, "999", "", "Cancelled", "expired")
NO_RESULT = "no_result"
"""The end of a task that is called completed and never names a video."""
_FATES = (*["completed"] * 8, "gone", NO_RESULT, *_ENDS)
_LATE_S = (0.0, 0.0, 0.0, 10.0, 60.0, 2000.0)
"""For how long a completed task may name no video."""
_MORE_OR_LESS = tuple(map(Decimal, ("0", "0", "0.1", "0.0000000001", "-0.05", "-0.0123456789")))
_NOTHING = Decimal(0)


@dataclass(slots=True)
class Entry:
    """One task in the books.

    ``cost_usd`` is what is charged for it once it is over, ``told`` whether the gateway says so, ``usage`` how.
    ``word`` and ``output`` are how it says that the video is there, ``late_s`` for how long it has none to
    name, ``enveloped`` whether it says all that in an envelope. A ``quiet`` task has its cost stated no more.
    ``lies`` counts the readings in a row that said what is not true. ``named`` is a task whose id came with
    an answer of no use otherwise. ``disowned`` is a task of which
    the user said, against the truth, that it was never created, ``forgotten`` one of which the gateway
    knows nothing any more, though it was bought.
    """

    task_id: str
    scene_id: str
    sha256: str
    price_usd: Decimal
    done_at: float
    fate: str
    cost_usd: Decimal
    discount: Decimal
    told: bool
    usage: str
    word: str
    output: str
    no_output: str
    late_s: float
    enveloped: bool
    quiet: bool = False
    lies: int = 0
    named: bool = False
    disowned: bool = False
    forgotten: bool = False

    @property
    def told_usd(self) -> Decimal | None:
        """What the gateway says that it charged, once it says how the task ended."""
        return self.cost_usd if self.told else None

    @property
    def told_discount(self) -> Decimal | None:
        """What it says of the discount."""
        return self.discount if self.told else None

    @property
    def above_price_usd(self) -> Decimal:
        """What was charged beyond the price that the user reckons with."""
        return max(self.cost_usd - self.price_usd, _NOTHING)


class ModelGateway:
    """Creates and finishes tasks, and says so with as many faults as it is told to make.

    ``cap`` is how many tasks may run at once, ``known`` are ids that the other side has written down.
    For a while it may be ``down``, say 404 to every reading (``blank``), take nothing in (``storm``,
    ``overloaded``), or give no usable answer to submissions (``broken``). It takes requests in one form only
    (``form``, empty for any), and may take them in another one from a moment on (``later_form``).
    """

    def __init__(self, random: Random, cap: int) -> None:
        self.random = random
        self.faults = 0.0
        self.down_until = 0.0
        self.blank_until = 0.0
        self.storm_until = 0.0
        self.broken_until = 0.0
        self.overloaded_until = 0.0
        self.books: dict[str, Entry] = {}
        self.known: Collection[str] = ()
        self._cap = cap
        self.form = self.later_form = ""
        self.changes_at = float("inf")

    def takes(self, form: str, now: float) -> bool:
        """Whether requests are taken in that form."""
        return (self.form if now < self.changes_at else self.later_form) in ("", form)

    def clear_up(self) -> None:
        """No faults from now on."""
        self.faults = self.down_until = self.blank_until = 0.0
        self.storm_until = self.broken_until = self.overloaded_until = 0.0
        for entry in self.books.values():
            entry.late_s = 0.0

    def create(self, scene: SceneFacts, form: str, now: float) -> Heard:
        """Take a submission, or not; what the other side hears of it."""
        draw = self.random.random
        hostile = self._hostile(scene, now)
        if hostile is not None:
            return hostile
        if not self.takes(form, now):
            return self.random.choice(answers.WRONG_FORM)
        if sum(entry.done_at > now for entry in self.books.values()) >= self._cap:
            return answers.BUSY
        if draw() < self.faults:
            if draw() < 0.6:
                return self.random.choice(answers.NOTHING_MADE)
            return self._useless(scene, now)
        task_id = self._enter(scene, now)
        answer = answers.created(task_id)
        return answers.in_envelope(answer) if self.books[task_id].enveloped else answer

    def _hostile(self, scene: SceneFacts, now: float) -> Heard | None:
        """What a gateway says for a while that behaves as none should; None where it behaves."""
        for until, listed in (
            (self.down_until, (answers.DOWN,)),
            (self.storm_until, answers.STORM),
            (self.overloaded_until, answers.OVERLOADED),
        ):
            if now < until:
                return self.random.choice(listed)
        if now >= self.broken_until:
            return None
        if self.random.random() < 0.5:
            self._enter(scene, now)
        return self.random.choice(answers.NOBODY_KNOWS)

    def _useless(self, scene: SceneFacts, now: float) -> Heard:
        """Create a task or not, and give an answer that does not say so, or says it of another task."""
        draw = self.random.random()
        others = list(self.known)
        if draw < 0.15 and others:
            if draw < 0.08:
                self._enter(scene, now)
            return answers.created(self.random.choice(others))
        if draw < 0.45:
            task_id = self._enter(scene, now)
            self.books[task_id].named = True
            return self.random.choice(answers.named(task_id))
        if draw < 0.7:
            self._enter(scene, now)
        return self.random.choice(answers.NOBODY_KNOWS)

    def _enter(self, scene: SceneFacts, now: float) -> str:
        random, price = self.random, scene.estimated_cost_usd or _NOTHING
        fate = random.choice(_FATES) if random.random() < self.faults else "completed"
        told = random.random() >= self.faults / 2
        # What was never made, and is charged without a word, nobody could reckon with.
        charged = fate in ("completed", NO_RESULT) or ((told or fate != NEVER_MADE) and random.random() < 0.3)
        entry = Entry(
            f"t{len(self.books) + 1}",
            scene.scene_id,
            scene.request.sha256,
            price,
            now + random.choice((0.0, 5.0, 30.0, 120.0)),
            fate,
            max(price + random.choice(_MORE_OR_LESS), _NOTHING) if charged else _NOTHING,
            random.choice((_NOTHING, Decimal("0.8500000001"), Decimal(1))),
            told,
            usage=random.choice(answers.AMOUNTS if told else answers.UNTOLD),
            word=random.choice(answers.COMPLETED) if random.random() < self.faults else "completed",
            output=random.choice(answers.OUTPUTS),
            no_output=random.choice(answers.NO_OUTPUTS),
            late_s=random.choice(_LATE_S) if random.random() < self.faults else 0.0,
            enveloped=random.random() < self.faults,
        )
        self.books[entry.task_id] = entry
        return entry.task_id

    def read(self, task_id: str, now: float) -> Heard:
        """Say how a task stands, or something else."""
        draw, entry = self.random.random, self.books.get(task_id)
        if now < self.down_until:
            return answers.UNREACHED
        if entry is None or now < self.blank_until:
            return answers.GONE if entry is None or draw() < 0.8 else answers.PAGE
        return self._shown(entry, now)

    def _shown(self, entry: Entry, now: float) -> Heard:
        """Say how a task in the books stands, or something else."""
        draw = self.random.random
        if draw() < self.faults:
            return self._trouble(entry, now)
        entry.lies = 0
        if now < entry.done_at:
            return answers.STILL_RUNNING[0]
        if entry.fate == "gone" or entry.forgotten:
            return answers.GONE
        return self._told(entry, now)

    def _told(self, entry: Entry, now: float) -> Heard:
        """How a task ended, by its id."""
        answer = answers.about(entry.task_id, self._ended(entry, now))
        return answers.in_envelope(answer) if entry.enveloped else answer

    def _ended(self, entry: Entry, now: float) -> Heard:
        said = "" if entry.quiet else answers.usage(entry.told_usd, entry.told_discount, entry.usage)
        if entry.fate == NO_RESULT or (entry.fate == "completed" and now < entry.done_at + entry.late_s):
            return answers.completed(said, "completed", entry.no_output)
        if entry.fate == "completed":
            return answers.completed(said, entry.word, entry.output)
        return answers.failed(entry.fate, said)

    def _trouble(self, entry: Entry, now: float) -> Heard:
        """A reading that goes wrong; of what is not true never so often in a row that it has to be believed.

        Of a task that has failed nothing untrue is said: the same failure without its cost would be.
        """
        draw = self.random.random()
        has_failed = entry.fate != "completed" and now >= entry.done_at
        if draw < 0.02:
            return self.random.choice(answers.DENIED)
        if draw < 0.08 and len(self.books) > 1:
            other = self.random.choice([one for one in self.books.values() if one is not entry])
            return self._told(other, now)
        if draw < 0.6 or entry.lies >= 2 or has_failed:
            return self.random.choice(answers.READ_TROUBLES)
        if draw < 0.7:
            entry.lies = 0
            return self.random.choice(answers.STILL_RUNNING)
        entry.lies += 1
        return answers.GONE if draw < 0.8 else self.random.choice(answers.NOT_MEANT)

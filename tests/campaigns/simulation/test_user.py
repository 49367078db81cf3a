"""A user who does anything at any time; Hypothesis looks for the shortest way to break a promise."""

from collections import Counter
from decimal import Decimal
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from batchgen.engine.steps import Choice

from campaigns.simulation.mishaps import FAIR, AtOnePlace, How, Mishap, Mishaps
from campaigns.simulation.world import World

PRICES = st.sampled_from(("0.10", "0.1234567891", "0.0333333333")).map(Decimal)
BUDGETS = st.none() | st.sampled_from(("0", "0.5", "1.2345678901", "9")).map(Decimal)
CAPS = st.sampled_from((99, 2, 1))
CRASHES = st.builds(AtOnePlace, st.integers(0, 40), st.builds(Mishap, st.sampled_from(How), st.integers(0, 2_000)))
SEEDS = st.integers(0, 999)
NUMBERS = st.integers(0, 4)


class User(RuleBasedStateMachine):
    """Edits, runs and settles. What the gateway and the threads do comes from a seed for each run."""

    @initialize(scenes=NUMBERS, price=PRICES, budget=BUDGETS, attempts=st.integers(1, 3), cap=CAPS)
    def begins(self, scenes: int, price: Decimal, budget: Decimal | None, attempts: int, cap: int) -> None:
        self.world = World(Random(0), Counter(), scenes=scenes, cap=cap)  # noqa: S311 - a game and no secret
        self.world.price_usd = price
        self.world.budget = budget
        self.world.attempts = attempts

    @rule(number=NUMBERS)
    def adds_a_scene(self, number: int) -> None:
        self.world.add(f"s{number}")

    @precondition(lambda self: self.world.versions)
    @rule(number=NUMBERS)
    def edits_a_scene(self, number: int) -> None:
        self.world.edit(self._scene(number))

    @precondition(lambda self: self.world.versions)
    @rule(number=NUMBERS)
    def takes_an_edit_back(self, number: int) -> None:
        self.world.take_back(self._scene(number))

    @precondition(lambda self: self.world.versions)
    @rule(number=NUMBERS)
    def removes_a_scene(self, number: int) -> None:
        self.world.remove(self._scene(number))

    @precondition(lambda self: self.world.versions)
    @rule(number=NUMBERS)
    def renames_a_scene(self, number: int) -> None:
        self.world.rename(self._scene(number))

    @precondition(lambda self: self.world.versions)
    @rule(number=NUMBERS)
    def repeats_a_scene(self, number: int) -> None:
        self.world.repeat(self._scene(number))

    @precondition(lambda self: self.world.versions)
    @rule(number=NUMBERS, seed=SEEDS, faults=st.sampled_from((0.0, 0.2)), crash=st.none() | CRASHES)
    def wants_a_scene_once_more(self, number: int, seed: int, faults: float, crash: Mishaps | None) -> None:
        self._run(Choice(again=(self._scene(number),)), seed, faults, crash)

    @rule(budget=BUDGETS)
    def changes_the_budget(self, budget: Decimal | None) -> None:
        self.world.budget = budget

    @rule(seed=SEEDS, faults=st.sampled_from((0.0, 0.2, 0.5)), crash=st.none() | CRASHES, download=st.booleans())
    def runs(self, seed: int, faults: float, crash: Mishaps | None, *, download: bool) -> None:
        self._run(Choice(download=download), seed, faults, crash)

    @rule(seed=SEEDS, faults=st.sampled_from((0.0, 0.2, 0.5)), crash=st.none() | CRASHES)
    def retries_what_failed(self, seed: int, faults: float, crash: Mishaps | None) -> None:
        self._run(Choice(retry_failed=True), seed, faults, crash)

    @rule(seed=SEEDS)
    def interrupts_a_run(self, seed: int) -> None:
        self.world.interrupts = 0.2
        self._run(Choice(), seed, 0.2, None)
        self.world.interrupts = 0.0

    @rule(truthfully=st.booleans())
    def resolves(self, *, truthfully: bool) -> None:
        self.world.resolve(truthfully=truthfully)

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "world"):  # an invariant is looked at before the beginning, too
            self.world.check()
            self.world.reconcile()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.fair_weather()

    def _scene(self, number: int) -> str:
        return sorted(self.world.versions)[number % len(self.world.versions)]

    def _run(self, choice: Choice, seed: int, faults: float, crash: Mishaps | None) -> None:
        self.world.random.seed(seed)
        self.world.gateway.faults = faults
        self.world.run(choice, crash or FAIR)


TestUser = User.TestCase
TestUser.settings = settings(
    max_examples=max(20, settings().max_examples // 4), stateful_step_count=20, report_multiple_bugs=False
)

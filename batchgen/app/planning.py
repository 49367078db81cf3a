"""What a run would do with a batch, and what it would cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from batchgen.app.kept_results import elsewhere
from batchgen.app.loading import Batch
from batchgen.engine.estimate import scene_facts
from batchgen.engine.events import SceneFacts
from batchgen.engine.planner import Choice, Step, ahead_of
from batchgen.engine.planner import plan as planned
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.errors import RefusedRun, UsageError
from batchgen.money import readable
from batchgen.report.plan import NO_PRICES, Outlook


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen to each of the selected scenes of a batch, from a state of its run directory.

    ``bound_to`` are hashes of what it was made from, where it is to be carried out as it is. ``gateway_costs`` is
    what the gateway said that scenes would cost, in US dollars by scene id; None where it was not asked.
    """

    batch: Batch
    prices: Prices
    scenes: tuple[SceneFacts, ...]
    choice: Choice
    state: State
    ahead: State
    """The state as a run would find it, with the scenes of the batch."""
    steps: tuple[Step, ...]
    bound_to: Mapping[str, str] = field(default_factory=dict)
    gateway_costs: Mapping[str, Decimal] | None = None

    def outlook(self, budget_usd: Decimal | None = None) -> Outlook:
        """The plan for people and programs, held against a budget; the manifest's where none is given."""
        return Outlook(
            self.steps,
            self.ahead,
            self.prices,
            self.budget(budget_usd),
            self.gateway_costs,
            rehearsal=self.batch.rehearsal,
        )

    def budget(self, budget_usd: Decimal | None = None) -> Decimal | None:
        """The budget that holds: the one given, or else the manifest's."""
        return self.batch.manifest.budget_usd if budget_usd is None else budget_usd

    def check_budget(self, budget_usd: Decimal | None) -> None:
        """Raise `RefusedRun` where a budget could not be kept for want of a price."""
        unpriced = {step.scene.request.tier or "" for step in self.steps if step.new_cost_usd is None}
        if budget_usd is not None and unpriced:
            raise RefusedRun(
                f"a budget of {readable(budget_usd)} USD cannot be kept without a price for "
                f"{', '.join(sorted(unpriced))}; {NO_PRICES}. Nothing was submitted"
            )


def plan(batch: Batch, choice: Choice, state: State | None = None) -> Plan:
    """Plan a batch, from the present state of its run directory where no other is given.

    Raises `UsageError` where nothing is selected, or the run directory holds another batch.
    """
    state = batch.directory.state_or_empty() if state is None else state
    if state.name and state.name != batch.manifest.name:
        raise UsageError(
            f"{batch.directory} holds the batch {state.name!r}, and the manifest is {batch.manifest.name!r}"
        )
    prices = batch.prices(state)
    scenes = scene_facts(batch.manifest, prices)
    ahead = ahead_of(state, scenes)
    others = elsewhere(batch.reuse, scenes)
    steps = planned(scenes, state, choice, batch.directory.missing(ahead, scenes), others)
    lost = [glob for glob in choice.again if not any(Choice(again=(glob,)).wants_again(one.scene_id) for one in scenes)]
    if lost:
        raise UsageError(f"there is no scene {', '.join(lost)} to be paid for once more")
    if not steps:
        raise UsageError(f"no scene matches {', '.join(choice.globs)}")
    return Plan(batch, prices, scenes, choice, state, ahead, tuple(steps))

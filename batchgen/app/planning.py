"""What a run would do with a batch, and what it would cost."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from batchgen.app.kept_results import Lenders
from batchgen.app.loading import Batch
from batchgen.app.output_places import look_where_unknown
from batchgen.app.sources import SceneMaker
from batchgen.engine.estimate import scene_facts
from batchgen.engine.events import SceneFacts
from batchgen.engine.making import made_whole
from batchgen.engine.picked_seeds import unknown_seeds, with_picked_seeds
from batchgen.engine.planner import ahead_of
from batchgen.engine.planner import plan as planned
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.engine.steps import Choice, Step
from batchgen.errors import RefusedRun, UsageError
from batchgen.garbage import unsearched
from batchgen.money import readable
from batchgen.report.file_notes import lost_results
from batchgen.report.plan import NO_PRICES, Outlook, ProfileCost


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen to each of the selected scenes of a batch, from a state of its run directory.

    ``bound_to`` are hashes of what it was made from, where it is to be carried out as it is. ``gateway_costs`` is
    what the gateway said that scenes would cost, in US dollars by scene id; None where it was not asked.
    ``profile_costs`` is what a run with each profile would cost; None where that was not planned. ``seeds_of`` names,
    by scene id, the picked take that gave a scene its seed; ``lost`` the result of another run directory that it would
    have, were its file there; ``unseeded`` the picked take whose seed it would have, were that known.
    """

    batch: Batch
    maker: SceneMaker
    """Has the requests of all scenes, and makes those of scenes that are built on results."""
    lenders: Lenders
    prices: Prices
    scenes: tuple[SceneFacts, ...]
    choice: Choice
    state: State
    ahead: State
    """The state as a run would find it, with the scenes of the batch."""
    steps: tuple[Step, ...]
    bound_to: Mapping[str, str] = field(default_factory=dict)
    gateway_costs: Mapping[str, Decimal] | None = None
    profile_costs: Mapping[str, ProfileCost] | None = None
    seeds_of: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)
    unseeded: Mapping[str, str] = field(default_factory=dict)

    def outlook(self, budget_usd: Decimal | None = None) -> Outlook:
        """The plan for people and programs, held against a budget; the manifest's where none is given."""
        return Outlook(
            self.steps,
            self.ahead,
            self.prices,
            self.budget(budget_usd),
            self.gateway_costs,
            self.profile_costs,
            self.seeds_of,
            self.lost,
            self.unseeded,
            rehearsal=self.batch.rehearsal,
        )

    def notes(self) -> list[str]:
        """What to know before it is carried out."""
        return [lost_results(self.lost)] if self.lost else []

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


@unsearched()
def plan(batch: Batch, choice: Choice, state: State | None = None) -> Plan:
    """Plan a batch, from the present state of its run directory where no other is given.

    Raises `UsageError` where nothing is selected, or the run directory holds another batch.
    """
    if state is None:
        state = batch.directory.state_or_empty()
        look_where_unknown(batch.directory, state)
    if state.name and state.name != batch.manifest.name:
        raise UsageError(
            f"{batch.directory} holds the batch {state.name!r}, and the manifest is {batch.manifest.name!r}; give it "
            "a run directory of its own; with the option reuse it has what this one has, free"
        )
    manifest, seeds_of = with_picked_seeds(batch.manifest, state)
    unseeded = unknown_seeds(manifest, state)
    batch = replace(batch, manifest=manifest)
    prices, maker, lenders = batch.prices(state), batch.scene_maker(), Lenders(batch.reuse)
    before = state.with_profile(manifest.profile or "")

    def steps_of(scenes: tuple[SceneFacts, ...]) -> list[Step]:
        missing = batch.directory.missing(ahead_of(before, scenes), scenes)
        return planned(scenes, before, choice, missing, lenders.lent_to(scenes))

    scenes = made_whole(scene_facts(manifest, prices), before, choice, steps_of, maker.make)
    steps = steps_of(scenes)
    if not steps:
        raise UsageError(f"no scene matches {', '.join(choice.globs)}")
    _refuse_lost_wishes(choice, [scene.scene_id for scene in scenes])
    ahead = ahead_of(before, scenes)
    return Plan(
        batch,
        maker,
        lenders,
        prices,
        scenes,
        choice,
        state,
        ahead,
        tuple(steps),
        seeds_of=seeds_of,
        lost=dict(_lost(steps, lenders, ahead)),
        unseeded=unseeded,
    )


def _refuse_lost_wishes(choice: Choice, scene_ids: Iterable[str]) -> None:
    """Raise `UsageError` where what is to be paid for once more is no scene, or none of those that are selected."""
    for glob in choice.again:
        meant = [scene_id for scene_id in scene_ids if Choice(again=(glob,)).wants_again(scene_id)]
        if not meant:
            raise UsageError(f"there is no scene {glob} to be paid for once more")
        if not any(map(choice.takes, meant)):
            raise UsageError(
                f"{glob} is to be paid for once more, and is not among the scenes that are selected: "
                f"{', '.join(choice.globs)}; select it, too, or select none to have all of them"
            )


def _lost(steps: Iterable[Step], lenders: Lenders, state: State) -> Iterator[tuple[str, str]]:
    """The scenes that are bought, though another run directory had their results; with the names of these."""
    used = {attempt.video_sha256 for attempt in state.all_attempts() if attempt.has_file}
    for step in steps:
        asked = step.scene.request.sha256, step.scene.any_seed
        names = [one.name for one in lenders.lost(*asked) if one.sha256 not in used] if _lacks(step) else []
        if names:
            yield step.scene.scene_id, names[0]


def _lacks(step: Step) -> bool:
    """Whether a scene is bought for want of a result."""
    return step.buys and not step.again and step.scene.has_request

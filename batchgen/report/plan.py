"""A plan: what it would cost, the question before it is carried out, and the plan as JSON. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from batchgen.engine.attempts import Attempt
from batchgen.engine.budget import Budget, Sum, charged, exposure
from batchgen.engine.prices import Prices
from batchgen.engine.sources import scenes_of_all_profiles
from batchgen.engine.states import State
from batchgen.engine.steps import Action, Step
from batchgen.money import minus, plus, readable
from batchgen.report.rows import paid_attempts, status_of

NO_PRICES = (
    "add pricing to the manifest, the price per second of each tier from your provider's price page, "
    "or learn it from earlier runs with --history RUN_DIR"
)
NO_TIER = "no tier"


@dataclass(frozen=True, slots=True)
class ProfileCost:
    """What a run with a profile would cost; ``new`` is None where it cannot be run as it is.

    ``later`` is what scenes would cost that this run leaves waiting.
    """

    new: Sum | None
    later: Sum = Sum()  # noqa: RUF009 - frozen
    is_in_force: bool = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would happen to each scene, with the state and the prices it was planned from.

    ``gateway_costs`` is what the gateway itself says that scenes would cost, in US dollars by scene id, as far as it
    says; None where it was not asked. ``profile_costs`` is what a run with each profile would cost, None where there
    are none or that was not planned; ``seeds_of`` names by scene id the picked take that a scene has its seed of,
    ``lost`` the result of another run directory that it would have, were its file there,
    ``unseeded`` the picked take whose seed it would have, were that known.
    ``rehearsal`` says that nothing is sent to a gateway, or charged.
    """

    steps: Sequence[Step]
    state: State
    prices: Prices
    budget_usd: Decimal | None
    gateway_costs: Mapping[str, Decimal] | None = None
    profile_costs: Mapping[str, ProfileCost] | None = None
    seeds_of: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)
    unseeded: Mapping[str, str] = field(default_factory=dict)
    rehearsal: bool = False

    @property
    def purchases(self) -> list[Step]:
        """The steps that would cost something."""
        return [step for step in self.steps if step.buys]

    @property
    def new_cost(self) -> Sum:
        """What all submissions would cost."""
        return _sum(step.new_cost_usd for step in self.purchases)

    @property
    def later(self) -> list[Step]:
        """The steps of scenes that this run leaves waiting for what they are built on."""
        return [step for step in self.steps if step.blocked and not step.removed]

    @property
    def later_cost(self) -> Sum:
        """What those would cost in a later run, reckoned as if nothing of it were there already."""
        return _sum(step.scene.estimated_cost_usd for step in self.later)

    @property
    def gateway_cost(self) -> Sum | None:
        """What all submissions would cost by the gateway's own word; None where it was not asked."""
        costs = self.gateway_costs
        return None if costs is None else _sum(costs.get(step.scene.scene_id) for step in self.purchases)

    @property
    def left_usd(self) -> Decimal | None:
        """What the budget would leave after all of it; below zero where it does not suffice, None where unknown."""
        committed, new = self._committed, self.new_cost
        if self.budget_usd is None or committed.unknown or new.unknown:
            return None
        return minus(self.budget_usd, plus(committed.usd, new.usd))

    @property
    def allowed(self) -> int | None:
        """How many of the purchases the budget allows, one after the other; None without a budget."""
        if self.budget_usd is None:
            return None
        budget, committed, count = self.budget_usd, self._committed, 0
        for step in self.purchases:
            committed = committed.plus(step.new_cost_usd)
            if committed.unknown or committed.usd > budget:
                break
            count += 1
        return count

    @property
    def _committed(self) -> Sum:
        return Budget(None, self.state.all_attempts(), self.prices.estimate_of).committed


def as_json(outlook: Outlook) -> dict[str, Any]:
    """The document that schemas/plan.schema.json describes."""
    scenes = [_step_as_json(step, outlook) for step in outlook.steps]
    attempts = list(outlook.state.all_attempts())
    new, paid, out, said = outlook.new_cost, charged(attempts), exposure(attempts), outlook.gateway_cost
    later = outlook.later_cost
    totals = {
        **{str(action): sum(step.action is action for step in outlook.steps) for action in Action},
        "estimated_cost_usd": _text(new.usd),
        "estimate_unknown": new.unknown,
        "later_cost_usd": _text(later.usd),
        "later_unknown": later.unknown,
        "gateway_cost_usd": None if said is None else _text(said.usd),
        "gateway_cost_unknown": None if said is None else said.unknown,
        "by_tier": {tier: _text(cost.usd) for tier, cost in new_by_tier(outlook).items()},
        "charged_usd": _text(paid.usd),
        "charged_unknown": paid.unknown,
        "charged_by_tier": {tier: _text(cost.usd) for tier, cost in paid_by_tier(outlook).items()},
        "exposure_usd": _text(out.usd),
        "exposure_unknown": out.unknown,
        "budget_usd": _text(outlook.budget_usd),
        "budget_left_usd": _text(outlook.left_usd),
        "prices": outlook.prices.as_json(),
        **_profiles_as_json(outlook.profile_costs),
    }
    return {"scenes": scenes, "removed": [_removed_as_json(one, outlook) for one in removed(outlook)], "totals": totals}


def _profiles_as_json(costs: Mapping[str, ProfileCost] | None) -> dict[str, Any]:
    """What each profile would cost, where there are profiles."""
    if costs is None:
        return {}
    listed = {
        name: {
            "in_force": cost.is_in_force,
            "estimated_cost_usd": None if cost.new is None else _text(cost.new.usd),
            "estimate_unknown": None if cost.new is None else cost.new.unknown,
        }
        for name, cost in costs.items()
    }
    return {"profiles": listed}


def _step_as_json(step: Step, outlook: Outlook) -> dict[str, Any]:
    request, prices = step.scene.request, outlook.prices
    said = (outlook.gateway_costs or {}).get(step.scene.scene_id)
    return {
        "scene_id": step.scene.scene_id,
        "action": str(step.action),
        "reason": step.reason,
        "changed": list(step.changed),
        "prompt_before": prompt_before(outlook.state, step),
        "paid_before": step.paid_before,
        "attempt": _attempt_of(step),
        "tier": request.tier,
        "duration_s": duration_of(step),
        "reference_videos": request.asked.reference_videos,
        "billed_reference_s": _text(request.asked.reference_seconds),
        "unit_price_usd": _text(prices.of(request.tier, request.asked.reference_videos)),
        "reference_price_usd": _text(prices.of_reference(request.tier, request.asked.reference_videos)),
        "estimated_cost_usd": _text(step.new_cost_usd),
        "later_cost_usd": _text(step.scene.estimated_cost_usd if step.blocked else Decimal(0)),
        "gateway_cost_usd": _text(said) if step.buys else None,
        "charged_usd": _text(_charged(outlook.state, step)),
        **({"seed_of": outlook.seeds_of[step.scene.scene_id]} if step.scene.scene_id in outlook.seeds_of else {}),
        **({"lost": outlook.lost[step.scene.scene_id]} if step.scene.scene_id in outlook.lost else {}),
        "sources": list(step.scene.sources),
        "built_on": list(step.scene.built_on),
        "waits_for": list(step.waits_for),
        "request_sha256": request.sha256 if step.scene.has_request else None,
        "request": dict(request.document) if step.scene.has_request else None,
    }


def _removed_as_json(attempt: Attempt, outlook: Outlook) -> dict[str, Any]:
    return {
        "scene_id": attempt.scene_id,
        "attempt": attempt.number,
        "status": str(status_of(attempt, outlook.state)),
        "cost_usd": _text(attempt.result.cost_usd),
        "result_path": attempt.video_path if attempt.has_file else None,
    }


def removed(outlook: Outlook) -> list[Attempt]:
    """What was paid for and has left the manifest, and no scene uses."""
    listed = {scene.scene_id for scene in scenes_of_all_profiles(outlook.state)}
    found = paid_attempts(outlook.state)
    return [attempt for attempt, superseded in found if superseded and attempt.scene_id not in listed]


def _attempt_of(step: Step) -> str | None:
    if step.elsewhere is not None:
        return step.elsewhere.name
    return None if step.attempt is None else step.attempt.name


def prompt_before(state: State, step: Step) -> str | None:
    """The words of a prompt that has changed since the scene was submitted."""
    latest = state.latest(step.scene.scene_id)
    changed = step.buys and latest is not None and latest.request.prompt != step.scene.request.prompt
    return latest.request.prompt if changed and latest is not None else None


def question(outlook: Outlook) -> str:
    """What is asked before money is spent: how many scenes, for how much, how many of them were paid for before.

    Where the budget would stop the run earlier, it says where.
    """
    count, cost = len(outlook.purchases), outlook.new_cost
    money = f"up to {readable(cost.usd)} USD" if not cost.unknown else "an unknown price"
    if cost.unknown and cost.usd:
        money = f"{readable(cost.usd)} USD and an unknown price for {cost.unknown} of them"
    return f"Submit {counted(count, 'scene')} for {money}{_once_more(outlook)}{_allowed(outlook)}?"


def _once_more(outlook: Outlook) -> str:
    """How many of the purchases were made before, here or elsewhere; in brackets."""
    before, lost = sum(step.paid_before for step in outlook.purchases), len(outlook.lost)
    told = [f"{before} {'was' if before == 1 else 'were'} paid for before"] if before else []
    told += [f"{lost} {'was' if lost == 1 else 'were'} to be linked in, and the file is gone"] if lost else []
    return f" ({'; '.join(told)})" if told else ""


def _allowed(outlook: Outlook) -> str:
    allowed = outlook.allowed
    if allowed is None or allowed == len(outlook.purchases):
        return ""
    return f", of which the budget allows {f'about {allowed}' if allowed else 'none'}"


def counted(number: int, noun: str) -> str:
    """A number with its noun in the singular or the plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def new_by_tier(outlook: Outlook) -> dict[str, Sum]:
    """What all submissions would cost, by tier."""
    return _by_tier((step.scene.request.tier, step.new_cost_usd) for step in outlook.purchases)


def paid_by_tier(outlook: Outlook) -> dict[str, Sum]:
    """What was charged so far, by the tier that was asked for then."""
    found: dict[str, Sum] = {}
    for attempt in outlook.state.all_attempts():
        cost, tier = charged([attempt]), attempt.request.tier or NO_TIER
        if cost != Sum():
            found[tier] = found.get(tier, Sum()).and_also(cost)
    return found


def _by_tier(costs: Iterable[tuple[str | None, Decimal | None]]) -> dict[str, Sum]:
    found: dict[str, Sum] = {}
    for tier, cost in costs:
        found[tier or NO_TIER] = found.get(tier or NO_TIER, Sum()).plus(cost)
    return found


def _sum(amounts: Iterable[Decimal | None]) -> Sum:
    total = Sum()
    for amount in amounts:
        total = total.plus(amount)
    return total


def duration_of(step: Step) -> int | None:
    """Seconds of video that a step asks for; None where it does not say."""
    seconds = step.scene.request.seconds
    return seconds if isinstance(seconds, int) else None


def _charged(state: State, step: Step) -> Decimal | None:
    attempts = state.attempts.get(step.scene.scene_id, ())
    return charged(attempts).usd if exposure(attempts) == Sum() else None


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")

"""A plan as a table and as JSON. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from batchgen.engine.budget import Sum, charged, exposure
from batchgen.engine.planner import Action, Step
from batchgen.engine.states import State

NO_PRICES = (
    "no estimate: add pricing to the manifest, the price per second of each tier from your provider's price page"
)


def as_json(steps: Sequence[Step], state: State) -> dict[str, Any]:
    """The document that schemas/plan.schema.json describes."""
    scenes = [
        {
            "scene_id": step.scene.scene_id,
            "action": str(step.action),
            "reason": step.reason,
            "changed": list(step.changed),
            "paid_before": step.paid_before,
            "tier": step.scene.tier,
            "estimated_cost_usd": _text(step.new_cost_usd),
            "charged_usd": _text(_charged(state, step)),
            "request_sha256": step.scene.request_sha256,
            "request": dict(step.scene.request),
        }
        for step in steps
    ]
    new, paid, out = new_cost(steps), charged(state.all_attempts()), exposure(state.all_attempts())
    totals = {
        **{str(action): sum(step.action is action for step in steps) for action in Action},
        "estimated_cost_usd": _text(new.usd),
        "estimate_unknown": new.unknown,
        "by_tier": {tier: _text(cost.usd) for tier, cost in by_tier(steps).items()},
        "charged_usd": _text(paid.usd),
        "exposure_usd": _text(out.usd),
        "exposure_unknown": out.unknown,
    }
    return {"scenes": scenes, "totals": totals}


def as_table(steps: Sequence[Step], state: State) -> str:
    """A line a scene, then the sums."""
    rows = [(step.scene.scene_id, str(step.action), _shown(step), step.reason) for step in steps]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [
        f"{scene_id:{widths[0]}}  {action:{widths[1]}}  {cost:>{widths[2]}}  {reason}".rstrip()
        for scene_id, action, cost, reason in rows
    ]
    return "\n".join([*lines, "", *_sums(steps, state)])


def new_cost(steps: Sequence[Step]) -> Sum:
    """What all submissions of a plan would cost."""
    total = Sum()
    for step in steps:
        if step.action is Action.SUBMIT:
            total = total.plus(step.new_cost_usd)
    return total


def by_tier(steps: Sequence[Step]) -> dict[str, Sum]:
    """What all submissions of a plan would cost, by tier."""
    found: dict[str, Sum] = {}
    for step in steps:
        if step.action is Action.SUBMIT:
            tier = step.scene.tier or "no tier"
            found[tier] = found.get(tier, Sum()).plus(step.new_cost_usd)
    return found


def _sums(steps: Sequence[Step], state: State) -> list[str]:
    counts = {action: sum(step.action is action for step in steps) for action in Action}
    lines = [", ".join(f"{number} {action}" for action, number in counts.items() if number) or "nothing to do"]
    new, out = new_cost(steps), exposure(state.all_attempts())
    if counts[Action.SUBMIT]:
        tiers = ", ".join(f"{tier} {cost.usd:f}" for tier, cost in by_tier(steps).items() if not cost.unknown)
        lines.append(f"new: {new.usd:f} USD{f' ({tiers})' if tiers else ''}")
        if new.unknown:
            scenes = f"{new.unknown} scene{'' if new.unknown == 1 else 's'}"
            lines[-1] = f"new: {new.usd:f} USD and {scenes} without a price; {NO_PRICES}"
    paid = charged(state.all_attempts())
    if paid.usd or paid.unknown:
        lines.append(f"charged so far: {paid.usd:f} USD{_and_unknown(paid)}")
    if out.usd or out.unknown:
        lines.append(f"in flight or unknown: up to {out.usd:f} USD{_and_unknown(out)}")
    again = sum(step.action is Action.SUBMIT and step.paid_before for step in steps)
    if again:
        were = "was" if again == 1 else "were"
        lines.append(f"{again} of these scenes {were} paid for before and would be paid for again")
    return lines


def _and_unknown(total: Sum) -> str:
    if not total.unknown:
        return ""
    return (
        " and 1 amount that is not known" if total.unknown == 1 else f" and {total.unknown} amounts that are not known"
    )


def _charged(state: State, step: Step) -> Decimal | None:
    paid = charged(state.attempts.get(step.scene.scene_id, ()))
    return None if paid.unknown else paid.usd


def _shown(step: Step) -> str:
    if step.action is not Action.SUBMIT:
        return ""
    return "?" if step.new_cost_usd is None else f"{step.new_cost_usd:f} USD"


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")

"""A plan as a table and as JSON. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from batchgen.engine.attempts import Attempt
from batchgen.engine.budget import Budget, Sum, charged, exposure
from batchgen.engine.planner import Action, Step
from batchgen.engine.prices import Origin, Prices
from batchgen.engine.states import State
from batchgen.money import minus, plus
from batchgen.report.rows import paid_attempts, status_of
from batchgen.text import on_one_line

NO_PRICES = (
    "add pricing to the manifest, the price per second of each tier from your provider's price page, "
    "or learn it from earlier runs with --history RUN_DIR"
)
_NO_TIER = "no tier"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would happen to each scene, with the state and the prices it was planned from."""

    steps: Sequence[Step]
    state: State
    prices: Prices
    budget_usd: Decimal | None

    @property
    def purchases(self) -> list[Step]:
        """The steps that would cost something."""
        return [step for step in self.steps if step.buys]

    @property
    def new_cost(self) -> Sum:
        """What all submissions would cost."""
        return _sum(step.new_cost_usd for step in self.purchases)

    @property
    def left_usd(self) -> Decimal | None:
        """What the budget would leave after all of it; below zero where it does not suffice, None where unknown."""
        committed, new = Budget(None, self.state.all_attempts(), self.prices.estimate_of).committed, self.new_cost
        if self.budget_usd is None or committed.unknown or new.unknown:
            return None
        return minus(self.budget_usd, plus(committed.usd, new.usd))


def as_json(outlook: Outlook) -> dict[str, Any]:
    """The document that schemas/plan.schema.json describes."""
    scenes = [
        {
            "scene_id": step.scene.scene_id,
            "action": str(step.action),
            "reason": step.reason,
            "changed": list(step.changed),
            "prompt_before": _prompt_before(outlook.state, step),
            "paid_before": step.paid_before,
            "attempt": _attempt_of(step),
            "tier": step.scene.request.tier,
            "duration_s": _duration(step),
            "unit_price_usd": _text(outlook.prices.of(step.scene.request.tier)),
            "estimated_cost_usd": _text(step.new_cost_usd),
            "charged_usd": _text(_charged(outlook.state, step)),
            "request_sha256": step.scene.request.sha256,
            "request": dict(step.scene.request.document),
        }
        for step in outlook.steps
    ]
    attempts = list(outlook.state.all_attempts())
    new, paid, out = outlook.new_cost, charged(attempts), exposure(attempts)
    totals = {
        **{str(action): sum(step.action is action for step in outlook.steps) for action in Action},
        "estimated_cost_usd": _text(new.usd),
        "estimate_unknown": new.unknown,
        "by_tier": {tier: _text(cost.usd) for tier, cost in _new_by_tier(outlook).items()},
        "charged_usd": _text(paid.usd),
        "charged_unknown": paid.unknown,
        "charged_by_tier": {tier: _text(cost.usd) for tier, cost in _paid_by_tier(outlook).items()},
        "exposure_usd": _text(out.usd),
        "exposure_unknown": out.unknown,
        "budget_usd": _text(outlook.budget_usd),
        "budget_left_usd": _text(outlook.left_usd),
        "prices": outlook.prices.as_json(),
    }
    return {"scenes": scenes, "removed": [_removed_as_json(one, outlook) for one in removed(outlook)], "totals": totals}


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
    listed = {scene.scene_id for scene in outlook.state.scenes}
    found = paid_attempts(outlook.state)
    return [attempt for attempt, superseded in found if superseded and attempt.scene_id not in listed]


def _attempt_of(step: Step) -> str | None:
    if step.elsewhere is not None:
        return step.elsewhere.name
    return None if step.attempt is None else step.attempt.name


def _prompt_before(state: State, step: Step) -> str | None:
    """The words of a prompt that has changed since the scene was submitted."""
    latest = state.latest(step.scene.scene_id)
    changed = step.buys and latest is not None and latest.request.prompt != step.scene.request.prompt
    return latest.request.prompt if changed and latest is not None else None


def as_table(outlook: Outlook) -> str:
    """A line a scene, a line a tier, and the sums."""
    counts = {action: sum(step.action is action for step in outlook.steps) for action in Action}
    counted = ", ".join(f"{number} {action}" for action, number in counts.items() if number) or "nothing to do"
    parts = [_scenes(outlook), _removed(outlook), _tiers(outlook), [counted, *_sums(outlook)]]
    return "\n\n".join("\n".join(part) for part in parts if part)


def question(outlook: Outlook) -> str:
    """What is asked before money is spent: how many scenes, for how much, and how many of them were paid for before."""
    count, cost = len(outlook.purchases), outlook.new_cost
    money = f"up to {cost.usd:f} USD" if not cost.unknown else "an unknown price"
    if cost.unknown and cost.usd:
        money = f"{cost.usd:f} USD and an unknown price for {cost.unknown} of them"
    before = sum(step.paid_before for step in outlook.purchases)
    again = f" ({before} {'was' if before == 1 else 'were'} paid for before)" if before else ""
    return f"Submit {count} scene{'' if count == 1 else 's'} for {money}{again}?"


def price_notes(outlook: Outlook) -> Iterator[str]:
    """What to know of the prices: where a learned one is used, and where it contradicts the declared one."""
    used = {step.scene.request.tier for step in outlook.purchases}
    for tier, learned in sorted(outlook.prices.learned.items()):
        seen = f"{learned.usd:f} USD for {learned.seconds} s in {learned.tasks} task{'' if learned.tasks == 1 else 's'}"
        if outlook.prices.differs(tier):
            declared, average = outlook.prices.declared[tier], learned.average
            yield (
                f"warning: {tier} is declared at {declared:f} USD a second, and the gateway charged {average:f} "
                f"({seen}); estimates use the declared price"
            )
        elif tier in used and outlook.prices.origin(tier) is Origin.LEARNED:
            most = f"the most that was charged, {learned.highest:f} USD a second"
            yield f"{tier} has no declared price; estimates use {most} ({seen})"


def _scenes(outlook: Outlook) -> list[str]:
    header = ("scene", "action", "tier", "price × s", "new", "paid", "why")  # noqa: RUF001 - the sign for times
    rows = [
        (
            step.scene.scene_id,
            str(step.action),
            step.scene.request.tier or "",
            _product(outlook, step) if step.buys else "",
            _known(step.new_cost_usd) if step.buys else "",
            _paid(outlook.state, step),
            step.reason,
        )
        for step in outlook.steps
    ]
    return _aligned([header, *rows], right=(3, 4, 5))


def _removed(outlook: Outlook) -> list[str]:
    """What is no longer in the manifest: what it cost, and where it lies."""
    rows = [
        (attempt.name, _known(attempt.result.cost_usd), str(attempt.video_path if attempt.has_file else ""))
        for attempt in removed(outlook)
    ]
    return _aligned([("not in the manifest", "paid", "kept as"), *rows], right=(1,)) if rows else []


def _tiers(outlook: Outlook) -> list[str]:
    """By tier: what a second costs and says who, how many are new, what they cost, and what was paid."""
    new, paid, prices = _new_by_tier(outlook), _paid_by_tier(outlook), outlook.prices
    if not prices.tiers and not paid:
        return []
    rows = [("tier", "declared", "learned", "new s", "new USD", "paid USD")]
    for tier in dict.fromkeys([*prices.tiers, *new, *paid]):
        declared, learned = prices.declared.get(tier), prices.learned.get(tier)
        seconds = sum(
            _duration(step) or 0 for step in outlook.purchases if (step.scene.request.tier or _NO_TIER) == tier
        )
        cost, before = new.get(tier, Sum()), paid.get(tier, Sum())
        amounts = (_amount(cost), _amount(before))
        said = ("-" if declared is None else f"{declared:f}", "-" if learned is None else f"{learned.average:f}")
        rows.append((tier, *said, str(seconds), *amounts))
    return _aligned(rows, right=(1, 2, 3, 4, 5))


def _sums(outlook: Outlook) -> Iterator[str]:
    new, out = outlook.new_cost, exposure(outlook.state.all_attempts())
    if new.unknown:
        scenes = f"{new.unknown} scene{'' if new.unknown == 1 else 's'}"
        known = f"{new.usd:f} USD and " if new.usd else ""
        yield f"new: {known}{scenes} without a price, so no estimate can be made; {NO_PRICES}"
    elif outlook.purchases:
        yield f"new: {new.usd:f} USD"
    paid = charged(outlook.state.all_attempts())
    if paid.usd or paid.unknown:
        yield f"charged so far: {paid.usd:f} USD{_and_unknown(paid)}"
    if out.usd or out.unknown:
        yield f"in flight, unknown or not stated: up to {out.usd:f} USD{_and_unknown(out)}"
    again = sum(step.paid_before for step in outlook.purchases)
    if again:
        yield f"{again} of these scenes {'was' if again == 1 else 'were'} paid for before and would be paid for again"
    yield from _budget(outlook)


def _budget(outlook: Outlook) -> Iterator[str]:
    budget, left = outlook.budget_usd, outlook.left_usd
    if budget is None:
        return
    if left is None:
        yield f"budget: {budget:f} USD; whether it suffices nobody can say without a price for every tier"
    elif left < 0:
        yield f"budget: {budget:f} USD; it falls short by {-left:f} USD, and the run would stop there"
    else:
        yield f"budget: {budget:f} USD; {left:f} USD would be left"


def _new_by_tier(outlook: Outlook) -> dict[str, Sum]:
    return _by_tier((step.scene.request.tier, step.new_cost_usd) for step in outlook.purchases)


def _paid_by_tier(outlook: Outlook) -> dict[str, Sum]:
    """What was charged so far, by the tier that was asked for then."""
    found: dict[str, Sum] = {}
    for attempt in outlook.state.all_attempts():
        cost, tier = charged([attempt]), attempt.request.tier or _NO_TIER
        if cost != Sum():
            found[tier] = found.get(tier, Sum()).and_also(cost)
    return found


def _by_tier(costs: Iterable[tuple[str | None, Decimal | None]]) -> dict[str, Sum]:
    found: dict[str, Sum] = {}
    for tier, cost in costs:
        found[tier or _NO_TIER] = found.get(tier or _NO_TIER, Sum()).plus(cost)
    return found


def _sum(amounts: Iterable[Decimal | None]) -> Sum:
    total = Sum()
    for amount in amounts:
        total = total.plus(amount)
    return total


def _aligned(listed: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    # An error code is in the gateway's words: a line break in it must not begin a line of its own.
    rows = [[on_one_line(cell) for cell in row] for row in listed]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            f"{cell:>{width}}" if column in right else f"{cell:{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _product(outlook: Outlook, step: Step) -> str:
    return f"{_known(outlook.prices.of(step.scene.request.tier))} × {_duration(step)}"  # noqa: RUF001 - the sign for times


def _duration(step: Step) -> int | None:
    seconds = step.scene.request.seconds
    return seconds if isinstance(seconds, int) else None


def _and_unknown(total: Sum) -> str:
    if not total.unknown:
        return ""
    return (
        " and 1 amount that is not known" if total.unknown == 1 else f" and {total.unknown} amounts that are not known"
    )


def _charged(state: State, step: Step) -> Decimal | None:
    attempts = state.attempts.get(step.scene.scene_id, ())
    return charged(attempts).usd if exposure(attempts) == Sum() else None


def _paid(state: State, step: Step) -> str:
    """What the scene has cost; nothing where nothing was ever charged for it."""
    attempts = state.attempts.get(step.scene.scene_id, ())
    cost = charged(attempts)
    if exposure(attempts) != Sum():
        return f"{cost.usd:f} + ?" if cost.usd else "?"
    return f"{cost.usd:f}" if any(attempt.result.cost_usd is not None for attempt in attempts) else ""


def _amount(total: Sum) -> str:
    if total.unknown:
        return f"{total.usd:f} + ?" if total.usd else "?"
    return f"{total.usd:f}"


def _known(amount: Decimal | None) -> str:
    return "?" if amount is None else f"{amount:f}"


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")

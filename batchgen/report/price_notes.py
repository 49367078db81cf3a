"""What to know of the prices of a plan before it is carried out, and of a run once it has ended. Pure."""

from collections.abc import Iterator
from decimal import Decimal

from batchgen.engine.prices import Learned, Origin, Prices, are_apart
from batchgen.money import plus, readable, times
from batchgen.report.plan import Outlook, counted


def price_notes(outlook: Outlook, *, rehearsal: bool = False) -> Iterator[str]:
    """Where a learned price is used, where it contradicts the declared one, and which price is missing.

    That the emulator of a ``rehearsal`` charges other than declared says nothing of what is declared.
    """
    used = {step.scene.request.tier for step in outlook.purchases}
    for tier, learned in sorted(outlook.prices.learned.items()):
        if outlook.prices.differs(tier) and not rehearsal:
            yield f"{_difference(outlook.prices, tier)}; estimates use the declared price"
        elif tier in used and outlook.prices.origin(tier) is Origin.LEARNED:
            most = f"the most that was charged, {readable(learned.highest)} USD a second"
            yield f"{tier} has no declared price; estimates use {most} ({_seen(learned)})"
    yield from _reference_note(outlook)


def _reference_note(outlook: Outlook) -> Iterator[str]:
    """Reference video that may be billed, and no price for it."""
    count = sum(bool(step.scene.request.asked.reference_videos) for step in outlook.purchases)
    if count and outlook.prices.reference is None:
        have = "has reference video" if count == 1 else "have reference videos"
        yield (
            f"warning: {counted(count, 'scene')} {have}, whose seconds the gateway may bill as well, and pricing does "
            "not say so: estimates and budget may fall short. Write into pricing reference_video: same (as the tier), "
            'a price per second, or "0" where it is not billed'
        )


def price_surprises(before: Prices, after: Prices) -> Iterator[str]:
    """What a run has learned of the prices: tiers that cost other than declared, of which that was not known before."""
    for tier in sorted(after.learned):
        if after.differs(tier) and not before.differs(tier):
            yield f"{_difference(after, tier)}; put what is charged into pricing, so that estimates and budget hold"


def _difference(prices: Prices, tier: str) -> str:
    declared, learned = prices.declared[tier], prices.learned[tier]
    if not any(learned.by_videos):
        charged = readable(learned.average)
        told = f"{tier} is declared at {readable(declared)} USD a second, and the gateway charged {charged}"
        return f"warning: {told} ({_seen(learned)})"
    tasks = f"{counted(learned.tasks, 'task')} of {tier}"
    told = f"by what is declared {tasks} would have cost {readable(prices.expected(tier) or Decimal(0))} USD"
    fits = _fitting(declared, learned)
    hint = f", which fits reference_video: {fits} in pricing" if fits else ""
    return f"warning: {told}, and the gateway charged {_seen(learned)}{hint}"


def _fitting(declared: Decimal, learned: Learned) -> str | None:
    """What pricing would have to say of reference video so that all that was charged is what is declared."""
    if not are_apart(learned.usd, times(declared, learned.seconds)):
        return '"0"'
    shared = plus(Decimal(learned.seconds), learned.reference_seconds)
    is_shared = learned.reference_seconds and not are_apart(learned.usd, times(declared, shared))
    return "same" if is_shared else None


def _seen(learned: Learned) -> str:
    reference = f" and {learned.reference_seconds:f} s of reference video" if learned.reference_seconds else ""
    return f"{readable(learned.usd)} USD for {learned.seconds} s{reference} in {counted(learned.tasks, 'task')}"

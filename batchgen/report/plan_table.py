"""A plan for people, as a table that fits a terminal. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from batchgen.engine.attempts import AttemptState
from batchgen.engine.budget import Sum, charged, exposure
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.engine.steps import Action, Step
from batchgen.money import readable, total
from batchgen.report.plan import (
    NO_PRICES,
    NO_TIER,
    Outlook,
    ProfileCost,
    counted,
    duration_of,
    new_by_tier,
    paid_by_tier,
    prompt_before,
    removed,
)
from batchgen.report.prompt_diff import changed_words
from batchgen.report.rows import status_of
from batchgen.report.tables import WIDTH, spans, table, wrapped

_MANY = 20
"""A table with as many scenes or more leaves out those of which nothing is to be seen."""
_FOLDED = (Action.DONE, Action.REUSE)
_MOST_REMOVED = 10
_OF_REFERENCE = (3, 5)
"""Columns of the tiers of which nothing is to be seen where no reference video is billed."""
_MEANINGS: Mapping[Action, str] = {
    Action.SUBMIT: "sent to the gateway, and paid for",
    Action.REUSE: "paid for already under another name or elsewhere; free",
    Action.RESUME: "sent by an earlier run; waited for",
    Action.WAIT: "has what another scene gets; free",
    Action.DOWNLOAD: "paid for, and fetched now; free",
    Action.DONE: "nothing to do",
    Action.UNKNOWN: "may have been paid for; not sent until you say what became of it (batchgen resolve)",
    Action.FAILED: "not sent, unless you pay for another attempt (--retry-failed)",
}
"""What happens to scenes, in the words of who pays."""
_BUILT_IN_REHEARSAL = "sent once what it is built on is there; free"
_BUILT = "sent once what it is built on is there, and paid for then"
"""Of scenes that are built on the results of others."""
_REHEARSED = "sent to the emulator of this rehearsal; free"
_FAILURES: Mapping[AttemptState, str] = {
    AttemptState.REFUSED: "refused{whose} ({code}), not paid for; --retry-failed sends it again",
    AttemptState.MISMATCHED: "not what was asked for{whose} ({code}), and kept; --retry-failed pays for another",
}
_FAILED = "failed{whose} ({code}); --retry-failed pays for another attempt"


def as_table(outlook: Outlook, width: int = WIDTH, *, full: bool = False) -> str:
    """A line a scene, what has left the manifest, a line a tier, and the sums.

    Of many scenes those of which nothing is to be seen are counted, unless ``full``.
    """
    parts = [
        _scenes(outlook, width, full=full),
        _removed(outlook, width, full=full),
        _tiers(outlook, width),
        [*_actions(outlook, width), *_sums(outlook, width)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _scenes(outlook: Outlook, width: int, *, full: bool) -> list[str]:
    gateway = () if outlook.gateway_costs is None else ("gateway",)
    header = ("scene", "action", "tier", "price × s", "new", *gateway, "paid", "why")  # noqa: RUF001 - the sign for times
    folded = () if full or len(outlook.steps) < _MANY else _FOLDED
    shown = [step for step in outlook.steps if step.action not in folded or step.removed]
    below = dict(enumerate(_prompts(outlook.state, shown)))
    numbers = range(3, len(header) - 1)
    lines = table(header, [_cells(outlook, step) for step in shown], width, numbers, below) if shown else []
    return [*lines, *_counted(outlook, folded, width)]


def _cells(outlook: Outlook, step: Step) -> tuple[str, ...]:
    return (
        step.scene.scene_id,
        str(step.action),
        step.scene.request.tier or "",
        _product(outlook, step) if step.buys else "",
        _new(step),
        *_gateway(outlook, step),
        _paid(outlook.state, step),
        _why(outlook, step),
    )


def _why(outlook: Outlook, step: Step) -> str:
    """Why, whose seed it is where that is the one of a picked take, and what it would have of another directory."""
    take, lost = outlook.seeds_of.get(step.scene.scene_id), outlook.lost.get(step.scene.scene_id)
    why = reason(step)
    if take is not None:
        is_picked = take.partition("@")[0] in outlook.state.picked_scenes.values()
        why += f"; seed of {take}{', which is picked' if is_picked else ''}"
    unseeded = outlook.unseeded.get(step.scene.scene_id)
    if unseeded is not None and (step.buys or step.waits_for):
        why += f"; not with the seed of {unseeded}, which is picked: nobody knows it (seed: random)"
    return why if lost is None else f"{why}; the file of {lost} is gone or changed"


def _new(step: Step) -> str:
    """What a step costs; in brackets what it will cost in a later run."""
    if step.buys:
        return _known(step.new_cost_usd)
    return f"({_known(step.scene.estimated_cost_usd)})" if step.blocked and not step.removed else ""


def _gateway(outlook: Outlook, step: Step) -> Iterator[str]:
    """What the gateway says that the scene would cost, where it was asked."""
    if outlook.gateway_costs is not None:
        yield _known(outlook.gateway_costs.get(step.scene.scene_id)) if step.buys else ""


def _counted(outlook: Outlook, folded: tuple[Action, ...], width: int) -> Iterator[str]:
    """A line for each action whose scenes are not shown one by one."""
    names = [step.scene.scene_id for step in outlook.steps if not step.removed]
    told = False
    for action in folded:
        chosen = {step.scene.scene_id for step in outlook.steps if step.action is action and not step.removed}
        if chosen:
            yield from wrapped(f"{len(chosen)} {action}: {spans(names, chosen)}", width, "    ")
            told = True
    if told:
        yield "(--full shows each of them)"


def _prompts(state: State, steps: Sequence[Step]) -> Iterator[list[str]]:
    """Of each step the words of its prompt that were changed; a change that many share is shown once."""
    shown: dict[tuple[str, str], str] = {}
    for step in steps:
        before = prompt_before(state, step)
        if before is None:
            yield []
            continue
        change = changed_words(before, step.scene.request.prompt)
        first = shown.setdefault(change, step.scene.scene_id)
        yield _change_of_prompt(*change) if first == step.scene.scene_id else [f"the same words as in {first}"]


def _change_of_prompt(old: str, new: str) -> list[str]:
    return [f"- {old}".rstrip(), f"+ {new}".rstrip()] if old or new else ["only blanks or line breaks of the prompt"]


def reason(step: Step) -> str:
    """Why, in the words of who pays."""
    attempt, action = step.attempt, step.action
    is_other = attempt is not None and attempt.scene_id != step.scene.scene_id
    whose = f" as {attempt.name}" if attempt is not None and is_other else ""
    if step.changed and not step.waits_for:
        return _change(step)
    if action is Action.UNKNOWN:
        return f"sent{whose}, and no usable answer came; settle it with batchgen resolve"
    if attempt is None or step.removed or step.then_submits or step.waits_for:
        return step.reason
    if action is Action.RESUME and attempt.is_in_flight:
        return "paid for; its task still runs and is waited for"
    if action is Action.WAIT:
        return f"asks for the same as {attempt.name}, and gets that result"
    is_told = action is Action.FAILED and attempt.code
    return _FAILURES.get(attempt.state, _FAILED).format(whose=whose, code=attempt.code) if is_told else step.reason


def _change(step: Step) -> str:
    """What was changed, without the names of the gateway for where it stands in a request."""
    names = [name.rpartition(".")[2].replace("_", " ") for name in step.changed]
    what = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    if step.scene.built_on:
        what = f"{what} (it is built on {', '.join(dict.fromkeys(step.scene.built_on))} now)"
    if step.action is Action.RESUME:
        return f"{what} changed; its task still runs and is waited for, then it is paid for again"
    return f"{what} changed{'; paid for again' if step.paid_before else ''}"


def _removed(outlook: Outlook, width: int, *, full: bool) -> list[str]:
    """What is no longer in the manifest: what it cost, and where it lies."""
    found = removed(outlook)
    shown = found if full else found[:_MOST_REMOVED]
    rows = [
        (
            attempt.name,
            _known(attempt.result.cost_usd),
            str(attempt.video_path) if attempt.has_file else f"no file: {status_of(attempt, outlook.state)}",
        )
        for attempt in shown
    ]
    lines = table(("no longer in the manifest", "paid", "kept in the run directory"), rows, width, (1,)) if rows else []
    if len(found) > len(shown):
        rest = charged(found[len(shown) :])
        lines.append(f"and {len(found) - len(shown)} more, {_amount(rest)} USD (--full shows them)")
    return lines


def _tiers(outlook: Outlook, width: int) -> list[str]:
    """By tier: what a second costs and says who, how many are new, what they cost, and what was paid."""
    new, paid, prices = new_by_tier(outlook), paid_by_tier(outlook), outlook.prices
    if not prices.tiers and not paid:
        return []
    rows = [row for tier in dict.fromkeys([*prices.tiers, *new, *paid]) for row in _tier(outlook, tier)]
    header = ("tier", "declared", "learned", "reference", "new s", "ref. s", "new USD", "paid USD")
    is_billed = any(_billed(outlook, step) for step in outlook.purchases)
    shown = [column for column in range(len(header)) if is_billed or column not in _OF_REFERENCE]
    lines = [[row[column] for column in shown] for row in rows]
    return table([header[column] for column in shown], lines, width, range(1, len(shown)))


def _tier(outlook: Outlook, tier: str) -> Iterator[tuple[str, ...]]:
    """The row of a tier, and one for each number of reference videos for which a price of its own was learned."""
    prices, declared, learned = outlook.prices, outlook.prices.declared.get(tier), outlook.prices.learned.get(tier)
    listed = [step for step in outlook.purchases if (step.scene.request.tier or NO_TIER) == tier]
    billed = total(_billed(outlook, step) for step in listed)
    yield (
        tier,
        _price(declared),
        _price(None if learned is None else learned.average),
        _reference(prices, tier),
        str(sum(duration_of(step) or 0 for step in listed)),
        f"{billed:f}",
        _amount(new_by_tier(outlook).get(tier, Sum())),
        _amount(paid_by_tier(outlook).get(tier, Sum())),
    )
    by_videos = {} if learned is None else learned.by_videos
    for videos, known in sorted(by_videos.items()) if any(by_videos) else ():
        name = f"{tier}, {videos or 'no'} ref."
        yield (name, "", _price(known.average), "", "", "", "", "")


def _price(usd: Decimal | None) -> str:
    """US dollars a second, with cents at least."""
    if usd is None:
        return "-"
    return readable(usd)


def _reference(prices: Prices, tier: str) -> str:
    """What a second of reference video costs: a price of its own, or the same as one of the tier."""
    own, counted_at = prices.reference, prices.of_reference(tier)
    return readable(own) if isinstance(own, Decimal) else "-" if counted_at is None else "same"


def _billed(outlook: Outlook, step: Step) -> Decimal:
    """Seconds of reference video that the estimate of a step counts."""
    request = step.scene.request
    price = outlook.prices.of_reference(request.tier, request.asked.reference_videos)
    return (request.asked.reference_seconds or Decimal(0)) if price else Decimal(0)


def _actions(outlook: Outlook, width: int) -> list[str]:
    """How many scenes there are of each action, and what it means."""
    counts = {action: sum(step.action is action for step in outlook.steps) for action in Action}
    rows = [(f"{number} {action}", _meaning(action, outlook)) for action, number in counts.items() if number]
    longest = max(len(name) for name, _ in rows)
    return [
        line
        for name, meaning in rows
        for line in wrapped(f"{name}:{' ' * (longest - len(name))} {meaning}", width, " " * (longest + 2))
    ]


def _meaning(action: Action, outlook: Outlook) -> str:
    if action is Action.SUBMIT and outlook.rehearsal:
        return _REHEARSED
    waiting = [bool(step.waits_for) for step in outlook.steps if step.action is Action.WAIT]
    if action is not Action.WAIT or not any(waiting):
        return _MEANINGS[action]
    built = _BUILT_IN_REHEARSAL if outlook.rehearsal else _BUILT
    return built if all(waiting) else f"{_MEANINGS[action]}; or {built}"


def _sums(outlook: Outlook, width: int) -> list[str]:
    return [line for told in _told_sums(outlook) for line in wrapped(told, width, "    ")]


def _told_sums(outlook: Outlook) -> Iterator[str]:
    new, out = outlook.new_cost, exposure(outlook.state.all_attempts())
    if new.unknown:
        known = f"{readable(new.usd)} USD and " if new.usd else ""
        scenes = counted(new.unknown, "scene")
        yield f"new: {known}{scenes} without a price, so no estimate can be made; {NO_PRICES}"
    elif outlook.purchases:
        yield f"new: {readable(new.usd)} USD"
    if outlook.later:
        count, later = len(outlook.later), outlook.later_cost
        yield f"in a later run: up to {_amount(later)} USD for {counted(count, 'scene')} in brackets, once what " + (
            "it is built on is there" if count == 1 else "they are built on is there"
        )
    yield from _of_profiles(outlook)
    yield from _said_by_gateway(outlook)
    paid = charged(outlook.state.all_attempts())
    if paid.usd or paid.unknown:
        yield f"charged so far: {readable(paid.usd)} USD{_and_unknown(paid)}"
    if out.usd or out.unknown:
        yield f"in flight, unknown or not stated: up to {readable(out.usd)} USD{_and_unknown(out)}"
    again = sum(step.paid_before for step in outlook.purchases)
    if again:
        yield f"{again} of these scenes {'was' if again == 1 else 'were'} paid for before and would be paid for again"
    others = sum(bool(step.paid_as) for step in outlook.purchases)
    if others:
        yield (
            f"{others} of these scenes {'was' if others == 1 else 'were'} paid for with another profile; what that "
            "brought is kept"
        )
    yield from _budget(outlook)
    if outlook.rehearsal:
        yield "A rehearsal: no gateway is asked and nothing is charged; the amounts are those of the manifest."


def _of_profiles(outlook: Outlook) -> Iterator[str]:
    """What a run with each profile would cost, in the order of the manifest."""
    costs = outlook.profile_costs
    if costs:
        yield f"by profile: {' · '.join(f'{name} {_of_profile(cost)}' for name, cost in costs.items())}"


def _of_profile(cost: ProfileCost) -> str:
    if cost.new is None:
        return "cannot be run as it is (batchgen validate says why)"
    later = f" and {_amount(cost.later)} later" if cost.later != Sum() else ""
    return f"{_amount(cost.new)} USD{later}{' (this plan)' if cost.is_in_force else ''}"


def _said_by_gateway(outlook: Outlook) -> Iterator[str]:
    said, count = outlook.gateway_cost, len(outlook.purchases)
    if said is not None and count:
        stated = f"{readable(said.usd)} USD{_and_unknown(said)}" if said.unknown < count else "not stated"
        yield f"new, by the gateway's own word: {stated}"


def _budget(outlook: Outlook) -> Iterator[str]:
    budget, left = outlook.budget_usd, outlook.left_usd
    if budget is None:
        return
    if left is None:
        yield f"budget: {readable(budget)} USD; whether it suffices nobody can say without a price for every tier"
    elif left < 0:
        short = f"budget: {readable(budget)} USD; it falls short by {readable(-left)} USD"
        yield f"{short}, and the run would stop there" if outlook.purchases else f"{short}, and nothing is to be bought"
    else:
        yield f"budget: {readable(budget)} USD; {readable(left)} USD would be left"


def _product(outlook: Outlook, step: Step) -> str:
    """Price times seconds; those of reference video in brackets where they cost the same, else beside it."""
    request, prices, billed = step.scene.request, outlook.prices, _billed(outlook, step)
    videos, length = request.asked.reference_videos, duration_of(step)
    seconds = "?" if length is None else str(length)
    price, reference = prices.of(request.tier, videos), prices.of_reference(request.tier, videos)
    if not billed:
        return f"{_known(price)} × {seconds}"  # noqa: RUF001 - as above
    if reference == price:
        return f"{_known(price)} × ({seconds} + {billed:f})"  # noqa: RUF001 - as above
    return f"{_known(price)} × {seconds} + {_known(reference)} × {billed:f}"  # noqa: RUF001 - as above


def _paid(state: State, step: Step) -> str:
    """What the scene has cost; nothing where nothing was ever charged for it."""
    attempts = state.attempts.get(step.scene.scene_id, ())
    cost = charged(attempts)
    if exposure(attempts) != Sum():
        return f"{readable(cost.usd)} + ?" if cost.usd else "?"
    return readable(cost.usd) if any(attempt.result.cost_usd is not None for attempt in attempts) else ""


def _and_unknown(amounts: Sum) -> str:
    if not amounts.unknown:
        return ""
    return f" and {counted(amounts.unknown, 'amount')} that {'is' if amounts.unknown == 1 else 'are'} not known"


def _amount(amounts: Sum) -> str:
    if amounts.unknown:
        return f"{readable(amounts.usd)} + ?" if amounts.usd else "?"
    return readable(amounts.usd)


def _known(amount: Decimal | None) -> str:
    return "?" if amount is None else readable(amount)

"""How to go on after a run: what has to be put right first, and with which budget. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from batchgen.engine.commands import Stop
from batchgen.engine.sources import WAITS_FOR
from batchgen.engine.steps import Action
from batchgen.money import minus, readable
from batchgen.report.plan import Outlook

_DOES = frozenset({Action.SUBMIT, Action.RESUME, Action.DOWNLOAD})
_FIRST: Mapping[Stop, str] = {
    Stop.ACCOUNT: "put the account right at your provider: its key, what the key may do, or the balance",
    Stop.BALANCE: "top up the balance at your provider",
    Stop.UNREACHABLE: "see to it that the gateway can be reached, and that its address is right",
    Stop.UNANSWERED: "ask your provider whether the gateway is in order, and settle what is unknown",
    Stop.SHUT_OUT: "wait until the gateway lets you in again",
    Stop.STORAGE: "make room for the results",
    Stop.PUBLISHING: "see to it that you may publish there: the key, or the credentials of the store",
}
"""What would stop the next run as it stopped this one."""
_KEY = "answered 401", "give a key that the gateway takes, in the environment or with --api-key-file"
"""The same where the gateway does not take the key, and how it says so."""


def is_anything_left(outlook: Outlook) -> bool:
    """Whether the next run would do something by itself.

    A scene that could not be made of what is there cannot be made by the next run either.
    """
    held = outlook.state.held
    unmade = {scene_id for scene_id, of in held.items() if of.code == WAITS_FOR}
    return any(
        step.action in _DOES and not (step.action is Action.SUBMIT and step.scene.scene_id in unmade)
        for step in outlook.steps
    )


def comes_first(stop: Stop | None, why: str, outlook: Outlook) -> str:
    """What to do before the next run, so that it does not stop where this one did; empty where nothing is."""
    if stop is Stop.BUDGET:
        return _about_budget(outlook)
    if stop is Stop.ACCOUNT and _KEY[0] in why:
        return _KEY[1]
    return _FIRST.get(stop, "") if stop is not None else ""


def budget_needed(stop: Stop | None, outlook: Outlook) -> Decimal | None:
    """The budget that all that is left needs; None where the one that holds is enough, or nobody can tell."""
    left, budget = outlook.left_usd, outlook.budget_usd
    return minus(budget, left) if stop is Stop.BUDGET and budget is not None and left is not None and left < 0 else None


def _about_budget(outlook: Outlook) -> str:
    needed = budget_needed(Stop.BUDGET, outlook)
    if needed is not None:
        return f"raise the budget: with what was spent, all of it needs {readable(needed)} USD"
    is_kept = outlook.budget_usd is None or outlook.left_usd is not None  # one that was set while it ran holds no more
    return "" if is_kept else "add a price for every tier to pricing"

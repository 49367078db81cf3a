"""``batchgen control``: steers a run that is under way."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchgen.cli.options import RUN_DIRECTORY

if TYPE_CHECKING:
    from batchgen.app.steering import Committed

_BUDGET = "budget"
_DONE = {
    "pause": "paused: nothing is submitted before the run is resumed; tasks at the gateway go on, and are paid for",
    "resume": "resumed",
}


@click.command("control")
@click.argument("run_dir", metavar="RUN_DIR", type=RUN_DIRECTORY)
@click.argument("action", metavar="(pause|resume|set)", type=click.Choice(["pause", "resume", "set"]))
@click.argument("settings", metavar="[NAME=VALUE]...", nargs=-1)
def command(run_dir: Path, action: str, settings: tuple[str, ...]) -> int:
    """Steer the run that is under way in RUN_DIR, from any terminal of the same user.

    pause submits nothing more for now, resume goes on. set changes max_in_flight, submit_rate, poll_interval and
    budget, the last in US dollars; none lifts a rate or a budget. Each change is written into the journal, and
    holds until that run ends.
    """
    from batchgen.app.steering import steer
    from batchgen.cli.output import show_notes
    from batchgen.errors import UsageError

    pairs = [setting.partition("=") for setting in settings]
    if (action == "set") != bool(pairs):
        raise UsageError(
            "set needs NAME=VALUE, as in: set max_in_flight=20" if not pairs else f"{action} takes no values"
        )
    bare = [name for name, equals, _ in pairs if not equals]
    if bare:
        raise UsageError(f"{bare[0]} has no value; write {bare[0]}=VALUE")
    wanted = {name.replace("-", "_"): value for name, _, value in pairs}
    committed = steer(run_dir, wanted or {"paused": str(int(action == "pause"))})
    said = _DONE.get(action, ", ".join(f"{name} is {_shown(name, value)} now" for name, value in wanted.items()))
    show_notes([said, *([_spent(committed, wanted[_BUDGET])] if _BUDGET in wanted else [])])
    return 0


def _shown(name: str, value: str) -> str:
    return f"{value} USD" if name == _BUDGET and value != "none" else value


def _spent(committed: "Committed", budget: str) -> str:
    """What a new budget has to cover already, and what is left of it."""
    from batchgen.app.keywords import dollars
    from batchgen.money import minus, plus, readable

    charged, may_come = committed.charged_usd, committed.may_come_usd
    said = f"charged so far: {readable(charged)} USD, may still come: {readable(may_come)} USD"
    if budget == "none":
        return said
    left = minus(dollars(budget), plus(charged, may_come))
    return f"{said}, left: {readable(left)} USD; the run ends with exit code 4 where a scene needs more"

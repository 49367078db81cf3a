"""``batchgen control``: steers a run that is under way."""

from pathlib import Path

import click

_DONE = {
    "pause": "paused: nothing is submitted before the run is resumed; tasks at the gateway go on, and are paid for",
    "resume": "resumed",
}


@click.command("control")
@click.argument("run_dir", metavar="RUN_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("action", metavar="(pause|resume|set)", type=click.Choice(["pause", "resume", "set"]))
@click.argument("settings", metavar="[NAME=VALUE]...", nargs=-1)
def command(run_dir: Path, action: str, settings: tuple[str, ...]) -> int:
    """Steer the run that is under way in RUN_DIR, from any terminal of the same user.

    pause submits nothing more for now, resume goes on. set changes max_in_flight, submit_rate, poll_interval and
    budget, the last in US dollars; none lifts a rate or a budget. Each change is written into the journal, and
    holds until that run ends.
    """
    from batchgen.app.steering import steer
    from batchgen.errors import UsageError
    from batchgen.text import printable

    pairs = [setting.partition("=") for setting in settings]
    if (action == "set") != bool(pairs):
        raise UsageError(
            "set needs NAME=VALUE, as in: set max_in_flight=20" if not pairs else f"{action} takes no values"
        )
    bare = [name for name, equals, _ in pairs if not equals]
    if bare:
        raise UsageError(f"{bare[0]} has no value; write {bare[0]}=VALUE")
    wanted = {name.replace("-", "_"): value for name, _, value in pairs}
    steer(run_dir, wanted or {"paused": str(int(action == "pause"))})
    click.echo(
        printable(_DONE.get(action, ", ".join(f"{name} is {value} now" for name, value in wanted.items()))), err=True
    )
    return 0

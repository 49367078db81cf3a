"""``batchgen emulator``: a local gateway that speaks the API, to rehearse a batch without spending."""

from pathlib import Path
from typing import Any

import click

_MOST_SEEDS = 2**31


def _list_faults(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - as click calls it
    from batchgen.emulator.faults.listing import listing

    if value:
        click.echo(listing())
        context.exit()


@click.command("emulator")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="The port; 0 picks a free one."
)
@click.option(
    "--like-real",
    is_flag=True,
    help="As the real gateway probably is: --latency 60-300 --in-queue 5-20 --max-concurrent 2 "
    "--bill-reference-video. Those given beside it win.",
)
@click.option(
    "--latency",
    metavar="SECONDS|MIN-MAX",
    help="How long a task takes: so many seconds, or a time drawn from a range; 1-3 if not said.",
)
@click.option(
    "--in-queue",
    metavar="SECONDS|MIN-MAX",
    help="How long a task has the status in_queue before that; 0 if not said.",
)
@click.option(
    "--max-concurrent",
    type=click.IntRange(1),
    metavar="N",
    help="Tasks in progress at once; one more gets 429 with Retry-After.",
)
@click.option(
    "--price",
    "prices",
    multiple=True,
    metavar="TIER=USD",
    help="US dollars per second of a tier. Without it: 0.10 for a model's first tier, 0.05 more for each "
    "further one; these prices are invented. Repeatable.",
)
@click.option("--discount", default="0", show_default=True, metavar="SHARE", help="Taken off the price, from 0 to 1.")
@click.option(
    "--overcharge", default="1", show_default=True, metavar="FACTOR", help="Charge that multiple of the price."
)
@click.option(
    "--bill-reference-video/--no-bill-reference-video",
    default=None,
    help="Bill the seconds of reference videos, too, as the upstream model does: up to 5 of them, at the price "
    "of the tier.",
)
@click.option(
    "--balance",
    metavar="USD",
    help="A balance that runs out: a submission that costs more than what is left gets 402.",
)
@click.option(
    "--cost-as",
    type=click.Choice(["string", "number", "none"]),
    default="string",
    show_default=True,
    help="How usage.cost is written; none leaves usage out.",
)
@click.option("--charge-failed", is_flag=True, help="Charge failed tasks, too, and say so in their answers.")
@click.option(
    "--accept",
    type=click.Choice(["both", "documented", "params"]),
    default="both",
    show_default=True,
    help="The form of a request that is taken; the other one is refused.",
)
@click.option(
    "--max-body",
    metavar="BYTES",
    help="The largest body of a submission, such as 20M; a larger one gets 413.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[:RATE]",
    help="Let something go wrong, always or in a share of cases from 0 to 1. Repeatable. See --list-faults.",
)
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="Show every KIND of fault and what it does.",
)
@click.option(
    "--faults",
    "fault_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Faults by prompt: a YAML list of {match: TEXT or /REGEX/, fault: KIND, times: N}.",
)
@click.option(
    "--slow-seconds",
    type=click.FloatRange(0),
    default=90.0,
    show_default=True,
    help="The delay of the faults slow and poll-slow.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, _MOST_SEEDS - 1),
    metavar="N",
    help="Makes faults, latencies and ids repeatable. Without it they differ at every start.",
)
@click.option(
    "--log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Append every request and every change of a task as JSON Lines.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep tasks in this folder, so that they outlive the emulator; the next one with it goes on with them.",
)
@click.option(
    "--url-lifetime",
    type=click.FloatRange(0),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the URL of a result or an upload works; reading the task again gives a fresh one.",
)
def command(*, host: str, port: int, **options: Any) -> int:
    """Serve the API on this machine, to rehearse a batch without a key and without spending.

    Takes any key, makes small real videos, and prints its base URL on stdout when it is ready.
    Ends with exit code 0 on Ctrl-C.
    """
    from batchgen.app.emulating import emulator_settings
    from batchgen.emulator.server import is_reachable, run
    from batchgen.schemas import shipped

    settings = emulator_settings(**options)
    if is_reachable(host):
        click.echo(f"warning: on {host} whoever reaches this machine can submit here and fetch results", err=True)
    run(settings, shipped(), host, port, ready=click.echo)
    return 0

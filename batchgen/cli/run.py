"""``batchgen run``: validate → plan → submit → poll → download → report."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from batchgen.cli.completion import manifests, profiles_of_manifest, scenes_of_manifest
from batchgen.cli.options import MANIFEST, Given, Number, PlacedCommand
from batchgen.limits import WORKERS

_DIRECTORY = click.Path(file_okay=False, path_type=Path)
_EARLIER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_COUNT = click.IntRange(1, 1_000_000)
_SECONDS = Number(0.01, 1_000_000)


def _money(value: str) -> Decimal:
    """Read an amount without passing through a float."""
    from batchgen.money import amount

    try:
        usd = amount(value)
    except ValueError:
        usd = Decimal(-1)
    if usd < 0:
        raise click.BadParameter(f"{value!r} is not an amount of US dollars")
    return usd


def _output(value: str) -> str:
    """Read where results go."""
    from batchgen.app.output_places import NO_STORE, checked_output
    from batchgen.errors import UsageError
    from batchgen.object_stores import is_store

    try:
        place = checked_output(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None
    if not is_store(place):  # fsspec's memory ends with this process, and results with it
        raise click.BadParameter(NO_STORE)
    return place


def _size(value: str) -> int:
    """Read how many bytes a size is."""
    from batchgen.app.keywords import file_size
    from batchgen.errors import UsageError

    try:
        return file_size(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


def _executor(value: str) -> str:
    """Read where heavy work is done."""
    from batchgen.app.executing import checked_executor
    from batchgen.errors import UsageError

    try:
        return checked_executor(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


@click.command("run", cls=PlacedCommand)
@click.argument("manifest", metavar="MANIFEST", type=MANIFEST, shell_complete=manifests)
@click.option(
    "--profile",
    metavar="NAME",
    shell_complete=profiles_of_manifest,
    help="Lay the settings of this profile over the defaults.",
)
@click.option("--run-dir", type=_DIRECTORY, help="Run directory [default: runs/NAME beside the manifest].")
@click.option("--emulator", is_flag=True, help="Run against an embedded emulator: no key, no cost.")
@click.option("--base-url", help="Address of the gateway [default: the provider's own].")
@click.option("--api-key-file", type=_FILE, help="File with the API key [default: the variable BATCHGEN_API_KEY].")
@click.option(
    "--publish", metavar="URL", help="Where local sound and video, and large pictures, go up: s3://… or https://…"
)
@click.option(
    "--output",
    metavar="URL",
    type=_output,
    help="Where results and reports go: s3://…, gs://… or abfs://…; later runs know it.",
)
@click.option(
    "--cache-size", type=_size, metavar="SIZE", help="What results take up on this disk, with --output: 500MB, 20GB."
)
@click.option(
    "--request-format",
    type=click.Choice(["auto", "documented", "params"]),
    default="auto",
    show_default=True,
    help="How a request is written; auto finds out what the gateway takes.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 10_000),
    default=WORKERS,
    show_default=True,
    help="Requests under way at once, at most; 8 where answers are fast.",
)
@click.option("--max-in-flight", type=_COUNT, default=50, show_default=True, help="Tasks at the gateway at once.")
@click.option("--submit-rate", type=Number(0.001, 1_000_000), help="Submissions a second, at most.")
@click.option(
    "--poll-interval",
    type=_SECONDS,
    default=5.0,
    show_default=True,
    help="Seconds between looks at a task, on average.",
)
@click.option("--request-timeout", type=_SECONDS, default=60.0, show_default=True, help="Seconds of silence.")
@click.option("--task-timeout", type=_SECONDS, default=3600.0, show_default=True, help="Seconds to wait for a task.")
@click.option(
    "--attempts", type=_COUNT, default=1, show_default=True, help="Paid attempts a scene, at most, over all runs."
)
@click.option("--no-wait", is_flag=True, help="Submit, then leave; a later run collects.")
@click.option("--plan", "plan_file", type=_FILE, help="Carry out a plan saved with plan --out, or refuse.")
@click.option(
    "--budget", type=_money, metavar="USD", help="US dollars over the whole run directory; overrides the manifest."
)
@click.option(
    "--history",
    multiple=True,
    type=_EARLIER,
    help="Earlier run directory to learn prices and lengths of tasks from; repeatable.",
)
@click.option(
    "--reuse", multiple=True, type=_EARLIER, help="Run directory whose results are linked in, free; repeatable."
)
@click.option(
    "--scene", "scenes", multiple=True, metavar="GLOB", shell_complete=scenes_of_manifest,
    help="Only scenes whose id matches; repeatable.",
)  # fmt: skip
@click.option("--retry-failed", is_flag=True, help="Pay for failed scenes again.")
@click.option(
    "--again", multiple=True, metavar="GLOB", shell_complete=scenes_of_manifest,
    help="Pay once more for finished scenes; repeatable.",
)  # fmt: skip
@click.option(
    "--executor", type=_executor, default="threads", show_default=True, metavar="threads|dask[:ADDRESS]",
    help="Who fetches, checks and decodes: this process, or a Dask cluster; dask alone starts one here.",
)  # fmt: skip
@click.option("--rebind", is_flag=True, help="This is the gateway of this run directory, at another address.")
@click.option("--no-download", is_flag=True, help="Leave the results at the gateway.")
@click.option("--no-progress", is_flag=True, help="Show no progress.")
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option("--yes", is_flag=True, help="Do not ask before spending.")
@click.option(
    "--on-end", metavar="COMMAND", help="Run COMMAND at the end, with the summary as JSON on its standard input."
)
@click.option("--dry-run", is_flag=True, help="Only show the plan, as batchgen plan does.")
@click.option("--full", is_flag=True, help="Show every scene of a plan, also those with nothing to do.")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Run a batch: validate, plan, submit, poll, download, report.

    Run it again after whatever happened: it goes on with every task it knows, and pays for nothing
    twice. Exit code 0: all selected scenes completed; 1: some failed, are unknown or still run;
    3: the manifest has errors; 4: stopped at the budget; 5: refused by the gateway, or it cannot be
    reached; 6: the run directory is in use or damaged, or results did not go where they are to go.

    Options that are marked * may stand under run: in the manifest, too, and those with a variable (env
    var) in the environment, flags there as 0 or 1. The command line goes before the environment, that
    before the manifest.
    """
    from batchgen.cli.run_command import carry_out
    from batchgen.cli.run_options import Options

    return carry_out(Options(**options), Given.to(context))

"""``batchgen plan``: what a run would do, and what it would cost."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from batchgen.cli.completion import manifests, profiles_of_manifest, scenes_of_manifest
from batchgen.cli.options import MANIFEST, Given, PlacedCommand

_OF_THE_GATEWAY = frozenset({"base_url", "api_key_file", "request_format"})
"""Options that hold with --ask-gateway alone."""
_HISTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("plan", cls=PlacedCommand)
@click.argument("manifest", metavar="MANIFEST", type=MANIFEST, shell_complete=manifests)
@click.option(
    "--profile",
    metavar="NAME",
    shell_complete=profiles_of_manifest,
    help="Lay the settings of this profile over the defaults.",
)
@click.option(
    "--run-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Run directory [default: runs/NAME beside the manifest].",
)
@click.option("--emulator", is_flag=True, help="Plan the rehearsal that run --emulator makes.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan, for run --plan.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--ask-gateway", is_flag=True, help="Ask the gateway, too, what each kind of scene would cost.")
@click.option(
    "--base-url", metavar="URL", help="Address of the gateway, for --ask-gateway [default: the provider's own]."
)
@click.option(
    "--api-key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the API key, for --ask-gateway [default: the variable BATCHGEN_API_KEY].",
)
@click.option(
    "--request-format",
    type=click.Choice(["auto", "documented", "params"]),
    default="auto",
    show_default=True,
    help="How a request is written, for --ask-gateway.",
)
@click.option("--history", multiple=True, type=_HISTORY, help="Earlier run directory to learn prices from; repeatable.")
@click.option(
    "--reuse", multiple=True, type=_HISTORY, help="Run directory whose results are linked in, free; repeatable."
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
    "--attempts", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="Paid attempts a scene."
)
@click.option("--no-download", is_flag=True, help="Leave the results at the gateway.")
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option("--full", is_flag=True, help="Show every scene of a plan, also those with nothing to do.")
@click.pass_context
def command(
    context: click.Context,
    manifest: Path,
    profile: str | None,
    run_dir: Path | None,
    out: Path | None,
    form: str,
    history: tuple[Path, ...],
    reuse: tuple[Path, ...],
    scenes: tuple[str, ...],
    again: tuple[str, ...],
    base_url: str | None,
    api_key_file: Path | None,
    request_format: str,
    *,
    emulator: bool,
    ask_gateway: bool,
    retry_failed: bool,
    attempts: int,
    no_download: bool,
    strict: bool,
    full: bool,
) -> int:
    """Show what run would submit, skip or resume, and why, and what it would cost.

    With --ask-gateway the gateway is asked for its price of each kind of scene, which buys nothing; whatever it
    answers, the plan and its exit code stay what they are.

    Options that are marked * may stand under run: in the manifest, too, and those with a variable (env
    var) in the environment, as for run.
    """
    from batchgen.app.asking import with_gateway_costs
    from batchgen.app.loading import Loading, load
    from batchgen.app.planning import plan
    from batchgen.app.profiles import with_profile_costs
    from batchgen.app.publishing import body_notes
    from batchgen.app.run_options import RunOptions
    from batchgen.app.saved_plan import save_plan
    from batchgen.cli.keys import found
    from batchgen.cli.notices import show_notice
    from batchgen.cli.output import show_json, show_notes, show_price_notes, width_of
    from batchgen.engine.steps import Choice
    from batchgen.errors import UsageError
    from batchgen.report.plan import as_json
    from batchgen.report.plan_table import as_table
    from batchgen.text import printable

    given = Given.to(context)
    if ask_gateway and emulator:
        raise UsageError("--emulator and --ask-gateway exclude each other")
    if not ask_gateway:
        if given.typed & _OF_THE_GATEWAY:
            raise UsageError(
                "plan sends nothing and needs neither address nor key nor request format; leave --base-url, "
                "--api-key-file and --request-format out, or add --ask-gateway to have prices"
            )
        given = replace(given, in_environment=given.in_environment - _OF_THE_GATEWAY)
    how = Loading(
        path=manifest,
        run_dir=run_dir,
        profile=profile,
        history=history if given.has("history") else None,
        reuse=reuse if given.has("reuse") else None,
        strict=strict,
        rehearsal=emulator,
    )
    batch = load(how, show_notice)
    show_notes(given.elsewhere(manifest, batch.manifest.run))
    held = {"attempts": attempts, "history": history, "reuse": reuse, **given.left_to(batch.run_settings)}
    made = with_profile_costs(plan(batch, Choice(scenes, retry_failed, not no_download, held["attempts"], again)))
    if ask_gateway:
        key = found(batch.provider, api_key_file)
        said = {"base_url": base_url, **({"request_format": request_format} if given.has("request_format") else {})}
        made = with_gateway_costs(made, key, RunOptions.of(batch, said), show_notice)
    outlook = made.outlook()
    show_price_notes(outlook, rehearsal=batch.rehearsal)
    show_notes(f"warning: {note}" for note in [*made.notes(), *body_notes(made)])
    if out is not None:
        save_plan(out, made, held["history"], held["reuse"])
    if form == "json":
        show_json(as_json(outlook))
    else:
        click.echo(printable(as_table(outlook, width_of(sys.stdout), full=full)))
    return 0

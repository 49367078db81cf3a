"""``batchgen validate``: everything that can be known before money is spent."""

import sys
from pathlib import Path

import click

from batchgen.cli.completion import manifests, profiles_of_manifest
from batchgen.cli.options import MANIFEST

EXIT_INVALID = 3


@click.command("validate")
@click.argument(
    "manifests",
    nargs=-1,
    required=True,
    metavar="MANIFEST...",
    type=MANIFEST,
    shell_complete=manifests,
)
@click.option(
    "--profile",
    metavar="NAME",
    help="Check this profile only; else all are checked.",
    shell_complete=profiles_of_manifest,
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option("--check-urls", is_flag=True, help="Ask the servers of URL references for status, type and length.")
def command(manifests: tuple[Path, ...], profile: str | None, form: str, *, strict: bool, check_urls: bool) -> int:
    """Check manifests and the reference files they name.

    Findings go to stderr as FILE:LINE:COLUMN: message, or with --format json to stdout.
    Exit code 0: no errors; 3: errors; 2: a manifest is not there.
    """
    from batchgen.app.checking import check
    from batchgen.cli import problems
    from batchgen.cli.output import edge_of, show_notes
    from batchgen.model import counted

    found = {}
    for path in dict.fromkeys(manifests):
        loaded = check(path, strict=strict, check_urls=check_urls, profile=profile)
        found[str(path)] = loaded.problems
        if form == "text":
            if loaded.problems:
                click.echo(problems.as_text(str(path), loaded.problems, edge_of(sys.stderr)), err=True)
            number = len(loaded.manifest.scenes) if loaded.manifest else 0
            scenes = f", {number} scene{'' if number == 1 else 's'}" if number else ""
            show_notes([f"{path}: {counted(loaded.problems) or 'ok'}{scenes}"])
    if form == "json":
        click.echo(problems.as_json(found))
    failed = any(problem.severity == "error" for listed in found.values() for problem in listed)
    return EXIT_INVALID if failed else 0

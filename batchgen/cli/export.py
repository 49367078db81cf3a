"""``batchgen export``: what stands for each shot, for those who go on with it."""

from pathlib import Path

import click

from batchgen.cli.options import RUN_DIRECTORY

_FORMATS = ["otio", "otioz", "fcp7xml", "edl", "mp4", "contact-sheet", "csv", "html"]


@click.command("export")
@click.argument("run_dir", metavar="RUN_DIR", type=RUN_DIRECTORY)
@click.option("--format", "form", type=click.Choice(_FORMATS), required=True, help="What is written.")
@click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path), required=True,
    help="Where to, for html a folder; an earlier export of that name is replaced.",
)  # fmt: skip
@click.option("--no-costs", is_flag=True, help="Leave out money, seeds and errors.")
@click.option(
    "--media", type=click.Choice(["link", "copy"]), default="link", show_default=True,
    help="Whether it refers to the results where they lie, or to copies in a folder beside it (html: always copies).",
)  # fmt: skip
def command(run_dir: Path, form: str, out: Path, media: str, *, no_costs: bool) -> int:
    """Write what stands for each shot, in the order of the manifest.

    otio, otioz (with the media inside), fcp7xml and edl are timelines for editing programs, and need
    pip install 'batchgen[export]'; mp4 is an animatic with slates for what is missing; contact-sheet is
    a picture (PNG) or pages (PDF); csv is a shot list; html is a folder for a client, with the storyboard
    and the videos. What stands for a shot is its picked take, else
    its first completed one. Results are never written to. Shots without a result are named.
    """
    from batchgen.app.exporting import write_export
    from batchgen.cli.output import show_notes

    exported = write_export(run_dir, form, out, costs=not no_costs, media="copy" if media == "copy" else "link")
    shots = f"{exported.shots} shot{'' if exported.shots == 1 else 's'}"
    show_notes(
        [
            f"wrote {exported.path}: {shots}{f', {len(exported.missing)} missing' if exported.missing else ''}",
            *(f"missing: {each}" for each in exported.missing),
            *exported.notes,
        ]
    )
    return 0

"""``batchgen import``: a manifest from a shot list."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click


@click.command("import")
@click.argument("source", metavar="SHOTS", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", metavar="MANIFEST", required=True, type=click.Path(path_type=Path),
    help="The manifest to write; its name is that of the batch.",
)  # fmt: skip
@click.option(
    "--map", "mapped", metavar="SETTING=COLUMN", multiple=True,
    help="Which column a setting is, by name or letters; without COLUMN, none is. Repeatable.",
)  # fmt: skip
@click.option("--model", metavar="NAME", help="The model that the shots are for. Without it: the default one.")
@click.option("--sheet", metavar="NAME", help="The sheet of a workbook. Without it: the first with a header.")
@click.option("--encoding", metavar="NAME", help="The encoding of a CSV file that is neither UTF-8 nor UTF-16.")
@click.option("--force", is_flag=True, help="Replace a manifest that is there already.")
def command(
    source: Path,
    out: Path,
    mapped: tuple[str, ...],
    model: str | None,
    sheet: str | None,
    encoding: str | None,
    *,
    force: bool,
) -> int:
    """Make a manifest of a shot list: SHOTS is a CSV file or an .xlsx workbook with a row a shot.

    Columns are known by names such as Shot, Prompt, Refs, Size, Length, Seed, Title, Note, in English
    and German. Wrong cells go to stderr as FILE:ROW:COLUMN: message.
    Exit code 0: written; 3: wrong cells, nothing written; 2: MANIFEST is there already.
    """
    from batchgen.app.shot_lists import InvalidShotList, import_shots
    from batchgen.cli import problems
    from batchgen.cli.output import edge_of, show_notes

    columns = dict(map(_assignment, mapped))
    try:
        made = import_shots(source, out=out, columns=columns, model=model, sheet=sheet, encoding=encoding, force=force)
    except InvalidShotList as error:
        click.echo(problems.in_table(str(source), error.problems, edge_of(sys.stderr)), err=True)
        elsewhere = "where a column is something else: --map SETTING=COLUMN, or --map SETTING= for none"
        show_notes([*_columns(error.used, error.unused), elsewhere, str(error)])
        return error.exit_code
    if made.problems:
        click.echo(problems.in_table(str(source), made.problems, edge_of(sys.stderr)), err=True)
    written = f"wrote {out}: {made.shots} shot{'' if made.shots == 1 else 's'}"
    show_notes([*_columns(made.used, made.unused), *made.notes, written])
    click.echo(_how_to_go_on(out), err=True)
    return 0


def _assignment(text: str) -> tuple[str, str]:
    from batchgen.errors import UsageError

    setting, mark, column = text.partition("=")
    if not mark:
        raise UsageError(f"--map takes SETTING=COLUMN, as in --map prompt=Description, and not {text!r}")
    return setting.strip(), column


def _columns(used: Mapping[str, str], unused: Sequence[str]) -> Iterator[str]:
    """What each column was taken for, so that a wrong guess is seen."""
    yield f"columns: {', '.join(f'{column} = {setting}' for setting, column in used.items())}"
    if unused:
        yield f"not used: {', '.join(unused)}"


def _how_to_go_on(manifest: Path) -> str:
    import shlex

    from batchgen.text import on_one_line

    return f"\nNow rehearse it, free:\n  {on_one_line(f'batchgen run {shlex.quote(str(manifest))} --emulator')}"

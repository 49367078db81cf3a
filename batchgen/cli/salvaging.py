"""What ``batchgen report --salvage`` does."""

import shlex
from pathlib import Path

import click

from batchgen.errors import RunDirectoryError
from batchgen.files import write_atomically
from batchgen.journal.log import FILE, held_still
from batchgen.journal.records import encode
from batchgen.journal.salvage import salvage
from batchgen.text import on_one_line, printable

_SALVAGED = "state.salvaged.jsonl"
_ASIDE = "state.damaged.jsonl"


def salvage_journal(folder: Path) -> int:
    """Look through the journal of a run directory, and write a sound one beside it where that is certain."""
    with held_still(folder) as content:
        found = salvage(content)
    lines = [f"{folder / FILE}: {found.lines} lines"]
    if not found.wrong:
        click.echo(printable("\n".join([*lines, "Nothing is wrong with it."])))
        return 0
    lines += ["What is wrong:", *_indented(found.wrong), "What it tells:", *_indented(found.means)]
    if found.doubts:
        lines += ["No journal is made of it, since it is not certain what was paid for:", *_indented(found.doubts)]
        click.echo(printable("\n".join(lines)))
        raise RunDirectoryError(
            f"{folder / FILE} is damaged; restore it from a copy, or ask your provider about the tasks above"
        )
    target = folder / _SALVAGED
    try:
        write_atomically(target, b"".join(map(encode, found.events)))
    except OSError as error:
        raise RunDirectoryError(f"{target} cannot be written: {error.strerror}") from None
    moves = [[folder / FILE, folder / _ASIDE], [target, folder / FILE]]
    commands = (shlex.join(["mv", *map(str, move)]) for move in moves)
    lines += [f"Wrote {target}, in which each of these tasks is kept and read again. To go on with it:"]
    click.echo(printable("\n".join([*lines, *(f"  {command}" for command in commands)])))
    return 0


def _indented(lines: list[str]) -> list[str]:
    return [f"  {on_one_line(line)}" for line in lines]

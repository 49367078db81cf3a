"""``batchgen pick``: says which take stands for its shot, and which attempt for its scene."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchgen.cli.completion import scenes_of_run
from batchgen.cli.options import RUN_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchgen.engine.events import SceneFacts


@click.command("pick")
@click.argument("run_dir", metavar="RUN_DIR", type=RUN_DIRECTORY)
@click.argument("names", metavar="[SCENE[@N]]...", nargs=-1, shell_complete=scenes_of_run)
@click.option(
    "--from", "source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Replace all picks by those of a file.",
)  # fmt: skip
@click.option("--clear", metavar="SHOT", help="Let this shot stand without picks again.")
def command(run_dir: Path, names: tuple[str, ...], source: Path | None, clear: str | None) -> int:
    """Say which take stands for its shot: SCENE, and with @N, which attempt stands for its scene.

    A scene that is picked follows its edits; an attempt stays picked until it is cleared, also one
    that is not what was asked for. Nothing is bought for that. Without anything to pick, the picks of
    RUN_DIR are printed, as --from reads them.
    """
    from batchgen.app.picking import clear_picks, pick, pick_from, picks
    from batchgen.cli.output import show_notes, warnings_shown
    from batchgen.errors import UsageError
    from batchgen.text import printable

    if (bool(names), source is not None, clear is not None).count(True) > 1:
        raise UsageError("names, --from and --clear exclude each other")
    if source is not None:
        with warnings_shown():
            count = pick_from(run_dir, source)
        show_notes([f"picked: {count} from {source}, and nothing else"])
    elif clear is not None:
        with warnings_shown():
            clear_picks(run_dir, clear)
        show_notes([f"cleared: {clear}"])
    elif names:
        with warnings_shown():
            pick(run_dir, names)
        show_notes([f"picked: {', '.join(names)}"])
    else:
        click.echo(printable("\n".join(picks(run_dir))))
        return 0
    _show_consequences(run_dir)
    return 0


def _show_consequences(run_dir: Path) -> None:
    """Say what the next run makes of this: what it pays for again, and what was only waiting for a look."""
    from batchgen.app.picking import built_on_others
    from batchgen.cli.output import show_notes

    renewed = built_on_others(run_dir)
    profile = f" with profile {renewed.profile}" if renewed.profile else ""
    if renewed.opened:
        names, money = _named(renewed.opened)
        show_notes([f"waits for no look any more: {names}. The next run{profile} goes on with this{money}"])
    if renewed.scenes:
        names, money = _named(renewed.scenes)
        when = f"Once there is a pick again, a run{profile}" if renewed.waits_for_look else f"The next run{profile}"
        told = (
            f"built on another result than stands for its shot now: {names}. {when} makes "
            f"{'it' if len(renewed.scenes) == 1 else 'them'} anew{money}; batchgen plan shows what is paid for again"
        )
        show_notes([told])


def _named(scenes: "Sequence[SceneFacts]") -> tuple[str, str]:
    """The names of scenes, and what they may cost, where that is known."""
    from batchgen.money import readable, total
    from batchgen.report.tables import some_of

    costs = [scene.estimated_cost_usd for scene in scenes]
    money = "" if None in costs else f", for up to {readable(total(filter(None, costs)))} USD"
    return some_of([scene.scene_id for scene in scenes]), money

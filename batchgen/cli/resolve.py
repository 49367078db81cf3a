"""``batchgen resolve``: settles a submission whose outcome is not known."""

from pathlib import Path

import click

from batchgen.cli.completion import scenes_of_run
from batchgen.cli.options import RUN_DIRECTORY


@click.command("resolve")
@click.argument("run_dir", metavar="RUN_DIR", type=RUN_DIRECTORY)
@click.argument("scene", shell_complete=scenes_of_run)
@click.option("--task-id", metavar="ID", help="The task exists, and this is its id: the next run reads it.")
@click.option("--not-created", is_flag=True, help="No task was created: the next run submits the scene again.")
def command(run_dir: Path, scene: str, task_id: str | None, *, not_created: bool) -> int:
    """Settle SCENE, whose submission has an unknown outcome.

    Look at your provider for a task of that time and prompt; batchgen status shows both. Where
    there is one, give its id. Say --not-created only where you are sure: the scene is then
    submitted and paid for again. What was said can be corrected until the gateway has shown that
    task; --task-id also takes up a task that was given up as not found.
    """
    from batchgen.app.resolving import resolve
    from batchgen.cli.output import warnings_shown
    from batchgen.text import printable

    with warnings_shown():
        resolve(run_dir, scene, task_id=task_id, not_created=not_created)
    settled = f"goes on with task {task_id.strip()}" if task_id else "is submitted again"
    click.echo(printable(f"settled: scene {scene} {settled} in the next run"), err=True)
    return 0

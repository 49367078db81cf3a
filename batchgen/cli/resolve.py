"""``batchgen resolve``: settles a submission whose outcome is not known."""

from pathlib import Path

import click


@click.command("resolve")
@click.argument("run_dir", metavar="RUN_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("scene")
@click.option("--task-id", metavar="ID", help="The task exists, and this is its id: the next run reads it.")
@click.option("--not-created", is_flag=True, help="No task was created: the next run submits the scene again.")
def command(run_dir: Path, scene: str, task_id: str | None, *, not_created: bool) -> int:
    """Settle SCENE, whose submission has an unknown outcome.

    Look at your provider for a task of that time and prompt; batchgen status shows both. Where
    there is one, give its id. Say --not-created only where you are sure: the scene is then
    submitted and paid for again.
    """
    from batchgen.cli.batch import write_reports
    from batchgen.engine.events import Resolved
    from batchgen.errors import UsageError
    from batchgen.journal.log import FILE, Journal
    from batchgen.runner.clock import RealClock
    from batchgen.text import printable

    if (task_id is not None) == not_created:
        raise UsageError("say either --task-id ID or --not-created")
    if task_id is not None and (not task_id.strip() or not task_id.isprintable()):
        raise UsageError("a task id is a word, as your provider shows it")
    if not (run_dir / FILE).exists():
        raise UsageError(f"{run_dir} is no run directory: it has no {FILE}")
    with Journal(run_dir) as journal:
        latest = journal.state.latest(scene)
        if latest is None:
            raise UsageError(f"there was never a submission of a scene {scene!r} in {run_dir}")
        if not latest.is_unknown:
            raise UsageError(f"scene {scene} is not unknown but {latest.state}; there is nothing to settle")
        known = [one for one in journal.state.all_attempts() if task_id and one.task_id == task_id.strip()]
        if known:
            raise UsageError(f"task {task_id} is that of scene {known[0].scene_id}, attempt {known[0].number}, already")
        event = Resolved(RealClock().at(), scene, latest.number, task_id.strip() if task_id else None)
        journal.append([event])
        journal.state.apply(event)
        write_reports(run_dir, journal.state)
    settled = f"goes on with task {task_id}" if task_id else "is submitted again"
    click.echo(printable(f"settled: scene {scene} {settled} in the next run"), err=True)
    return 0

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
    submitted and paid for again. What was said can be corrected until the gateway has shown that
    task; --task-id also takes up a task that was given up as not found.
    """
    from batchgen.cli.batch import write_reports
    from batchgen.engine.events import Resolved
    from batchgen.engine.states import OPEN, AttemptState
    from batchgen.errors import UsageError
    from batchgen.journal.log import FILE, Journal, read
    from batchgen.runner.clock import RealClock
    from batchgen.text import on_one_line, printable

    if not (run_dir / FILE).exists():
        raise UsageError(f"{run_dir} is not a run directory: it has no {FILE}")
    if (task_id is not None) == not_created:
        latest = read(run_dir).latest(scene)
        came = None if latest is None else latest.candidate_id
        offer = f"; this id came with the answer to the submission: {on_one_line(came)}" if came else ""
        raise UsageError(f"say either --task-id ID or --not-created{offer}")
    task_id = None if task_id is None else task_id.strip()
    if task_id is not None and (not task_id or not task_id.isprintable() or " " in task_id):
        raise UsageError("a task id is a word, as your provider shows it")
    with Journal(run_dir) as journal:
        latest = journal.state.latest(scene)
        if latest is None:
            raise UsageError(f"there was never a submission of a scene {scene!r} in {run_dir}")
        was_given_up = latest.state is AttemptState.NOT_FOUND and task_id is not None
        is_correction = latest.by_hand and latest.state in (*OPEN, AttemptState.REFUSED)
        if not (latest.is_unknown or was_given_up or is_correction):
            raise UsageError(f"scene {scene} is not unknown but {latest.state}; there is nothing to settle")
        owner = None if task_id is None else journal.state.owner_of(task_id)
        if owner is not None:
            raise UsageError(f"task {task_id} is that of scene {owner.scene_id}, attempt {owner.number}, already")
        event = Resolved(RealClock().at(), scene, latest.number, task_id)
        journal.append([event])
        journal.state.apply(event)
        write_reports(run_dir, journal.state)
    settled = f"goes on with task {task_id}" if task_id else "is submitted again"
    click.echo(printable(f"settled: scene {scene} {settled} in the next run"), err=True)
    return 0

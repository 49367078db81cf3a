"""A run that was cut off at any point goes on, and pays for nothing twice."""

import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from helpers.runs import PRICES, Batch, Gateway, batch, until

SCENES = 3
Moment = Callable[[Batch, Gateway], bool]


def told(event: str, times: int = 1) -> Moment:
    """The journal has told of an event that often."""
    return lambda film, _: film.happened(event, times)


MOMENTS: dict[str, Moment] = {
    "the run has begun": told("run_started"),
    "the first submission is announced": told("submitting"),
    "the first task exists and its answer is on its way": lambda _, gateway: bool(gateway.created()),
    "the first task id is written down": told("submitted"),
    "all task ids are written down": told("submitted", SCENES),
    "the first task was read": lambda _, gateway: bool(gateway.readings()),
    "the first completion is written down": told("completed"),
    "the first result is asked for": lambda _, gateway: bool(gateway.downloads()),
    "the first result is written down": told("downloaded"),
    "the last result is written down": told("downloaded", SCENES),
    "the run has ended and the reports are under way": told("run_ended"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_gone_on_with(tmp_path: Path, gateway: Gateway, moment: str) -> None:
    film = batch(tmp_path, gateway, SCENES, pricing=PRICES)
    with film.started("--max-in-flight=2", "--workers=2") as run:
        until(lambda: MOMENTS[moment](film, gateway), run)
        run.kill()
        run.wait()
    go_on(film, gateway)
    assert film.statuses() == " ".join(["completed"] * SCENES)
    film.witness(gateway, SCENES)
    assert sorted(gateway.prompts()) == sorted(scene["prompt"] for scene in film.scenes.values())
    assert sorted(path.name for path in (film.run_dir / "videos").iterdir()) == [
        f"s{n}.mp4" for n in range(1, SCENES + 1)
    ]


def go_on(film: Batch, gateway: Gateway) -> None:
    """Run again; settle what is unknown with what the provider knows; run once more if that was needed."""
    ended = film.run(expect=None)
    unknown = [row["scene_id"] for row in film.report().values() if row["status"] == "unknown"]
    assert ended.code == (1 if unknown else 0)
    for scene_id in unknown:
        prompt = film.scenes[scene_id]["prompt"]
        assert gateway.prompts().count(prompt) <= 1, "what is unknown was sent again"
        tasks = gateway.tasks_for(prompt)
        settled = [f"--task-id={tasks[0]}"] if tasks else ["--not-created"]
        film.do("resolve", film.run_dir, scene_id, *settled)
    if unknown:
        film.run()


def test_killed_again_and_again(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, SCENES)
    for number in range(1, SCENES + 1):
        with film.started("--max-in-flight=1") as run:
            until(partial(film.happened, "submitted", number), run)
            run.kill()
            run.wait()
    go_on(film, gateway)
    film.witness(gateway, SCENES)


@pytest.mark.parametrize(("number", "when"), [(signal.SIGINT, "submitted"), (signal.SIGTERM, "completed")])
def test_interrupted_and_gone_on_with(tmp_path: Path, gateway: Gateway, number: signal.Signals, when: str) -> None:
    film = batch(tmp_path, gateway, SCENES)
    with film.started("--max-in-flight=2") as run:
        until(lambda: film.happened(when), run)
        run.send_signal(number)
        _, told_user = run.communicate(timeout=20)
    assert run.returncode == 128 + number
    assert "interrupted" in told_user
    # Without the address, the next run would ask another gateway for these tasks.
    assert f"To go on:  batchgen run {film.manifest} --base-url {film.gateway} --max-in-flight 2\n" in told_user
    journal = film.journal()
    assert (journal[-1]["event"], journal[-1]["exit_code"]) == ("run_ended", 128 + number)
    assert "unknown" not in film.statuses()
    assert {row["task_id"] for row in film.ledger()} == {entry["task_id"] for entry in gateway.created()}
    film.run()
    film.witness(gateway, SCENES)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_a_submission_is_under_way(tmp_path: Path, gateway: Gateway, number: signal.Signals) -> None:
    film = batch(tmp_path, gateway, 3)
    film.scenes["s2"]["prompt"] += " [slow]"
    film.write()
    with film.started("--max-in-flight=2") as run:
        until(lambda: len(gateway.created()) == 2, run)
        run.send_signal(number)
        _, told_user = run.communicate(timeout=20)
    assert run.returncode == 128 + number
    assert "waiting up to 60 s for the answer" in told_user
    assert film.statuses().count("running") + film.statuses().count("completed") == 2
    assert film.statuses().endswith("pending")
    assert {row["task_id"] for row in film.ledger()} == {entry["task_id"] for entry in gateway.created()}
    film.run()
    film.witness(gateway, 3)


def test_a_second_signal_ends_at_once_and_the_next_run_knows(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.scenes["s1"]["prompt"] += " [slow]"
    film.write()
    with film.started() as run:
        until(lambda: bool(gateway.created()), run)
        run.send_signal(signal.SIGINT)
        assert any("waiting up to 60 s for the answer to a submission" in line for line in run.stderr)
        run.send_signal(signal.SIGTERM)
        run.wait(20)
    assert run.returncode == 130
    assert film.plan()["s1"]["action"] == "unknown"
    film.run(expect=1)
    assert film.statuses() == "unknown"
    film.do("resolve", film.run_dir, "s1", "--task-id", gateway.created()[0]["task_id"])
    film.run()
    film.witness(gateway, 1)


def test_an_unknown_submission_is_settled_with_the_id_of_its_task(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 2)
    film.scenes["s2"]["prompt"] += " [lost-response]"
    film.write()
    first = film.run(expect=1)
    assert f"batchgen resolve {film.run_dir} s2 --task-id ID" in first.err
    assert film.scenes["s2"]["prompt"][:60] in first.err
    assert film.statuses() == "completed unknown"
    assert film.report()["s2"]["error_code"] == "submit_unknown"
    film.witness(gateway, 2)
    film.run("--retry-failed", "--attempts=3", expect=1)
    film.witness(gateway, 2)
    (task,) = gateway.tasks_for(film.scenes["s2"]["prompt"])
    film.do("resolve", film.run_dir, "s2", "--task-id", task)
    assert film.statuses() == "completed running"
    assert film.plan()["s2"]["action"] == "resume"
    film.run()
    assert film.statuses() == "completed completed"
    film.witness(gateway, 2)
    ended = film.do("resolve", film.run_dir, "s2", "--not-created", expect=2)
    assert "nothing to settle" in ended.err


def test_an_unknown_submission_is_settled_as_never_created(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.scenes["s1"]["prompt"] += " [lost-response]"
    film.write()
    film.run(expect=1)
    film.run(expect=1)
    film.witness(gateway, 1)
    film.do("resolve", film.run_dir, "s1", "--not-created")
    assert film.statuses() == "pending"
    assert film.ledger() == []
    assert film.plan()["s1"]["action"] == "submit"
    film.run(expect=1)
    assert len(gateway.posts()) == 2
    assert film.report()["s1"]["attempts"] == "1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["s1"], "say --task-id ID or --not-created"),
        (["s1", "--task-id=a", "--not-created"], "say --task-id ID or --not-created"),
        (["s1", "--task-id= "], "'' is not the id of a task"),
        (["s1", "--task-id=task 1"], "'task 1' is not the id of a task"),
        (["s1", "--task-id=task\u200b1"], "'task\\u200b1' is not the id of a task"),
        (["s9", "--not-created"], "never a submission"),
        (["s1", "--not-created"], "nothing to settle"),
    ],
)
def test_resolve_changes_nothing_where_there_is_nothing_to_settle(
    tmp_path: Path, done: Path, arguments: list[str], said: str
) -> None:
    film = Batch(tmp_path, "")
    shutil.copytree(done, tmp_path / "runs")
    before = film.state.read_bytes()
    assert said in film.do("resolve", film.run_dir, *arguments, expect=2).err
    assert film.state.read_bytes() == before


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, shared_emulator: Gateway) -> Path:
    """The runs folder of a batch that is done."""
    film = batch(tmp_path_factory.mktemp("done"), shared_emulator, 1)
    film.run()
    return film.folder / "runs"

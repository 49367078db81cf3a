"""What a review of the whole found to cost money: each defect once more, against real processes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.hostile import HostileGateway, done, numbered, says
from helpers.runs import KEY, Gateway, batch, until
from helpers.servers import Peer, server
from helpers.support import modes_hold, unprivileged

RUNNING = says({"status": "in_progress"})
GONE = says({"message": "no such task"}, 404)


def posts(gateway: HostileGateway) -> int:
    return sum(head.startswith(b"POST") for head in gateway.heads)


def test_a_window_that_is_closed_hangs_up_twice_and_loses_no_answer(tmp_path: Path) -> None:
    def slowly(peer: Peer) -> None:
        time.sleep(1.5)
        says({"id": f"task-{peer.number}"})(peer)

    gateway = HostileGateway(dict.fromkeys(range(1, 5), slowly))
    with server(gateway) as address:
        film = numbered(tmp_path, address, 4)
        with film.started("--yes") as run:
            until(lambda: posts(gateway) == 4, run)
            for _ in range(2):  # the shell and the terminal
                os.kill(run.pid, signal.SIGHUP)
                time.sleep(0.01)
            assert run.wait(30) == 129
    assert film.happened("submitted", 4)
    assert film.happened("run_ended")
    assert film.statuses() == "running running running running"


def test_a_second_interrupt_still_ends_at_once(tmp_path: Path) -> None:
    def silent(peer: Peer) -> None:
        time.sleep(20)
        says({})(peer)

    gateway = HostileGateway({1: silent})
    with server(gateway) as address:
        film = numbered(tmp_path, address, 1)
        with film.started("--yes") as run:
            until(lambda: posts(gateway) == 1, run)
            os.kill(run.pid, signal.SIGINT)
            time.sleep(0.3)
            os.kill(run.pid, signal.SIGINT)
            assert run.wait(10) == 130
    assert not film.happened("run_ended")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (says({"error": {"message": "upstream timed out", "task_id": "task-9"}}, 500), "unknown"),
        (says({"id": "task-9", "message": "already running"}, 409), "failed"),
    ],
)
def test_an_id_that_comes_with_a_refusal_is_kept(tmp_path: Path, answer: object, status: str) -> None:
    gateway = HostileGateway({1: answer})  # type: ignore[dict-item]
    with server(gateway) as address:
        film = numbered(tmp_path, address, 1)
        film.run(expect=1)
    assert posts(gateway) == 1
    assert film.statuses() == status
    (came,) = (line for line in film.journal() if line.get("candidate_id"))
    assert came["candidate_id"] == "task-9"
    assert "task-9" in came["excerpt"]


def test_an_integer_of_nineteen_digits_is_an_id(tmp_path: Path) -> None:
    task_id = 1790000000000000001
    with server(HostileGateway({1: says({"id": task_id})})) as address:
        film = numbered(tmp_path, address, 1)
        film.run("--no-wait")
    assert film.report()["s1"]["task_id"] == str(task_id)


def test_nothing_is_bought_again_where_every_task_is_met_with_404(tmp_path: Path) -> None:
    gateway = HostileGateway(read=dict.fromkeys((1, 2), GONE))
    with server(gateway) as address:
        film = numbered(tmp_path, address, 2)
        film.run("--poll-interval=0.1", "--task-timeout=1", expect=1)
        assert film.statuses() == "running running", "404 to all of them is no word about any"
        film.run("--retry-failed", "--poll-interval=0.1", "--task-timeout=3", expect=1)
    assert posts(gateway) == 2


def test_what_was_charged_was_created_whatever_the_code_says(tmp_path: Path) -> None:
    failed = says({"status": "failed", "error": {"code": "001028099", "message": "no"}, "usage": {"cost": "0.20"}})
    gateway = HostileGateway(read={1: failed})
    with server(gateway) as address:
        film = numbered(tmp_path, address, 1)
        film.run("--poll-interval=0.1", expect=1)
        film.run("--poll-interval=0.1", expect=1)
    assert posts(gateway) == 1
    assert film.report()["s1"]["cost_usd"] == "0.20"


def test_one_answer_that_asks_to_wait_for_a_day_stops_nobody_else(tmp_path: Path) -> None:
    asking = says({"error": {"code": "001028004", "message": "bad"}}, 400, retry_after="86400")
    looks = []

    def later(peer: Peer) -> None:
        looks.append(peer.target)
        (says({}, 500, retry_after="86400") if len(looks) == 1 else says({"status": "failed"}))(peer)

    gateway = HostileGateway({1: asking}, {2: later, 3: says({"status": "failed"})})
    with server(gateway) as address:
        film = numbered(tmp_path, address, 3)
        ended = film.run("--poll-interval=0.1", "--workers=1", expect=1)
    assert film.statuses() == "failed failed failed"
    assert "lets nothing in" not in ended.err


@pytest.mark.parametrize("name", ["report.csv", "ledger.csv", "videos/s1.mp4"])
def test_a_folder_in_the_place_of_a_file_is_named_before_anything_is_bought(tmp_path: Path, name: str) -> None:
    gateway = HostileGateway()
    with server(gateway) as address:
        film = numbered(tmp_path, address, 1)
        (film.run_dir / name).mkdir(parents=True)
        assert name in film.run(expect=6).err
    assert gateway.heads == []


def test_a_folder_that_cannot_be_written_into_is_named_before_anything_is_bought(tmp_path: Path) -> None:
    gateway = HostileGateway()
    with server(gateway) as address:
        film = numbered(tmp_path, address, 1)
        videos = film.run_dir / "videos"
        videos.mkdir(parents=True)
        for folder in (tmp_path, film.run_dir.parent, film.run_dir):
            folder.chmod(0o777)
        videos.chmod(0o555)
        if not modes_hold(tmp_path):
            pytest.skip("this disk keeps no modes")
        with film.started("--yes", program=unprivileged("-m", "batchgen")) as run:
            _, err = run.communicate(timeout=60)
    assert run.returncode == 6, err
    assert "videos cannot be written into" in err
    assert gateway.heads == []


def test_a_changed_scene_that_still_waits_is_not_done_without_waiting(tmp_path: Path) -> None:
    gateway = HostileGateway(read={1: RUNNING, 2: RUNNING})
    with server(gateway) as address:
        film = numbered(tmp_path, address, 2)
        film.run("--no-wait")
        film.run("--no-wait")
        film.scenes["s2"]["prompt"] += ", slowly"
        film.write()
        film.run("--no-wait", expect=1)
    assert posts(gateway) == 2


def test_only_an_id_that_can_be_right_is_offered(tmp_path: Path) -> None:
    gateway = HostileGateway({1: says({"id": "same"}), 2: says({"id": "same"}), 3: says({"id": " a"})})
    with server(gateway) as address:
        film = numbered(tmp_path, address, 3)
        ended = film.run("--no-wait", "--workers=1", expect=1)
    assert "--task-id same" not in ended.err
    assert "--task-id a" not in ended.err
    assert ended.err.count("--task-id ID") == 2
    resolve = ("resolve", film.run_dir, "s3")
    assert "xxx' is not the id of a task" in film.do(*resolve, f"--task-id={'x' * 3000}", expect=2).err
    film.do(*resolve, "--task-id=a")


def test_a_task_that_was_given_up_is_taken_up_by_its_own_id(tmp_path: Path) -> None:
    gateway = HostileGateway(read={1: GONE, 2: done("http://127.0.0.1:9/x")})
    with server(gateway) as address:
        film = numbered(tmp_path, address, 2)
        film.run("--poll-interval=0.1", "--task-timeout=2", "--no-download", expect=1)
    assert film.report()["s1"]["error_code"] == "task_not_found"
    film.do("resolve", film.run_dir, "s1", "--task-id=task-1")
    assert film.report()["s1"]["status"] == "running"


def test_a_download_that_failed_is_no_failure_where_no_file_is_wanted(tmp_path: Path) -> None:
    gateway = HostileGateway()
    with server(gateway) as address:
        gateway.read = {1: done(f"{address}/gone")}
        film = numbered(tmp_path, address, 1)
        film.run("--poll-interval=0.1", expect=1)
        assert film.report()["s1"]["error_code"] == "download_failed"
        film.run("--no-download")
    assert film.statuses() == "completed"


def test_the_end_of_a_run_waits_for_no_reader_for_ever(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.scenes["s1"]["prompt"] += " [fail-001028095-object]"
    film.write()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 512)
    os.set_blocking(writing, True)
    command = [sys.executable, "-P", "-m", "batchgen", "run", str(film.manifest), "--yes", "--poll-interval=0.1"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "BATCHGEN_API_KEY": KEY}
    arguments = [*command, f"--base-url={gateway.base_url}"]
    with subprocess.Popen(arguments, env=environment, cwd=tmp_path, stderr=writing, stdin=subprocess.DEVNULL) as run:
        os.close(writing)
        until(lambda: film.happened("run_ended"), run)
        assert run.wait(60) == 1
    os.close(reading)
    film.run(f"--base-url={gateway.base_url}", expect=1)

"""Output can die, the run cannot: closed, full, stopped and hung-up terminals, and what signals do."""

import contextlib
import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from helpers.hostile import HostileGateway, numbered
from helpers.runs import KEY, PROGRAM, Batch, Gateway, batch, until
from helpers.servers import Peer, server

pytestmark = pytest.mark.skipif(os.name != "posix", reason="descriptors, terminals and signals of POSIX")
REDIRECTED = {
    "stdin is closed": "<&-",
    "stdout is closed": ">&-",
    "stderr is closed": "2>&-",
    "all are closed": "<&- >&- 2>&-",
    "stderr is a full disk": "2>/dev/full",
    "the reader of stderr wants one line": "2> >(head -n 1 >/dev/null)",
    "the reader of stderr is gone": "2> >(exec true)",
}
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
os.execv(sys.executable, [sys.executable, "-P", "-m", "batchgen", *sys.argv[1:]])
"""


def completed(film: Batch, gateway: Gateway, scenes: int) -> None:
    """All was done, each scene paid for once, and the journal says so up to its end."""
    film.witness(gateway, scenes)
    assert film.statuses().split() == ["completed"] * scenes
    assert film.journal()[-1]["event"] == "run_ended"


@pytest.mark.parametrize("how", REDIRECTED)
def test_a_run_goes_its_way_whatever_becomes_of_its_output(tmp_path: Path, gateway: Gateway, how: str) -> None:
    film = batch(tmp_path, gateway, 3)
    film.scenes["s2"]["prompt"] += " [fail-001028095-object]"
    film.write()
    shell = ("bash", "-c", f'exec "$@" {REDIRECTED[how]}', "bash", *PROGRAM)
    with film.started("--yes", silent=False, measured=False, program=shell) as run:
        assert run.wait(60) == 1, "some failed, as the code says"
    film.witness(gateway, 3)
    assert film.statuses() == "completed failed completed"
    assert film.journal()[-1]["exit_code"] == 1
    assert film.plan()["s1"]["action"] == "done", "nothing was printed into the journal"


@pytest.mark.parametrize("how", REDIRECTED)
def test_why_a_run_stopped_is_its_exit_code_whatever_becomes_of_its_words(
    tmp_path: Path, gateway: Gateway, how: str
) -> None:
    film = batch(tmp_path, gateway)
    film.scenes["s1"]["prompt"] += " [fail-001028095-object]"
    film.scenes["s2"]["prompt"] += " [403]"
    film.write()
    shell = ("bash", "-c", f'exec "$@" {REDIRECTED[how]}', "bash", *PROGRAM)
    with film.started("--yes", "--max-in-flight=1", silent=False, measured=False, program=shell) as run:
        assert run.wait(60) == 5, "the account was refused after something was said already"
    assert film.journal()[-1]["exit_code"] == 5


@pytest.mark.parametrize("how", [name for name in REDIRECTED if "stderr" in name])
def test_what_validate_finds_is_its_exit_code_whatever_becomes_of_its_words(tmp_path: Path, how: str) -> None:
    film = batch(tmp_path, "http://127.0.0.1:9", 1)
    film.scenes["s1"]["duration"] = 99
    film.write()
    command = ["bash", "-c", f'exec "$@" {REDIRECTED[how]}', "bash", *PROGRAM, "validate", str(film.manifest)]
    assert subprocess.run(command, check=False, timeout=60, env=environment(), capture_output=True).returncode == 3


@pytest.mark.parametrize(("where", "code"), [(">/dev/full", 1), ("| head -c 1 >/dev/null; exit ${PIPESTATUS[0]}", 0)])
def test_a_document_that_did_not_arrive_is_an_error_unless_its_reader_had_enough(
    tmp_path: Path, gateway: Gateway, where: str, code: int
) -> None:
    film = batch(tmp_path, gateway, 1)
    command = ["bash", "-c", f'"$@" {where}', "bash", *PROGRAM, "plan", str(film.manifest), "--format=json"]
    ended = subprocess.run(command, check=False, timeout=60, env=environment(), capture_output=True, text=True)
    assert ended.returncode == code
    assert ("could not be written: No space left on device" in ended.stderr) is (code == 1)
    assert "Traceback" not in ended.stderr


def environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**inherited, "PYTHONPATH": os.pathsep.join(sys.path), "BATCHGEN_API_KEY": KEY}


def test_a_pipe_that_nobody_reads_does_not_hold_up_the_run(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3)
    for scene in film.scenes.values():
        scene["prompt"] += " [fail-001028095-object]"
    film.write()
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 512)
    os.set_blocking(writing, True)
    arguments = [*PROGRAM, "run", str(film.manifest), f"--base-url={gateway.base_url}", "--poll-interval=0.1", "--yes"]
    with subprocess.Popen(arguments, env=environment(), cwd=tmp_path, stderr=writing, stdin=subprocess.DEVNULL) as run:
        os.close(writing)
        until(lambda: film.happened("run_ended"), run)
        with os.fdopen(reading, "rb") as pipe:
            assert b"3 failed" in pipe.read()
        assert run.wait(20) == 1
    film.witness(gateway, 3)


def test_a_log_that_cannot_be_written_is_left_out(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3)
    film.run_dir.mkdir(parents=True)
    full = b"x" * (2 << 20)
    (film.run_dir / "batchgen.log").write_bytes(full)
    limited = (sys.executable, "-P", "-c", LIMITED)
    with film.started("--no-download", measured=False, program=limited) as run:
        _, told = run.communicate(timeout=60)
    assert (run.returncode, "Traceback" in told) == (0, False)
    assert (film.run_dir / "batchgen.log").read_bytes() == full
    completed(film, gateway, 3)


@contextmanager
def on_a_terminal(film: Batch, *options: str) -> Iterator[tuple[Any, int]]:
    """A run on a terminal of its own, in a session of its own; yields the process and the other end of it."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (40, 100))  # of no size, tqdm shows nothing
    command = [*PROGRAM, "run", str(film.manifest), f"--base-url={film.gateway}", "--poll-interval=0.1", *options]
    with subprocess.Popen(
        command,
        cwd=film.folder,
        env=environment(),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=lambda: os.login_tty(slave),  # noqa: PLW1509 - no thread of ours is started before
    ) as run:
        os.close(slave)
        try:
            yield run, master
        finally:
            run.kill()


def test_a_terminal_that_is_closed_ends_the_run_in_order(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 4)
    for scene in film.scenes.values():
        scene["prompt"] += " [slow]"
    film.write()
    with on_a_terminal(film, "--yes", "--max-in-flight=2") as (run, master):
        until(lambda: len(gateway.created()) == 2, run)
        os.close(master)
        assert run.wait(60) == 129
    assert {row["task_id"] for row in film.ledger()} == {entry["task_id"] for entry in gateway.created()}
    assert "unknown" not in film.statuses()
    assert film.journal()[-1] | {"crc": ""} == film.journal()[-1] | {"event": "run_ended", "exit_code": 129, "crc": ""}
    film.run()
    completed(film, gateway, 4)


def shown_until(end: str, master: int, shown: str = "") -> str:
    """What a terminal shows until it shows that."""
    while end not in shown:
        shown += os.read(master, 4096).decode(errors="replace")
    return shown


def rest_of(master: int) -> bytes:
    """What a terminal shows that no process has any more."""
    shown = b""
    with suppress(OSError):  # Linux says so that there is no more
        while more := os.read(master, 4096):
            shown += more
    return shown


def test_a_second_interrupt_leaves_the_line_of_progress(tmp_path: Path) -> None:
    is_over = threading.Event()

    def silent(_: Peer) -> None:
        is_over.wait(60)

    gateway = HostileGateway({1: silent})
    with server(gateway) as address, on_a_terminal(numbered(tmp_path, address, 1), "--yes") as (run, master):
        shown_until("0/1 scenes", master)
        until(lambda: bool(gateway.heads), run)
        os.kill(run.pid, signal.SIGINT)
        told = shown_until("interrupt once more", master)
        shown_until("0/1 scenes", master, told.rpartition("interrupt once more")[2])
        os.kill(run.pid, signal.SIGINT)
        assert run.wait(60) == 130
        is_over.set()
        assert rest_of(master).endswith(b"\n")


def test_a_hang_up_that_was_ignored_stays_ignored(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 2)
    nohup = ("bash", "-c", 'trap "" HUP; exec "$@"', "bash", *PROGRAM)
    with film.started("--max-in-flight=1", program=nohup) as run:
        until(lambda: film.happened("submitted"), run)
        run.send_signal(signal.SIGHUP)
        assert run.wait(60) == 0
    completed(film, gateway, 2)


def test_a_hang_up_of_a_whole_process_group(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 2)
    film.scenes["s1"]["prompt"] += " [slow]"
    film.write()
    group = ("setsid", "--wait", "bash", "-c", '"$@"; echo "code $?"', "bash", *PROGRAM)
    with film.started("--max-in-flight=1", program=("bash", "-c", 'exec "$@"', "bash", *group)) as run:
        until(lambda: bool(gateway.created()), run)
        holder = json.loads((film.run_dir / "state.lock.holder").read_text(encoding="utf-8"))
        os.killpg(os.getpgid(holder["pid"]), signal.SIGHUP)
        until(lambda: film.happened("run_ended") and (film.run_dir / "ledger.csv").exists())
    assert film.journal()[-1]["exit_code"] == 129
    assert film.ledger()[0]["task_id"] == gateway.created()[0]["task_id"]


def test_an_interrupted_run_waits_for_the_answer_as_long_as_it_said(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.scenes["s1"]["prompt"] += " [slow]"
    film.write()
    with film.started("--request-timeout=7") as run:
        until(lambda: bool(gateway.created()), run)
        run.send_signal(signal.SIGTERM)
        _, told = run.communicate(timeout=60)
    assert run.returncode == 143
    assert "waiting up to 7 s for the answer to a submission" in told
    assert film.statuses() == "running"

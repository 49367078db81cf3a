"""The command as a process: its ready line, its end, and wrong usage."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.schemas import shipped

from helpers.support import in_process
from unit.emulator.client import Client, request


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process, and the base URL it has printed."""
    command = [sys.executable, "-P", "-m", "batchgen", "emulator", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().rstrip("\n")
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_when_it_is_ready_and_ends_with_0(number: signal.Signals, tmp_path: Path) -> None:
    with running("--fault", "poll-slow", "--latency", "30") as (process, base_url):
        client = Client(base_url, tmp_path / "none")
        created = client.create(request()).json()
        # A connection stays open, and one answer is under way.
        waiting = threading.Thread(target=_read_in_vain, args=(client, created["id"]))
        waiting.start()
        time.sleep(0.3)
        begun = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert time.monotonic() - begun < 5
        waiting.join()
        client.close()
        assert process.stdout is not None
        assert process.stdout.read() == ""


def _read_in_vain(client: Client, task_id: str) -> None:
    with pytest.raises(Exception, match=r"Connection|closed|reset"):
        client.read(task_id)


def test_the_options_arrive(tmp_path: Path) -> None:
    log, faults = tmp_path / "log.jsonl", tmp_path / "faults.yaml"
    faults.write_text("- {match: unlucky, fault: fail-001028095}\n")
    options = ["--latency=0", "--price=720P=0.3", "--discount=0.5", "--overcharge=2", "--seed=5", "--max-concurrent=9"]
    ids = []
    for _ in range(2):
        with running(*options, f"--log={log}", f"--faults={faults}", "--fault=stuck:0") as (_, base_url):
            client = Client(base_url, log)
            task = client.bought(request())
            ids.append(task["id"])
            assert (task["usage"]["cost"], task["usage"]["discount"]) == ("0.60", Decimal("0.30"))
            assert client.bought(request("an unlucky one"))["status"] == "failed"
            client.close()
    assert ids[0] == ids[1]
    assert log.read_text(encoding="utf-8").count("completed") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "lost-respnse"], "did you mean lost-response"),
        (
            ["--fault", "explode"],
            "there is no fault 'explode'; all faults are listed by: batchgen emulator --list-faults",
        ),
        (["--fault", "slow:7"], "from 0 to 1"),
        (["--latency", "x"], "latency x"),
        (["--price", "720P"], "TIER=USD"),
        (["--price", "8K=1"], "there is no tier"),
        (["--discount", "2"], "discount 2"),
        (["--overcharge", "-1"], "overcharge -1"),
        (["--port", "70000"], "70000"),
        (["--faults", "nowhere.yaml"], "cannot be read"),
        (["--log", "no/such/folder/log"], "cannot be written"),
        (["--host", "203.0.113.77"], "cannot listen"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    ended = in_process("emulator", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""


def test_a_port_in_use_is_wrong_usage() -> None:
    with EmbeddedEmulator(Settings(), shipped()) as emulator:
        ended = in_process("emulator", "--port", emulator.base_url.rpartition(":")[2])
    assert ended.code == 2
    assert "cannot listen" in ended.err


def test_an_embedded_one_stops_and_lets_go_of_its_port(tmp_path: Path) -> None:
    before = threading.active_count()
    with EmbeddedEmulator(Settings(latency=(60, 60)), shipped()) as emulator:
        client = Client(emulator.base_url, tmp_path / "none")
        for number in range(4):
            assert client.create(request(str(number), duration=15, size="1440*1440")).status == 200
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    with pytest.raises(Exception, match="refused"):
        client.send("GET", "/")
    client.close()
    assert threading.active_count() == before


def test_polls_are_answered_while_videos_are_made(tmp_path: Path) -> None:
    with EmbeddedEmulator(Settings(latency=(0, 0)), shipped()) as emulator:
        client = Client(emulator.base_url, tmp_path / "none")
        tasks = [client.create(request(str(number), duration=10)).json()["id"] for number in range(4)]
        took = []
        while any(client.read(task).json()["status"] == "in_progress" for task in tasks):
            begun = time.monotonic()
            client.read(tasks[0])
            took.append(time.monotonic() - begun)
            time.sleep(0.01)
        client.close()
    assert len(took) > 10
    assert sorted(took)[len(took) // 2] < 0.1
    assert max(took) < 1


def test_a_video_is_made_once_for_all_who_ask_at_once(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with EmbeddedEmulator(Settings(latency=(0, 0), log=log), shipped()) as emulator:
        client = Client(emulator.base_url, log)
        tasks = [client.create(request()).json()["id"] for _ in range(20)]
        assert len(set(tasks)) == 20
        begun = time.monotonic()
        urls = [client.ended(task)["output"][0]["content"][0]["url"] for task in tasks]
        assert time.monotonic() - begun < 4
        assert len({client.send("GET", url).headers["etag"] for url in urls}) == 1
        client.close()

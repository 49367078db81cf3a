"""Whole runs whose results a cluster fetches, checks and takes pictures of."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import batchgen
from batchgen.runner import local_cluster

from campaigns.cluster.results import whole
from helpers.clusters import Cluster, cluster, descendants, is_alive, may_hide, until, worker
from helpers.runs import KEY, Gateway, batch, emulator

pytest.importorskip("distributed")
DONE_HERE = "work that the cluster could not do was done here"


def test_a_cluster_that_sees_the_run_directory_writes_into_it(
    tmp_path: Path, gateway: Gateway, standing: Cluster
) -> None:
    film, before = batch(tmp_path, gateway, 4), standing.executed()
    film.settings["defaults"] = {"size": "960*960", "duration": 2, "references": film.references}
    film.scenes["s5"] = {"prompt": "character1 turns around", "references": [{"scene": "s1", "frame": "last"}]}
    film.write()
    ended = film.run("--executor", standing.executor)
    assert DONE_HERE not in ended.err
    whole(film, 5)
    film.witness(gateway, 5)
    assert standing.executed() - before == 6, "five results and a still"
    assert KEY not in standing.texts()


def test_results_travel_where_no_disk_is_shared(tmp_path: Path, gateway: Gateway) -> None:
    if not may_hide():
        pytest.skip("a process cannot have folders of its own here")
    (tmp_path / "film").mkdir()
    film = batch(tmp_path / "film", gateway, 3)
    with cluster(tmp_path / "cluster", 0) as made, worker(made, hidden=film.folder):
        ended = film.run("--executor", made.executor)
        assert made.executed() == 3
    assert DONE_HERE not in ended.err
    whole(film, 3)


@pytest.fixture
def slow_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with emulator(tmp_path_factory.mktemp("slow"), "--latency=4-5") as running:
        yield running


def test_a_cluster_of_this_machine_has_no_key_and_leaves_no_process(tmp_path: Path, slow_gateway: Gateway) -> None:
    film = batch(tmp_path, slow_gateway, 2)
    with film.started("--executor=dask", environment={"OTHER_API_KEY": "sk-other", "SPELLED": f"x{KEY}"}) as run:
        until(lambda: film.happened("submitted", 2))
        others = descendants(run.pid)
        assert len(others) > 2, "a scheduler and a process for each core"
        for process in others:
            environment = Path(f"/proc/{process}/environ").read_bytes()
            assert b"BATCHGEN_" not in environment
            assert b"sk-" not in environment
            assert KEY.encode() not in Path(f"/proc/{process}/cmdline").read_bytes()
        run.send_signal(signal.SIGKILL)
        until(lambda: not any(map(is_alive, others)))
    with film.started("--executor=dask") as run:
        until(lambda: film.happened("run_started", 2))
        others = descendants(run.pid)
        run.send_signal(signal.SIGINT)
        assert run.wait(30) in (0, 130), run.stderr.read()
        assert not any(map(is_alive, others))
    film.run("--executor=dask")
    whole(film, 2)
    film.witness(slow_gateway, 2)


def test_a_stranger_cannot_command_a_cluster_of_this_machine() -> None:
    from distributed import Client

    with local_cluster.started(dict(os.environ)) as access:
        port = int(access.address.rpartition(":")[2])
        for scheme in ("tcp", "tls"):
            with pytest.raises((OSError, TypeError)):
                Client(f"{scheme}://127.0.0.1:{port}", timeout=3, set_as_default=False)


def test_a_scheduler_that_is_not_there_ends_the_run_before_anything_is_bought(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    ended = film.run("--executor=dask:tcp://127.0.0.1:9", expect=2)
    assert "the scheduler at tcp://127.0.0.1:9 cannot be reached" in ended.err
    assert gateway.posts() == []


@pytest.mark.parametrize(
    ("line", "said"),
    [("raise ImportError('no such thing')", "ImportError"), ("", "the cluster has batchgen 0.0.0")],
    ids=["no batchgen", "another version"],
)
def test_a_process_that_cannot_do_the_work_is_told_before_anything_is_bought(
    tmp_path: Path, gateway: Gateway, line: str, said: str
) -> None:
    film = batch(tmp_path, gateway, 1)
    with cluster(tmp_path / "cluster", 0) as made, worker(made, PYTHONPATH=other_batchgen(tmp_path, line)):
        ended = film.run("--executor", made.executor, expect=2)
    assert said in ended.err
    assert "install batchgen" in ended.err
    assert gateway.posts() == []


def other_batchgen(folder: Path, line: str) -> str:
    """A way to modules on which another batchgen comes first: one of another version, or one that breaks."""
    shutil.copytree(Path(batchgen.__file__).parent, folder / "other" / "batchgen")
    (folder / "other" / "batchgen" / ("__init__.py" if line else "version.py")).write_text(
        line or '__version__ = "0.0.0"\n', encoding="utf-8"
    )
    return os.pathsep.join([str(folder / "other"), *sys.path])


def test_a_process_that_joins_later_and_cannot_do_the_work_does_no_harm(tmp_path: Path, slow_gateway: Gateway) -> None:
    film = batch(tmp_path, slow_gateway, 4)
    with (
        cluster(tmp_path / "cluster", 0) as made,
        worker(made) as good,
        film.started("--executor", made.executor, "--max-in-flight=1") as run,
    ):
        until(lambda: film.happened("downloaded"))
        with worker(made, PYTHONPATH=other_batchgen(tmp_path, "")):
            good.terminate()
            assert run.wait(60) == 0
        assert DONE_HERE in run.stderr.read()
    whole(film, 4)
    film.witness(slow_gateway, 4)


@pytest.mark.parametrize("strike", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_scheduler_that_is_lost_in_the_middle_costs_time_alone(
    tmp_path: Path, gateway: Gateway, strike: signal.Signals
) -> None:
    film = batch(tmp_path, gateway, 12)
    with cluster(tmp_path / "cluster") as made:
        with film.started("--executor", made.executor, "--max-in-flight=2") as run:
            until(lambda: film.happened("downloaded", 2))
            made.scheduler.send_signal(strike)
            assert run.wait(100) == 0
            assert DONE_HERE in run.stderr.read()
        made.scheduler.send_signal(signal.SIGCONT)
    whole(film, 12)
    film.witness(gateway, 12)


def test_a_process_that_stops_in_the_middle_is_not_waited_for(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 8)
    with cluster(tmp_path / "cluster") as made:
        with film.started("--executor", made.executor, "--max-in-flight=4") as run:
            until(lambda: film.happened("downloaded"))
            stopped = made.working()[0]
            os.kill(stopped, signal.SIGSTOP)
            assert run.wait(100) == 0, "Dask itself gives such a process up after five minutes"
            assert "a process of the cluster gives no sign of life" in run.stderr.read()
        os.kill(stopped, signal.SIGCONT)
    whole(film, 8)
    film.witness(gateway, 8)


def test_an_interrupt_ends_a_run_whose_cluster_has_stopped(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 8)
    with cluster(tmp_path / "cluster") as made:
        with film.started("--executor", made.executor, "--max-in-flight=4") as run:
            until(lambda: film.happened("downloaded"))
            stopped = [*made.working(), made.scheduler.pid]
            for process in stopped:
                os.kill(process, signal.SIGSTOP)
            run.send_signal(signal.SIGINT)
            assert run.wait(30) == 130
            assert "never awaited" not in run.stderr.read()
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    film.run()
    whole(film, 8)
    film.witness(gateway, 8)


def test_a_scheduler_that_is_stopped_ends_the_run_before_anything_is_bought(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    with cluster(tmp_path / "cluster", 0) as made:
        made.scheduler.send_signal(signal.SIGSTOP)
        ended = film.run("--executor", made.executor, expect=2)
        made.scheduler.send_signal(signal.SIGCONT)
    assert "cannot be reached: it gives no answer" in ended.err
    assert gateway.posts() == []


@contextmanager
def overheard(address: str, heard: bytearray) -> Iterator[str]:
    """A way to a scheduler on which all that is sent to it is kept."""
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pass_on(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
            with suppress(OSError), source:
                while received := source.recv(65_536):
                    kept.extend(received)
                    target.sendall(received)
                target.shutdown(socket.SHUT_WR)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    scheduler = socket.create_connection((host, int(port)))
                    for ends in ((client, scheduler, heard), (scheduler, client, bytearray())):
                        threading.Thread(target=pass_on, args=ends, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"dask:tcp://127.0.0.1:{listener.getsockname()[1]}"


def test_nothing_that_is_sent_to_a_scheduler_has_the_key(tmp_path: Path, gateway: Gateway, standing: Cluster) -> None:
    film, heard = batch(tmp_path, gateway, 2), bytearray()
    with overheard(standing.address, heard) as executor:
        film.run("--executor", executor)
    assert b"FetchAndCheck" in heard, "the work is heard at all"
    assert b"/files/" in heard, "its arguments, too"
    assert KEY.encode() not in heard
    whole(film, 2)


def test_a_program_runs_with_a_cluster(tmp_path: Path, gateway: Gateway, standing: Cluster) -> None:
    film = batch(tmp_path, gateway, 2)
    program = f"""
import batchgen
result = batchgen.run({str(film.manifest)!r}, executor={standing.executor!r}, base_url={gateway.base_url!r},
    api_key={KEY!r}, poll_interval=0.1)
assert result.exit_code == 0, result
try:
    batchgen.run({str(film.manifest)!r}, executor="dusk", base_url={gateway.base_url!r}, api_key={KEY!r})
except batchgen.UsageError as error:
    print(error)
"""
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("'dusk' is none of threads, dask and dask:ADDRESS")
    assert done.stderr == ""
    whole(film, 2)

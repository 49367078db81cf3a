"""What processes of a cluster do, done here; whole runs with a cluster are in tests/campaigns/cluster."""

import logging
import pickle
import socket
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batchgen.app.executing import checked_executor
from batchgen.errors import UsageError
from batchgen.media.decoding import UnusableMedia
from batchgen.runner import cluster, cluster_connection, cluster_work
from batchgen.runner.cluster import sharing
from batchgen.runner.cluster_connection import cluster_at, unfit, warnings_logged, without_keys
from batchgen.runner.cluster_work import (
    CannotDoIt,
    Delivered,
    FetchAndCheck,
    Package,
    SharedFolder,
    TakeStill,
    equipment,
)
from batchgen.store.interface import FetchFailed, Wanted
from batchgen.store.links import digest
from batchgen.store.local import Limits, LocalStore, LocalWork
from batchgen.version import __version__

from helpers.servers import Peer, server
from helpers.support import in_process, one_scene, write_video


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedFolder]:
    with sharing(tmp_path) as found:
        yield found


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "result.mp4", seconds=2, size=(480, 480))


@pytest.fixture
def work(tmp_path: Path, video: Path) -> Iterator[LocalWork]:
    content = video.read_bytes()

    def answer(peer: Peer) -> None:
        peer.read_head()
        peer.answer(404 if peer.target == "/gone" else 200, content)

    with server(answer) as address:
        found = LocalStore(tmp_path, Limits()).work(Wanted("s1", 1, f"{address}/x", "480*480", 2))
        assert isinstance(found, LocalWork)
        yield found


def test_a_folder_that_is_seen_gets_the_result(shared: SharedFolder, work: LocalWork) -> None:
    found = [FetchAndCheck(work, shared)() for _ in range(2)]
    paths = {each.checked.fetched.path for each in found}
    assert len(paths) == 2, "work that is done twice at once writes to two names"
    assert {path.parent for path in paths} == {shared.path}
    assert [each.content for each in found] == [None, None]
    assert found[0].checked.pictures is not None
    assert found[0].checked.pictures.strip


def test_bytes_come_along_where_the_folder_is_not_seen(shared: SharedFolder, work: LocalWork, video: Path) -> None:
    elsewhere = replace(shared, token="another")  # noqa: S106 - no password
    delivered = pickle.loads(pickle.dumps(Package(FetchAndCheck(work, elsewhere))))()  # noqa: S301 - our own
    assert isinstance(delivered, Delivered)
    assert delivered.content == video.read_bytes()
    assert delivered.checked.fetched.sha256 == digest(video)
    assert not delivered.checked.fetched.path.exists(), "nothing is left where the work was done"
    assert [path.name for path in shared.path.iterdir()] == [cluster_work.MARKER]


def test_what_is_too_large_does_not_travel(
    shared: SharedFolder, work: LocalWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_work, "MOST_CARRIED", 1_000)
    found = Package(FetchAndCheck(work, replace(shared, token="another")))()  # noqa: S106 - no password
    assert isinstance(found, CannotDoIt)
    assert "too large to travel" in str(found)


def test_a_package_raises_nothing_and_shows_nothing(shared: SharedFolder, work: LocalWork) -> None:
    gone = replace(work, wanted=replace(work.wanted, url=work.wanted.url.replace("/x", "/gone")))
    package = Package(FetchAndCheck(gone, shared))
    assert "gone" not in repr(package)
    failed = package()
    assert isinstance(failed, FetchFailed)
    assert failed.expired
    older = Package(FetchAndCheck(work, shared), version="0.0.0")()
    assert isinstance(older, CannotDoIt)
    assert "the coordinator 0.0.0" in str(older)
    odd = replace(shared, path=Path("\0"))
    assert isinstance(Package(FetchAndCheck(replace(work, target=Path("\0")), odd))(), CannotDoIt)


def test_stills_are_taken_where_the_results_are_seen(shared: SharedFolder, video: Path) -> None:
    assert TakeStill(video, 3, shared)().startswith(b"\x89PNG")
    with pytest.raises(UnusableMedia, match="frame 999"):
        TakeStill(video, 999, shared)()
    with pytest.raises(CannotDoIt, match="run directory"):
        TakeStill(video, 3, replace(shared, token="another"))()  # noqa: S106 - no password


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path) -> None:
    left = tmp_path / "results" / ".fetching-0123"
    left.mkdir(parents=True)
    (left / "s1@1.fetched.part").touch()
    with sharing(tmp_path) as shared:
        assert list((tmp_path / "results").iterdir()) == [shared.path]
        assert shared.is_seen()
    assert list((tmp_path / "results").iterdir()) == []
    assert not shared.is_seen()


def test_no_key_is_inherited() -> None:
    environment = {"PATH": "/bin", "BATCHGEN_API_KEY": "x", "BATCHGEN_WORKERS": "4", "OTHER_API_KEY": "y", "A": "ab"}
    assert without_keys(environment, lambda value: value == "ab") == {"PATH": "/bin"}


@pytest.mark.parametrize("text", ["threads", "dask", "dask:10.0.0.5:8786", "dask:tls://[::1]:8786", "dask:tcp://a:1"])
def test_executors(text: str) -> None:
    assert checked_executor(text) == text


@pytest.mark.parametrize("text", ["", "Dask", "dask:", "dask:here", "tcp://10.0.0.5:8786", "threads:4", "dask:a:b"])
def test_what_is_no_executor(text: str) -> None:
    with pytest.raises(UsageError, match="none of threads, dask and dask:ADDRESS"):
        checked_executor(text)


def test_without_dask_the_run_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(one_scene(references="['https://example.com/a.png']"))
    ended = in_process("run", str(manifest), "--emulator", "--executor=dask")
    assert ended.code == 2
    assert "pip install 'batchgen[dask]'" in ended.err
    ended = in_process("run", str(manifest), "--emulator", "--executor=dusk")
    assert ended.code == 2
    assert "'--executor'" in ended.err


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ((__version__, "3.99.0", b"cno_such_module\nPosixPath\n."), "has Python 3.99.0, whose results"),
        (("0.0.0", "3.11.0", b""), "has batchgen 0.0.0; install batchgen"),
        (__version__, f"has batchgen {__version__} of another build; install batchgen"),
        (ImportError("no av"), "cannot do the work: ImportError: no av; install batchgen"),
    ],
    ids=["another Python", "another batchgen", "an old batchgen", "without a module"],
)
def test_a_process_that_cannot_do_the_work_is_told_why(said: object, why: str) -> None:
    assert unfit(said).startswith(why)
    assert unfit(equipment()) == unfit(OSError("it has ended")) == ""


def test_a_scheduler_that_never_says_a_word_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_connection, "_CONNECTS_IN_S", 0.5)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(UsageError, match="it gives no answer; start one with"),
        cluster_at(f"tcp://127.0.0.1:{listener.getsockname()[1]}", tmp_path, lambda _: False),
    ):
        pass


def test_an_address_of_another_protocol_is_an_address_that_is_not_reached(tmp_path: Path) -> None:
    pytest.importorskip("distributed")

    def page(peer: Peer) -> None:
        peer.read_head()
        peer.answer(200, b"<html>")

    with (
        server(page) as address,
        pytest.raises(UsageError, match="cannot be reached"),
        cluster_at(f"ws{address.removeprefix('http')}", tmp_path, lambda _: False),
    ):
        pass


def test_a_process_is_silent_once_it_has_said_nothing_new_for_long() -> None:
    signs = cluster.SignsOfLife()

    def silent(one: float, two: float, now: float) -> list[str]:
        return signs.silent({"one": {"last_seen": one}, "two": {"last_seen": two}}, now)

    assert silent(5.0, 5.0, 1_000.0) == [], "the clock of the scheduler may be another"
    assert silent(5.0, 6.0, 1_040.0) == []
    assert silent(5.0, 7.0, 1_050.0) == ["one"]
    assert silent(6.0, 8.0, 1_051.0) == [], "it goes on"


def test_what_dask_warns_of_is_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """As `distributed` says it of a process with another Python."""
    with caplog.at_level(logging.INFO), warnings.catch_warnings():
        warnings.simplefilter("error")
        with warnings_logged():
            warnings.warn("Mismatched versions found", UserWarning, stacklevel=1)
    assert caplog.messages == ["Mismatched versions found"]

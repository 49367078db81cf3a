"""What was paid for is kept: results that nothing replaces, run directories of versions before, and picks."""

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.runs import PRICES, Batch, Gateway, batch, emulator, json_lines

BEFORE = Path(__file__).parents[1] / "examples" / "run-directories" / "0.2"
"""Made by version 0.2.0: s1 was edited, its first result written over; s3 is wrong; s4 was taken out."""


def older(folder: Path, gateway: Gateway) -> Batch:
    """That directory, to go on with."""
    shutil.copytree(BEFORE, folder, dirs_exist_ok=True)
    film = Batch(folder, gateway.base_url)
    film.scenes = {"s1": {}, "s2": {}, "s3": {}}
    return film


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.mp4"))


TAKEN_OVER = [
    *("results/s1@2.mp4", "results/s2@1.mp4", "results/s3@1.mp4", "results/s4@1.mp4"),
    *("videos/s1.mp4", "videos/s2.mp4"),
]


def test_a_directory_of_a_version_before_is_taken_over_and_nothing_bought(tmp_path: Path, gateway: Gateway) -> None:
    film = older(tmp_path, gateway)
    before = {path.name: path.read_bytes() for path in (film.run_dir / "videos").iterdir()}
    assert {step["action"] for step in film.plan().values()} == {"done", "failed"}
    film.do("report", film.run_dir)
    assert {path.name: path.read_bytes() for path in (film.run_dir / "videos").iterdir()} == before, "not by a report"
    film.run(expect=1)
    assert files(film.run_dir) == TAKEN_OVER
    assert gateway.posts() == []
    kept = {row["result_path"] for row in film.ledger()}
    assert kept == {"", "results/s1@2.mp4", "results/s2@1.mp4", "results/s3@1.mp4", "results/s4@1.mp4"}
    assert (film.run_dir / "results" / "s1@2.mp4").read_bytes() == before["s1.mp4"]
    (written_over, *_) = film.ledger()
    assert (written_over["error_code"], written_over["result_path"]) == ("download_failed", "")
    assert film.statuses() == "completed completed failed"
    film.run(expect=1)
    assert (files(film.run_dir), gateway.posts()) == (TAKEN_OVER, [])


CUT_OFF = """
import os, signal, sys
from batchgen.store import links, local
from batchgen.journal import journal
from batchgen.cli.main import main

after = int(sys.argv.pop(1))
steps = 0


def counted(function):
    def step(*arguments, **settings):
        global steps
        if steps == after:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
        return function(*arguments, **settings)
    return step


local.link_or_copy = counted(local.link_or_copy)
local.make_read_only = counted(local.make_read_only)
from batchgen.store import view
view.link_or_copy = counted(view.link_or_copy)
journal.Journal.append = counted(journal.Journal.append)
sys.exit(main())
"""
"""The program, killed before a step of the taking over: a link made, a mode set, a line written, a view linked."""


@pytest.mark.parametrize("after", range(0, 13, 3))
def test_killed_while_taking_over(tmp_path: Path, gateway: Gateway, after: int) -> None:
    film = older(tmp_path, gateway)
    program = (sys.executable, "-P", "-c", CUT_OFF, str(after))
    with film.started("--base-url", gateway.base_url, program=program, measured=False) as run:
        assert run.wait(60) == -signal.SIGKILL
    film.run(expect=1)
    assert (files(film.run_dir), gateway.posts()) == (TAKEN_OVER, [])
    assert film.statuses() == "completed completed failed"


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[tuple[Batch, Gateway]]:
    """A batch that has run, and another gateway, which knows nothing of its tasks."""
    with emulator(tmp_path) as first:
        film = batch(tmp_path, first, 1, pricing=PRICES)
        film.run()
        other = tmp_path / "other"
        other.mkdir()
        with emulator(other) as second:
            yield film, second


def test_a_run_directory_belongs_to_its_gateway(moved: tuple[Batch, Gateway]) -> None:
    film, other = moved
    own, film.gateway = film.gateway, other.base_url
    film.scenes["s2"] = {"prompt": "character1 leaves"}
    film.write()
    before = film.state.read_bytes()
    ended = film.run(expect=2)
    assert f"belongs to the gateway {own}" in ended.err
    assert "--rebind" in ended.err
    assert (film.state.read_bytes(), other.entries()) == (before, [])
    film.gateway = own.replace("http://127.0.0.1", "HTTP://127.0.0.1") + "/"
    film.run()
    film.gateway = other.base_url
    film.scenes["s3"] = {"prompt": "character1 comes back"}
    film.write()
    film.run("--rebind")
    film.run()
    assert len(other.created()) == 1


def test_what_lies_in_the_place_of_a_result_or_a_video_is_not_lost(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    for name in ("results/s1@1.mp4", "videos/s1.mp4", "videos/notes.mp4"):
        path = film.run_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"precious {name}".encode())
    film.run()
    found = {path.read_bytes() for path in film.run_dir.rglob("*.mp4")}
    assert {b"precious results/s1@1.mp4", b"precious videos/s1.mp4", b"precious videos/notes.mp4"} < found
    video = (film.run_dir / "videos" / "s1.mp4").read_bytes()
    assert video == (film.run_dir / "results" / "s1@1.mp4").read_bytes()
    assert sum("found" in name for name in files(film.run_dir)) == 2


def test_videos_on_another_disk_are_copies(tmp_path: Path, gateway: Gateway, other_disk: Path) -> None:
    film = batch(tmp_path, gateway)
    film.run_dir.mkdir(parents=True)
    (film.run_dir / "videos").symlink_to(other_disk)
    film.run()
    before = {path.name: path.stat().st_mtime_ns for path in other_disk.iterdir()}
    assert sorted(before) == ["s1.mp4", "s2.mp4"]
    film.do("report", film.run_dir)
    assert {path.name: path.stat().st_mtime_ns for path in other_disk.iterdir()} == before, "copied once"
    film.scenes = {"opening": film.scenes["s1"] | {"seed": 4}}
    film.write()
    film.run()
    assert [path.name for path in other_disk.iterdir()] == ["opening.mp4"], "what is kept elsewhere is no view any more"


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk to which nothing here can be linked."""
    shared = Path("/dev/shm")  # noqa: S108 - a disk of its own on every Linux
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one disk only")
    folder = shared / f"batchgen-{tmp_path.parent.name}-{tmp_path.name}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def with_takes(folder: Path, gateway: Gateway) -> Batch:
    film = batch(folder, gateway, 2, pricing=PRICES)
    film.scenes["s1"] |= {"takes": 2, "title": "The gate"}
    film.scenes["s2"]["prompt"] += " [wrong-size-result]"
    film.write()
    film.run(expect=1)
    return film


def picked(film: Batch) -> dict[str, str]:
    return {name: row["picked"] for name, row in film.report().items()}


def test_a_take_is_picked_and_follows_its_edits(tmp_path: Path, gateway: Gateway) -> None:
    film = with_takes(tmp_path, gateway)
    assert {row["title"] for row in film.report().values()} == {"The gate", ""}
    assert film.do("pick", film.run_dir, "s1-t2").err == "picked: s1-t2\n"
    assert picked(film) == {"s1-t1": "", "s1-t2": "yes", "s2": ""}
    assert "s2 is picked, and what it has is not what was asked for" in film.do("pick", film.run_dir, "s2").err
    film.scenes["s1"]["prompt"] += ", slowly"
    film.scenes["s3"] = {"prompt": "character1 sleeps"}
    film.write()
    film.run("--scene=s1", expect=0)
    missing = "s3 is picked, and is pending: until it has a result, shot s3 is missing in film and exports"
    assert missing in film.do("pick", film.run_dir, "s3").err
    assert picked(film)["s1-t2"] == "yes"
    film.do("pick", film.run_dir, "--clear", "s1")
    assert picked(film) == {"s1-t1": "", "s1-t2": "", "s2": "yes", "s3": "yes"}


def test_an_attempt_that_is_not_what_was_asked_for_can_be_picked(tmp_path: Path, gateway: Gateway) -> None:
    film = with_takes(tmp_path, gateway)
    film.do("pick", film.run_dir, "s2@1")
    row = film.report()["s2"]
    assert (row["status"], row["error_code"], row["video_path"]) == ("completed", "", "videos/s2.mp4")
    assert (film.run_dir / "videos" / "s2.mp4").samefile(film.run_dir / "results" / "s2@1.mp4")
    film.run("--retry-failed")
    assert len(gateway.created()) == 3
    film.do("pick", film.run_dir, "--clear", "s2")
    assert film.statuses() == "completed completed failed"
    assert not (film.run_dir / "videos" / "s2.mp4").exists()


def test_an_earlier_attempt_is_picked_and_stays_whatever_is_edited(tmp_path: Path, gateway: Gateway) -> None:
    film = with_takes(tmp_path, gateway)
    first = (film.run_dir / "videos" / "s1-t1.mp4").read_bytes()
    film.scenes["s1"]["prompt"] += ", slowly"
    film.write()
    film.run(expect=1)
    film.do("pick", film.run_dir, "s1-t1@1")
    assert (film.run_dir / "videos" / "s1-t1.mp4").read_bytes() == first
    film.scenes["s1"]["prompt"] += ", and once more"
    film.write()
    plan = film.plan()
    assert (plan["s1-t1"]["action"], plan["s1-t2"]["action"]) == ("done", "submit")
    assert "s1-t1@1 is picked" in plan["s1-t1"]["reason"]


def test_a_file_of_picks_is_taken_whole_or_not_at_all(tmp_path: Path, gateway: Gateway) -> None:
    film = with_takes(tmp_path, gateway)
    film.do("pick", film.run_dir, "s1-t2", "s2@1")
    shown = film.do("pick", film.run_dir).out
    assert shown.splitlines() == ["# batchgen picks film", "s1-t2", "s2@1"]
    (tmp_path / "picks.txt").write_text("# batchgen picks film\ns1-t1\nnobody\n", encoding="utf-8")
    before = film.state.read_bytes()
    ended = film.do("pick", film.run_dir, "--from", "picks.txt", expect=2)
    assert "there is no scene 'nobody'" in ended.err
    assert film.state.read_bytes() == before
    (tmp_path / "picks.txt").write_text("# batchgen picks film\ns1-t1\n", encoding="utf-8")
    film.do("pick", film.run_dir, "--from", "picks.txt")
    assert picked(film) == {"s1-t1": "yes", "s1-t2": "", "s2": ""}
    assert [entry["event"] for entry in json_lines(film.state)][-2:] == ["picks_cleared", "picked"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("s1",), "s1 has takes; pick one of them: s1-t1, s1-t2"),
        (("s9",), "there is no scene 's9'"),
        (("s2@2",), "there is no attempt s2@2; of s2 there is s2@1"),
        (("s1-t1@x",), "there is no attempt s1-t1@x"),
        (("s1-t1", "s1-t2"), "are of one shot, s1"),
        (("--from", "hero.png"), "cannot be read: it is not UTF-8"),
        (("--from", "manifest.yaml"), "its first line has to be # batchgen picks NAME"),
        (("--clear", "s9"), "there is no shot 's9'"),
        (("--clear", "s1", "s2"), "exclude each other"),
    ],
)
def test_what_picks_nothing_is_wrong_usage(done: Batch, names: tuple[str, ...], said: str) -> None:
    before = done.state.read_bytes()
    assert said in done.do("pick", done.run_dir, *names, expect=2).err
    assert done.state.read_bytes() == before


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, shared_emulator: Gateway) -> Batch:
    return with_takes(tmp_path_factory.mktemp("picks"), shared_emulator)

"""A run directory that somebody else has made, and what another user of the machine can see of one."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchgen.engine import events as ev
from batchgen.journal.records import encode
from batchgen.model import RequestFacts, TaskResult

from helpers.hostile import HostileGateway, done, files_with, listening, numbered, rows_of
from helpers.runs import KEY, Batch
from helpers.servers import server
from helpers.support import Ended, in_process, write_video

AT = "2026-01-01T00:00:00.000Z"
REQUEST = {"model": "wan26_r2v", "input": {"prompt": "x"}, "parameters": {"size": "960*960", "duration": 2}}
SUBMITTING = ev.Submitting(AT, "s1", 1, RequestFacts("ab" * 32, REQUEST, "720P", ()), None)
SUBMITTED = ev.Submitted(AT, "s1", 1, "task-1")
COMPLETED = ev.Completed(AT, "s1", 1, TaskResult("http://127.0.0.1:9/x", None, None, None))
DOWNLOADED = ev.Downloaded(AT, "s1", 1, "videos/s1.mp4", "ab" * 32, None)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and modes as POSIX has them")


def handed_over(film: Batch, *events: ev.Event) -> None:
    """A run directory with this journal, each line with a good checksum."""
    film.run_dir.mkdir(parents=True, exist_ok=True)
    film.state.write_bytes(b"".join(map(encode, [ev.RunStarted(AT, "0"), *events])))


def rehearsed(film: Batch) -> Ended:
    """A rehearsal in this process, for speed; for runs that are refused before they begin."""
    return in_process("run", str(film.manifest), "--emulator", "--no-progress", "--run-dir", str(film.run_dir))


def everything(folder: Path) -> dict[str, str]:
    """Each path below a folder with what is there, links not followed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        content = path.read_bytes().hex() if stat.S_ISREG(about.st_mode) else ""
        found[str(path.relative_to(folder))] = f"{about.st_mode:o} {content}"
    return found


@pytest.fixture
def usual_umask() -> Any:
    """The umask of most systems, under which new files are readable by all."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_no_other_user_can_open_what_a_run_leaves(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4").read_bytes()
    gateway = HostileGateway(files={"/x": lambda peer: peer.answer(200, clip)})
    with server(gateway) as address:
        gateway.read = {1: done(f"{address}/x")}
        film = numbered(tmp_path, address, 2)
        film.run(expect=1)
        film.do("report", film.run_dir)
        film.do("plan", film.manifest, "--out", tmp_path / "plan.json")
        film.run("--emulator", "--run-dir=runs/rehearsal", expect=0, BATCHGEN_BASE_URL="")
    made = [*(tmp_path / "runs").rglob("*"), tmp_path / "runs", tmp_path / "plan.json"]
    names = {path.name for path in made}
    assert {"state.jsonl", "state.lock", "batchgen.log", "report.csv", "ledger.csv", "s1.mp4", "tasks.jsonl"} <= names
    assert {str(path) for path in made if path.stat().st_mode & 0o077} == set()
    assert files_with(tmp_path, KEY) == []


@pytest.mark.usefixtures("usual_umask")
def test_logs_that_were_rotated_are_private_too(tmp_path: Path) -> None:
    film = numbered(tmp_path, "http://127.0.0.1:9", 1)
    film.run_dir.mkdir(parents=True)
    log = film.run_dir / "batchgen.log"
    log.write_bytes(b"x" * (11 << 20))
    log.chmod(0o600)
    with server(HostileGateway()) as address:
        film.gateway = address
        film.run(expect=1)
    logs = list(film.run_dir.glob("*batchgen*"))
    assert len(logs) > 2
    assert not [path for path in logs if path.stat().st_mode & 0o077]


@pytest.mark.usefixtures("usual_umask")
def test_a_report_that_its_owner_shared_stays_shared_and_a_folder_of_the_users_keeps_its_mode(tmp_path: Path) -> None:
    film = numbered(tmp_path, "http://127.0.0.1:9", 1)
    film.run_dir.mkdir(parents=True)
    with server(HostileGateway()) as address:
        film.gateway = address
        film.run(expect=1)
        (film.run_dir / "report.csv").chmod(0o644)
        film.run(expect=1)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in film.run_dir.iterdir()}
    assert (modes["report.csv"], modes["ledger.csv"], modes["state.jsonl"]) == (0o644, 0o600, 0o600)
    assert stat.S_IMODE(film.run_dir.stat().st_mode) == 0o755


@pytest.mark.usefixtures("usual_umask")
def test_what_init_writes_is_the_users_to_share(tmp_path: Path) -> None:
    film = numbered(tmp_path, "", 1)
    film.do("init", "garden")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "garden").rglob("*") if path.is_file()} == {0o644}


LINKS = [
    *("state.jsonl", "state.lock", "state.lock.holder", "batchgen.log", "batchgen.log.1", ".__batchgen.lock"),
    *("results/s1@1.fetched.part", "results/s1@1.fetched.part.json", "emulator/tasks.jsonl", "emulator/lock"),
]


@pytest.mark.parametrize("name", LINKS)
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"" if name == "state.jsonl" else b"precious")
    film = numbered(tmp_path, "", 1)
    link = film.run_dir / name
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    before = everything(tmp_path)
    ended = rehearsed(film)
    assert ended.code == 6
    assert f"{name} is a link" in ended.err
    assert everything(tmp_path) == before, "named before anything is bought"


@pytest.mark.parametrize("name", ["videos", "emulator", "emulator/pictures"])
def test_a_folder_on_another_disk_may_be_linked_where_it_is_the_users_own(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    film = numbered(tmp_path, "", 1)
    link = film.run_dir / name
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    ended = rehearsed(film)
    assert (ended.code, link.is_symlink()) == (0, True), ended.err
    assert (film.run_dir / "videos" / "s1.mp4").is_file()
    assert list(elsewhere.iterdir())


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_link_to_a_folder_of_another_user_is_named_before_anything_is_bought(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.chown(elsewhere, 4711, -1)
    film = numbered(tmp_path, "", 1)
    film.run_dir.mkdir(parents=True)
    (film.run_dir / "videos").symlink_to(elsewhere)
    ended = rehearsed(film)
    assert (ended.code, "videos is a link to a folder of another user (id 4711)" in ended.err) == (6, True)
    assert not film.state.exists()


@pytest.mark.parametrize("kind", ["nothing", "file", "pipe"])
def test_what_is_no_folder_where_one_is_needed_is_named_before_anything_is_bought(tmp_path: Path, kind: str) -> None:
    film = numbered(tmp_path, "", 1)
    film.run_dir.mkdir(parents=True)
    videos = film.run_dir / "videos"
    if kind == "nothing":
        videos.symlink_to(tmp_path / "unmounted")
    elif kind == "file":
        videos.write_bytes(b"")
    else:
        os.mkfifo(videos)
    ended = rehearsed(film)
    assert (ended.code, "videos is not a folder, nor a link to one" in ended.err) == (6, True)
    assert not film.state.exists()


def test_a_link_in_the_place_of_a_result_is_replaced_and_what_it_led_to_is_left(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4").read_bytes()
    gateway = HostileGateway(files={"/x": lambda peer: peer.answer(200, clip)})
    (tmp_path / "elsewhere").write_bytes(b"precious")
    with server(gateway) as address:
        gateway.read = {1: done(f"{address}/x")}
        film = numbered(tmp_path, address, 1)
        links = [film.run_dir / name for name in ("report.csv", "ledger.csv", "results/s1@1.mp4")]
        links[-1].parent.mkdir(parents=True)
        for link in links:
            link.symlink_to(tmp_path / "elsewhere")
        film.run(expect=1)
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"
    assert all(link.is_file() and not link.is_symlink() for link in links)


def test_pipes_in_a_run_directory_are_not_waited_for(tmp_path: Path) -> None:
    film = numbered(tmp_path, "", 1)
    film.run_dir.mkdir(parents=True)
    os.mkfifo(film.state)
    for command in ("status", "report", "audit"):
        ended = in_process(command, str(film.run_dir))
        assert (ended.code, "not a regular file" in ended.err) == (6, True)
    assert "not a regular file" in rehearsed(film).err
    film.state.unlink()
    os.mkfifo(film.run_dir / "batchgen.log")
    assert "not a regular file" in rehearsed(film).err


EVIL_IDS = [
    "../../../evil",
    "/evil",
    "..",
    "videos/../../evil",
    "a\\..\\evil",
    "C:evil",
    "a\x00b",
    "\u202eevil",
    "",
]


def test_a_journal_cannot_name_files_outside_of_its_directory(tmp_path: Path) -> None:
    film = numbered(tmp_path, "http://127.0.0.1:9", 1)
    for scene_id in EVIL_IDS:
        running = [replace(event, scene_id=scene_id) for event in (SUBMITTING, SUBMITTED)]
        facts = ev.SceneFacts(scene_id, RequestFacts("ab" * 32, REQUEST, "720P", ()), None)
        for events in (running, [ev.ManifestRead(AT, "film", "wan26_r2v", (facts,))]):
            handed_over(film, *events)
            before = everything(tmp_path)
            ended = film_refuses(film)
            assert "id that no scene can have" in ended, scene_id
            assert everything(tmp_path) == before
    for path in ("../../../../etc/passwd", "/etc/passwd", "videos/../../x", "https://evil.example/x", "x.mp4", ""):
        handed_over(film, SUBMITTING, SUBMITTED, COMPLETED, replace(DOWNLOADED, path=path))
        assert "a video lies where" in film_refuses(film), path


def film_refuses(film: Batch) -> str:
    """What `status` says, in this process for speed, of a directory that `run` would refuse with the same words."""
    ended = in_process("status", str(film.run_dir))
    assert ended.code == 6
    return ended.err


def test_a_run_refuses_such_a_journal_and_writes_nothing_anywhere(tmp_path: Path) -> None:
    with server(HostileGateway()) as address:
        film = numbered(tmp_path, address, 1)
        handed_over(film, *(replace(event, scene_id="../../../evil") for event in (SUBMITTING, SUBMITTED)))
        assert "no scene can have" in film.run(expect=6).err
    assert not list(tmp_path.rglob("*evil*"))


REQUESTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "parameters": lambda request: {**request, "parameters": []},
    "input": lambda request: {**request, "input": "x"},
    "nothing": lambda _: {},
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_journal_with_requests_that_are_none_is_damaged_and_no_bug(tmp_path: Path, name: str) -> None:
    film = numbered(tmp_path, "http://127.0.0.1:9", 1)
    handed_over(film, replace(SUBMITTING, request=replace(SUBMITTING.request, document=REQUESTS[name](REQUEST))))
    assert "a request lacks its input or its parameters" in film_refuses(film)


def test_the_key_goes_where_the_options_say_whatever_a_journal_says(tmp_path: Path) -> None:
    gateway = HostileGateway()
    with listening() as evil, server(gateway) as address:
        film = numbered(tmp_path, address, 1)
        tasks = [f"{evil.address}/x", f"@{evil.address.removeprefix('http://')}", "../../../x", "x\r\nHost: evil"]
        attempts: list[ev.Event] = []
        for number, task in enumerate(tasks, 2):
            attempts.append(replace(SUBMITTING, scene_id=f"s{number}"))
            attempts.append(replace(SUBMITTED, scene_id=f"s{number}", task_id=task))
        stolen = replace(COMPLETED, result=TaskResult(f"{evil.address}/video"))
        handed_over(film, SUBMITTING, SUBMITTED, stolen, *attempts)
        film.run("--retry-failed", expect=1)
    asked = [head for head in gateway.heads if head.startswith(b"GET")]
    assert len(asked) >= len(tasks)
    assert all(f"Host: {address.removeprefix('http://')}".encode() in head for head in gateway.heads)
    assert not any(KEY.encode() in request for request in evil.requests)


def test_words_in_a_journal_do_not_steer_the_terminal(tmp_path: Path) -> None:
    film = numbered(tmp_path, "http://127.0.0.1:9", 1)
    evil = "\x1b[2J\x9b31m\u202e\nTo go on: rm -rf /"
    facts = ev.SceneFacts("s1", RequestFacts("ab" * 32, REQUEST, "720P", ()), None)
    failed = ev.Failed(AT, "s1", 1, evil, evil, None, None, again=False)
    handed_over(film, ev.ManifestRead(AT, evil, evil, (facts,)), SUBMITTING, SUBMITTED, failed)
    for command in (["status"], ["audit", "--by", "model"], ["report"]):
        ended = film.do(command[0], film.run_dir, *command[1:])
        assert not {"\x1b", "\x9b", "\u202e"} & set(ended.out + ended.err)
        assert not [line for line in (ended.out + ended.err).splitlines() if line.startswith(evil.splitlines()[-1])]
    report = (film.run_dir / "report.csv").read_text(encoding="utf-8")
    assert not {"\x1b", "\x9b", "\u202e"} & set(report)
    assert rows_of(film.state.read_text(encoding="ascii"))[-1]["message"] == evil


def test_times_that_are_none_do_not_end_a_report(tmp_path: Path) -> None:
    film = numbered(tmp_path, "http://127.0.0.1:9", 1)
    facts = ev.SceneFacts("s1", RequestFacts("ab" * 32, REQUEST, "720P", ()), None)
    handed_over(
        film,
        ev.ManifestRead(AT, "film", "wan26_r2v", (facts,)),
        replace(SUBMITTING, at="yesterday"),
        SUBMITTED,
        replace(COMPLETED, at="9999"),
    )
    shown = json.loads(film.do("status", film.run_dir, "--format=json").out)
    assert shown["scenes"][0]["elapsed_s"] is None

"""Gateways that nobody wrote a model of: what they cost, and what they do not."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.hostile import Answer, HostileGateway, done, numbered, says, sends
from helpers.runs import CREATE, Batch, Gateway, batch, until
from helpers.servers import Peer, server
from helpers.support import write_video

RUNNING = says({"status": "in_progress"})
HTML_404 = b"<html><h1>404 Not Found</h1></html>"


def posts(gateway: HostileGateway) -> int:
    return sum(head.startswith(b"POST") for head in gateway.heads)


def half(body: bytes, claimed: int) -> Answer:
    """An answer that claims another length than it has."""
    return lambda peer: peer.answer(200, body, content_length=str(claimed))


CAME: dict[str, tuple[Answer, str]] = {
    "500 with an id": (says({"error": "internal", "id": "t-500"}, 500), "t-500"),
    "502 with an id": (says({"id": "t-502"}, 502), "t-502"),
    "302 with an id": (says({"id": "t-302"}, 302, location="/elsewhere"), "t-302"),
    "an id with blanks": (says({"id": "t 1"}), "t 1"),
    "an id of 2000 characters": (says({"id": "x" * 2000}), "x" * 100),
    "half a body": (half(b'{"status": "queued", "id": "t-half", "mod', 1000), "t-half"),
    "a whole body of another length": (half(b'{"status": "queued", "id": "t-long"}', 1000), "t-long"),
    "half of a chunk": (
        sends(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"id": "t-chunk", '), "t-chunk"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CAME)
def test_what_came_with_a_useless_answer_is_kept_and_offered(tmp_path: Path, name: str) -> None:
    answer, candidate = CAME[name]
    with server(HostileGateway({1: answer})) as address:
        film = numbered(tmp_path, address, 1)
        ended = film.run(expect=1)
    (event,) = (line for line in film.journal() if line["event"] == "outcome_unknown")
    assert event["candidate_id"].startswith(candidate)
    assert candidate in event["excerpt"]
    for said in (ended.err, film.do("status", film.run_dir).out):
        assert candidate in said
        assert "the answer began: " in said
    assert candidate in film.do("resolve", film.run_dir, "s1", expect=2).err
    if " " not in candidate and len(candidate) < 100:
        assert f"resolve {film.run_dir} s1 --task-id {candidate}\n" in ended.err
    film.do("resolve", film.run_dir, "s1", "--task-id=t-1")
    assert film.statuses() == "running"


def test_what_was_resolved_can_be_corrected_until_the_task_was_seen(tmp_path: Path) -> None:
    known = threading.Event()
    gateway = HostileGateway({1: says({}, 502)})

    def answer(peer: Peer) -> None:
        right = peer.target.endswith("/task-1")
        (RUNNING if right and known.is_set() else says({"message": "no such task"}, 404))(peer)

    gateway.read = {1: answer, 2: answer}
    with server(gateway) as address:
        film = numbered(tmp_path, address, 1)
        film.run(expect=1)
        resolve = ("resolve", film.run_dir, "s1")
        for given in ("--task-id=task-2", "--not-created", "--task-id=task-2"):
            film.do(*resolve, given)
        film.run("--task-timeout=1", expect=1)
        assert film.report()["s1"]["error_code"] == "task_not_found"
        film.do(*resolve, "--task-id=task-1")
        known.set()
        film.run("--task-timeout=1", expect=1)
        assert (film.statuses(), film.report()["s1"]["task_id"]) == ("running", "task-1")
        assert "nothing to settle" in film.do(*resolve, "--task-id=task-2", expect=2).err
    assert posts(gateway) == 1
    assert Counter(line["event"] for line in film.journal())["task_seen"] == 1


@pytest.mark.parametrize("page", [False, True], ids=["json", "html"])
def test_404_gives_up_no_task_for_good(tmp_path: Path, page: bool) -> None:  # noqa: FBT001 - which of two
    clip = write_video(tmp_path / "clip.mp4").read_bytes()
    away = threading.Event()
    away.set()
    gateway = HostileGateway(files={"/x": lambda peer: peer.answer(200, clip)})
    with server(gateway) as address:
        found = done(f"{address}/x")

        def answer(peer: Peer) -> None:
            if not away.is_set():
                found(peer)
            elif page:
                peer.answer(404, HTML_404)
            else:
                says({"message": "no such task"}, 404)(peer)

        gateway.read = {1: answer, 2: RUNNING}
        film = numbered(tmp_path, address, 2)
        film.run("--task-timeout=1.5", expect=1)
        row = film.report()["s1"]
        assert (row["status"], row["error_code"]) == (
            ("running", "task_timeout") if page else ("failed", "task_not_found")
        )
        film.run("--task-timeout=1.5", expect=1)
        away.clear()
        film.run("--task-timeout=1.5", expect=1)
        assert film.report()["s1"]["task_id"] == "task-1"
        assert film.report()["s1"]["cost_usd"] == "0.20"
    assert posts(gateway) == 2


@pytest.mark.parametrize(
    ("status", "after"),
    [(429, "0"), (429, "Sun, 06 Nov 1994 08:49:37 GMT"), (503, "")],
)
def test_refusals_are_spaced_whatever_the_gateway_asks_for(tmp_path: Path, status: int, after: str) -> None:
    headers = {"retry_after": after} if after else {}
    gateway = HostileGateway(dict.fromkeys(range(3), says({"message": "busy"}, status, **headers)))
    with server(gateway) as address:
        film = numbered(tmp_path, address, 2)
        with film.started() as run:
            until(lambda: posts(gateway) >= 2, run)
            time.sleep(2)  # in which it could send thousands
            run.kill()
    assert posts(gateway) <= 8


@pytest.mark.parametrize("status", [429, 503])
def test_a_day_is_not_waited_for_in_silence(tmp_path: Path, status: int) -> None:
    busy = says({"message": "come back tomorrow"}, status, retry_after="86400")
    gateway = HostileGateway(dict.fromkeys(range(9), busy))
    with server(gateway) as address:
        film = numbered(tmp_path, address, 3)
        ended = film.run("--max-in-flight=1", expect=1)
    assert film.statuses() == "pending pending pending"
    assert "lets nothing more in" in ended.err
    assert "come back tomorrow" in ended.words
    assert "Left for a later run, not sent and not paid for: shut_out × 3: s1, s2, s3" in ended.words  # noqa: RUF001
    assert "To go on, first wait until the gateway lets you in again. Then: batchgen run" in ended.words
    assert posts(gateway) == 1


def test_a_run_that_is_kept_waiting_says_so_and_why(tmp_path: Path) -> None:
    busy = says({"message": "two at a time, please"}, 429, retry_after="300")
    gateway = HostileGateway({2: busy}, {1: RUNNING})
    with server(gateway) as address:
        film = numbered(tmp_path, address, 2)
        with film.started(silent=False) as run:
            told = run.stderr.readline()
            run.kill()
    assert told.startswith("no submission for 300 s: the gateway answered 429: two at a time, please")


def test_a_gateway_without_usable_answers_does_not_burn_the_batch(tmp_path: Path) -> None:
    gateway = HostileGateway(dict.fromkeys(range(99), lambda peer: peer.answer(502, HTML_404)))
    with server(gateway) as address:
        film = numbered(tmp_path, address, 60)
        ended = film.run("--workers=4", expect=5)
    assert "one submission after the other had no usable answer" in ended.err
    counted = Counter(film.statuses().split())
    assert counted["unknown"] == posts(gateway)
    assert 8 <= counted["unknown"] <= 5 + 3 + 3
    assert counted == {"unknown": counted["unknown"], "pending": 60 - counted["unknown"]}
    assert {row["error_code"] for row in film.report().values()} == {"submit_unknown", "unanswered"}


def test_one_id_for_two_scenes_is_the_result_of_the_first_alone(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4").read_bytes()
    same = says({"id": "task-7", "status": "in_progress"})
    gateway = HostileGateway({1: same, 2: same}, files={"/x": lambda peer: peer.answer(200, clip)})
    with server(gateway) as address:
        gateway.read = {7: done(f"{address}/x")}
        film = numbered(tmp_path, address, 2)
        ended = film.run("--workers=1", expect=1)
    first, second = film.report().values()
    assert (first["task_id"], second["status"], second["error_code"]) == ("task-7", "unknown", "task_id_repeated")
    assert "task-7, which is that of scene s1, attempt 1" in second["error_message"]
    assert second["cost_usd"] == ""
    assert "task_id_repeated" in ended.err
    assert film.do("audit", film.run_dir, "--format=json").out.count('"cost_usd": "0.20"') == 1


def test_an_answer_about_another_task_is_booked_for_nobody(tmp_path: Path) -> None:
    about_another: Callable[[str], Answer] = lambda url: says(  # noqa: E731 - one use
        {"id": "task-2", "status": "completed", "output": [{"content": [{"type": "video", "url": url}]}]}
    )
    gateway = HostileGateway()
    with server(gateway) as address:
        gateway.read = {1: about_another(f"{address}/x"), 2: RUNNING}
        film = numbered(tmp_path, address, 2)
        film.run("--task-timeout=1", expect=1)
    assert film.statuses() == "running running"
    assert not list(film.run_dir.glob("videos/*"))
    assert "for another task, task-2" in (film.run_dir / "batchgen.log").read_text(encoding="utf-8")


def test_attempts_count_over_runs_and_are_part_of_a_saved_plan(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.scenes["s1"]["prompt"] += " [fail-001028095-object]"
    film.write()
    for attempts, made in ((2, 2), (2, 2), (1, 2)):
        film.run(f"--attempts={attempts}", expect=1)
        film.witness(gateway, made)
    plan = tmp_path / "film.plan"
    film.do("plan", film.manifest, "--attempts=3", "--out", plan)
    assert "another --attempts" in film.run("--plan", plan, "--attempts=4", expect=2).err
    film.run("--plan", plan, "--attempts=3", expect=1)
    film.witness(gateway, 3)


def test_bought_is_not_completed_before_the_file_is_here(tmp_path: Path) -> None:
    gateway = HostileGateway(files={"/x": lambda peer: peer.answer(200, b"")})
    with server(gateway) as address:
        gateway.read = {1: done(f"{address}/x")}
        film: Batch = numbered(tmp_path, address, 1)
        film.run("--no-download")
        assert film.statuses() == "completed", "nobody wants the file"
        film.run("--no-wait")
        assert film.statuses() == "running"
    document = json.loads(film.do("status", film.run_dir, "--format=json").out)
    assert document["totals"]["running"] == 1


def test_a_gateway_that_knows_none_of_our_tasks_is_the_wrong_one(tmp_path: Path) -> None:
    """It takes half a minute, as for one that cannot be reached: only time tells an outage from a mistake."""
    gateway = HostileGateway(read={number: says({"message": "unknown"}, 404) for number in range(9)})
    with server(gateway) as address:
        film = numbered(tmp_path, address, 3)
        film.run("--no-wait")
        ended = film.run("--workers=2", expect=5)
    assert "the gateway knows none of the tasks (404 to all of them)" in ended.err
    assert film.statuses() == "running running running"
    assert all(head.startswith((b"POST", f"GET {CREATE}/task/".encode())) for head in gateway.heads)
    assert posts(gateway) == 3

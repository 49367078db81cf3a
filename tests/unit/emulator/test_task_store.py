"""Stored tasks survive the emulator that created them."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from batchgen.emulator.faults.rules import rule
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.emulator.tasks.task_store import TaskStore
from batchgen.errors import UsageError
from batchgen.schemas import shipped

from helpers.runs import batch, json_lines
from helpers.support import in_process
from unit.emulator.client import Client, data_uri, picture, request

LONG = (60.0, 60.0)
AT_ONCE = (0.0, 0.0)


@contextmanager
def emulator(folder: Path, *faults: str, **settings: Any) -> Iterator[Client]:
    """An emulator with its state and its log in a folder."""
    given = {"latency": AT_ONCE, "state": folder / "state", "log": folder / "log.jsonl", **settings}
    with EmbeddedEmulator(Settings(**given, rules=[rule(fault) for fault in faults]), shipped()) as running:
        client = Client(running.base_url, given["log"])
        yield client
        client.close()


def video(client: Client, task: Any) -> bytes:
    answer = client.send("GET", task["output"][0]["content"][0]["url"])
    assert answer.status == 200
    return answer.body


def shown(task: Any) -> Any:
    """A task without the address of its video, which is another one every time."""
    return {**task, "output": task["output"][0]["content"][0]["jobId"]}


def passed(folder: Path, seconds: float) -> None:
    """Make all stored tasks older, as if no emulator had run for that time."""
    path = folder / "state" / "tasks.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    lines = [json.dumps({**record, "created": record["created"] - seconds}) + "\n" for record in records]
    path.write_text("".join(lines))


@pytest.mark.parametrize("reference", ["https://example.com/a.png", data_uri(picture("teal", "JPEG"), "image/jpeg")])
def test_a_finished_task_is_the_same_after_a_restart(tmp_path: Path, reference: str) -> None:
    with emulator(tmp_path) as client:
        before = client.bought(request("a cat", reference, audio=True, watermark=True))
        content = video(client, before)
    with emulator(tmp_path) as client:
        after = client.read(before["id"]).json()
        assert shown(after) == shown(before)
        assert video(client, after) == content
        assert video(client, after) == content
        # What was logged before the restart is not logged again.
        assert [entry["status"] for entry in client.entries("task")] == ["in_progress", "completed"]


def test_a_task_of_an_earlier_version_is_known_with_what_was_written_of_it(tmp_path: Path) -> None:
    with emulator(tmp_path) as client:
        before = client.bought(request())
    path = tmp_path / "state" / "tasks.jsonl"
    record = json.loads(path.read_text())
    for name in ("unit_price", "quantity", "reference_seconds", "tier", "queued"):
        del record[name]
    path.write_text(json.dumps(record) + "\n")
    with emulator(tmp_path) as client:
        after = client.read(before["id"]).json()
    assert after["usage"] == {name: before["usage"][name] for name in ("cost", "discount")}
    assert (after["status"], after["metadata"]) == ("completed", before["metadata"])


def test_a_task_under_way_goes_on_by_the_wall_clock(tmp_path: Path) -> None:
    with emulator(tmp_path, latency=LONG) as client:
        due, begun = (client.create(request(prompt)).json()["id"] for prompt in ("due", "begun"))
    passed(tmp_path, 61)
    with emulator(tmp_path, latency=LONG) as client:
        new = client.create(request("new")).json()["id"]
        assert [client.read(task).json()["status"] for task in (due, begun, new)] == [
            "completed",
            "completed",
            "in_progress",
        ]
    passed(tmp_path, 59)
    with emulator(tmp_path, latency=LONG) as client:
        assert client.read(new).json()["progress"] > 0.9
        assert client.ended(new)["status"] == "completed"


def test_a_clock_that_was_set_back_does_not_keep_tasks_for_ever(tmp_path: Path) -> None:
    with emulator(tmp_path, latency=(0.5, 0.5)) as client:
        task = client.create(request()).json()["id"]
    passed(tmp_path, -3600)
    with emulator(tmp_path) as client:
        assert client.ended(task)["status"] == "completed"


def test_what_was_decided_stays_decided(tmp_path: Path) -> None:
    kinds = ["stuck", "vanish", "fail-none", "fail-001028095-int", "status-weird"]
    tasks = {}
    for kind in kinds:
        with emulator(tmp_path, kind, cost_as="number", prices={}) as client:
            tasks[kind] = client.create(request(kind)).json()["id"]
    with emulator(tmp_path) as client:
        answers = {kind: client.read(task) for kind, task in tasks.items()}
    assert answers.pop("vanish").status == 404
    assert {kind: answer.json()["status"] for kind, answer in answers.items()} == {
        "stuck": "in_progress",
        "fail-none": "failed",
        "fail-001028095-int": "failed",
        "status-weird": "Completed",
    }
    assert "error" not in answers["fail-none"].json()
    assert answers["fail-001028095-int"].json()["error"]["code"] == 1028095


def test_costs_and_faults_of_the_result_stay_as_they_were(tmp_path: Path) -> None:
    with emulator(tmp_path, "no-range", "short-result", discount=Decimal("0.5")) as client:
        before = client.bought(request())
        content = video(client, before)
    with emulator(tmp_path) as client:
        after = client.read(before["id"]).json()
        assert after["usage"] == before["usage"]
        assert video(client, after) == content
        assert "accept-ranges" not in client.send("HEAD", after["output"][0]["content"][0]["url"]).headers


def test_the_limit_counts_tasks_of_before_the_restart(tmp_path: Path) -> None:
    with emulator(tmp_path, "stuck") as client:
        client.create(request())
    with emulator(tmp_path, max_concurrent=1) as client:
        assert client.create(request("another")).status == 429


def test_ids_never_come_twice_not_even_with_a_seed(tmp_path: Path) -> None:
    ids = []
    for _ in range(3):
        with emulator(tmp_path, seed=5) as client:
            ids += [client.create(request()).json()["id"] for _ in range(2)]
    assert len(set(ids)) == 6


def test_a_picture_is_kept_once(tmp_path: Path) -> None:
    with emulator(tmp_path) as client:
        for prompt in ("a", "b"):
            assert client.create(request(prompt, data_uri(picture()))).status == 200
    assert len(list((tmp_path / "state" / "pictures").iterdir())) == 1


def test_a_torn_last_line_is_not_a_task(tmp_path: Path) -> None:
    with emulator(tmp_path, latency=LONG) as client:
        kept, torn = (client.create(request(prompt)).json()["id"] for prompt in "ab")
    path = tmp_path / "state" / "tasks.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    with emulator(tmp_path, latency=LONG) as client:
        assert (client.read(kept).status, client.read(torn).status) == (200, 404)
        new = client.create(request("c")).json()["id"]
    with emulator(tmp_path) as client:
        assert (client.read(kept).status, client.read(new).status) == (200, 200)


@pytest.mark.parametrize("line", ["", "{}", "[]", "no JSON", '{"v": 2}', '{"v": 1, "look": []}'])
def test_a_damaged_state_is_wrong_usage(tmp_path: Path, line: str) -> None:
    with emulator(tmp_path, latency=LONG) as client:
        client.create(request())
    path = tmp_path / "state" / "tasks.jsonl"
    damaged = path.read_text() + line + "\n"
    path.write_text(damaged)
    ended = in_process("emulator", "--state", str(tmp_path / "state"))
    assert (ended.code, ended.out) == (2, "")
    assert "tasks.jsonl:2: this is not a line that an emulator wrote" in ended.err
    assert path.read_text() == damaged


def test_a_state_is_used_by_one_emulator_at_a_time(tmp_path: Path) -> None:
    with emulator(tmp_path):
        ended = in_process("emulator", "--state", str(tmp_path / "state"))
        assert (ended.code, ended.out) == (2, "")
        assert "in use by another emulator" in ended.err
    with emulator(tmp_path):
        pass


def test_a_state_that_cannot_be_kept_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be used"):
        TaskStore(tmp_path / "file" / "state")
    (tmp_path / "state" / "tasks.jsonl").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be used"):
        TaskStore(tmp_path / "state")


def test_a_task_that_cannot_be_stored_is_not_created(tmp_path: Path) -> None:
    with emulator(tmp_path, max_concurrent=1) as client:
        shutil.rmtree(tmp_path / "state" / "pictures")
        answer = client.create(request("a", data_uri(picture())))
        assert (answer.status, answer.code) == (500, "internal_server_error")
        assert client.entries("task") == []
        assert client.create(request("b")).status == 200


def test_a_result_whose_address_went_with_its_emulator_is_fetched(tmp_path: Path) -> None:
    film = batch(tmp_path, "", 2)
    film.run("--emulator", "--no-download")
    assert not (film.run_dir / "videos").exists()
    film.run("--emulator")
    assert film.statuses() == "completed completed"
    assert sorted(path.name for path in (film.run_dir / "videos").iterdir()) == ["s1.mp4", "s2.mp4"]
    assert len(json_lines(film.run_dir / "emulator" / "tasks.jsonl")) == 2


def test_a_run_reports_a_damaged_state_of_its_emulator(tmp_path: Path) -> None:
    film = batch(tmp_path, "", 1)
    (film.run_dir / "emulator").mkdir(parents=True)
    (film.run_dir / "emulator" / "tasks.jsonl").write_text("damaged\n")
    ended = film.run("--emulator", expect=6)
    assert "cannot go on where it was" in ended.err

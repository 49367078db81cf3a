"""How long tasks took in earlier runs decides which task a run looks at first."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import batchgen
from batchgen.engine.events import Completed
from batchgen.journal.records import decode, encode

from helpers.servers import Peer, server

KEY = "sk-0123456789-of-the-test"
CREATE, READ = "/model/v1/generation", "/model/v1/generation/task/"
KNOWN, OTHER = 2, 3
"""Seconds of video of two kinds of task, of which something is known of the first one only."""


class Quick:
    """A gateway whose tasks have all ended by the first look; it knows which one was read first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.created: list[int] = []
        self.read: list[int] = []

    def __call__(self, peer: Peer) -> None:
        body = peer.read_request()
        if peer.target == CREATE:
            self.created.append(json.loads(body)["parameters"]["duration"])
            answer: dict[str, Any] = {"id": f"{self._name}-{len(self.created)}", "status": "in_progress"}
        else:
            task_id = peer.target.removeprefix(READ)
            self.read.append(self.created[int(task_id.rpartition("-")[2]) - 1])
            videos = [{"content": [{"type": "video", "url": "http://127.0.0.1:9/v.mp4"}]}]
            answer = {"id": task_id, "status": "completed", "output": videos}
        peer.answer(200, json.dumps(answer).encode(), content_type="application/json")


def run(folder: Path, run_dir: Path, *durations: int, history: tuple[Path, ...] = ()) -> Quick:
    """Run a batch with a scene of each duration."""
    gateway = Quick(folder.name)
    asked = {"references": ["https://example.com/a.png"], "size": "1280*720", "seed": len(durations)}
    scenes = [{"id": f"s{each}", "prompt": "character1 waves", "duration": each} for each in durations]
    manifest = folder / "manifest.yaml"
    manifest.write_text(json.dumps({"version": 1, "name": "film", "defaults": asked, "scenes": scenes}))
    with server(gateway) as address:
        ended = batchgen.run(
            manifest,
            run_dir=run_dir,
            base_url=address,
            api_key=KEY,
            workers=1,
            poll_interval=0.2,
            history=history,
            rebind=True,
            no_download=True,
        )
    assert ended.exit_code == 0, ended.why
    assert gateway.created == list(durations)
    return gateway


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A run directory in which a task of one kind took half a minute."""
    folder = tmp_path / "earlier"
    folder.mkdir()
    run(folder, folder / "film", KNOWN)
    journal = folder / "film" / "state.jsonl"
    records = map(decode, journal.read_bytes().splitlines())
    told = (
        replace(record.event, lasted_above_s=30.0, lasted_until_s=30.1)
        if isinstance(record.event, Completed)
        else record.event
        for record in records
    )
    journal.write_bytes(b"".join(map(encode, told)))
    return folder / "film"


def test_without_a_history_the_second_of_two_tasks_is_looked_at_first(tmp_path: Path) -> None:
    assert run(tmp_path, tmp_path / "film", KNOWN, OTHER).read == [OTHER, KNOWN]


def test_with_one_looks_at_what_it_knows_are_planned_from_the_first_on(tmp_path: Path, earlier: Path) -> None:
    assert run(tmp_path, tmp_path / "film", KNOWN, OTHER, history=(earlier,)).read == [KNOWN, OTHER]


def test_what_the_run_directory_knows_itself_counts_as_well(tmp_path: Path, earlier: Path) -> None:
    assert run(tmp_path, earlier, KNOWN, OTHER).read == [KNOWN, OTHER]

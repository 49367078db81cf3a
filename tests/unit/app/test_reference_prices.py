"""Reference video from the manifest to the books and back: a gateway that bills it, and what its charges teach."""

import json
import shutil
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import batchgen
from batchgen.journal.records import Stamp, decode, encode
from batchgen.report.plan import as_json

from helpers.servers import Peer, server
from helpers.support import in_process, write_image, write_video

KEY = "sk-0123456789-of-the-test"
PRICE = Decimal("0.10")
CREATE, READ = "/model/v1/generation", "/model/v1/generation/task/"
REFERENCES = {"none": ["hero.png"], "one": ["dog.mp4"], "two": ["dog.mp4", "cat.mp4"]}
BILLED = {"none": Decimal(0), "one": Decimal(4), "two": Decimal(5)}


class Billing:
    """A gateway that charges output and reference video alike; the prompt names the scene."""

    def __init__(self) -> None:
        self.costs: list[Decimal] = []

    def __call__(self, peer: Peer) -> None:
        body = peer.read_request()
        if peer.target == CREATE:
            asked = json.loads(body)
            seconds = asked["parameters"]["duration"] + BILLED[asked["input"]["prompt"].split()[0]]
            self.costs.append(PRICE * seconds)
            answer: dict[str, Any] = {"id": f"task-{len(self.costs)}", "status": "in_progress"}
        else:
            task_id = peer.target.removeprefix(READ)
            cost = str(self.costs[int(task_id.rpartition("-")[2]) - 1])
            videos = [{"content": [{"type": "video", "url": "http://127.0.0.1:9/v.mp4"}]}]
            answer = {"id": task_id, "status": "completed", "output": videos, "usage": {"cost": cost, "discount": 0.7}}
        peer.answer(200, json.dumps(answer).encode(), content_type="application/json")


def write(manifest: Path, *, pricing: dict[str, str] | None = None, duration: int = 5, **settings: Any) -> None:
    scenes = [
        {"id": name, "prompt": " ".join([name, "character1", "character2"][: 1 + len(listed)]), "references": listed}
        for name, listed in REFERENCES.items()
    ]
    defaults = {"size": "1280*720", "duration": duration}
    priced = {} if pricing is None else {"pricing": pricing}
    document = {"version": 1, "name": "film", "defaults": defaults, **priced, **settings, "scenes": scenes}
    manifest.write_text(json.dumps(document))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A batch that a gateway has charged with reference video."""
    folder = tmp_path_factory.mktemp("film")
    write_image(folder / "hero.png")
    write_video(folder / "dog.mp4", seconds=4)
    write_video(folder / "cat.mp4", seconds=8)
    manifest = folder / "manifest.yaml"
    write(manifest, pricing={"720P": "0.10", "reference_video": "same"}, budget_usd="2.40")
    gateway = Billing()
    with server(gateway) as address:
        done = batchgen.run(manifest, base_url=address, api_key=KEY, poll_interval=0.02, no_download=True)
    assert done.exit_code == 0, done.why
    assert done.charged.usd == sum(gateway.costs) == Decimal("2.40")
    assert [scene.estimated_cost_usd for scene in done.scenes] == [PRICE * 5, PRICE * 9, PRICE * 10]
    return manifest


def planned(manifest: Path) -> dict[str, Any]:
    return as_json(batchgen.plan(manifest).outlook())


def estimates(document: dict[str, Any]) -> list[Decimal]:
    return [Decimal(scene["estimated_cost_usd"]) for scene in document["scenes"] if scene["action"] == "submit"]


def test_the_budget_counts_reference_video(film: Path, tmp_path: Path) -> None:
    write(film, pricing={"720P": "0.10", "reference_video": "same"}, budget_usd="2.39")
    made = batchgen.plan(film, run_dir=tmp_path)
    assert made.outlook().left_usd == Decimal("-0.01")
    assert made.outlook().allowed == 2


def test_what_was_charged_agrees_with_what_is_declared(film: Path) -> None:
    write(film, pricing={"720P": "0.10", "reference_video": "same"})
    assert not planned(film)["totals"]["prices"]["720P"]["differs"]
    write(film, pricing={"720P": "0.10"})
    ended = in_process("plan", str(film))
    assert "the gateway charged 2.40 USD for 15 s and 9 s of reference video in 3 tasks" in ended.err
    assert "which fits reference_video: same in pricing" in ended.err


def test_prices_are_learned_for_each_number_of_reference_videos(film: Path) -> None:
    write(film, duration=8)
    document = planned(film)
    assert estimates(document) == [PRICE * 8, PRICE * 12, PRICE * 13]
    learned = document["totals"]["prices"]["720P"]["learned_by_reference_videos"]
    assert {number: each["learned_reference_s"] for number, each in learned.items()} == {"0": "0", "1": "4", "2": "5"}


def test_a_journal_of_before_makes_no_estimate_lower(film: Path, tmp_path: Path) -> None:
    write(film, duration=8)
    written = (film.parent / "runs" / "film" / "state.jsonl").read_bytes()
    assert b"billed_reference_s" in written
    (tmp_path / "state.jsonl").write_bytes(b"".join(map(without_references, written.splitlines())))
    document = as_json(batchgen.plan(film, run_dir=tmp_path).outlook())
    true = [PRICE * 8, PRICE * 12, PRICE * 13]
    assert all(estimate >= cost for estimate, cost in zip(estimates(document), true, strict=True))
    assert estimates(document)[0] == true[0], "what had no reference video taught exactly that"


def without_references(line: bytes) -> bytes:
    """A line as version 0.2 wrote it."""
    record = decode(line)
    told = json.loads(encode(record.event, Stamp(str(record.writer), record.number)))
    for part in (told, *told.get("scenes", ())):
        for name in ("reference_videos", "billed_reference_s"):
            part.pop(name, None)
    del told["crc"]
    return with_checksum(told)


def with_checksum(record: dict[str, Any]) -> bytes:
    body = json.dumps(record, separators=(",", ":"))[:-1]
    return f'{body},"crc":"{zlib.crc32(body.encode()):08x}"}}\n'.encode()


def test_a_discount_is_in_the_ledger_and_in_no_sum(film: Path) -> None:
    found = batchgen.audit(film.parent / "runs" / "film").sums["total"]
    assert found["cost_usd"] == "2.40"
    assert "0.7" not in str(found)
    ledger = (film.parent / "runs" / "film" / "ledger.csv").read_text()
    assert ledger.count(",0.7,") == 3


@pytest.mark.parametrize("reference", ["same", "0.03"])
def test_a_rehearsal_charges_what_its_plan_says(film: Path, tmp_path: Path, reference: str) -> None:
    for name in ("hero.png", "dog.mp4", "cat.mp4"):
        shutil.copy(film.parent / name, tmp_path / name)
    write(tmp_path / "manifest.yaml", pricing={"720P": "0.11", "reference_video": reference}, duration=2)
    planned = batchgen.plan(tmp_path / "manifest.yaml", emulator=True, no_download=True)
    done = batchgen.run(planned, poll_interval=0.1)
    assert done.charged.usd == planned.outlook().new_cost.usd
    assert [scene.cost_usd for scene in done.scenes] == [scene.estimated_cost_usd for scene in done.scenes]

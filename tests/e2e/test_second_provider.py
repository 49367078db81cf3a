"""A second provider end to end: DashScope's API, spoken by a small server of this test and a hundred lines of ours."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import batchgen
from batchgen.providers.provider import Provider
from batchgen.providers.registry import PROVIDERS
from batchgen.schemas import DEFAULT_MODEL, Catalogue

from helpers import dashscope
from helpers.dashscope import CREATE, DASHSCOPE, TASKS
from helpers.runs import KEY, batch
from helpers.servers import Peer, server
from helpers.support import write_video

ROOT = Path(__file__).resolve().parents[2]
MODEL = "wan2.6-r2v"
BOTH: dict[str, Provider] = {**PROVIDERS, DASHSCOPE.name: DASHSCOPE}


class DashScope:
    """The API as its documentation shows it: tasks are pending, then running, then what their prompt says."""

    def __init__(self, video: bytes) -> None:
        self.video = video
        self.bodies: list[dict[str, Any]] = []
        self.heads: list[bytes] = []
        self.reads: dict[str, int] = {}
        self.address = ""
        self.knows_tasks = True

    def __call__(self, peer: Peer) -> None:
        body = peer.read_request()
        self.heads.append(peer.head)
        if peer.target == CREATE:
            self._create(peer, body)
        elif peer.target.startswith(TASKS):
            self._read(peer, peer.target.removeprefix(TASKS))
        else:
            peer.answer(200, self.video, content_type="video/mp4")

    def _create(self, peer: Peer, body: bytes) -> None:
        asked = json.loads(body)
        self.bodies.append(asked)
        if "forbidden" in asked["input"]["prompt"]:
            self._say(peer, {"code": "DataInspectionFailed", "message": "not allowed", "request_id": "r"}, 400)
            return
        task_id = f"task-{len(self.bodies)}"
        self._say(peer, {"output": {"task_id": task_id, "task_status": "PENDING"}, "request_id": "r"})

    def _read(self, peer: Peer, task_id: str) -> None:
        if not self.knows_tasks:
            self._say(peer, {"output": {"task_id": task_id, "task_status": "UNKNOWN"}})
            return
        self.reads[task_id] = times = self.reads.get(task_id, 0) + 1
        output: dict[str, object] = {"task_id": task_id, "task_status": ("PENDING", "RUNNING")[min(times, 2) - 1]}
        prompt = self.bodies[int(task_id.rpartition("-")[2]) - 1]["input"]["prompt"]
        if times > 2 and "fails" in prompt:
            output |= {"task_status": "FAILED", "code": "InternalError.Algo", "message": "the model gave up"}
        elif times > 2 and "cancelled" in prompt:
            output |= {"task_status": "CANCELED"}
        elif times > 2:
            output |= {"task_status": "SUCCEEDED", "video_url": f"{self.address}/video.mp4"}
        self._say(peer, {"output": output, "request_id": "r-1", "usage": {"video_duration": 5, "video_count": 1}})

    def _say(self, peer: Peer, document: object, status: int = 200) -> None:
        peer.answer(status, json.dumps(document).encode(), content_type="application/json")


@contextmanager
def running(folder: Path) -> Iterator[DashScope]:
    """The server, with a video of the size and length that a scene asks for by default."""
    gateway = DashScope(write_video(folder / "result.mp4", seconds=2, size=(960, 960)).read_bytes())
    with server(gateway) as address:
        gateway.address = address
        yield gateway


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """The shipped schemas, and beside them a model of the other provider with the same limits."""
    target = tmp_path / "models" / MODEL
    target.mkdir(parents=True)
    for path in (ROOT / "schemas" / "models" / DEFAULT_MODEL).iterdir():
        (target / path.name).write_text(path.read_text().replace(DEFAULT_MODEL, MODEL))
    described = json.loads((target / "model.json").read_text())
    described |= {"provider": DASHSCOPE.name, "errors": {}}
    (target / "model.json").write_text(json.dumps(described))
    return Catalogue(ROOT / "schemas", tmp_path / "models")


def loaded(
    folder: Path, catalogue: Catalogue, prompts: list[str], providers: dict[str, Provider] = BOTH
) -> batchgen.Batch:
    made = batch(folder, "", len(prompts), model=MODEL)
    for scene, prompt in zip(made.scenes.values(), prompts, strict=True):
        scene["prompt"] = f"character1 {prompt}"
    made.write()
    return batchgen.load_manifest(made.manifest, run_dir=folder / "run", catalogue=catalogue, providers=providers)


def test_a_batch_runs_on_another_provider(tmp_path: Path, catalogue: Catalogue) -> None:
    with running(tmp_path) as gateway:
        made = loaded(tmp_path, catalogue, ["walks", "fails", "is cancelled", "is forbidden"])
        result = batchgen.run(made, api_key=KEY, base_url=gateway.address, poll_interval=0.05)
        again = batchgen.run(made, api_key=KEY, base_url=gateway.address, poll_interval=0.05)
    assert [(scene.status, scene.error_code) for scene in result.scenes] == [
        ("completed", ""),
        ("failed", "InternalError.Algo"),
        ("failed", "task_failed"),
        ("failed", "DataInspectionFailed"),
    ]
    assert result.scenes[0].video is not None
    assert result.scenes[0].video.read_bytes() == gateway.video
    assert again.scenes == result.scenes
    assert len(gateway.bodies) == 4, "nothing is submitted twice"
    creations = [head.lower() for head in gateway.heads if head.startswith(b"POST")]
    assert all(b"x-dashscope-async: enable" in head and b"authorization: bearer" in head for head in creations)
    assert gateway.bodies[0]["input"]["reference_urls"][0].startswith("data:image/png;base64,")
    assert gateway.bodies[0]["parameters"]["size"] == "960*960"


def test_a_task_that_it_does_not_know_is_looked_for_again(tmp_path: Path, catalogue: Catalogue) -> None:
    with running(tmp_path) as gateway:
        made = loaded(tmp_path, catalogue, ["walks"])
        gateway.knows_tasks = False
        address = gateway.address
        lost = batchgen.run(made, api_key=KEY, base_url=address, poll_interval=0.05, task_timeout=1)
        gateway.knows_tasks = True
        found = batchgen.run(made, api_key=KEY, base_url=address, poll_interval=0.05, task_timeout=1)
    assert [scene.error_code for scene in lost.scenes] == ["task_not_found"]
    assert found.is_complete
    assert len(gateway.bodies) == 1


def test_a_provider_without_a_price_preview_is_not_asked(tmp_path: Path, catalogue: Catalogue) -> None:
    notices: list[batchgen.Notice] = []
    with running(tmp_path) as gateway:
        made = loaded(tmp_path, catalogue, ["walks"])
        address = gateway.address
        plan = batchgen.plan(made, ask_gateway=True, base_url=address, api_key=KEY, on_event=notices.append)
    assert plan.gateway_costs == {}
    assert gateway.heads == []
    assert notices == [batchgen.Warned("the provider dashscope offers no price preview; nothing was asked")]


def test_a_model_of_a_provider_that_nobody_knows_is_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(batchgen.UsageError, match="there is no provider 'dashscope'; there is vtrix"):
        loaded(tmp_path, catalogue, ["walks"], dict(PROVIDERS))


def test_the_dialect_is_short() -> None:
    assert len(Path(dashscope.__file__).read_text(encoding="utf-8").splitlines()) <= 200


OF_ANSWERS = {"taskId", "jobId", "output", "content", "usage", "cost", "progress", "metadata", "img_url"}
"""Names of the vendor's answers and of other requests of it, but for those that batchgen shows under the same name."""


def of_requests() -> set[str]:
    """The names of the vendor's requests that are no words of a manifest, from the schema of each model."""
    found: set[str] = set()
    for path in (ROOT / "schemas" / "models").glob("*/request.schema.json"):
        body = json.loads(path.read_text(encoding="utf-8"))["properties"]
        settings = json.loads((path.parent / "settings.schema.json").read_text(encoding="utf-8"))
        inside = {name for part in body.values() for name in part.get("properties", ())}
        found |= (body.keys() | inside) - settings["$defs"]["settings"]["properties"].keys() - {"model"}
    return found


_TAKES_OPTIONS = ("app/api.py", "cli/options.py", "cli/run_options.py", "journal/line_forms.py", "options.py")
NAMES_OF_OPTIONS = {path: ["output"] for path in _TAKES_OPTIONS}
"""The same word for something else: where results go."""


def test_words_of_the_vendor_stand_with_it_and_with_the_emulator_alone() -> None:
    words = OF_ANSWERS | of_requests()
    assert words >= {"input", "parameters", "reference_urls"}
    quoted = re.compile(rf"""["']({"|".join(sorted(words))}|/model/v1[^"']*)["']""")
    package = Path(batchgen.__file__).parent
    own = (package / "emulator", package / "providers" / "vtrix")
    told = {
        str(path.relative_to(package)): found
        for path in package.rglob("*.py")
        if not any(path.is_relative_to(folder) for folder in own)
        if (found := sorted(set(quoted.findall(path.read_text(encoding="utf-8")))))
    }
    assert told == NAMES_OF_OPTIONS
    with_it = " ".join(path.read_text(encoding="utf-8") for path in own[1].rglob("*.py"))
    assert {"input", "parameters", "taskId", "output"} <= set(quoted.findall(with_it)), "the test sees them at all"

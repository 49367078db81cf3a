"""Our client against the emulator: written apart from each other, and of one mind."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from batchgen.emulator.faults.rules import rule
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.engine.classification import Kind
from batchgen.manifest.load import load_manifest
from batchgen.media.samples import FIGURES, clip, picture
from batchgen.model import Request
from batchgen.network import Network
from batchgen.providers.api_key import ApiKey
from batchgen.providers.error_policy import classify_create
from batchgen.providers.interface import CallFailed, RemoteStatus, Task
from batchgen.providers.provider import Connection
from batchgen.providers.registry import request_form
from batchgen.providers.vtrix.client import VtrixGateway
from batchgen.providers.vtrix.error_policy import ERROR_POLICY
from batchgen.providers.vtrix.request_body import RequestFormat
from batchgen.schemas import DEFAULT_MODEL, shipped
from batchgen.store.fetch import fetch

from helpers.creating import create
from helpers.films import mismatch

POLICY = ERROR_POLICY.of_model(shipped().for_model(DEFAULT_MODEL, "model.json")["errors"])
MANIFEST = """
version: 1
name: garden
scenes:
  - id: s01
    prompt: character1 and character2 wave
    references: [hero.png, dog.mp4]
    size: 960*960
    duration: 3
    seed: 7
"""


@pytest.fixture
def request_of_a_scene(tmp_path: Path) -> Request:
    (tmp_path / "hero.png").write_bytes(picture(FIGURES["hero"]))
    (tmp_path / "dog.mp4").write_bytes(clip(FIGURES["dog"], 3))
    (tmp_path / "manifest.yaml").write_text(MANIFEST)
    checked = load_manifest(tmp_path / "manifest.yaml", shipped(), request_form)
    assert checked.manifest is not None
    return checked.manifest.scenes[0].request


@pytest.fixture
def started() -> Iterator[Callable[..., str]]:
    """Starts emulators; the base URL of each."""
    running: list[EmbeddedEmulator] = []

    def start(*faults: str) -> str:
        settings = Settings(latency=(0.1, 0.2), rules=tuple(map(rule, faults)), seed=1)
        running.append(EmbeddedEmulator(settings, shipped()).__enter__())
        return running[-1].base_url

    yield start
    for emulator in running:
        emulator.__exit__(None, None, None)


def gateway(base_url: str) -> VtrixGateway:
    return VtrixGateway(Connection(base_url, ApiKey("key"), 5))


def awaited(client: VtrixGateway, task_id: str) -> Task:
    for _ in range(2_000):
        task = client.read(task_id)
        if task.status is not RemoteStatus.RUNNING:
            return task
    raise AssertionError("the task did not end")


@pytest.mark.parametrize("form", RequestFormat)
def test_a_scene_from_its_request_to_its_file(
    started: Callable[..., str], request_of_a_scene: Request, tmp_path: Path, form: RequestFormat
) -> None:
    client = gateway(started())
    task = awaited(client, create(client, request_of_a_scene, form).task_id)
    assert (task.status, task.result.cost_usd) == (RemoteStatus.COMPLETED, Decimal("0.30"))
    assert task.result.video_url is not None
    network = Network(1, connect_s=5, silence_s=5)
    arrived = fetch(network, task.result.video_url, tmp_path / "s01.mp4")
    network.close()
    assert arrived.bytes == arrived.path.stat().st_size
    assert mismatch(arrived.path, "960*960", 3) is None


@pytest.mark.parametrize(
    ("fault", "kind", "again"),
    [
        ("lost-response", Kind.UNCERTAIN, False),
        ("reset", Kind.UNCERTAIN, False),
        ("500-json", Kind.REFUSED, True),
        ("500-html", Kind.UNCERTAIN, False),
        ("502-html", Kind.UNCERTAIN, False),
        ("503", Kind.REFUSED, True),
        ("504", Kind.UNCERTAIN, False),
        ("429", Kind.REFUSED, True),
        ("401", Kind.ACCOUNT, False),
        ("403", Kind.ACCOUNT, False),
        ("truncated-json", Kind.UNCERTAIN, False),
        ("no-id", Kind.UNCERTAIN, False),
        ("code-001028099", Kind.REFUSED, True),
        ("code-001028004", Kind.REFUSED, False),
    ],
)
def test_faults_end_as_the_contract_says(
    started: Callable[..., str], request_of_a_scene: Request, fault: str, kind: Kind, *, again: bool
) -> None:
    with pytest.raises(CallFailed) as caught:
        create(gateway(started(fault)), request_of_a_scene)
    classification = classify_create(caught.value, POLICY)
    assert (classification.kind, classification.again) == (kind, again)

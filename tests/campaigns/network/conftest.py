"""An emulator behind every proxy, certificates, and a request with a body worth cutting."""

import hashlib
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import pytest
import trustme

from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.media.samples import FIGURES, picture
from batchgen.model import Asked, Request
from batchgen.providers.api_key import ApiKey
from batchgen.providers.interface import RemoteStatus
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix.client import VtrixGateway
from batchgen.references import Content, Facts, Reference
from batchgen.schemas import DEFAULT_MODEL, shipped

from helpers.creating import create
from helpers.runs import Gateway

_PATIENCE_S = 30.0
_numbers = count()


@dataclass(frozen=True, slots=True)
class Delivered:
    """A task that is done at the gateway, the address of its file, and the hash of that."""

    task_id: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Behind:
    """The emulator that proxies stand before, with what it has been asked from now on."""

    gateway: Gateway
    delivered: Delivered
    request: Request


@cache
def hero() -> bytes:
    """A picture; drawing it takes longer than most tests here."""
    return picture(FIGURES["hero"])


def a_request(folder: Path) -> Request:
    """A request like no other, with a picture in its body."""
    content = hero()
    path = folder / "hero.png"
    path.write_bytes(content)
    known = Content(
        hashlib.sha256(content).hexdigest(), "image/png", Facts("image", "png", len(content), 480, 480), path
    )
    prompt = f"character1 waves for the {next(_numbers)}. time"
    fields = {"prompt": prompt, "reference_urls": (Reference(path.name, known),)}
    parameters = {"size": "960*960", "duration": 2, "seed": 1}
    document = {"model": DEFAULT_MODEL, "input": fields, "parameters": parameters}
    return Request(Asked(DEFAULT_MODEL, prompt, "960*960", 2, 1), document)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Delivered]]:
    folder = tmp_path_factory.mktemp("network")
    log = folder / "requests.jsonl"
    with EmbeddedEmulator(Settings(latency=(0.01, 0.02), log=log, seed=1), shipped()) as running:
        client = VtrixGateway(Connection(running.base_url, ApiKey("a-key-of-the-test"), 20))
        task_id = create(client, a_request(folder)).task_id
        deadline = time.monotonic() + _PATIENCE_S
        while (task := client.read(task_id)).status is not RemoteStatus.COMPLETED:
            assert time.monotonic() < deadline
        client.close()
        assert task.result.video_url is not None
        done = next(entry for entry in Gateway(running.base_url, log).entries() if entry.get("sha256"))
        yield Gateway(running.base_url, log), Delivered(task_id, task.result.video_url, done["sha256"])


@pytest.fixture
def behind(emulator: tuple[Gateway, Delivered], tmp_path: Path) -> Behind:
    gateway, delivered = emulator
    return Behind(gateway.from_now(), delivered, a_request(tmp_path))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Whoever vouches for the certificates of the tests."""
    return trustme.CA()


@pytest.fixture(scope="session")
def localhost(authority: trustme.CA) -> ssl.SSLContext:
    """A good certificate for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client knows the authority."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

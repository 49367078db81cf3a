"""No connection, no request: it is certain that nothing was created, and every call is safe to repeat."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from batchgen.engine.classification import NOT_CONNECTED, Kind
from batchgen.network import Network
from batchgen.providers.api_key import ApiKey
from batchgen.providers.error_policy import classify_create, classify_read
from batchgen.providers.interface import CallFailed, Trouble
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix.client import VtrixGateway
from batchgen.providers.vtrix.error_policy import ERROR_POLICY
from batchgen.store.fetch import fetch
from batchgen.store.interface import FetchFailed

from campaigns.network.conftest import a_request
from campaigns.network.faults import BRIEF_S
from campaigns.network.unreachable import UNREACHABLE, Address, Ground, Unreachable
from helpers.creating import create

GENEROUS_S = 10.0
SLOW = [pytest.param(way, marks=pytest.mark.slow if way.waits else ()) for way in UNREACHABLE]


@pytest.fixture
def ground(authority: trustme.CA, tmp_path: Path) -> Ground:
    return Ground(authority, tmp_path)


@pytest.fixture
def address(way: Unreachable, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    with way.stand(ground) as standing:
        for variable, value in {"no_proxy": "", **standing.environment}.items():
            monkeypatch.setenv(variable, value)
        yield standing
    # What a proxy hears is where to connect to; a request nobody has heard.
    assert set(ground.heard) <= {b"CONNECT"}


def patience_s(way: Unreachable) -> float:
    return BRIEF_S if way.waits else GENEROUS_S


@pytest.mark.parametrize("way", UNREACHABLE, ids=lambda way: way.name)
def test_nothing_was_created_and_it_is_tried_again(way: Unreachable, address: Address, tmp_path: Path) -> None:
    client = VtrixGateway(Connection(address.base_url, ApiKey("a-key-of-the-test"), patience_s(way)))
    with pytest.raises(CallFailed) as creating:
        create(client, a_request(tmp_path))
    with pytest.raises(CallFailed) as reading:
        client.read("t")
    client.close()
    assert creating.value.trouble is reading.value.trouble is Trouble.NOT_CONNECTED
    meaning = classify_create(creating.value, ERROR_POLICY)
    assert (meaning.kind, meaning.code, meaning.again) == (Kind.REFUSED, NOT_CONNECTED, True)
    meaning = classify_read(reading.value, ERROR_POLICY)
    assert (meaning.kind, meaning.code) == (Kind.TRANSIENT, NOT_CONNECTED)


@pytest.mark.parametrize("way", SLOW, ids=lambda way: way.name)
def test_a_result_is_asked_for_at_a_fresh_address(way: Unreachable, address: Address, tmp_path: Path) -> None:
    network = Network(1, connect_s=patience_s(way), silence_s=patience_s(way))
    with pytest.raises(FetchFailed, match="did not arrive") as caught:
        fetch(network, f"{address.base_url}/result.mp4", tmp_path / "s01.mp4")
    network.close()
    assert caught.value.expired
    assert not (tmp_path / "s01.mp4").exists()

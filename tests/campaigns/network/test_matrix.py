"""Every fault of the wire, for every request: the ending is the one in the table, and the gateway's books say why."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from batchgen.engine.classification import Kind
from batchgen.network import Network
from batchgen.providers.api_key import ApiKey
from batchgen.providers.error_policy import classify_create, classify_read
from batchgen.providers.interface import CallFailed, RemoteStatus
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix.client import VtrixGateway
from batchgen.providers.vtrix.error_policy import ERROR_POLICY
from batchgen.schemas import DEFAULT_MODEL, shipped
from batchgen.store.fetch import fetch
from batchgen.store.interface import Fetched, FetchFailed

from campaigns.network.conftest import Behind
from campaigns.network.faults import BREAKS, BRIEF_S, BY_NAME, FAULTS, TOO_MUCH, Arrives, Fault
from campaigns.network.proxy import FaultyProxy, Route, faulty_proxy, through
from helpers.creating import create
from helpers.runs import until

POLICY = ERROR_POLICY.of_model(shipped().for_model(DEFAULT_MODEL, "model.json")["errors"])
KEY = ApiKey("a-key-of-the-test")
GENEROUS_S = 10.0


def timeout_s(fault: Fault) -> float:
    return BRIEF_S if fault.waits else GENEROUS_S


def slow_unless(tells_more: bool) -> list[pytest.MarkDecorator]:  # noqa: FBT001 - reads as a sentence
    return [] if tells_more else [pytest.mark.slow]


def tells_more(fault: Fault, route: Route) -> bool:
    """Patience is the same whatever a connection is made of, and so are odd answers."""
    return route is Route.DIRECT or (fault in BREAKS and not fault.waits and route is not Route.TLS)


WAITED_FOR = {
    "half-open: nobody is there any more",
    "silent inside the body of the answer",
    "never closed, and no length announced",
    "the head of the answer drips byte by byte",
    "the body of the answer drips byte by byte",
    "early hints without end",
    "trailers without end",
}
"""Waiting takes its time: of all that wait, these tell the others' story."""


def quick(*faults: Fault) -> list[object]:
    """The faults as parameters, slow where others tell as much."""
    return [
        pytest.param(fault, id=fault.name, marks=slow_unless(not fault.waits or fault.does in WAITED_FOR))
        for fault in faults
    ]


BETWEEN = [
    pytest.param(
        fault, route, id=f"{fault.name}-{route.replace(' ', '-')}", marks=slow_unless(tells_more(fault, route))
    )
    for fault in (*FAULTS, *TOO_MUCH)
    for route in Route
]
Between = Callable[[Route], FaultyProxy]


@pytest.fixture
def between(behind: Behind, localhost: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    """Puts a proxy between client and emulator, and sets the environment as its route wants it."""
    with ExitStack() as stack:

        def put(route: Route) -> FaultyProxy:
            context = localhost if route in (Route.TLS, Route.TUNNEL) else None
            proxy = stack.enter_context(faulty_proxy(behind.gateway.base_url, route, context))
            for variable, value in proxy.environment.items():
                monkeypatch.setenv(variable, value)
            return proxy

        yield put


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("fault", "route"), BETWEEN)
def test_a_creation(behind: Behind, between: Between, fault: Fault, route: Route) -> None:
    proxy = between(route)
    proxy.strike_always(fault.act)
    client = VtrixGateway(Connection(proxy.base_url, KEY, timeout_s(fault)))
    made: list[str] = []
    if fault.trouble is None:
        made.append(create(client, behind.request).task_id)
    else:
        with pytest.raises(CallFailed) as caught:
            create(client, behind.request)
        meaning = classify_create(caught.value, POLICY)
        assert (caught.value.trouble, meaning.kind, meaning.again) == (fault.trouble, Kind.UNCERTAIN, False)
    client.close()
    # The gateway may hear of the request only after the client's patience has ended.
    until(lambda: len(behind.gateway.posts()) >= fault.created)
    created = [entry["task_id"] for entry in behind.gateway.created()]
    assert len(behind.gateway.posts()) == len(created) == fault.created
    assert made == (created if fault.trouble is None else [])
    assert proxy.struck == 1


@pytest.mark.parametrize("fault", quick(*FAULTS, *TOO_MUCH))
def test_a_reading(behind: Behind, between: Between, fault: Fault) -> None:
    proxy = between(Route.DIRECT)
    proxy.strike(fault.act)
    client = VtrixGateway(Connection(proxy.base_url, KEY, timeout_s(fault)))
    if fault.trouble is not None:
        with pytest.raises(CallFailed) as caught:
            client.read(behind.delivered.task_id)
        meaning = classify_read(caught.value, POLICY)
        assert (caught.value.trouble, meaning.kind) == (fault.trouble, Kind.TRANSIENT)
        if fault.waits:
            client.close()
            client = VtrixGateway(Connection(proxy.base_url, KEY, GENEROUS_S))
    assert client.read(behind.delivered.task_id).status is RemoteStatus.COMPLETED
    client.close()
    assert proxy.struck == 1


def fetched(proxy: FaultyProxy, behind: Behind, target: Path, silence_s: float) -> Fetched:
    network = Network(2, connect_s=silence_s, silence_s=silence_s)
    try:
        return fetch(network, through(proxy, behind.delivered.url), target)
    finally:
        network.close()


@pytest.mark.parametrize("fault", quick(*FAULTS))
def test_a_result_whose_first_request_is_struck(behind: Behind, between: Between, tmp_path: Path, fault: Fault) -> None:
    proxy = between(Route.DIRECT)
    proxy.strike(fault.act)
    arrived = fetched(proxy, behind, tmp_path / "s01.mp4", BRIEF_S * 2 if fault.waits else GENEROUS_S)
    assert (arrived.sha256 == behind.delivered.sha256) == (fault.download is not Arrives.SHORT)
    statuses = [entry["status"] for entry in behind.gateway.downloads()]
    assert (206 in statuses) == (fault.download is Arrives.RESUMED)
    assert (len(statuses) > fault.created) == (fault.download in (Arrives.AGAIN, Arrives.RESUMED, Arrives.TWICE))
    assert proxy.struck == 1


LASTING = [fault for fault in FAULTS if fault.trouble is not None and fault.download is not Arrives.SHORT]


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, id=fault.name, marks=slow_unless(not fault.waits)) for fault in LASTING]
)
def test_a_result_of_which_every_request_is_struck(
    behind: Behind, between: Between, tmp_path: Path, fault: Fault
) -> None:
    proxy = between(Route.DIRECT)
    proxy.strike_always(fault.act)
    target = tmp_path / "s01.mp4"
    with pytest.raises(FetchFailed, match="did not arrive") as caught:
        fetched(proxy, behind, target, timeout_s(fault))
    assert not caught.value.expired
    assert not target.exists()
    proxy.heal()
    assert fetched(proxy, behind, target, GENEROUS_S).sha256 == behind.delivered.sha256
    assert not list(tmp_path.glob("*.part*"))


def test_a_result_of_which_nobody_ever_says_the_length(behind: Behind, between: Between, tmp_path: Path) -> None:
    proxy = between(Route.DIRECT)
    proxy.strike_always(BY_NAME["no length announced: the close ends the answer"].act)
    assert fetched(proxy, behind, tmp_path / "s01.mp4", GENEROUS_S).sha256 == behind.delivered.sha256

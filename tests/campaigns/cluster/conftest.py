"""A gateway and a cluster for all of these tests; without Dask they are skipped."""

from collections.abc import Iterator

import pytest

from helpers.clusters import Cluster, cluster
from helpers.runs import Gateway, emulator


@pytest.fixture(scope="session")
def shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    rules = [{"match": "[lost-response]", "fault": "lost-response"}]
    with emulator(tmp_path_factory.mktemp("emulator"), "--latency=0.2-0.6", rules=rules) as running:
        yield running


@pytest.fixture
def gateway(shared_emulator: Gateway) -> Gateway:
    """An emulator, with the log of this test only."""
    return shared_emulator.from_now()


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that nobody breaks."""
    with cluster(tmp_path_factory.mktemp("cluster") / "standing") as made:
        yield made

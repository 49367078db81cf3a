"""Asking servers about references, where they do not play fair."""

from collections.abc import Iterator

import pytest

from batchgen.media.probe import UnusableMedia
from batchgen.media.urls import ask, fetch, network
from batchgen.network import Network

from helpers.servers import Peer, server


@pytest.fixture
def connections() -> Iterator[Network]:
    made = network()
    yield made
    made.close()


def test_a_server_that_refuses_many_files_keeps_nobody_waiting(connections: Network) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(404, b"no")

    with server(handle) as base:
        for _ in range(20):  # more than a host may have connections
            with pytest.raises(UnusableMedia, match="404"):
                fetch(connections, f"{base}/a.mp3", 10)


def test_a_length_that_nobody_can_read_is_none(connections: Network) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(200, content_length="9" * 5_000, content_type="audio/mpeg")

    with server(handle) as base:
        assert ask(connections, f"{base}/a.mp3").bytes is None


def test_a_redirect_to_an_address_that_is_none(connections: Network) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.answer(302, location="http://[no-address/")

    with server(handle) as base, pytest.raises(UnusableMedia, match="cannot be read"):
        ask(connections, f"{base}/a.mp3")

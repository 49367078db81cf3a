"""What is seen of a file by its first byte."""

from contextlib import closing

import pytest

from batchgen.network import Network
from batchgen.store.first_byte import Look, look_at

from helpers.servers import Peer, server


@pytest.mark.parametrize(
    ("status", "headers", "length"),
    [
        (206, {"content_range": "bytes 0-0/7"}, 7),
        (206, {"content_range": "bytes 0-0/*"}, None),
        (206, {}, None),
        (200, {"content_length": "7"}, 7),
        (200, {"content_length": "7", "content_encoding": "gzip"}, None),
        (200, {"content_length": "9" * 16}, None),
        (302, {"location": "http://127.0.0.1:9/", "content_length": "7"}, 7),
    ],
)
def test_how_long_a_file_is(status: int, headers: dict[str, str], length: int | None) -> None:
    asked = list[str | None]()

    def answer(peer: Peer) -> None:
        peer.read_head()
        asked.append(peer.header("range"))
        peer.answer(status, b"seven..", **headers)

    with server(answer) as address, closing(Network(1, connect_s=5, silence_s=5)) as network:
        assert look_at(network, f"{address}/a") == Look(status, length)
    assert asked == ["bytes=0-0"], "no redirect is followed"

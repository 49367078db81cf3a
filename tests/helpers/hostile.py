"""Means of attack: a gateway that answers whatever it likes, eyes on files and ports, and what to look for."""

import contextlib
import ctypes
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from helpers.runs import CREATE, Batch, batch
from helpers.servers import Peer, server

Answer = Callable[[Peer], None]
_NUMBER = re.compile(rb"walks, no (\d+)")
_OPENED = 0x20
"""IN_OPEN of inotify(7)."""


def says(document: object, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON."""
    return lambda peer: peer.answer(status, json.dumps(document).encode(), **headers)


def sends(data: bytes) -> Answer:
    """These bytes in place of an HTTP answer."""
    return lambda peer: peer.send(data)


def done(url: str, **more: str) -> Answer:
    """The answer that names a result."""
    content = [{"type": "video", "url": url, **more}]
    return says({"status": "completed", "output": [{"content": content}], "usage": {"cost": "0.20"}})


class HostileGateway:
    """Answers by scene: creations, readings and files each as they are told, tasks being ``task-N``."""

    def __init__(
        self,
        created: Mapping[int, Answer] | None = None,
        read: Mapping[int, Answer] | None = None,
        files: Mapping[str, Answer] | None = None,
    ) -> None:
        self.created, self.read = created or {}, read or {}
        self.files = dict(files or {})
        self.heads: list[bytes] = []

    def __call__(self, peer: Peer) -> None:
        peer.read_request()
        self.answer(peer)

    def answer(self, peer: Peer) -> None:
        """Answer a request that was read."""
        body = peer.body
        self.heads.append(peer.head)
        path = peer.target
        if peer.head.startswith(b"POST"):
            found = _NUMBER.search(body)
            number = int(found[1]) if found else 0
            self.created.get(number, says({"id": f"task-{number}", "status": "in_progress"}))(peer)
        elif path.startswith(f"{CREATE}/task/"):
            number = int(re.sub(r"\D", "", path.rpartition("/")[2]) or 0)
            self.read.get(number, says({"status": "failed", "error": "no"}))(peer)
        else:
            self.files.get(path, says({}, 404))(peer)


def numbered(folder: Path, address: str, scenes: int) -> Batch:
    """A batch whose prompts say which scene they are of."""
    film = batch(folder, address, scenes)
    for number, scene in enumerate(film.scenes.values(), 1):
        scene["prompt"] = f"character1 walks, no {number}"
    film.write()
    return film


def spellings(secret: str) -> set[bytes]:
    """A secret as it is, and as JSON, URLs, Python and somebody with something to hide write it."""
    escaped = "".join(f"\\u{ord(char):04x}" for char in secret)
    forms = [secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""), escaped]
    return {form.encode() for form in (*forms, json.dumps(secret)[1:-1].replace("/", "\\/"))}


def files_with(folder: Path, secret: str) -> list[str]:
    """The files below a folder that hold a secret, in whatever spelling."""
    forms = spellings(secret)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if any(form in path.read_bytes() for form in forms)]


class Listener:
    """Listens on 127.0.0.1, and keeps what comes; nobody is expected to come."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.address = ""

    def __call__(self, peer: Peer) -> None:
        with contextlib.suppress(OSError):
            peer.connection.settimeout(2)
            self.received.append(peer.connection.recv(4096))
            peer.answer(200, b"x")

    @property
    def requests(self) -> list[bytes]:
        """What was asked; a connection without a word is none."""
        return [data for data in self.received if data]


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener, for as long as the context lasts."""
    listener = Listener()
    with server(listener) as address:
        listener.address = address
        yield listener


@contextmanager
def watched(path: Path) -> Iterator[Callable[[], bool]]:
    """Tells whether any process, FFmpeg in C included, has opened a file since it was last asked."""
    if sys.platform != "linux":
        pytest.skip("inotify(7) is Linux's")
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = library.inotify_init1(os.O_NONBLOCK)
    assert library.inotify_add_watch(descriptor, os.fsencode(path), _OPENED) >= 0

    def opened() -> bool:
        try:
            return bool(os.read(descriptor, 65_536))
        except BlockingIOError:
            return False

    try:
        yield opened
    finally:
        os.close(descriptor)


STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""What must not reach a terminal out of anybody's words; line breaks have tests of their own."""


def steering(text: str) -> list[str]:
    """The characters of a text that could steer a terminal; line ends of CSV files are none."""
    return STEERING.findall(text.replace("\r\n", "\n"))


def rows_of(text: str) -> list[dict[str, Any]]:
    """JSON Lines as objects."""
    return [json.loads(line) for line in text.splitlines()]


def children_of(process_id: int) -> list[str]:
    """The processes that a process has started, by id."""
    tasks = Path(f"/proc/{process_id}/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


def local_port(address: str) -> int:
    """The port of a server's address."""
    return int(address.rpartition(":")[2])


def nobody() -> str:
    """The address of a port that was let go of."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"

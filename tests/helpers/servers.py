"""Real TCP servers that misbehave on purpose, on free ports of 127.0.0.1."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Handler = Callable[["Peer"], None]
LINGER_RESET = struct.pack("ii", 1, 0)


class Peer:
    """One connection from the client, with the request as far as it was read."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        self.connection = connection
        self.number = number
        self.head = b""
        self.body = b""

    def read_head(self) -> bytes:
        while b"\r\n\r\n" not in self.head:
            received = self.connection.recv(65_536)
            if not received:
                break
            self.head += received
        self.head, _, self.body = self.head.partition(b"\r\n\r\n")
        return self.head

    def read_request(self) -> bytes:
        """Read a whole request; returns its body."""
        self.read_head()
        if self.header("expect"):
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = self.header("content-length")
        while length is not None and len(self.body) < int(length):
            received = self.connection.recv(1 << 20)
            if not received:
                break
            self.body += received
        return self.body

    def header(self, name: str) -> str | None:
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.decode().strip().lower() == name:
                return value.decode().strip()
        return None

    @property
    def target(self) -> str:
        return self.head.split(b" ")[1].decode()

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        names = {"content_length": str(len(body)), "connection": "close", **headers}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in names.items())
        self.send(f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode() + body)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        self.connection.close()


@contextmanager
def server(handler: Handler) -> Iterator[str]:
    """Serve every connection with ``handler`` in a thread; yields the base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve(connection: socket.socket, number: int) -> None:
        with connection:
            connection.settimeout(20)
            with suppress(OSError):  # the client has gone, which is what many tests are about
                handler(Peer(connection, number))

    def accept() -> None:
        number = 0
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection, number), daemon=True).start()
            number += 1

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        # shutdown wakes accept(), which close alone does not
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port

"""Runs the emulator: in the foreground for the command, or in a thread of the calling process."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import uvicorn

from batchgen.emulator.http.application import application
from batchgen.emulator.http.connection_faults import TransportProtocol
from batchgen.emulator.settings import Settings, Switches
from batchgen.errors import UsageError
from batchgen.schemas import Catalogue

_BACKLOG = 2048
_KEEP_ALIVE = 75
"""Seconds until an idle connection is closed: long, so that a client rarely sends into a closing one."""
_SHUTDOWN_GRACE = 1
"""Seconds that a shutdown waits for responses in progress."""
_NO_HANDLER = logging.NullHandler()
"""Without any, Python would print the errors of uvicorn."""
_WILDCARD_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - shown, not bound to


class _Config(uvicorn.Config):
    """Leaves the loggers of the process as they are: another server may run in it."""

    def configure_logging(self) -> None:
        logging.getLogger("uvicorn.error").addHandler(_NO_HANDLER)


class _Server(uvicorn.Server):
    """Calls ``ready`` once it accepts requests. A signal ends it without an exception."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run(settings: Settings, catalogue: Catalogue, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` gets the base URL. Raises `UsageError`."""
    with _bind(host, port) as listener:
        switches = Switches(settings.accept)
        server = _server(settings, catalogue, switches, lambda: ready(_base_url(listener)))
        asyncio.run(server.serve([listener]))


class EmbeddedEmulator:
    """An emulator in a thread of this process, on a free port of 127.0.0.1, while the context lasts.

    ::

        with EmbeddedEmulator(Settings(), shipped()) as emulator:
            ... emulator.base_url ...

    ``switches`` may be changed while it runs.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        """Keep the settings; `__enter__` opens the socket."""
        self._settings = settings
        self._catalogue = catalogue
        self.switches = Switches(settings.accept)

    def __enter__(self) -> Self:
        """Start, and wait until the emulator accepts requests."""
        self._listener = _bind("127.0.0.1", 0)
        self.base_url = _base_url(self._listener)
        started = threading.Event()
        try:
            self._server = _server(self._settings, self._catalogue, self.switches, started.set)
        except BaseException:
            self._listener.close()
            raise
        self._thread = threading.Thread(target=self._serve, args=(started,), name="emulator", daemon=True)
        self._thread.start()
        started.wait()
        if not self._server.started:
            self._listener.close()
            raise RuntimeError("the embedded emulator did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop, and wait until everything is closed."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def _serve(self, started: threading.Event) -> None:
        try:
            asyncio.run(self._server.serve([self._listener]))
        finally:
            # If the start fails, `__enter__` must not wait for ever.
            started.set()


def _server(settings: Settings, catalogue: Catalogue, switches: Switches, ready: Callable[[], None]) -> _Server:
    config = _Config(
        application(settings, catalogue, switches),
        http=TransportProtocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_SHUTDOWN_GRACE,
    )
    return _Server(config, ready)


def _bind(host: str, port: int) -> socket.socket:
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Name the protocol: asyncio disables Nagle's algorithm only for a socket that is marked as TCP.
        listener = socket.socket(family, kind, protocol)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def is_reachable(host: str) -> bool:
    """Whether other machines may reach a server on that host; False for an unknown name."""
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return not all(ip_address(address).is_loopback for address in found)


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = _WILDCARD_ADDRESSES.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

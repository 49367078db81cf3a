"""HTTP connections as the environment wants them: proxies, certificates, pools.

Built on urllib3, chosen by measuring it beside httpx (``python -m bench http``): less than half the
CPU time for a small request and for being imported. A streamed upload costs it about twice as much,
which is lost beside the base64 that such a body needs anyway (``python -m bench upload``). Its
pools may be shared by threads, and its connections can be made to tell whether one was made at
all, which is what decides about money here. What it leaves to its users is done below:
proxies from the environment (``HTTPS_PROXY``, ``NO_PROXY``, …), and a bound in time for the head of
an answer and for its body, where the library only bounds the silence between two bytes.
``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are honoured by OpenSSL itself.
"""

import io
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as TooSlowError
from urllib3.util import Timeout, make_headers, parse_url

HTTP_SCHEMES = frozenset({"http", "https"})

SLOWEST = 1024
"""Bytes a second; a body that comes more slowly than that for as long as silence may last is given up."""
_CHUNK = 256 * 1024
_HOSTS = 16
"""To how many hosts connections are kept."""

Response = urllib3.BaseHTTPResponse
NetworkError = HTTPError
"""What every failed request raises; its subclasses say at which stage it failed."""


class Network:
    """Connection pools for one program; safe to share between threads.

    ``connections`` is how many connections a host may have open at a time, ``connect_s`` how many
    seconds making one may take, ``silence_s`` how many seconds may pass without a byte in either
    direction, and until the head of an answer is there once the request has been sent. There is no
    limit on the whole of a request: bodies are large and lines are slow; how slow, says `chunks`.
    Without ``reuse``, every request has a connection of its own. With ``outside``, nothing is asked
    of this machine itself: such an address raises `RefusedAddress`.
    """

    def __init__(
        self, connections: int, *, connect_s: float, silence_s: float, reuse: bool = True, outside: bool = False
    ) -> None:
        """Open nothing yet."""
        self._connections = connections
        self._silence_s = silence_s
        self._timeout = Timeout(connect=connect_s, read=silence_s)
        self._pools = _pools_with(silence_s, reuse=reuse, outside=outside)
        # Kept, since to look through the environment, or to have urllib3 find a pool, takes as long as a small request.
        self._route = lru_cache(_HOSTS)(self._new_route)
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] | None = None,
    ) -> Response:
        """One request, sent once: no retries, no redirects, the answer's body still to be read.

        Raises `NetworkError`, and whatever iterating over ``body`` raises.
        """
        address = parse_url(url)
        with self._lock:
            route = self._route(str(address.scheme), address.host or "", address.port)
        return route.urlopen(
            method,
            url if isinstance(route, urllib3.ProxyManager) else address.request_uri,
            body=body,
            headers=headers,
            timeout=self._timeout,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )

    def chunks(self, response: Response, *, whole_s: float | None = None) -> Iterator[bytes]:
        """The body of an answer as it comes in: nothing that has arrived waits for more to come.

        All of it has to be there ``whole_s`` seconds from now. Without that it may take as long as it
        likes, but that something of it has to come before ``silence_s`` have passed, and no less than
        `SLOWEST` on the average of such a time; what the caller takes does not count. Raises
        `NetworkError`.
        """
        incoming = _incoming(response)
        ends = None if whole_s is None else time.monotonic() + whole_s
        waited_s, came = 0.0, 0
        while True:
            begun = time.monotonic()
            if incoming is not None:
                incoming.deadline = begun + self._silence_s if ends is None else ends
            chunk = response.read1(_CHUNK)
            if not chunk:
                return
            waited_s += time.monotonic() - begun
            came += len(chunk)
            if waited_s >= self._silence_s:
                if ends is None and came < SLOWEST * waited_s:
                    raise TooSlowError(f"{came} bytes in {waited_s:.0f} s are too few")
                waited_s, came = 0.0, 0
            yield chunk

    @staticmethod
    def finish(response: Response) -> None:
        """Be done with an answer, read to its end or not: its place in the pool is free again.

        A connection whose answer was not read to its end is closed; urllib3's own ``close`` does
        that, too, but keeps the place.
        """
        response.close()
        response.release_conn()

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            self._route.cache_clear()  # a pool that nobody holds closes what lies idle in it

    def _new_route(self, scheme: str, host: str, port: int | None) -> "HTTPConnectionPool | urllib3.ProxyManager":
        """Where requests to a host go: straight to it, or through a proxy."""
        proxy = _proxy_for(scheme, host.strip("[]"))
        settings: dict[str, Any] = {"maxsize": self._connections, "block": True}
        if "https" in (scheme, urlsplit(proxy or "").scheme):
            # One context for all connections: reading the system's certificates takes milliseconds.
            settings["ssl_context"] = ssl.create_default_context()
        if proxy is None:
            return self._pools[scheme](host, port, **settings)
        auth = parse_url(proxy).auth
        headers = make_headers(proxy_basic_auth=unquote(auth)) if auth else None
        manager = urllib3.ProxyManager(proxy, proxy_headers=headers, **settings)
        manager.pool_classes_by_scheme = self._pools
        return manager


class _Incoming(io.RawIOBase):
    """What comes in over a connection in answer to one request, and nothing after its ``deadline``.

    The deadline is a time of the monotonic clock, and at first as far away as the connection's own
    time-out. ``ended`` tells whether the other side has said that no more will come.
    """

    def __init__(self, raw: io.RawIOBase, connection: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._connection = connection
        self._timeout_s = connection.gettimeout() or 0.0
        self.deadline = time.monotonic() + self._timeout_s
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer came too slowly")
        self._connection.settimeout(min(left_s, self._timeout_s))
        try:
            count = self._raw.readinto(buffer)
        finally:
            self._connection.settimeout(self._timeout_s)
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    """An answer whose head is bounded in time, and whole.

    The library takes a head that was cut off for one that ends there, which would make a short file
    of a download, and knows no interim answer but 100, of which it takes any number.
    """

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.incoming = _Incoming(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self.incoming)

    def begin(self) -> None:
        super().begin()
        while self.status < HTTPStatus.OK and self.status != HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = None  # type: ignore[assignment]  # makes it begin with the next head
            super().begin()
        if self.incoming.ended:
            raise RemoteDisconnected("the connection ended inside the head of the answer")


class RefusedAddress(NewConnectionError):  # noqa: N818 - reads as a sentence where it is caught
    """A name led to this machine, of which nothing was to be asked; no request was sent."""


_CLOUD_METADATA = frozenset(map(ip_address, ("100.100.100.200", "fd00:ec2::254")))
"""Where clouds keep the secrets of a machine, other than in the link-local range."""


def is_inside(host: str) -> bool:
    """Whether a host is this machine itself, or only to be reached from its own wire; names are looked up."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return any(map(_is_inside, found))


def _is_inside(address: str) -> bool:
    parsed = ip_address(address.partition("%")[0])
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified or parsed in _CLOUD_METADATA


class _Connection(HTTPConnection):
    """A connection that differs from urllib3's in four ways.

    Sending is given as long as silence may last, too: urllib3 keeps to the time-out for connecting
    until the request is sent, and a line that stalls for a moment in the middle of a large body is
    no reason to give it up. Whatever fails before a connection stands, TLS and a proxy's tunnel
    included, is a `NewConnectionError`: a caller can rely on it that no byte of the request has
    left. Without ``_reuse`` a pool takes an idle connection for a dropped one. And ``incoming``
    is where the latest answer comes from.
    """

    _silence_s: ClassVar[float]
    _reuse: ClassVar[bool]
    _outside: ClassVar[bool]
    incoming: _Incoming | None = None

    def connect(self) -> None:
        with _connecting(self):
            super().connect()
        # Looked at here, where it was really reached: a name may lead somewhere else each time it is asked for.
        if self._outside and self.proxy is None and _is_inside(str(self.sock.getpeername()[0])):
            self.close()
            raise RefusedAddress(self, "it is an address of this machine")
        self.sock.settimeout(self._silence_s)

    @property
    def is_connected(self) -> bool:
        return self._reuse and super().is_connected

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as in urllib3
        try:
            return super().getresponse()
        except Exception:
            if self.incoming is not None:
                self.incoming.close()  # which urllib3 leaves open where it does not like the head
            raise

    def response_class(self, *arguments: Any, **named: Any) -> HTTPResponse:  # type: ignore[override]  # called alike
        answer = _Answer(*arguments, **named)
        self.incoming = answer.incoming
        return answer


def _incoming(response: Response) -> _Incoming | None:
    """Where the body of an answer comes from; None where all of it has come."""
    connection: object = response.connection
    return connection.incoming if isinstance(connection, _Connection) else None


def _pools_with(silence_s: float, *, reuse: bool, outside: bool) -> dict[str, type[HTTPConnectionPool]]:
    """Pools of such connections, by scheme."""

    class Plain(_Connection):
        _silence_s = silence_s
        _reuse = reuse
        _outside = outside

    class Secure(Plain, HTTPSConnection):
        """The same, where the call to ``super`` in `_Connection` reaches the connection with TLS."""

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


@contextmanager
def _connecting(connection: HTTPConnection) -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        raise NewConnectionError(connection, str(error)) from error


def _proxy_for(scheme: str, host: str) -> str | None:
    if proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if proxy is None or "://" in proxy:
        return proxy
    return f"http://{proxy}"

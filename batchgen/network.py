"""HTTP connections as the environment wants them: proxies, certificates, pools.

Built on urllib3, chosen by measuring it beside httpx (``python -m bench http``): less than half the
CPU time for a small request and for being imported. A streamed upload costs it about twice as much,
which is lost beside the base64 that such a body needs anyway (``python -m bench upload``). Its
pools may be shared by threads, and its connections can be made to tell whether one was made at
all, which is what decides about money here. What it leaves to its users is done below:
proxies from the environment (``HTTPS_PROXY``, ``NO_PROXY``, …). ``SSL_CERT_FILE`` and
``SSL_CERT_DIR`` are honoured by OpenSSL itself.
"""

import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util import Timeout, make_headers, parse_url

HTTP_SCHEMES = frozenset({"http", "https"})

_CHUNK = 256 * 1024

Response = urllib3.BaseHTTPResponse
NetworkError = HTTPError
"""What every failed request raises; its subclasses say at which stage it failed."""


class Network:
    """Connection pools for one program; safe to share between threads.

    ``connections`` is how many connections a host may have open at a time, ``connect_s`` how many
    seconds making one may take, ``silence_s`` how many seconds may pass without a byte in either
    direction. There is no limit on the whole of a request: bodies are large and lines are slow.
    Without ``reuse``, every request has a connection of its own.
    """

    def __init__(self, connections: int, *, connect_s: float, silence_s: float, reuse: bool = True) -> None:
        """Open nothing yet."""
        self._connections = connections
        self._timeout = Timeout(connect=connect_s, read=silence_s)
        self._pools = _pools_with(silence_s, reuse=reuse)
        self._managers: dict[str | None, urllib3.PoolManager] = {}
        self._routes: dict[tuple[str, str], urllib3.PoolManager] = {}
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
        return self._manager(url).request(
            method,
            url,
            body=body,
            headers=headers,
            timeout=self._timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )

    @staticmethod
    def chunks(response: Response) -> Iterator[bytes]:
        """The body of an answer as it comes in: nothing that has arrived waits for more to come."""
        while chunk := response.read1(_CHUNK):
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
            for manager in self._managers.values():
                manager.clear()

    def _manager(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        host = (parts.scheme, parts.hostname or "")
        with self._lock:
            if host not in self._routes:
                # Looked up once a host: going through the environment takes as long as a small request.
                proxy = _proxy_for(*host)
                if proxy not in self._managers:
                    self._managers[proxy] = self._new_manager(proxy)
                self._routes[host] = self._managers[proxy]
            return self._routes[host]

    def _new_manager(self, proxy: str | None) -> urllib3.PoolManager:
        # One context for all connections: reading the system's certificates takes milliseconds.
        context = ssl.create_default_context()
        settings: dict[str, Any] = {"maxsize": self._connections, "block": True, "ssl_context": context}
        manager: urllib3.PoolManager
        if proxy is None:
            manager = urllib3.PoolManager(**settings)
        else:
            auth = parse_url(proxy).auth
            headers = make_headers(proxy_basic_auth=auth) if auth else None
            manager = urllib3.ProxyManager(proxy, proxy_headers=headers, **settings)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools_with(silence_s: float, *, reuse: bool) -> dict[str, type[HTTPConnectionPool]]:
    """Pools whose connections differ in three ways from urllib3's.

    Sending is given ``silence_s``, too: urllib3 keeps to the time-out for connecting until the
    request is sent, and a line that stalls for a moment in the middle of a large body is no reason
    to give it up. Whatever fails before a connection stands, TLS and a proxy's tunnel included, is
    a `NewConnectionError`: a caller can rely on it that no byte of the request has left. And
    without ``reuse`` a pool takes an idle connection for a dropped one.
    """

    class Plain(HTTPConnection):
        def connect(self) -> None:
            with _connecting(self):
                super().connect()
            self.sock.settimeout(silence_s)

        @property
        def is_connected(self) -> bool:
            return reuse and super().is_connected

    class Secure(Plain, HTTPSConnection):
        """The same, where the call to ``super`` in `Plain` reaches the connection with TLS."""

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


@contextmanager
def _connecting(connection: HTTPConnection) -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException) as error:
        raise NewConnectionError(connection, str(error)) from error


def _proxy_for(scheme: str, host: str) -> str | None:
    if proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if proxy is None or "://" in proxy:
        return proxy
    return f"http://{proxy}"

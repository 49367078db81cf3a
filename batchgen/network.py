"""HTTP connections as the environment wants them: proxies, certificates, pools.

Built on urllib3. Measured beside httpx on the same loopback server (`python -m bench http`), it
takes about two thirds of the CPU time for a small request and for a streamed upload, and half
the import time; its pools may be shared by threads, and its errors tell apart whether a connection
was made, which is what decides about money here. What it leaves to its users is done below:
proxies from the environment (``HTTPS_PROXY``, ``NO_PROXY``, …). ``SSL_CERT_FILE`` and
``SSL_CERT_DIR`` are honoured by OpenSSL itself.
"""

import threading
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, make_headers, parse_url

HTTP_SCHEMES = frozenset({"http", "https"})

Response = urllib3.BaseHTTPResponse
NetworkError = HTTPError
"""What every failed request raises; its subclasses say at which stage it failed."""


class Network:
    """Connection pools for one program; safe to share between threads.

    ``connections`` is how many connections a host may have open at a time.
    """

    def __init__(self, connections: int) -> None:
        """Open nothing yet."""
        self._connections = connections
        self._managers: dict[str | None, urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        url: str,
        *,
        timeout: Timeout,
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] | None = None,
    ) -> Response:
        """One request, sent once: no retries, no redirects, the answer's body still to be read.

        The time-out counts silence, not the whole. Raises `NetworkError`.
        """
        return self._manager(url).request(
            method,
            url,
            body=body,
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=True,
        )

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def _manager(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy_for(url)
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = self._new_manager(proxy)
            return self._managers[proxy]

    def _new_manager(self, proxy: str | None) -> urllib3.PoolManager:
        if proxy is None:
            return urllib3.PoolManager(maxsize=self._connections, block=True)
        auth = parse_url(proxy).auth
        headers = make_headers(proxy_basic_auth=auth) if auth else None
        return urllib3.ProxyManager(proxy, maxsize=self._connections, block=True, proxy_headers=headers)


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy is None or "://" in proxy:
        return proxy
    return f"http://{proxy}"

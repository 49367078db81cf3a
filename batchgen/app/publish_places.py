"""Where files are published: the upload route of a provider, or an object store."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from batchgen.app.connecting import Connected, connection_of
from batchgen.app.run_options import RunOptions
from batchgen.contents import PublishFailed
from batchgen.emulator.http.openapi import UPLOAD_PATH
from batchgen.errors import UsageError
from batchgen.limits import PUBLISHED_S
from batchgen.network import HTTP_SCHEMES, Network, NetworkError, RefusedAddress, is_inside
from batchgen.network_errors import reason_of
from batchgen.object_stores import is_store
from batchgen.providers.api_key import ApiKey
from batchgen.providers.interface import Uploader
from batchgen.providers.provider import Provider
from batchgen.references import Content
from batchgen.store.first_byte import look_at
from batchgen.store.signed_files import SignedFiles

_CONNECTIONS = 4
_LOOKS_FOR_S = 10.0
_READ = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_log = logging.getLogger("batchgen")


class Place(Protocol):
    """Where files are published; ``works_s`` is for how many seconds a URL is used."""

    @property
    def place(self) -> str:
        """What it is known by."""

    @property
    def works_s(self) -> float:
        """For how many seconds a URL is used."""

    def publish(self, content: Content) -> str:
        """Publish a file; its URL. Raises `PublishFailed`."""

    def try_out(self, url: str, content: Content) -> None:
        """See whether a URL still leads to a file. Raises `PublishFailed`."""

    def ends_unannounced(self, url: str) -> bool:
        """Whether a URL may end at any time."""

    def close(self) -> None:
        """Close its idle connections."""


class Uploads:
    """The upload route of a provider. Its URLs are for the provider, which may reach what this machine does not."""

    works_s = PUBLISHED_S

    def __init__(self, place: str, uploader: Uploader) -> None:
        """Ask nothing yet."""
        self.place = place
        self._uploader = uploader
        outside = not is_inside(urlsplit(place).hostname or "")
        self._network = Network(_CONNECTIONS, connect_s=_LOOKS_FOR_S, silence_s=_LOOKS_FOR_S, outside=outside)

    def publish(self, content: Content) -> str:
        """Upload a file; its URL. Raises `PublishFailed`."""
        return self._uploader.upload(content)

    def try_out(self, url: str, content: Content) -> None:
        """See whether a URL proves to lead to no file, or to another one; what proves nothing is believed.

        Raises `PublishFailed`.
        """
        try:
            seen = look_at(self._network, url)
        except RefusedAddress:
            raise PublishFailed("the address to publish at gave out a URL that leads to this machine") from None
        except NetworkError as error:
            _log.info("the URL of a file that went up cannot be reached from here: %s", reason_of(error))
            return
        if seen.status in _GONE:
            raise PublishFailed(f"the URL of a file that went up answers {seen.status}", again=True)
        if seen.status in _READ and seen.length not in (None, content.facts.bytes):
            raise PublishFailed("the URL of a file that went up leads to another file")

    def ends_unannounced(self, url: str) -> bool:  # noqa: ARG002 - as of every place
        """It is good for as long as the route is documented to keep files."""
        return False

    def close(self) -> None:
        """Close idle connections."""
        self._uploader.close()
        self._network.close()


@contextmanager
def published_at(url: str, provider: Provider, key: ApiKey | str | None, options: RunOptions) -> Iterator[Place]:
    """The place that the user named; nothing is sent yet. Raises `UsageError` for one that cannot be used."""
    if is_store(url):
        timeouts = {"task_timeout_s": options.task_timeout_s, "silence_s": options.request_timeout_s}
        with closing(SignedFiles(url, **timeouts)) as files:
            yield files
        return
    refuse_odd_address(url)
    if provider.uploader is None:
        raise UsageError(f"the provider {provider.name} offers no upload; publish at s3://, gs:// or abfs://")
    with closing(provider.uploader(connection_of(provider, url, key, options))) as uploader:
        yield Uploads(url, uploader)


@contextmanager
def published_in_rehearsal(connected: Connected, key: str, options: RunOptions) -> Iterator[Place | None]:
    """The emulator of a rehearsal itself; None for a provider without uploads."""
    provider, url = connected.provider, f"{connected.base_url}{UPLOAD_PATH}"
    if provider.uploader is None:
        yield None
    else:
        with published_at(url, provider, key, options) as place:
            yield place


def refuse_odd_address(url: str) -> None:
    """Raise `UsageError` for an address that the key must not be sent to: it is encrypted, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:  # brackets that hold no IPv6 address
        raise UsageError("the address to publish at cannot be read") from None
    if parts.scheme not in HTTP_SCHEMES:
        raise UsageError("files are published at https://, s3://, gs:// or abfs://, and at no other address")
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError("the address to publish at is not encrypted, and the API key goes there; name one of https://")
    if parts.query or parts.fragment:
        raise UsageError("the address to publish at has a query or a fragment in it; name it without")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

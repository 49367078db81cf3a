"""Publishes files in an object store: written under the hash of their content, read by a signed URL.

A URL is signed here, without asking anybody, and may be of no use: with credentials that have ended, or that may write
and not read. So each is tried before it goes into a request.
"""

from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from batchgen.contents import PublishFailed, ReferenceChanged, ReferenceOutOfReach, opened, pieces, public_name
from batchgen.limits import LONGEST_SIGNED_S, PUBLISHED_S
from batchgen.network import HTTP_SCHEMES, Network, NetworkError
from batchgen.network_errors import reason_of as network_reason
from batchgen.object_stores import file_system, is_denied, is_permanent, place_in_store, reason_in
from batchgen.references import Content
from batchgen.store.first_byte import look_at

_CONNECT_S = 15.0
_CONNECTIONS = 4
_OF_A_SESSION = frozenset({"x-amz-security-token"})
"""What a signed URL has in it where the credentials behind it are temporary, and it ends with them."""
_LEAST_S = 600.0
_READ = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)


class SignedFiles:
    """Files below one URL of a store. Safe to share between threads.

    ``place`` is that URL. ``works_s`` is for how many seconds from now on a URL is used: until it expires, less the
    time that a task may take.
    """

    def __init__(self, url: str, *, task_timeout_s: float, silence_s: float) -> None:
        """Ask nothing yet. Raises `UsageError` for a URL that cannot be one, or without the package for it."""
        self.place = place_in_store(url, "publish at")
        self._signed_s = min(PUBLISHED_S + task_timeout_s, LONGEST_SIGNED_S)
        self.works_s = max(self._signed_s - task_timeout_s, _LEAST_S)
        self._store = file_system(url)
        self._network = Network(_CONNECTIONS, connect_s=_CONNECT_S, silence_s=silence_s)

    def publish(self, content: Content) -> str:
        """Have a file in the store, written only where it is not there yet; its URL. Raises `PublishFailed`."""
        path = f"{self.place}/{public_name(content)}"
        try:
            if not self._is_there(path, content):
                self._write(path, content)
            url = str(self._store.sign(path, expiration=int(self._signed_s)))
        except ReferenceChanged as error:
            raise PublishFailed(str(error), again=isinstance(error, ReferenceOutOfReach)) from None
        except Exception as error:  # noqa: BLE001 - each package raises what it likes
            reason = f"{self.place} did not take the file: {reason_in(error)}"
            denied = is_denied(error)
            raise PublishFailed(reason, again=not is_permanent(error), denied=denied) from None
        if urlsplit(url).scheme not in HTTP_SCHEMES:
            raise PublishFailed(f"{self.place} gives out no http URL of a file")
        return url

    def try_out(self, url: str, content: Content) -> None:
        """See whether a URL leads to the file, by its first byte. Raises `PublishFailed`."""
        try:
            seen = look_at(self._network, url)
        except NetworkError as error:
            raise PublishFailed(f"a signed URL cannot be reached: {network_reason(error)}", again=True) from None
        if seen.status in _READ and seen.length == content.facts.bytes:
            return
        denied = seen.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        said = "leads to another file" if seen.status < HTTPStatus.BAD_REQUEST else f"answers {seen.status}"
        raise PublishFailed(f"a URL that was signed for {self.place} {said}", again=not denied, denied=denied)

    @staticmethod
    def ends_unannounced(url: str) -> bool:
        """Whether a URL may end at any time: with the session that signed it."""
        return any(name.lower() in _OF_A_SESSION for name in parse_qs(urlsplit(url).query))

    def close(self) -> None:
        """Close its idle connections."""
        self._network.close()

    def _is_there(self, path: str, content: Content) -> bool:
        """Whether it is known to be there; of what else is wrong, the credentials perhaps, writing says more."""
        try:
            return int(self._store.info(path)["size"]) == content.facts.bytes
        except OSError:
            return False

    def _write(self, path: str, content: Content) -> None:
        """Write a file whole, under a name that only its content has; one that changes meanwhile is taken away."""
        with opened(content) as file:
            target = self._store.open(path, "wb")
            try:
                with target:
                    for piece in pieces(file, content):
                        target.write(piece)
            except ReferenceChanged:
                self._store.rm_file(path)
                raise

"""The upload route of this family: a file goes in by a form, and a temporary URL comes out.

Seen at relatives of this gateway and not proved of it. The key goes along, since the user named this very address;
it goes nowhere else: no redirect is followed.
"""

from urllib.parse import urlsplit

from batchgen.contents import PublishFailed
from batchgen.network import HTTP_SCHEMES
from batchgen.providers.answers import Answer, Unfinished, json_object
from batchgen.providers.api_key import STRUCK_OUT
from batchgen.providers.http import JsonHttp
from batchgen.providers.interface import CallFailed, Trouble
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix.error_reader import read_error
from batchgen.providers.vtrix.parts import parts_of
from batchgen.references import Content

_FIELD = "file"
_WHAT = "the address to publish at"
_NOT_UP = "a file did not go up"
_DENIED = frozenset({401, 402, 403})
_AGAIN = frozenset({408, 425, 429})
_REDIRECTS = range(300, 400)
_SERVER = 500
_MISSING = frozenset({404, 405})
_LONGEST_URL = 4_000


class VtrixUploader:
    """Uploads files to one address; safe to share between threads."""

    def __init__(self, connection: Connection) -> None:
        """Connect to nothing yet. Raises `UsageError` for an address that cannot be one."""
        self._http = JsonHttp(connection, _WHAT)

    def upload(self, content: Content) -> str:
        """Send a file once; its URL. Raises `PublishFailed`."""
        try:
            came = self._http.post_file(_FIELD, content)
        except CallFailed as failure:
            again = failure.trouble is not Trouble.NOT_SENT
            raise PublishFailed(f"{_NOT_UP}: {failure.message}", again=again) from None
        return read_uploaded(came)

    def close(self) -> None:
        """Close all idle connections."""
        self._http.close()


def read_uploaded(came: Answer | Unfinished) -> str:
    """The URL in an answer. Raises `PublishFailed` where there is none, or none that can be one."""
    if isinstance(came, Unfinished):
        raise PublishFailed(f"{_NOT_UP}: {came.message}", again=True)
    data = json_object(came)
    if not came.is_success:
        raise _refusal(came, "" if data is None else read_error(data).message)
    parts = () if data is None else parts_of(data)
    url = next((part["url"] for part in parts if isinstance(part.get("url"), str)), None)
    if url is None:
        said = "" if data is None else read_error(data).message
        raise PublishFailed(f"{_WHAT} answered without a URL{f': {said}' if said else ''}")
    if STRUCK_OUT.decode() in url:
        raise PublishFailed(f"{_WHAT} answered with a URL that has the API key in it, which goes into no request")
    if not _is_usable(url):
        raise PublishFailed(f"{_WHAT} answered with a URL that cannot be one")
    return str(url)


def _refusal(came: Answer, said: str) -> PublishFailed:
    told = f"{_WHAT} answered {came.status}{f': {said}' if said else ''}"
    if came.status in _REDIRECTS:
        return PublishFailed(f"{told}, a redirect, along which the key is not sent; name the address that it leads to")
    if came.status in _MISSING:
        return PublishFailed(f"{told}; it takes no uploads, look up where your provider does")
    again = came.status >= _SERVER or came.status in _AGAIN
    return PublishFailed(told, again=again, denied=came.status in _DENIED)


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no IPv6 address
        return False
    # A password in it would stand in journal and request.
    is_address = parts.scheme in HTTP_SCHEMES and bool(parts.hostname) and parts.username is None
    return is_address and url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST_URL

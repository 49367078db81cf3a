"""The gateway over HTTP.

Runs on `batchgen.network`, whose docstring says which HTTP library that is, and why. Two decisions
here are about money. A task is created over a connection of its own: one that lay idle may be
closed by the other side at the very moment it is used, and that would leave the outcome unknown.
And every exception of the library is turned into `CallFailed` in one place, sorted by whether a
connection was made.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import urllib3.exceptions

from batchgen.errors import UsageError
from batchgen.gateway import wire
from batchgen.gateway.body import Body, ReferenceChanged, RequestFormat
from batchgen.gateway.interface import CallFailed, Created, Stage, Task, Trouble
from batchgen.limits import LONGEST_RETRY_AFTER_S
from batchgen.model import Request
from batchgen.network import HTTP_SCHEMES, Network, NetworkError, Response

DEFAULT_BASE_URL = "https://cloud.vtrix.ai"
DEFAULT_TIMEOUT_S = 60.0
_CONNECT_S = 15.0
_CREATE_PATH = "/model/v1/generation"
_TASK_PATH = "/model/v1/generation/task/"


class ApiKey:
    """A key that is in memory only: whatever prints it shows that there is one, and nothing else."""

    __slots__ = ("_key", "_spellings")

    def __init__(self, key: str) -> None:
        """Check the key for its form. Raises `UsageError`, which does not show it."""
        stripped = key.strip()
        if not stripped or not stripped.isascii() or not stripped.isprintable() or " " in stripped:
            raise UsageError("the API key is empty or has characters that no key has")
        self._key = stripped
        self._spellings = _spellings(stripped)

    def header(self) -> str:
        """The value of the header that carries it."""
        return f"Bearer {self._key}"

    def taken_out_of(self, content: bytes) -> bytes:
        """The content with the key struck out, should a gateway repeat it to us, in any usual spelling."""
        for spelling in self._spellings:
            content = content.replace(spelling, _STRUCK_OUT)
        if b"\\" in content:
            # JSON may write any character as an escape: those that a key can have are undone first.
            content = _ESCAPE.sub(_unescaped, content)
            for spelling in self._spellings:
                content = content.replace(spelling, _STRUCK_OUT)
        return content

    def taken_out_of_text(self, text: str) -> str:
        """The same for a message, which may quote what a gateway sent."""
        return self.taken_out_of(text.encode("utf-8", "backslashreplace")).decode()

    def __repr__(self) -> str:
        return "ApiKey(…)"

    def __reduce__(self) -> str:
        raise TypeError("an API key is not written anywhere")


_STRUCK_OUT = b"***"
_SHORTEST_STRUCK_OUT = 8
"""A shorter key, which no provider gives out, could be part of any word of an answer."""
_ESCAPE = re.compile(rb"\\(?:u00([2-7][0-9A-Fa-f])|(.))", re.DOTALL)


def _spellings(key: str) -> tuple[bytes, ...]:
    """The key as it is, and as JSON, URLs and Python's messages write it."""
    if len(key) < _SHORTEST_STRUCK_OUT:
        return ()
    quoted = quote(key, safe="")
    found = [key, json.dumps(key)[1:-1], repr(key)[1:-1], quoted, re.sub("%..", lambda hit: hit[0].lower(), quoted)]
    return tuple(spelling.encode("ascii") for spelling in dict.fromkeys(found))


def _unescaped(found: re.Match[bytes]) -> bytes:
    """An escape of JSON as the character it stands for, where that needs no escape."""
    character = bytes.fromhex(found[1].decode()) if found[1] else found[2]
    if character in (b'"', b"\\"):
        return b"\\" + character
    return character if found[1] or character == b"/" else found[0]


class HttpGateway:
    """The API over HTTP; one instance for a run, safe to share between threads.

    ``connections`` is how many requests may be under way at a time, ``timeout_s`` how many seconds
    of silence end one.
    """

    def __init__(
        self,
        base_url: str,
        key: ApiKey,
        *,
        form: RequestFormat = RequestFormat.DOCUMENTED,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        connections: int = 8,
    ) -> None:
        """Connect to nothing yet. Raises `UsageError` for a base URL that cannot be one."""
        _check_base_url(base_url)
        self._base = base_url.rstrip("/")
        self._key = key
        self._form = form
        self._timeout_s = timeout_s
        connect_s = min(_CONNECT_S, timeout_s)
        self._creating = Network(connections, connect_s=connect_s, silence_s=timeout_s, reuse=False)
        self._reading = Network(connections, connect_s=connect_s, silence_s=timeout_s)

    def create(self, request: Request) -> Created:
        """Create a task; sends the request once. Raises `CallFailed`."""
        with _mapped(Stage.CREATE, self._key), Body(request, self._form) as body:
            headers = {**self._headers(), "Content-Length": str(body.length)}
            response = self._creating.request("POST", self._base + _CREATE_PATH, headers=headers, body=body)
            answer = self._answer(Stage.CREATE, self._creating, response)
        return wire.read_created(answer)

    def read(self, task_id: str) -> Task:
        """Read a task. Raises `CallFailed`."""
        with _mapped(Stage.READ, self._key):
            url = self._base + _TASK_PATH + quote(task_id, safe="")
            response = self._reading.request("GET", url, headers=self._headers())
            answer = self._answer(Stage.READ, self._reading, response)
        return wire.read_task(answer, task_id)

    def close(self) -> None:
        """Close all idle connections."""
        self._creating.close()
        self._reading.close()

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": self._key.header(),
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    def _answer(self, stage: Stage, network: Network, response: Response) -> wire.Answer:
        """Read an answer; its body is bounded in length, and the whole of it in time.

        Raises `CallFailed`, with what came, where the connection ends before the answer does.
        """
        content = bytearray()
        broken: NetworkError | None = None
        try:
            for chunk in network.chunks(response, whole_s=self._timeout_s):
                content += chunk
                if len(content) > wire.MOST_ANSWER_BYTES:
                    break
        except NetworkError as error:
            broken = error
        finally:
            network.finish(response)
        wait_s = retry_after_s(response.headers.get("Retry-After"), time.time())
        answer = wire.Answer(response.status, self._key.taken_out_of(bytes(content)), wait_s)
        if broken is not None:
            trouble = trouble_of(broken)
            raise wire.broken_off(stage, answer, trouble, _message(trouble, broken, self._key)) from None
        return answer


def _check_base_url(base_url: str) -> None:
    """Raise `UsageError` for what is no plain http or https URL; passwords in it are not shown."""
    if "@" in base_url:
        raise UsageError("the base URL has a user or password in it; the API takes a key, and nothing else")
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in HTTP_SCHEMES and parts.hostname and not parts.query and not parts.fragment
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number, brackets without an address
        usable = False
    if not usable or not base_url.isprintable():
        raise UsageError(f"the base URL {base_url!r} is no plain http or https URL")


def retry_after_s(value: str | None, now: float) -> float | None:
    """Seconds to wait from a Retry-After header, in either of its forms; None where it says nothing.

    ``now`` is the present as a Unix time.
    """
    if value is None:
        return None
    try:
        seconds = float(int(value)) if value.strip().isdecimal() else parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


@contextmanager
def _mapped(stage: Stage, key: ApiKey) -> Iterator[None]:
    """Turn every exception of a call into `CallFailed`, whose text does not have the key."""
    try:
        yield
    except ReferenceChanged as error:
        raise CallFailed(stage, Trouble.NOT_SENT, str(error)) from None
    except NetworkError as error:
        trouble = trouble_of(error)
        raise CallFailed(stage, trouble, _message(trouble, error, key)) from None


def _message(trouble: Trouble, error: NetworkError, key: ApiKey) -> str:
    return f"{_WORDS[trouble]} ({key.taken_out_of_text(reason_of(error))})"


_WORDS = {
    Trouble.NOT_CONNECTED: "the gateway cannot be reached",
    Trouble.TIMED_OUT: "the gateway fell silent",
    Trouble.BROKEN: "the connection broke",
}


def trouble_of(error: NetworkError) -> Trouble:
    """At which point a request failed, from the library's exception.

    `batchgen.network` sees to it that what fails while connecting, and only that, raises one of
    the errors that count as not connected. That a `ProxyError` says so itself means nothing: urllib3
    makes one of any connection through a proxy that the other side has closed, the whole request
    sent or not. What it was made of decides.
    """
    cause: BaseException = error.original_error if isinstance(error, urllib3.exceptions.ProxyError) else error
    if isinstance(cause, _NOT_CONNECTED):
        return Trouble.NOT_CONNECTED
    if any(isinstance(known, _TIMED_OUT) for known in (cause, *_causes(cause))):
        return Trouble.TIMED_OUT
    return Trouble.BROKEN


_NOT_CONNECTED = (
    urllib3.exceptions.NewConnectionError,  # refused, unreachable, unknown host, TLS, tunnel
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.LocationValueError,  # a URL without a usable host
)
_TIMED_OUT = (TimeoutError, urllib3.exceptions.TimeoutError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    for cause in (*error.args, error.__cause__, error.__context__):
        if isinstance(cause, BaseException):
            yield cause


def reason_of(error: NetworkError) -> str:
    """The cause in words, without the addresses of Python objects that urllib3 puts before it."""
    cause = next(_causes(error), error)
    text = getattr(cause, "strerror", None) or str(cause).rpartition(">: ")[2] or type(cause).__name__
    return str(text).strip()[:_LONGEST_REASON]


_LONGEST_REASON = 300

"""JSON over HTTP, as every provider's API takes it: one POST that is never repeated, and GETs.

Runs on `batchgen.network`, whose docstring says which HTTP library that is, and why. Two decisions
here are about money. A task is created over a connection of its own: one that lay idle may be
closed by the other side at the very moment it is used, and that would leave the outcome unknown.
And every exception of the library is turned into `CallFailed` in one place, sorted by whether a
connection was made.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import urlsplit

from batchgen.contents import ReferenceChanged, ReferenceOutOfReach
from batchgen.errors import UsageError
from batchgen.limits import LONGEST_RETRY_AFTER_S
from batchgen.network import HTTP_SCHEMES, Network, NetworkError, Response
from batchgen.network_errors import is_not_connected, is_timed_out, reason_of
from batchgen.providers.answers import MOST_ANSWER_BYTES, Answer, Unfinished
from batchgen.providers.form_body import FormBody
from batchgen.providers.interface import CallFailed, Stage, Trouble
from batchgen.providers.json_body import JsonBody
from batchgen.providers.provider import Connection
from batchgen.references import Content
from batchgen.version import __version__

_CONNECT_S = 15.0


class JsonHttp:
    """Calls to one gateway; safe to share between threads.

    Every method returns the answer, whole or `Unfinished`, and raises `CallFailed` where none came.
    """

    def __init__(self, connection: Connection, what: str = "the gateway") -> None:
        """Connect to nothing yet. Raises `UsageError` for a base URL that cannot be one.

        ``what`` is what is called, in messages.
        """
        _check_base_url(connection.base_url)
        self._what = what
        self._address = connection.base_url
        self._base = self._address.rstrip("/")
        self._key = connection.key
        self._timeout_s = connection.timeout_s
        self._headers = {
            "Authorization": self._key.header(),
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"batchgen/{__version__}",
        }
        connect_s = min(_CONNECT_S, connection.timeout_s)
        network = partial(Network, connection.connections, connect_s=connect_s, silence_s=connection.timeout_s)
        self._creating = network(reuse=False)
        self._reading = network()

    def post(self, path: str, document: object, headers: Mapping[str, str] | None = None) -> Answer | Unfinished:
        """Send a document, which may hold references, once; over a connection of its own."""
        with self._mapped(Stage.CREATE), JsonBody(document) as body:
            sent = {**self._headers, "Content-Length": str(body.length), **(headers or {})}
            response = self._creating.request("POST", self._base + path, headers=sent, body=body)
            return self._answer(self._creating, response)

    def post_file(self, field: str, content: Content) -> Answer | Unfinished:
        """Send the file of a reference to the base URL itself, as a field of a form, once; follows no redirect."""
        with self._mapped(Stage.UPLOAD), FormBody(field, content) as body:
            sent = {**self._headers, "Content-Type": body.mime, "Content-Length": str(body.length)}
            response = self._creating.request("POST", self._address, headers=sent, body=body)
            return self._answer(self._creating, response)

    def get(self, path: str) -> Answer | Unfinished:
        """Read what is at a path."""
        with self._mapped(Stage.READ):
            response = self._reading.request("GET", self._base + path, headers=self._headers)
            return self._answer(self._reading, response)

    def close(self) -> None:
        """Close all idle connections."""
        self._creating.close()
        self._reading.close()

    def _answer(self, network: Network, response: Response) -> Answer | Unfinished:
        """Read an answer; its body is bounded in length, and the whole of it in time."""
        content = bytearray()
        broken: NetworkError | None = None
        try:
            for chunk in network.chunks(response, whole_s=self._timeout_s):
                content += chunk
                if len(content) > MOST_ANSWER_BYTES:
                    break
        except NetworkError as error:
            broken = error
        finally:
            network.finish(response)
        wait_s = retry_after_s(response.headers.get("Retry-After"), response.headers.get("Date"))
        request_id = self._key.taken_out_of_text(response.headers.get("X-Request-Id") or "")
        answer = Answer(response.status, self._key.taken_out_of(bytes(content)), wait_s, request_id)
        if broken is None:
            return answer
        trouble = trouble_of(broken)
        return Unfinished(answer, trouble, self._message(trouble, broken))

    @contextmanager
    def _mapped(self, stage: Stage) -> Iterator[None]:
        """Turn every exception of a call into `CallFailed`, whose text does not have the key."""
        try:
            yield
        except ReferenceChanged as error:
            is_passing = isinstance(error, ReferenceOutOfReach)
            raise CallFailed(stage, Trouble.OUT_OF_REACH if is_passing else Trouble.NOT_SENT, str(error)) from None
        except NetworkError as error:
            trouble = trouble_of(error)
            raise CallFailed(stage, trouble, self._message(trouble, error)) from None

    def _message(self, trouble: Trouble, error: NetworkError) -> str:
        return f"{_WORDS[trouble].format(self._what)} ({self._key.taken_out_of_text(reason_of(error))})"


_WORDS = {
    Trouble.NOT_CONNECTED: "{} cannot be reached",
    Trouble.TIMED_OUT: "{} fell silent",
    Trouble.BROKEN: "the connection broke",
}


def trouble_of(error: NetworkError) -> Trouble:
    """At which point a request failed, from the library's exception."""
    if is_not_connected(error):
        return Trouble.NOT_CONNECTED
    return Trouble.TIMED_OUT if is_timed_out(error) else Trouble.BROKEN


def _check_base_url(base_url: str) -> None:
    """Raise `UsageError` for what is not a plain http or https URL; passwords in it are not shown."""
    if "@" in base_url:
        raise UsageError("the base URL has a user or password in it; the API takes a key, and nothing else")
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in HTTP_SCHEMES and parts.hostname and not parts.query and not parts.fragment
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is not a number, brackets without an address
        usable = False
    if not usable or not base_url.isprintable():
        raise UsageError(f"the base URL {base_url!r} is not a plain http or https URL, such as https://example.com")


def _sent_at(date: str | None) -> float:
    """When an answer was sent, by the clock of whoever sent it: ours may be hours off; a Unix time."""
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return time.time()


def retry_after_s(value: str | None, date: str | None) -> float | None:
    """Seconds to wait from a Retry-After header, in either of its forms; None where it says nothing.

    ``date`` is the header that says when the answer was sent.
    """
    if value is None:
        return None
    try:
        seconds = (
            float(int(value))
            if value.strip().isdecimal()
            else parsedate_to_datetime(value).timestamp() - _sent_at(date)
        )
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)

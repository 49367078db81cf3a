"""What the exceptions of the HTTP library say: whether a connection was made, whether time ran out, and why."""

from collections.abc import Iterator

import urllib3.exceptions

from batchgen.network import NetworkError

_NOT_CONNECTED = (
    urllib3.exceptions.NewConnectionError,  # refused, unreachable, unknown host, TLS, tunnel
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.LocationValueError,  # a URL without a usable host
)
_TIMED_OUT = (TimeoutError, urllib3.exceptions.TimeoutError)
_LONGEST_REASON = 300


def is_not_connected(error: NetworkError) -> bool:
    """Whether no connection was made, so that no byte of the request has left.

    `batchgen.network` sees to it that what fails while connecting, and only that, raises one of
    the errors that count as not connected. That a `ProxyError` says so itself means nothing: urllib3
    makes one of any connection through a proxy that the other side has closed, the whole request
    sent or not. What it was made of decides.
    """
    return isinstance(_cause(error), _NOT_CONNECTED)


def is_timed_out(error: NetworkError) -> bool:
    """Whether time ran out."""
    cause = _cause(error)
    return any(isinstance(known, _TIMED_OUT) for known in (cause, *_causes(cause)))


def _cause(error: NetworkError) -> BaseException:
    return error.original_error if isinstance(error, urllib3.exceptions.ProxyError) else error


def _causes(error: BaseException) -> Iterator[BaseException]:
    for cause in (*error.args, error.__cause__, error.__context__):
        if isinstance(cause, BaseException):
            yield cause


def reason_of(error: NetworkError) -> str:
    """The cause in words, without the addresses of Python objects that urllib3 puts before it."""
    cause = next(_causes(error), error)
    text = getattr(cause, "strerror", None) or str(cause).rpartition(">: ")[2] or type(cause).__name__
    return str(text).strip()[:_LONGEST_REASON]

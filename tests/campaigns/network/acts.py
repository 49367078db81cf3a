"""What can be done to a request on its way, and to the answer: the acts that the faults are made of."""

import gzip
from collections.abc import Callable
from dataclasses import replace

from campaigns.network.proxy import Act, Answer, Line

_PIECES = 4


def taken_bytes(count: int) -> Act:
    """Take so many bytes of the request."""
    return lambda line: line.take(count)


def head_taken(line: Line) -> None:
    """Take the head of the request, and no more than came along with it."""
    line.peer.read_head()


def taken(line: Line) -> None:
    """Take the whole request, of which the gateway hears nothing."""
    line.peer.read_request()


def handed_on(line: Line) -> None:
    """Let the gateway act, and keep its answer back."""
    line.answer()


def close(_: Line) -> None:
    """Nothing more: a connection is closed when its act is over."""


def silence(line: Line) -> None:
    """Neither send nor close anything any more."""
    line.silence()


def both(first: Act, then: Act) -> Act:
    """One after the other."""

    def act(line: Line) -> None:
        first(line)
        then(line)

    return act


def half_the_body(line: Line) -> None:
    """Let the gateway have half of the body, and then a reset on both sides."""
    line.peer.read_request()
    with line.handed_on(len(line.peer.body) // 2):
        line.reset()


# The answer up to a place

Place = Callable[[Answer], int]


def in_status(_: Answer) -> int:
    return len("HTTP/1.1 2")


def after_status(_: Answer) -> int:
    return len("HTTP/1.1 200")


def in_head(answer: Answer) -> int:
    return answer.head.lower().index(b"content-length:") + len(b"content-length: 1")


def after_head(answer: Answer) -> int:
    return len(answer.head) + 4


def in_body(answer: Answer) -> int:
    return after_head(answer) + len(answer.body) // 2


def cut(place: Place, end: Act) -> Act:
    """Send the answer up to a place, and end in some way."""

    def act(line: Line) -> None:
        answer = line.answer()
        line.send(answer.whole()[: place(answer)])
        end(line)

    return act


def dripping(place: Place) -> Act:
    """Send the answer up to a place, and then byte by byte."""

    def act(line: Line) -> None:
        answer = line.answer()
        line.send(answer.whole()[: place(answer)])
        line.drip(answer.whole()[place(answer) :])

    return act


def late(seconds: float) -> Act:
    """Hold the answer back for a while."""

    def act(line: Line) -> None:
        answer = line.answer()
        line.silence(seconds)
        line.send(answer.whole())

    return act


# Another answer

Change = Callable[[Answer], Answer]


def changed(change: Change, end: Act = close) -> Act:
    """Send what has become of the answer."""

    def act(line: Line) -> None:
        line.send(change(line.answer()).whole())
        end(line)

    return act


def flood(change: Change, more: bytes) -> Act:
    """Send what has become of the answer, and then the same for ever."""

    def act(line: Line) -> None:
        line.send(change(line.answer()).whole())
        line.flood(more)

    return act


def head_flood(more: bytes) -> Act:
    """Send the head of the answer, and then more of it for ever."""

    def act(line: Line) -> None:
        line.send(line.answer().head)
        line.flood(more)

    return act


def nothing(answer: Answer) -> Answer:
    return replace(answer, head=b"HTTP/1.1 100 Continue", body=b"")


def after_interim(answer: Answer) -> Answer:
    interim = b"".join(b"HTTP/1.1 %d Wait\r\nX: y\r\n\r\n" % status for status in (100, 103, 102))
    return replace(answer, head=interim + answer.head)


def without_length(answer: Answer) -> Answer:
    return answer.without("content-length").without("connection")


def cut_without_length(line: Line) -> None:
    """Half of the answer, and every time a byte less."""
    answer = without_length(line.answer())
    line.send(answer.whole()[: in_body(answer) - line.peer.number])


def of_length(answer: Answer, stated: str) -> Answer:
    return answer.without("content-length").plus(f"Content-Length: {stated}")


def half_as_long(answer: Answer) -> Answer:
    return of_length(answer, str(len(answer.body) // 2))


def chunked(answer: Answer, extension: bytes = b"", end: bytes = b"0\r\n\r\n") -> Answer:
    size = len(answer.body) // _PIECES + 1
    pieces = [answer.body[place : place + size] for place in range(0, len(answer.body), size)]
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return replace(answer.without("content-length").plus("Transfer-Encoding: chunked"), body=chunks + end)


def chunks_cut(answer: Answer) -> Answer:
    whole = chunked(answer)
    return replace(whole, body=whole.body[: len(whole.body) // 2])


def compressed(answer: Answer, body: bytes) -> Answer:
    return replace(of_length(answer, str(len(body))).plus("Content-Encoding: gzip"), body=body)


def bomb(answer: Answer) -> Answer:
    """Megabytes of blanks in a few kilobytes, before the JSON."""
    return compressed(answer, gzip.compress(b" " * 12_000_000 + answer.body))


def blanks(answer: Answer) -> Answer:
    """A head that announces more than anybody will read."""
    return replace(of_length(answer, "9" * 15), body=b"")

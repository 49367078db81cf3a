"""Every fault on the wire, and what has to come of it.

This is data, read by the tests and by ``python tests/campaigns/network``.

What comes of a request to create a task is promise 1: where a connection stood, only an answer in
words tells that nothing was created. Reading a task and fetching a result are safe to repeat.
"""

import gzip
from dataclasses import dataclass, replace
from enum import StrEnum

from batchgen.providers.interface import Trouble

from campaigns.network import acts
from campaigns.network.acts import both, changed, cut, flood
from campaigns.network.proxy import Act, Line, pass_on

BROKEN, TIMED_OUT, UNREADABLE = Trouble.BROKEN, Trouble.TIMED_OUT, Trouble.UNREADABLE
BRIEF_S = 0.4
"""Seconds of silence after which tests give up where waiting is the point."""


class Arrives(StrEnum):
    """How a result arrives whose first request meets a fault."""

    AT_ONCE = "arrives"
    AGAIN = "fetched again"
    RESUMED = "gone on with by Range"
    TWICE = "fetched twice: only when it comes alike is it taken for whole"
    SHORT = "arrives short, as announced"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and what comes of the requests that meet it.

    ``trouble`` is how a call to the API ends, None where it succeeds all the same; ``created`` tells
    whether a submission leaves a task at the gateway.
    """

    does: str
    act: Act
    trouble: Trouble | None
    download: Arrives = Arrives.AGAIN
    created: bool = True

    @property
    def name(self) -> str:
        """The description as a word."""
        return self.does.replace(" ", "-")

    @property
    def waits(self) -> bool:
        """Whether the fault lasts until somebody's patience ends."""
        return self.trouble is TIMED_OUT


_BEFORE = (
    Fault("reset at the first byte of the request", both(acts.taken_bytes(1), Line.reset), BROKEN, created=False),
    Fault("closed at the first byte of the request", acts.taken_bytes(1), BROKEN, created=False),
    Fault("reset inside the head of the request", both(acts.taken_bytes(20), Line.reset), BROKEN, created=False),
    Fault("reset after the head of the request", both(acts.head_taken, Line.reset), BROKEN, created=False),
    Fault("reset inside the body of the request", acts.half_the_body, BROKEN, created=False),
    Fault("reset after the request, before the gateway has it", both(acts.taken, Line.reset), BROKEN, created=False),
    Fault("half-open: nobody is there any more", acts.silence, TIMED_OUT, created=False),
    Fault("half-open after the request", both(acts.taken, acts.silence), TIMED_OUT, created=False),
)

_NO_ANSWER = (
    Fault("reset instead of an answer", both(acts.handed_on, Line.reset), BROKEN),
    Fault("closed instead of an answer", acts.handed_on, BROKEN),
    Fault("half-open instead of an answer", both(acts.handed_on, acts.silence), TIMED_OUT),
)

_PLACES = {
    "inside the status line": acts.in_status,
    "after the status": acts.after_status,
    "inside the head of the answer": acts.in_head,
    "after the head of the answer": acts.after_head,
    "inside the body of the answer": acts.in_body,
}
_ENDS = {"reset": (Line.reset, BROKEN), "closed": (acts.close, BROKEN), "silent": (acts.silence, TIMED_OUT)}


def _way(where: str) -> Arrives:
    """What has arrived of a file is kept, and not fetched a second time."""
    return Arrives.RESUMED if "body" in where else Arrives.AGAIN


_CUT = tuple(
    Fault(f"{how} {where}", cut(place, end), trouble, _way(where))
    for where, place in _PLACES.items()
    for how, (end, trouble) in _ENDS.items()
)

_END = (
    Fault("reset instead of closed, after the answer", both(pass_on, Line.reset), None, Arrives.AT_ONCE),
    Fault("never closed after the answer", both(pass_on, acts.silence), None, Arrives.AT_ONCE),
    Fault("never closed, and no length announced", changed(acts.without_length, acts.silence), TIMED_OUT),
)

_SLOW = (
    Fault("the answer is late, and in time", acts.late(BRIEF_S / 4), None, Arrives.AT_ONCE),
    Fault("the head of the answer drips byte by byte", acts.dripping(acts.in_status), TIMED_OUT),
    Fault("the body of the answer drips byte by byte", acts.dripping(acts.after_head), TIMED_OUT, Arrives.RESUMED),
)

_UNUSUAL = tuple(
    Fault(does, changed(change), None, Arrives.AT_ONCE)
    for does, change in (
        ("interim answers (100, 103, 102) before the answer", acts.after_interim),
        ("chunked", acts.chunked),
        ("chunked, with extensions and a trailer", lambda it: acts.chunked(it, b';a="b";c', b"0;d\r\nX: y\r\n\r\n")),
        ("garbage behind the answer", lambda it: replace(it, body=it.body + b"\0HTTP/1.1 500 I\r\n\r\n")),
        ("compressed, though nobody asked for it", lambda it: acts.compressed(it, gzip.compress(it.body))),
        ("a header line that is none", lambda it: it.plus("no header at all", "X y")),
    )
)

_WRONG = (
    Fault("no length announced: the close ends the answer", changed(acts.without_length), None, Arrives.TWICE),
    Fault("no length announced, and closed too soon", acts.cut_without_length, UNREADABLE, Arrives.RESUMED),
    Fault("a length of 5,000 digits", changed(lambda it: acts.of_length(it, "9" * 5_000)), None, Arrives.TWICE),
    Fault("chunked, and closed too soon", changed(acts.chunks_cut), BROKEN, Arrives.RESUMED),
    Fault("chunked, with lengths that are none", changed(lambda it: acts.chunked(it, b"zz")), BROKEN),
    Fault("closed before the announced length", changed(lambda it: acts.of_length(it, "9" * 9)), BROKEN),
    Fault("longer than announced", changed(acts.half_as_long), UNREADABLE, Arrives.SHORT),
    Fault("two lengths that differ", changed(lambda it: it.plus("Content-Length: 7")), BROKEN),
    Fault("called compressed, and is not", changed(lambda it: acts.compressed(it, it.body)), BROKEN),
    Fault("a thousand headers", changed(lambda it: it.plus(*["X: y"] * 1_000)), BROKEN),
    Fault("a header of 100 kB", changed(lambda it: it.plus("X: " + "y" * 100_000)), BROKEN),
    Fault("not HTTP", changed(lambda it: replace(it, head=b"SSH-2.0-OpenSSH_9.2")), BROKEN),
    Fault("an alert of TLS", changed(lambda it: replace(it, head=b"\x15\x03\x03\x00\x02\x02\x28", body=b"")), BROKEN),
    Fault("a version of HTTP there is not", changed(lambda it: replace(it, head=b"HTTP/9" + it.head[8:])), BROKEN),
)

_ENDLESS = (
    Fault("interim answers without end", flood(acts.nothing, b"HTTP/1.1 100 Continue\r\n\r\n"), TIMED_OUT),
    Fault("early hints without end", flood(acts.nothing, b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"), TIMED_OUT),
    Fault("headers without end", acts.head_flood(b"\r\nX: y"), BROKEN),
    Fault("a header line without end", acts.head_flood(b"y"), BROKEN),
    Fault("a chunk's extension without end", flood(lambda it: acts.chunked(it, end=b"5;"), b"x"), BROKEN),
    Fault("trailers without end", flood(lambda it: acts.chunked(it, end=b"0\r\n"), b"X: y\r\n"), TIMED_OUT),
)

BREAKS = (*_BEFORE, *_NO_ANSWER, *_CUT, *_END)
"""Connections that break or fall silent, in each phase of a request."""
FAULTS = (*BREAKS, *_SLOW, *_UNUSUAL, *_WRONG, *_ENDLESS)
BY_NAME = {fault.does: fault for fault in FAULTS}

TOO_MUCH = (
    Fault("a few kilobytes that unpack to 12 MB", changed(acts.bomb), UNREADABLE),
    Fault("a body without end", flood(acts.blanks, b" "), UNREADABLE),
)
"""Answers of the API that are larger than any; a file may be as large as it likes, up to a bound of its own."""

"""What journals of versions before did not say of their requests, read from the documents where it stands."""

from dataclasses import replace
from decimal import Decimal

import pytest

from batchgen.engine import events as ev
from batchgen.journal.records import decode, encode
from batchgen.journal.stored_requests import with_asked
from batchgen.model import Asked, RequestFacts
from batchgen.providers.registry import asked_before

VIDEO = {"source": "a.mp4", "sha256": "x", "mime": "video/mp4"}
PICTURE = {"source": "a.png", "sha256": "x", "mime": "image/png"}


def submitting(document: dict[str, object], asked: Asked) -> ev.Submitting:
    return ev.Submitting("t", "s", 1, RequestFacts("ab", document, "720P", (), asked), None)


def documented(*references: object) -> dict[str, object]:
    return {"model": "m", "input": {"prompt": "p", "reference_urls": list(references)}, "parameters": {"duration": 5}}


@pytest.mark.parametrize(
    ("document", "videos", "seconds"),
    [
        (documented(PICTURE), 0, Decimal(0)),
        (documented(VIDEO, PICTURE), 1, None),
        (documented({"source": "http://a/b", "url": "http://a/b"}), None, None),
        ({"laid": "out otherwise"}, None, None),
    ],
)
def test_a_line_of_version_0_2_gets_what_its_document_tells(
    document: dict[str, object], videos: int | None, seconds: Decimal | None
) -> None:
    written = submitting(document, Asked("m", "as written", seconds=5))
    read = with_asked(written, asked_before)
    assert isinstance(read, ev.Submitting)
    assert read.request.asked == replace(written.request.asked, reference_videos=videos, reference_seconds=seconds)


def test_what_a_line_says_holds() -> None:
    written = submitting(documented(PICTURE), Asked("m", "p", None, 5, None, 1, Decimal("4.95")))
    line = encode(written)
    assert b'"reference_videos":1,"billed_reference_s":"4.95"' in line
    assert with_asked(decode(line).event, asked_before) == written

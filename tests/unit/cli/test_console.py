"""Warnings while a run goes on, each shown once and then counted; the line of progress, which always fits."""

import logging
from collections.abc import Iterator

import pytest
from tqdm import tqdm

from batchgen.app.notices import Warned
from batchgen.cli.console import Console
from batchgen.cli.progress import Progress

LOG = logging.getLogger("batchgen")


@pytest.fixture
def console() -> Iterator[Console]:
    handler = Console()
    LOG.addHandler(handler)
    yield handler
    LOG.removeHandler(handler)


def lost(*numbers: int, reason: str = "the gateway answered 502") -> None:
    for number in numbers:
        LOG.warning("scene %s: task %s: %s: %s", f"s{number}", f"task-{number}", "http_502", reason)


def test_what_is_said_of_every_scene_is_shown_once_and_counted(
    console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    lost(*range(1, 9), 2)
    lost(1, reason="the gateway answered 503")
    assert capsys.readouterr().err.splitlines() == [
        "scene s1: task task-1: http_502: the gateway answered 502",
        "scene s1: task task-1: http_502: the gateway answered 503",
    ]
    console.show_counts()
    told = "8 more times (s2, s3, s4, s5, s6 and 2 more): http_502: the gateway answered 502\n"
    assert capsys.readouterr().err == told
    console.show_counts()
    assert capsys.readouterr().err == "", "what was told is not told again"


def test_a_request_id_makes_no_warning_another_one(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 4):
        lost(number, reason=f"the gateway answered 402: no money (request id req-{number})")
    assert capsys.readouterr().err == (
        "scene s1: task task-1: http_502: the gateway answered 402: no money (request id req-1)\n"
    )
    console.show_counts()
    assert capsys.readouterr().err == "2 more times (s2, s3): http_502: the gateway answered 402: no money\n"


def test_an_outage_that_lasts_is_told_again_now_and_then(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    records = [LOG.makeRecord(LOG.name, logging.WARNING, "f", 1, "scene s1: no", (), None) for _ in range(4)]
    for record, seconds in zip(records, (0, 30, 61, 90), strict=True):
        record.created = 1000.0 + seconds
        console.handle(record)
    assert capsys.readouterr().err == "scene s1: no\n2 more times (s1): no\n"


def test_other_warnings_are_shown_as_they_are(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    LOG.warning("the last line was cut off at %d bytes", 7)
    console.handle(LOG.makeRecord(LOG.name, logging.WARNING, "f", 1, "bad: %d", ("no number",), None))
    LOG.info("nothing for a terminal")
    assert capsys.readouterr().err == "the last line was cut off at 7 bytes\n"
    console.show_counts()
    assert capsys.readouterr().err == ""


def test_a_warning_at_the_end_begins_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(wanted=True) as progress:
        bar = tqdm(total=9, initial=6, bar_format="6/9 scenes", leave=False)
        progress.notify(Warned("2 results are kept here"))
        bar.close()
    before = capsys.readouterr().err.partition("warning: 2 results are kept here\n")[0]
    assert before.endswith("\r"), "the bar was taken away first"
    assert before.rstrip().endswith("6/9 scenes")

"""report.csv and ledger.csv: every state of an attempt, sums, what is unknown, and cells that are not formulas."""

import csv
import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.engine.states import State
from batchgen.model import RequestFacts, TaskResult
from batchgen.report.as_csv import as_csv, harmless
from batchgen.report.rows import LEDGER_COLUMNS, REPORT_COLUMNS, Row, ledger_rows, report_rows, totals

from helpers.attempts import ASKED, EVENTS, NOT_CREATED, RAN, SENT, SHA, WAYS, replay, submitting
from helpers.engine_support import known_request, scene

S = AttemptState
REPORT = (
    "scene_id, status, error_code, error_message, task_id, job_id, model, size, tier, duration_s, seed, attempts, "
    "estimated_cost_usd, cost_usd, discount, submitted_at, finished_at, elapsed_s, video_url, video_path, "
    "video_sha256, request_sha256, shot, take, picked, reused_from, title, prompt"
)
LEDGER = (
    "scene_id, attempt, outcome, task_id, request_sha256, model, size, duration_s, seed, submitted_at, finished_at, "
    "estimated_cost_usd, cost_usd, discount, error_code, error_message, superseded, result_path, result_sha256"
)
SENT_AT, DONE_AT = "2026-01-02T03:04:05.000Z", "2026-01-02T03:05:35.250Z"


def told(events: list[Any], *scenes: ev.SceneFacts) -> State:
    """The state after a run over these scenes, s1 unless others are given."""
    read = ev.ManifestRead("t", "garden", "m", scenes or (ASKED,))
    return replay([ev.RunStarted("t", "1"), read, *events])


def _at(event: Any) -> Any:
    """The event at a real time: those of the short ways are placeholders."""
    return replace(event, at=SENT_AT if isinstance(event, ev.Submitting) else DONE_AT)


def report(events: list[Any], *scenes: ev.SceneFacts) -> Row:
    return report_rows(told(events, *scenes))[0]


def second(*further: Any, sha256: str = ASKED.request.sha256) -> list[Any]:
    """A second attempt, on its way."""
    begin = ev.Submitting("t5", "s1", 2, known_request(sha256, ASKED.request.document, "720P", ()), Decimal("0.5"))
    return [begin, *further]


def test_the_columns_are_those_of_the_contract() -> None:
    assert ", ".join(REPORT_COLUMNS) == REPORT
    assert ", ".join(LEDGER_COLUMNS) == LEDGER


@pytest.mark.parametrize(
    ("state", "status", "code", "attempts", "cost"),
    [
        (S.SUBMITTING, "unknown", "submit_unknown", 1, None),
        (S.REFUSED, "failed", "http_400", 0, None),
        (S.UNKNOWN, "unknown", "submit_unknown", 1, None),
        (S.RESOLVED, "running", "", 1, None),
        (S.RUNNING, "running", "", 1, None),
        (S.NOT_FOUND, "failed", "task_not_found", 1, None),
        (S.NO_RESULT, "failed", "no_result", 1, "0.4"),
        (S.COMPLETED, "running", "", 1, "0.4"),
        (S.DOWNLOAD_FAILED, "failed", "download_failed", 1, "0.4"),
        (S.DELIVERED, "completed", "", 1, "0.4"),
        (S.MISMATCHED, "failed", "media_mismatch", 1, "0.4"),
        (S.FAILED, "failed", "001028095", 1, "0.1"),
    ],
)
def test_every_state(state: AttemptState, status: str, code: str, attempts: int, cost: str | None) -> None:
    full = told(list(map(_at, WAYS[state])))
    (row,) = report_rows(full)
    assert set(row) == set(REPORT_COLUMNS)
    assert (row["status"], row["error_code"], row["attempts"]) == (status, code, attempts)
    assert row["cost_usd"] == (None if cost is None else Decimal(cost))
    ledger = ledger_rows(full)
    assert len(ledger) == attempts
    for entry in ledger:
        assert set(entry) == set(LEDGER_COLUMNS)
        assert (entry["outcome"], entry["error_code"], entry["superseded"]) == (status, code, False)
        assert entry["cost_usd"] == row["cost_usd"]
    is_right = state is S.DELIVERED
    assert (row["video_path"], row["video_sha256"]) == (("videos/s1.mp4", SHA) if is_right else (None, None))
    kept = ("results/s1@1.mp4", SHA) if is_right or state is S.MISMATCHED else (None, None)
    assert [(entry["result_path"], entry["result_sha256"]) for entry in ledger] == [kept] * attempts


def test_completed_means_that_the_file_is_here_or_that_nobody_wants_it() -> None:
    without = ev.RunStarted("t", "1", download=False)
    for state, has_file in ((S.COMPLETED, False), (S.DELIVERED, True)):
        for wanted in (True, False):
            full = told(list(map(_at, WAYS[state])))
            full.downloads = wanted
            status = "completed" if has_file or not wanted else "running"
            assert [row["status"] for row in report_rows(full)] == [status]
            gone = "completed" if not wanted else "running"
            assert [row["status"] for row in report_rows(full, missing={"s1"})] == [gone]
    assert not told([without, *map(_at, WAYS[S.COMPLETED])]).downloads


def test_what_was_refused_for_now_waits_and_what_was_refused_for_good_has_failed() -> None:
    for again, status in ((True, "pending"), (False, "failed")):
        refused = ev.Refused("t1", "s1", 1, "http_503", "no", again=again)
        assert report([*map(_at, WAYS[S.SUBMITTING]), refused])["status"] == status


def test_a_scene_that_was_never_submitted_waits() -> None:
    row = report([])
    assert (row["status"], row["attempts"], row["cost_usd"], row["task_id"]) == ("pending", 0, None, None)
    assert (row["size"], row["duration_s"], row["seed"], row["tier"]) == ("1280*720", 5, 7, "720P")
    assert (row["request_sha256"], row["estimated_cost_usd"]) == (ASKED.request.sha256, Decimal("0.50"))


def test_times() -> None:
    begin = ev.Submitting(SENT_AT, "s1", 1, ASKED.request, None)
    done = ev.Completed(DONE_AT, "s1", 1, TaskResult("u", "j", Decimal(0), None))
    row = report([begin, EVENTS[ev.Submitted], done])
    assert (row["submitted_at"], row["finished_at"], row["elapsed_s"]) == (SENT_AT, DONE_AT, 90.25)
    assert row["cost_usd"] == 0
    assert row["cost_usd"] is not None, "zero is known"


def test_rows_come_in_the_order_of_the_manifest() -> None:
    rows = report_rows(told(RAN, scene("s9"), ASKED, scene("a0")))
    assert [row["scene_id"] for row in rows] == ["s9", "s1", "a0"]


@pytest.mark.parametrize("code", ["not_created", "not_connected"])
def test_what_never_reached_the_gateway_still_waits(code: str) -> None:
    refused = ev.Refused(DONE_AT, "s1", 1, code, "nothing was created", again=True)
    events = [ev.Submitting(SENT_AT, "s1", 1, known_request("x", ASKED.request.document, "720P", ()), None), refused]
    full = told(events, ev.SceneFacts("s1", known_request("x", ASKED.request.document, "720P", ()), None))
    assert report_rows(full)[0]["status"] == "pending"
    assert ledger_rows(full) == [], "and nothing was paid"


def test_resolved_as_not_created_is_no_paid_attempt() -> None:
    assert ledger_rows(told([*WAYS[S.UNKNOWN], NOT_CREATED])) == []


def test_a_scene_held_back_says_why() -> None:
    row = report([ev.HeldBack("t", "s1", "budget", "it would go beyond")])
    assert (row["status"], row["error_code"], row["error_message"]) == ("pending", "budget", "it would go beyond")


def test_a_changed_scene_waits_and_keeps_what_it_cost() -> None:
    row = report(list(map(_at, WAYS[S.DELIVERED])), scene(request="r2"))
    assert (row["status"], row["cost_usd"], row["attempts"]) == ("pending", Decimal("0.4"), 1)
    assert (row["request_sha256"], row["video_path"]) == ("sha-r2", None)
    (entry,) = ledger_rows(told(list(WAYS[S.DELIVERED]), scene(request="r2")))
    assert entry["superseded"] is True


@pytest.mark.parametrize(("events", "status"), [(RAN, "running"), (WAYS[S.UNKNOWN], "unknown"), (SENT, "unknown")])
def test_a_changed_scene_with_something_under_way_says_that(events: list[Any], status: str) -> None:
    assert report(list(events), scene(request="r2"))["status"] == status


def test_costs_of_all_attempts_are_summed() -> None:
    done = ev.Completed(DONE_AT, "s1", 2, TaskResult("u", None, Decimal("0.4000"), None))
    events = [*WAYS[S.FAILED], *second(ev.Submitted("t", "s1", 2, "t2"))]
    assert report(events)["cost_usd"] == Decimal("0.1")
    begin = [_at(event) for event in [*events, done]]
    row = report(begin)
    assert (row["cost_usd"], row["attempts"]) == (Decimal("0.5"), 2)
    assert [entry["superseded"] for entry in ledger_rows(told(begin))] == [True, False]


def test_a_part_that_is_unknown_takes_nothing_from_the_sum_of_the_others() -> None:
    untold = ev.Completed(DONE_AT, "s1", 2, TaskResult("u", None, None, None))
    begin = [*WAYS[S.FAILED], *second(ev.Submitted("t", "s1", 2, "t2")), untold]
    full = told([_at(event) for event in begin])
    (row,) = report_rows(full)
    assert row["cost_usd"] == Decimal("0.1")
    assert (totals([row], full)["cost_usd"], totals([row], full)["cost_unknown"]) == (Decimal("0.1"), 1)
    assert [entry["cost_usd"] for entry in ledger_rows(full)] == [Decimal("0.1"), None]


def test_an_attempt_followed_by_a_refusal_is_not_superseded() -> None:
    refused = ev.Refused(DONE_AT, "s1", 2, "http_400", "no", again=False)
    (entry,) = ledger_rows(told([_at(event) for event in [*WAYS[S.FAILED], *second(refused)]]))
    assert (entry["attempt"], entry["superseded"]) == (1, False)


def test_a_scene_that_left_the_manifest_stays_in_the_ledger() -> None:
    full = told(list(WAYS[S.DELIVERED]), scene("s2", request="r2"))
    assert [row["scene_id"] for row in report_rows(full)] == ["s2"]
    assert [(row["scene_id"], row["superseded"]) for row in ledger_rows(full)] == [("s1", True)]


def test_what_lies_in_an_object_store_is_named_by_its_url() -> None:
    state = told(WAYS[S.DELIVERED])
    (row,) = report_rows(state)
    path, sha256 = state.attempt(("s1", 1)).video_path, row["video_sha256"]

    def named(*there: str | None) -> tuple[object, object]:
        def url_of(name: str, held: str | None) -> str | None:
            return f"s3://b/{name}" if name in there and held == sha256 else None

        (row,), (paid,) = report_rows(state, (), url_of), ledger_rows(state, url_of)
        return row["video_path"], paid["result_path"]

    assert named() == ("videos/s1.mp4", path)
    assert named(path) == (f"s3://b/{path}", f"s3://b/{path}")
    assert named("videos/s1.mp4", path) == ("s3://b/videos/s1.mp4", f"s3://b/{path}")


def test_the_ledger_is_in_the_order_of_submission() -> None:
    later, sooner = (
        ev.Submitting(at, name, 1, RequestFacts("x", {}, None, ()), None)
        for at, name in ((DONE_AT, "a"), (SENT_AT, "b"))
    )
    assert [row["scene_id"] for row in ledger_rows(told([later, sooner]))] == ["b", "a"]


def test_totals_count_rows() -> None:
    statuses = ("completed", "completed", "unknown", "failed", "failed", "pending", "running")
    found = totals([{"status": status} for status in statuses], State())
    assert found["scenes"] == 7
    assert [found[name] for name in ("completed", "failed", "unknown", "running", "pending")] == [2, 2, 1, 1, 1]
    assert (found["cost_usd"], found["cost_unknown"], found["exposure_usd"], found["exposure_unknown"]) == (0, 0, 0, 0)


def test_sums_hold_every_attempt_at_scenes_that_are_gone_too() -> None:
    full = told(list(WAYS[S.DELIVERED]), scene("s2", request="r2"))
    assert totals(report_rows(full), full)["cost_usd"] == Decimal("0.4")


UNTOLD = ev.Completed(DONE_AT, "s1", 1, TaskResult("u", None, None, None))
MAYBE = ev.Failed(DONE_AT, "s1", 1, "001028095", "m", None, None, again=False)


@pytest.mark.parametrize(
    ("events", "unknown"),
    [
        ([], 0), (SENT, 0), (WAYS[S.UNKNOWN], 0), (RAN, 0), (WAYS[S.DELIVERED], 0), (WAYS[S.REFUSED], 0),
        ([*RAN, UNTOLD], 1), ([*RAN, UNTOLD, EVENTS[ev.DownloadFailed]], 1), ([*RAN, MAYBE], 1),
        ([*RAN, replace(MAYBE, again=True)], 0), ([*RAN, replace(MAYBE, cost_usd=Decimal(0))], 0),
    ],
)  # fmt: skip
def test_attempts_that_may_have_cost_what_nobody_said(events: list[Any], unknown: int) -> None:
    state = told(events)
    assert totals(report_rows(state), state)["cost_unknown"] == unknown


FORMULAS = [
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "  -2", "=HYPERLINK(x)", "\x00=1", "\u00a0=1"),
    *("\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "\ufeff=1", "\u200b=1", "\u3000=1", "\x0b=1", " \t\n =1"),
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    assert harmless(text) == "'" + text.replace("\x00", "")


@pytest.mark.parametrize(
    "text", ["", "a=1", "character1 walks - slowly", "001028004", "'=1", "https://x/?a=1", "  ", "1-2"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


VALUES: list[tuple[Any, str]] = [
    (None, ""),
    (True, "true"),
    (False, "false"),
    (0, "0"),
    (-5, "-5"),
    (90.25, "90.25"),
    (Decimal("0.10"), "0.10"),
    (Decimal("1E-7"), "0.0000001"),
    (Decimal("1E+3"), "1000"),
    ('say "hi", you; all\r\nof\nyou\ryes', 'say "hi", you; all\r\nof\nyou\ryes'),
    ("\u00fcn\u00efcode \U0001f600 \u2028", "\u00fcn\u00efcode \U0001f600 \u2028"),
    ("half \ud800 a character", "half ? a character"),
    ("a\x00b", "ab"),
    ("001028004", "001028004"),
    *((text, "'" + text.replace("\x00", "")) for text in FORMULAS),
]


def test_what_was_written_is_read_back() -> None:
    text = as_csv([{"a": value, "b": "x"} for value, _ in VALUES], ("b", "a"))
    header, *rows = csv.reader(io.StringIO(text.encode().decode(), newline=""))
    assert header == ["b", "a"]
    assert rows == [["x", expected] for _, expected in VALUES]
    assert text.startswith("b,a\r\nx,\r\n")


def test_a_report_as_csv() -> None:
    rows = report_rows(told([submitting()]))
    (found,) = csv.DictReader(io.StringIO(as_csv(rows, REPORT_COLUMNS), newline=""))
    assert found["status"] == "unknown"
    assert found["cost_usd"] == ""

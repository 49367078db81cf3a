"""The storyboard for a client: what is private is taken out of it, whatever a page would show of it."""

from dataclasses import replace
from decimal import Decimal

from batchgen.engine import events as ev
from batchgen.model import TaskResult
from batchgen.report.for_others import PRIVATE, for_others
from batchgen.report.rows import REPORT_COLUMNS
from batchgen.report.storyboard import Storyboard

from helpers.boards import asked, delivered, failed, scene
from unit.report.test_storyboard import SHA, board_of

S01 = replace(scene("s01", "character1 waves", seed=918_273), estimated_cost_usd=Decimal("0.8461"))
S02 = scene("s02", "character1 runs")
SECRETS = ("Decimal(", "918273", "s01@1", "at night", "001028095", "no more", "task-", "Run again")


def made() -> Storyboard:
    first = delivered(S01, SHA, request=asked("character1 waves at night", seed=918_273))
    second = delivered(S01, SHA, attempt=2)
    charged = [
        replace(one, result=TaskResult(None, "job", Decimal("0.7352"))) if isinstance(one, ev.Completed) else one
        for one in [*first, *second]
    ]
    return board_of([S01, S02], *charged, *failed(S02, "001028095", "no more"))


def test_nothing_private_is_in_it() -> None:
    board = made()
    assert [secret for secret in SECRETS if secret not in repr(board)] == []
    sent = for_others(board, {"results/s01@2.mp4"}, costs=False)
    assert [secret for secret in SECRETS if secret in repr(sent)] == []
    assert (sent.is_sent, sent.has_costs, sent.totals["failed"], sent.totals["scenes"]) == (True, False, 1, 2)
    assert {shot.cost_rank for shot in sent.shots} == {0}, "which of two was dearer is told by no number, too"
    assert [result.name for take in sent.takes for result in take.results] == ["s01@2"]


def test_with_costs_only_the_videos_that_are_not_sent_are_missing() -> None:
    board = made()
    sent = for_others(board, {"results/s01@2.mp4"}, costs=True)
    assert (sent.totals, sent.bars, sent.budget_usd) == (board.totals, board.bars, board.budget_usd)
    paths = [result.path for result in next(sent.takes).results]
    assert paths == ["", "results/s01@2.mp4"]
    assert next(sent.takes).is_playable
    assert not next(for_others(board, (), costs=True).takes).is_playable


def test_what_is_private_are_columns_of_the_report() -> None:
    leading_to_it = {"discount", "video_url", "request_sha256", "reused_from", "task_id", "job_id"}
    assert leading_to_it < PRIVATE < set(REPORT_COLUMNS)

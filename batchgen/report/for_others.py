"""The storyboard for somebody who has it without its run directory, with or without what is nobody else's. Pure."""

from collections.abc import Collection
from dataclasses import replace

from batchgen.report.storyboard import Result, Shot, Storyboard, Take

PRIVATE = frozenset({
    "error_code", "error_message", "task_id", "job_id", "seed", "attempts", "estimated_cost_usd", "cost_usd",
    "discount", "video_url", "request_sha256", "reused_from",
})  # fmt: skip
"""Columns of a report that a client is not shown: money, seeds and errors, and what leads to them."""
_MONEY = frozenset({"cost_usd", "cost_unknown", "exposure_usd", "exposure_unknown"})


def for_others(board: Storyboard, videos: Collection[str], *, costs: bool) -> Storyboard:
    """A storyboard beside which no results lie but ``videos``, the paths of some of them.

    Without ``costs`` it does not hold what is private, so that no page made of it can show that.
    """
    sent = replace(board, shots=tuple(_shot(shot, videos, costs=costs) for shot in board.shots), is_sent=True)
    if costs:
        return sent
    counts = {name: value for name, value in board.totals.items() if name not in _MONEY}
    return replace(sent, has_costs=False, totals=counts, budget_usd=None, bars=())


def _shot(shot: Shot, videos: Collection[str], *, costs: bool) -> Shot:
    takes = (_with_videos(take, videos) for take in shot.takes)
    if costs:
        return replace(shot, takes=tuple(takes))
    return replace(shot, takes=tuple(map(_without_private, takes)), cost_rank=0)


def _with_videos(take: Take, videos: Collection[str]) -> Take:
    results = tuple(_with_video(result, videos) for result in take.results)
    return replace(take, results=results, shown=_with_video(take.shown, videos) if take.shown else None)


def _with_video(result: Result, videos: Collection[str]) -> Result:
    return result if result.path in videos else replace(result, path="")


def _without_private(take: Take) -> Take:
    """A take without its history: what was asked for before, and attempts whose video is not there."""
    row = {name: None if name in PRIVATE else value for name, value in take.row.items()}
    results = tuple(_without_cost(result) for result in take.results if result.path)
    shown = _without_cost(take.shown) if take.shown else None
    return replace(take, row=row, meaning="", shown=shown, results=results, change=None)


def _without_cost(result: Result) -> Result:
    return replace(result, cost_usd=None, seed=None)

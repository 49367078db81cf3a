"""Where each scene stands, as a table."""

from dataclasses import replace

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.report.rows import report_rows
from batchgen.report.status import as_table

from helpers.attempts import ASKED, EVENTS, WAYS, replay

S = AttemptState
TASK = "task_e62038f2eda1e22fe4edf8fd"


def shown(*events: ev.Event, width: int = 80) -> list[str]:
    listed = (replace(ASKED, title="At the gate", shot="s1"), replace(ASKED, scene_id="n" * 64))
    state = replay([ev.RunStarted("t", "1"), ev.ManifestRead("t", "film", "m", listed), *events])
    return as_table(report_rows(state), state, "runs/film", width=width).splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("state", WAYS)
def test_it_fits(state: AttemptState, width: int) -> None:
    events = [replace(event, task_id=TASK) if isinstance(event, ev.Submitted) else event for event in WAYS[state]]
    whole = ("n" * 64, "batchgen resolve ")  # what must not be broken
    lines = [line for line in shown(*events, width=width) if not any(word in line for word in whole)]
    assert max(map(len, lines)) <= width


def test_it_tells_errors_picks_and_whose_result_a_scene_has() -> None:
    lines = shown(*WAYS[S.MISMATCHED])
    assert any("media_mismatch: it is 4 s long; At the gate" in line for line in lines)
    lines = shown(*WAYS[S.DELIVERED], ev.Picked("t", "s1", None, None))
    assert any("picked; At the gate" in line for line in lines)
    assert any("the result of s1@1" in line for line in lines)


def test_a_long_message_is_cut() -> None:
    failed = ev.Failed("t2", "s1", 1, "001028095", "word " * 100, None, None, again=False)
    told = " ".join(" ".join(shown(EVENTS[ev.Submitting], EVENTS[ev.Submitted], failed)).split())
    assert f"001028095: {('word ' * 40).strip()} …" in told

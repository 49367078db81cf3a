"""What pick says of the scenes that are built on something else from then on."""

from dataclasses import replace
from pathlib import Path

from batchgen.engine import events as ev
from batchgen.journal.journal import Journal
from batchgen.model import TaskResult

from helpers.engine_support import URL, scene
from helpers.support import in_process

AT = "2026-01-01T00:00:00.000Z"
TAKES = tuple(replace(scene(f"s1-t{n}", request=f"r{n}"), shot="s1", take=n, review=True) for n in (1, 2))
NEXT = replace(scene("s2", request="r3"), shot="s2", sources=("s1#last",), built_on=("s1-t2@1",))


def delivered(facts: ev.SceneFacts) -> list[ev.Event]:
    name = facts.scene_id
    return [
        ev.Submitting(AT, name, 1, facts.request, facts.estimated_cost_usd),
        ev.Submitted(AT, name, 1, f"task-{name}"),
        ev.Completed(AT, name, 1, TaskResult(URL, cost_usd=facts.estimated_cost_usd)),
        ev.Downloaded(AT, name, 1, f"results/{name}@1.mp4", "ab" * 32, None),
    ]


def test_what_is_built_on_another_result_now_is_named_with_what_comes_first(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append([ev.RunStarted(AT, "1"), ev.ManifestRead(AT, "film", "m", (NEXT, *TAKES))])
        journal.append([event for facts in (*TAKES, NEXT) for event in delivered(facts)])
        journal.append([ev.Picked(AT, "s1-t2", None, None), ev.RunEnded(AT, 0)])
    told = in_process("pick", str(tmp_path), "s1-t1").err
    assert "built on another result than stands for its shot now: s2. The next run makes it anew" in told
    told = in_process("pick", str(tmp_path), "--clear", "s1").err
    assert "Once there is a pick again, a run makes it anew, for up to 0.50 USD" in told
    assert "built on" not in in_process("pick", str(tmp_path), "s1-t2").err


def test_what_was_waiting_for_a_look_is_named_with_what_it_may_cost(tmp_path: Path) -> None:
    waiting = replace(NEXT, built_on=())
    with Journal(tmp_path) as journal:
        journal.append([ev.RunStarted(AT, "1"), ev.ManifestRead(AT, "film", "m", (waiting, *TAKES))])
        journal.append([*(event for facts in TAKES for event in delivered(facts)), ev.RunEnded(AT, 0)])
    told = in_process("pick", str(tmp_path), "s1-t2").err
    assert "waits for no look any more: s2. The next run goes on with this, for up to 0.50 USD" in told
    assert "no look" not in in_process("pick", str(tmp_path), "--clear", "s1").err

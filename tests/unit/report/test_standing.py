"""What stands for a shot, and the rows of a shot list."""

import csv
import io
from dataclasses import replace

import pytest

from batchgen.engine import events as ev
from batchgen.engine.states import State
from batchgen.report.as_csv import as_csv
from batchgen.report.shot_list import SHOT_LIST_COLUMNS, has_unnamed_references, named_references, shot_row
from batchgen.report.standing import Standing, standing

from helpers.attempts import replay
from helpers.engine_support import known_request, scene
from helpers.takes import HASH, TAKES, bought


def state_of(*events: ev.Event, scenes: tuple[ev.SceneFacts, ...]) -> State:
    return replay([ev.RunStarted("t", "1"), ev.ManifestRead("t", "garden", "m", scenes), *events])


def told(state: State, *missing: str) -> list[tuple[str, str, str | None]]:
    return [
        (one.shot, one.scene.scene_id, one.attempt.name if one.attempt else None) for one in standing(state, missing)
    ]


def test_the_first_completed_take_stands_for_its_shot() -> None:
    state = state_of(*bought(TAKES[2]), *bought(TAKES[1]), scenes=TAKES)
    assert told(state) == [("s1", "s1-t2", "s1-t2@1")]


def test_the_picked_take_stands_whatever_became_of_it() -> None:
    state = state_of(*bought(TAKES[0]), *bought(TAKES[1]), scenes=TAKES)
    state.apply(ev.Picked("t", "s1-t2", None, None))
    assert told(state) == [("s1", "s1-t2", "s1-t2@1")]
    state.apply(ev.Picked("t", "s1-t3", None, None))
    assert told(state) == [("s1", "s1-t3", None)]


def test_of_a_shot_without_any_result_the_first_take_is_named() -> None:
    assert told(state_of(scenes=(*TAKES, scene("s2")))) == [("s1", "s1-t1", None), ("s2", "s2", None)]


def test_a_mismatch_stands_once_it_is_picked() -> None:
    state = state_of(*bought(TAKES[0], mismatch="too long"), scenes=TAKES[:1])
    assert told(state) == [("s1", "s1-t1", None)]
    state.apply(ev.Picked("t", "s1-t1", None, None))
    state.apply(ev.Picked("t", "s1-t1", "s1-t1", 1))
    assert told(state) == [("s1", "s1-t1", "s1-t1@1")]


def test_a_file_that_is_gone_does_not_stand() -> None:
    state = state_of(*bought(TAKES[0]), *bought(TAKES[1]), scenes=TAKES)
    assert told(state, "s1-t1") == [("s1", "s1-t2", "s1-t2@1")]
    assert told(state, "s1-t1", "s1-t2") == [("s1", "s1-t1", None)]


def one() -> Standing:
    return standing(state_of(*bought(TAKES[1]), scenes=TAKES))[0]


def test_the_columns_of_a_shot_list_are_those_of_the_contract() -> None:
    assert ", ".join(SHOT_LIST_COLUMNS) == (
        "shot, take, title, prompt, references, size, duration, seed, status, cost_usd, file, note"
    )


def test_a_row_of_a_shot_list() -> None:
    text = as_csv([shot_row(one(), "results/x.mp4", costs=True, rehearsal=False)], SHOT_LIST_COLUMNS)
    [row] = csv.DictReader(io.StringIO(text))
    assert row == {
        "shot": "s1", "take": "2", "title": "The gate", "prompt": "s12", "references": "", "size": "1280*720",
        "duration": "5", "seed": "7", "status": "completed", "cost_usd": "0.4", "file": "results/x.mp4",
        "note": "in rain",
    }  # fmt: skip


def test_a_client_sees_no_money_and_no_seed_and_a_rehearsal_is_named() -> None:
    row = shot_row(one(), None, costs=False, rehearsal=True)
    assert (row["cost_usd"], row["seed"], row["status"]) == (None, None, "completed (rehearsal)")


@pytest.mark.parametrize("lies_in", ["list", "object"])
def test_references_are_named_as_the_manifest_does(lies_in: str) -> None:
    listed = [
        {"source": "refs/a, b.png", "sha256": HASH, "mime": "image/png"},
        {"source": "https://x/y.mp4", "url": "z"},
    ]
    inline = {"source": "data:image/png;base64", "sha256": HASH, "mime": "image/png"}
    inside: object = (
        [*listed, inline] if lies_in == "list" else {"one": listed[0], "more": [{"two": listed[1], "three": inline}]}
    )
    request = known_request("r", {"model": "m", "input": {"prompt": "p", "anything": inside}, "parameters": {}})
    assert named_references(replace(TAKES[0], request=request)) == ["refs/a, b.png", "https://x/y.mp4"]
    assert has_unnamed_references(request)
    assert not has_unnamed_references(TAKES[0].request)

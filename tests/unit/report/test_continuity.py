"""What reports say of scenes that are built on others: status, codes, references, and the shot list."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import State
from batchgen.model import TaskResult
from batchgen.references import ResultReference
from batchgen.report.page import Pictures, as_html
from batchgen.report.rows import report_rows
from batchgen.report.shot_list import named_references
from batchgen.report.storyboard import storyboard

from helpers.attempts import replay
from helpers.engine_support import known_request, scene

S = AttemptState
SHA = "ab" * 32


def asked(name: str, *references: dict[str, Any]) -> Any:
    listed = {"prompt": name, "reference_urls": list(references)}
    return known_request(f"sha-{name}-{len(references)}", {"model": "m", "input": listed, "parameters": {}}, "720P")


def shot(name: str, *sources: str, **facts: Any) -> SceneFacts:
    waiting = [{"source": each, "scene": each.partition("#")[0], "moment": each.partition("#")[2]} for each in sources]
    return replace(scene(name), request=asked(name, *waiting), sources=sources, shot=name, **facts)


def bought(of: SceneFacts) -> list[ev.Event]:
    name = of.scene_id
    return [
        ev.Submitting("t", name, 1, of.request, of.estimated_cost_usd),
        ev.Submitted("t", name, 1, f"task-{name}"),
        ev.Completed("t", name, 1, TaskResult("u", None, Decimal("0.5"))),
        ev.Downloaded("t", name, 1, f"results/{name}@1.mp4", SHA, None),
    ]


def state_of(*listed: SceneFacts | list[ev.Event]) -> State:
    scenes = tuple(one for one in listed if isinstance(one, SceneFacts))
    events = [event for one in listed if isinstance(one, list) for event in one]
    return replay([ev.RunStarted("t", "1"), ev.ManifestRead("t", "film", "m", scenes), *events])


def told(state: State) -> dict[str, tuple[object, object, object]]:
    return {
        str(row["scene_id"]): (row["status"], row["error_code"], row["error_message"]) for row in report_rows(state)
    }


S1, S2, S3 = shot("s1"), shot("s2", "s1#last"), shot("s3", "s2")


def test_what_waits_is_pending_and_names_what_it_waits_for() -> None:
    state = state_of(S1, S2, S3)
    assert told(state) == {
        "s1": ("pending", "", ""),
        "s2": ("pending", "waits_for", "waits for s1, which is pending"),
        "s3": ("pending", "waits_for", "waits for s2, which is pending (waits_for)"),
    }
    assert [row["request_sha256"] for row in report_rows(state)] == [S1.request.sha256, None, None]


ENDS: dict[str, tuple[list[ev.Event], str]] = {
    "running": (bought(S1)[:2], "waits for s1, which is running"),
    "unknown": (
        [bought(S1)[0], ev.OutcomeUnknown("t", "s1", 1, "submit_unknown", "?")],
        "waits for s1, which is unknown (submit_unknown)",
    ),
    "failed": (
        [*bought(S1)[:2], ev.Failed("t", "s1", 1, "001028004", "no", None, None, again=False)],
        "waits for s1, which is failed (001028004)",
    ),
    "budget": ([ev.HeldBack("t", "s1", "budget", "no money")], "waits for s1, which is pending (budget)"),
}


@pytest.mark.parametrize("end", ENDS)
def test_where_its_source_stands_is_said(end: str) -> None:
    events, message = ENDS[end]
    assert told(state_of(S1, S2, events))["s2"] == ("pending", "waits_for", message)


def test_a_source_that_is_bought_and_has_no_file_here_is_told_as_such() -> None:
    gone, unfetched = state_of(S1, S2, bought(S1)), state_of(S1, S2, bought(S1)[:3])
    _, follower = report_rows(gone, missing={"s1"})
    assert (follower["error_code"], follower["error_message"]) == ("waits_for", "waits for s1, whose file is gone")
    unfetched.downloads = False
    assert told(unfetched)["s1"][0] == "completed"
    assert told(unfetched)["s2"] == ("pending", "waits_for", "waits for s1, whose file has not been fetched")


def test_what_its_source_was_held_back_for_is_not_its_own_code() -> None:
    state = state_of(S1, S2, bought(S1), [ev.HeldBack("t", "s2", "budget", "no money")])
    assert told(state)["s2"] == ("pending", "budget", "no money")


def test_a_gate_says_what_is_to_be_picked() -> None:
    gate = replace(S1, review=True)
    state = state_of(gate, S2, S3, bought(gate))
    assert told(state)["s2"] == ("pending", "review", "waits until s1 is picked")
    assert told(state)["s3"] == ("pending", "waits_for", "waits for s2, which is pending (review)")
    takes = [replace(shot(f"s1-t{n}"), shot="s1", take=n, review=True) for n in (1, 2)]
    assert told(state_of(*takes, S2, bought(takes[0])))["s2"][2] == "waits until a take of s1 is picked"
    assert told(state_of(gate, S2))["s2"][1] == "waits_for", "there is nothing to look at yet"


def test_nothing_is_said_where_nothing_is_lacking_or_the_source_is_gone() -> None:
    assert told(state_of(S1, S2, bought(S1)))["s2"] == ("pending", "", "")
    assert told(state_of(S2))["s2"] == ("pending", "", "")


def built(of: SceneFacts, *references: dict[str, Any], on: tuple[str, ...]) -> SceneFacts:
    return replace(of, request=asked(of.scene_id, *references), built_on=on)


STILL = {"source": "s1#last", "sha256": SHA, "frame": 71}
WHOLE = {"source": "s1", "sha256": SHA, "mime": "video/mp4"}
HERO = {"source": "refs/hero.png", "sha256": "cd" * 32, "mime": "image/png"}


def shown(state: State, name: str) -> list[tuple[str, str, str]]:
    (take,) = (take for take in storyboard(state, {}).takes if take.row["scene_id"] == name)
    return [(one.source, one.picture, one.scene) for one in take.references]


def test_a_card_shows_of_which_scene_a_reference_is() -> None:
    of = built(shot("s2", "s1#last", "s1"), STILL, HERO, WHOLE, on=("s1@1", "s1@1"))
    state = state_of(S1, of, bought(S1))
    assert shown(state, "s2") == [
        ("s1, last frame", f"{SHA}-71", "s1"),
        ("refs/hero.png", "cd" * 32, ""),
        ("s1, whole video", SHA, "s1"),
    ]
    assert shown(state_of(S1, shot("s2", "s1#2.5")), "s2") == [("s1, frame at 2.5 s", "", "s1")]


def test_a_card_leads_to_the_take_that_stands_for_a_shot() -> None:
    takes = [replace(shot(f"s1-t{n}"), shot="s1", take=n) for n in (1, 2)]
    of = built(S2, STILL, on=("s1-t2@1",))
    state = state_of(*takes, of, bought(takes[1]))
    assert shown(state, "s2") == [("s1-t2, last frame", f"{SHA}-71", "s1-t2")]


def test_a_card_with_a_frame_of_no_number_shows_what_there_is() -> None:
    of = built(S2, {**STILL, "frame": "../../x"}, on=("s1@1",))
    assert shown(state_of(S1, of, bought(S1)), "s2") == [("s1, last frame", SHA, "s1")]


def test_the_page_links_to_the_scene_and_shows_the_still() -> None:
    of = built(S2, STILL, on=("s1@1",))
    board = storyboard(state_of(S1, of, shot("s3", "s2#first"), bought(S1)), {})
    pictures = Pictures({f"{SHA}-71": "data:image/webp;base64,AA"}, {})
    page = b"".join(as_html(board, pictures, identity="i", written_at="t")).decode()
    assert '<a href="#s1">s1, last frame</a>' in page
    assert f'<use href="#_r{SHA}-71"/>' in page
    assert '<a href="#s2">s2, first frame</a>' in page
    assert "no picture yet" in page
    assert "waits for s2, which is pending" in page
    assert [shot.id for shot in board.shots] == ["s1", "s2", "s3"]


def test_a_shot_list_names_results_as_it_reads_them_back() -> None:
    of = built(shot("s2", "s1#last", "s1"), STILL, HERO, WHOLE, on=("s1@1", "s1@1"))
    assert named_references(of) == ["s1#last", "refs/hero.png", "s1#video"]
    assert named_references(built(S2, STILL, on=("s1-t2@1",))) == ["s1-t2#last"]
    assert named_references(shot("s2", "s1#2.5")) == ["s1#2.5"]
    assert named_references(built(S2, STILL, on=("twin@1",))) == ["s1#last"], "linked in under another name"


@pytest.mark.parametrize(
    ("text", "short", "spoken"),
    [
        ("s1", "s1, whole video", "the video of s1"),
        ("s1#first", "s1, first frame", "the first frame of s1"),
        ("s1#last", "s1, last frame", "the last frame of s1"),
        ("s1#2.5", "s1, frame at 2.5 s", "the frame at 2.5 s of s1"),
    ],
)
def test_a_reference_to_a_result_in_words(text: str, short: str, spoken: str) -> None:
    found = ResultReference.from_text(text)
    assert (str(found), found.short, found.spoken) == (text, short, spoken)


def test_a_card_that_waits_for_a_look_says_so_and_can_be_picked_until_it_is() -> None:
    gate = shot("s1", review=True)
    picked = [ev.Picked("t", "s1", None, None)]
    pages = [page_of_state(state_of(gate, S2, events)) for events in ([], bought(gate), [*bought(gate), *picked])]
    assert [page.count("Waits for a look") for page in pages] == [0, 1, 0]
    assert ['data-pick="s1"' in page for page in pages] == [True, True, True]
    assert 'data-pick="s1"' not in page_of_state(state_of(S1, S2, bought(S1)))


def page_of_state(state: State) -> str:
    return b"".join(as_html(storyboard(state, {}), Pictures(), identity="1d", written_at="")).decode()

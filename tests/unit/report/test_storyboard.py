"""What the storyboard shows of each state of a scene."""

from collections.abc import Sequence
from decimal import Decimal

from batchgen.engine import events as ev
from batchgen.engine.states import State
from batchgen.model import TaskResult
from batchgen.report.cost_chart import Part, cost_bars
from batchgen.report.storyboard import Storyboard, Take, storyboard

from helpers.attempts import replay
from helpers.boards import PRICE, asked, delivered, failed, scene, sent

CODES = {"001028095": {"description": "Internal generation error", "advice": "Run again with --retry-failed."}}
SHA, OTHER = "ab" * 32, "cd" * 32


def state_of(scenes: Sequence[ev.SceneFacts], *events: ev.Event) -> State:
    begun = ev.RunStarted("t", "1", budget_usd=Decimal(5))
    return replay([begun, ev.ManifestRead("t", "film", "m", tuple(scenes)), *events])


def board_of(scenes: Sequence[ev.SceneFacts], *events: ev.Event) -> Storyboard:
    state = state_of(scenes, *events)
    files = {attempt.key for attempt in state.all_attempts() if attempt.has_file}
    return storyboard(state, CODES, files=files)


def take_of(of: ev.SceneFacts, *events: ev.Event) -> Take:
    return board_of([of], *events).shots[0].takes[0]


S01 = scene("s01", "character1 waves")


def test_takes_stand_together_and_shots_in_the_order_of_the_manifest() -> None:
    takes = [scene(f"s02-t{number}", "a", seed=number, shot="s02", take=number) for number in (1, 2)]
    board = board_of([S01, *takes, scene("s03", "b")])
    assert [(shot.id, [take.row["scene_id"] for take in shot.takes]) for shot in board.shots] == [
        ("s01", ["s01"]),
        ("s02", ["s02-t1", "s02-t2"]),
        ("s03", ["s03"]),
    ]
    assert (board.budget_usd, board.totals["pending"]) == (Decimal(5), 4)


def test_a_result_that_is_here_is_shown_and_playable() -> None:
    take = take_of(S01, *delivered(S01, SHA))
    assert take.is_playable
    assert take.shown is not None
    assert (take.shown.path, take.shown.sha256, take.pick) == ("results/s01@1.mp4", SHA, "s01")


def test_a_file_that_is_gone_is_shown_as_gone() -> None:
    state = state_of([S01], *delivered(S01, SHA))
    take = storyboard(state, CODES, missing={"s01"}).shots[0].takes[0]
    assert take.shown is not None
    assert (take.shown.path, take.is_playable, take.row["status"]) == ("", False, "running")


def test_what_is_not_what_was_asked_for_can_be_picked_by_its_attempt_alone() -> None:
    events = delivered(S01, SHA, mismatch="2 s long")
    take = take_of(S01, *events)
    assert (take.pick, take.is_playable, take.row["status"]) == ("s01@1", False, "failed")
    picks = [ev.Picked("t", "s01", None, None), ev.Picked("t", "s01", "s01", 1)]
    board = board_of([S01], *events, *picks)
    (take,) = board.shots[0].takes
    assert (board.shots[0].picked, take.is_playable, take.row["status"]) == ("s01@1", True, "completed")
    assert take.results[0].outcome == "completed"


def test_a_failure_says_what_it_means_and_what_to_do() -> None:
    take = take_of(S01, *failed(S01, "001028095", "sorry"))
    assert take.meaning == "Internal generation error. Run again with --retry-failed."
    assert take_of(S01, *failed(S01, "777", "sorry")).meaning == ""


def test_a_changed_scene_says_what_changed() -> None:
    before = asked("character1 waves at night", seed=6)
    take = take_of(S01, *delivered(S01, SHA, request=before), *delivered(S01, OTHER, attempt=2))
    assert take.change is not None
    assert (take.change.since, take.change.settings) == ("s01@1", ("seed",))
    assert (take.change.before, take.change.after) == ("character1 waves at night", "character1 waves")
    assert [result.name for result in take.results if result.path] == ["s01@1", "s01@2"]
    assert take_of(S01, *delivered(S01, SHA)).change is None


def test_references_are_called_as_in_the_prompt() -> None:
    of = scene("s01", "character1 and character2", references=("refs/hero.png", "dog.mp4"))
    told = [(one.label, one.name, one.source) for one in take_of(of).references]
    assert told == [("character1", "hero", "refs/hero.png"), ("character2", "dog", "dog.mp4")]
    plain = storyboard(state_of([of]), CODES, names_characters=False).shots[0].takes[0]
    assert [one.label for one in plain.references] == ["reference 1", "reference 2"]


def test_shots_are_ranked_by_their_exact_cost() -> None:
    scenes = [S01, scene("s02", "b"), scene("s03", "c"), scene("s04", "d")]
    tiny = Decimal("0.00000000000000000001")
    done = [
        ev.Completed("t", "s02", 1, TaskResult(None, None, PRICE + tiny)),
        ev.Completed("t", "s03", 1, TaskResult(None, None, PRICE)),
    ]
    board = board_of(scenes, *delivered(S01, SHA), *sent(scenes[1]), *sent(scenes[2]), *done)
    assert [shot.cost_rank for shot in board.shots] == [1, 2, 1, 0]


def test_bars_add_up_to_the_totals() -> None:
    scenes = [S01, scene("s02", "b", tier="1080P"), scene("s03", "c"), scene("s04", "d")]
    failure = ev.Failed("t", "s03", 1, "001028095", "no", Decimal("0.25"), None, again=False)
    state = state_of(scenes, *delivered(S01, SHA), *sent(scenes[1]), *sent(scenes[2]), failure)
    hd, sd = cost_bars(state)
    assert (hd.tier, hd.usd, hd.parts) == ("1080P", PRICE, (Part("may still come", PRICE, 0, 666),))
    assert (sd.tier, sd.usd) == ("720P", Decimal("0.75"))
    assert sd.parts == (Part("completed", PRICE, 0, 666), Part("failed", Decimal("0.25"), 666, 333))
    assert list(cost_bars(state_of([S01]))) == []


def test_what_the_meaning_of_an_error_says_is_not_said_twice() -> None:
    def said(message: str) -> str:
        return take_of(S01, *failed(S01, "001028095", message)).said

    assert said("internal generation error.") == ""
    assert said("the prompt was rejected") == "the prompt was rejected"
    assert said("") == ""

"""The closing summary: which scenes stand behind a code, what it means, what is left for later."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.engine.commands import Stop
from batchgen.engine.states import State
from batchgen.report.meanings import meaning
from batchgen.report.summary import as_text, stopped

from helpers.attempts import ASKED, EVENTS, WAYS, replay
from helpers.engine_support import scenes

CODES = {"001028095": {"description": "Internal generation error", "advice": "Run again."}}


def told(*events: ev.Event, count: int = 1) -> State:
    """A run over so many scenes."""
    listed = (ASKED,) if count == 1 else tuple(scenes(count))
    return replay([ev.RunStarted("t", "1"), ev.ManifestRead("t", "film", "m", listed), *events])


def ended(scene_ids: Sequence[str], *ends: ev.AttemptEvent) -> list[ev.Event]:
    """Attempts at scenes that end alike, each with a task of its own."""
    requests = {each.scene_id: each.request for each in scenes(20)}
    made: list[ev.Event] = []
    for name in scene_ids:
        made += [ev.Submitting("t0", name, 1, requests[name], Decimal("0.5"))]
        made += [_of(end, name) for end in ends]
    return made


def _of(end: ev.AttemptEvent, name: str) -> ev.AttemptEvent:
    if isinstance(end, ev.Submitted):
        return ev.Submitted(end.at, name, 1, f"task-{name}")
    return replace(end, scene_id=name)


def different(mismatch: str) -> ev.Downloaded:
    return ev.Downloaded("t3", "s1", 1, "results/s1@1.mp4", "ab" * 32, mismatch)


def names(*numbers: int) -> list[str]:
    return [f"s{number}" for number in numbers]


def test_the_scenes_behind_a_code_are_named() -> None:
    state = told(*ended(names(*range(1, 8)), EVENTS[ev.Submitted], EVENTS[ev.Failed]), count=7)
    text = as_text(state, CODES, "runs/film")
    assert "  001028095 × 7: s1, s2, s3, s4, s5 and 2 more\n" in text  # noqa: RUF001 - the sign for times
    assert "Internal generation error. Run again." in text
    assert "sorry" not in text, "what the code means is known"


def test_what_the_report_lacks_of_the_sum_is_told_with_where_it_stands() -> None:
    delivered = WAYS[AttemptState.DELIVERED]
    here = as_text(told(*delivered), {}, "runs/film", width=200)
    assert "charged so far: 0.40 USD\n" in f"{here}\n"
    assert "ledger.csv has them" not in here
    moved = replay([*delivered, ev.ManifestRead("t", "film", "m", tuple(scenes(2)[1:]))])
    gone = as_text(moved, {}, "runs/film", width=200)
    whose = "for scenes that the manifest has under other names or not any more"
    assert f"charged so far: 0.40 USD\nof that 0.40 USD {whose}: ledger.csv" in gone


def test_of_a_mismatch_it_is_told_what_differs() -> None:
    done = (EVENTS[ev.Submitted], EVENTS[ev.Completed])
    wide, short = different("it is too wide"), different("it is too short")
    state = told(*ended(names(1, 2), *done, wide), *ended(names(3), *done, short), count=3)
    text = as_text(state, {}, "runs/film")
    assert "Bought, and not what was asked for." in text
    assert "      s1, s2: it is too wide\n      s3: it is too short" in text


def test_words_of_the_gateway_are_shown_where_nothing_else_is_known() -> None:
    refused = ev.Refused("t1", "s1", 1, "E_77", "the moon is full", again=False)
    text = as_text(told(*ended(names(1), refused), count=2), CODES, "runs/film")
    assert "  E_77 × 1: s1\n      the moon is full" in text  # noqa: RUF001 - the sign for times


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("http_401", "does not take the API key"),
        ("http_402", "top up the balance"),
        ("http_403", "refuses the account"),
        ("http_429", "lets no more in for now"),
        ("http_503", "not available for now"),
        ("not_found", "run again with --retry-failed"),
        ("http_418", "refuses the request"),
        ("http_599", "trouble of its own"),
    ],
)
def test_an_http_status_has_a_meaning_and_keeps_the_words_of_the_gateway(code: str, said: str) -> None:
    assert said in meaning(code, {})
    refused = ev.Refused("t1", "s1", 1, code, "come back tomorrow", again=True)
    text = " ".join(as_text(told(*ended(names(1), refused), count=2), CODES, "runs/film").split())
    assert said in text
    assert "come back tomorrow" in text


def test_codes_that_nobody_knows_have_no_meaning() -> None:
    assert meaning("http_x", {}) == meaning("E_77", {}) == ""


def test_what_is_held_back_is_pending_with_the_reason() -> None:
    throttled = ev.Refused("t1", "s3", 1, "http_429", "busy", again=True)
    held = [ev.HeldBack("t2", name, "budget", "not submitted: it would go too far") for name in names(1, 2)]
    text = as_text(told(*ended(names(3), throttled), *held, count=5), {}, "runs/film")
    assert text.startswith("5 scenes: 5 pending\n")
    _, _, left = text.partition("Left for a later run, not sent and not paid for:\n")
    assert left.startswith("  budget × 2: s1, s2\n      not submitted: it would go too far\n")  # noqa: RUF001
    assert "  http_429 × 1: s3\n" in left  # noqa: RUF001
    assert left.endswith("  not reached, or not selected × 2: s4, s5")  # noqa: RUF001


def test_a_code_of_the_whole_gateway_is_not_explained_as_one_of_a_task() -> None:
    held = ev.HeldBack("t2", "s1", "task_not_found", "not submitted: the gateway knows none of the tasks")
    assert "ask your provider" not in as_text(told(held), {}, "runs/film")


def test_why_a_run_stopped_is_told_once() -> None:
    held = ev.HeldBack("t2", "s1", "budget", "not submitted: it is spent")
    assert stopped(Stop.BUDGET, "it is spent", told(held)) == ["stopped at the budget"]
    assert stopped(Stop.BUDGET, "it is spent", told()) == ["stopped at the budget", "  it is spent"]
    assert stopped(Stop.INTERRUPTED, "interrupted", told()) == ["interrupted; everything is written down"]


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("state", WAYS)
def test_every_summary_fits(state: AttemptState, width: int) -> None:
    text = as_text(told(*WAYS[state]), CODES, "runs/film", width=width)
    assert max(map(len, text.splitlines())) <= width


def test_of_many_stories_the_first_few_are_told() -> None:
    refusals = [
        (f"s{number}", ev.Refused("t1", f"s{number}", 1, "E_77", f"no {number}", again=False)) for number in range(1, 9)
    ]
    events = [event for name, refused in refusals for event in ended([name], refused)]
    text = as_text(told(*events, count=8), {}, "runs/film")
    assert "      s5: no 5\n      and 3 more; batchgen status shows each" in text


def test_stories_that_differ_in_a_request_id_alone_are_one() -> None:
    said = {"s1": "no money (request id a)", "s2": "no money (request id b)", "s3": "no key (request id c)"}
    events: list[ev.Event] = [
        event
        for name, message in said.items()
        for event in ended([name], ev.Refused("t1", name, 1, "E_77", message, again=False))
    ]
    text = as_text(told(*events, count=3), {}, "runs/film")
    assert "      s1, s2: no money\n      s3: no key (request id c)" in text


@pytest.mark.parametrize(("length", "end"), [(60, "a'"), (61, "a…'")])
def test_a_prompt_that_goes_on_is_shown_to_go_on(length: int, end: str) -> None:
    asked = scenes(1)[0].request
    request = replace(asked, asked=replace(asked.asked, prompt="a" * length))
    sent = ev.Submitting("t0", "s1", 1, request, Decimal("0.5"))
    lost: list[ev.Event] = [sent, ev.OutcomeUnknown("t1", "s1", 1, "submit_unknown", "lost")]
    assert f"'{'a' * 59}{end}" in as_text(told(*lost), {}, "runs/film")

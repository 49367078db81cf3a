"""The plan as people see it: reasons, changed words, what is counted and not shown, what has left the manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.engine.events import SceneFacts
from batchgen.engine.planner import plan
from batchgen.engine.prices import Learned, Prices
from batchgen.engine.states import State
from batchgen.engine.steps import Choice
from batchgen.model import ReferencePrice, RequestFacts
from batchgen.report.plan import Outlook, question
from batchgen.report.plan_table import as_table

from helpers.attempts import ASKED, EVENTS, RAN, SENT, WAYS, replay
from helpers.engine_support import scene, scenes

S = AttemptState
DELIVERED = WAYS[S.DELIVERED]
TIMES = "\N{MULTIPLICATION SIGN}"


def outlook(listed: Sequence[SceneFacts], events: Sequence[ev.Event] = (), choice: Choice = Choice()) -> Outlook:  # noqa: B008 - frozen
    state = replay([ev.ManifestRead("t", "film", "m", (ASKED,)), *events])
    steps = plan(listed, state, choice)
    return Outlook(steps, state.with_scenes(listed), Prices({"720P": Decimal("0.10")}), None)


def shown(
    listed: Sequence[SceneFacts], events: Sequence[ev.Event] = (), *, width: int = 200, full: bool = False
) -> str:
    return as_table(outlook(listed, events), width, full=full)


def submitting(asked: SceneFacts, request: RequestFacts) -> ev.Submitting:
    return ev.Submitting("t0", asked.scene_id, 1, request, Decimal("0.5"))


def asking(prompt: str, number: int) -> RequestFacts:
    """A request with that prompt, another one for each number."""
    return replace(scene(request=prompt).request, sha256=f"{prompt}-{number}")


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (S.REFUSED, "refused (http_400), not paid for; --retry-failed sends it again"),
        (S.UNKNOWN, "sent, and no usable answer came; settle it with batchgen resolve"),
        (S.RUNNING, "paid for; its task still runs and is waited for"),
        (S.NOT_FOUND, "task task was not found; it is looked for once more"),
        (S.NO_RESULT, "task task was completed without a video; it is looked for once more"),
        (S.MISMATCHED, "not what was asked for (media_mismatch), and kept; --retry-failed pays for another"),
        (S.FAILED, "failed (001028095); --retry-failed pays for another attempt"),
        (S.DELIVERED, "unchanged since it was delivered"),
    ],
)
def test_reasons_are_in_the_words_of_who_pays(state: AttemptState, why: str) -> None:
    assert why in shown([ASKED], WAYS[state])


def test_who_gets_the_result_of_another_scene_is_told_which() -> None:
    twin = replace(ASKED, scene_id="s2")
    assert "asks for the same as s1@1, and gets that result" in shown([ASKED, twin], RAN)
    assert "failed as s1@1 (001028095)" in shown([twin], WAYS[S.FAILED])


def test_a_changed_prompt_is_shown_with_its_words() -> None:
    edited = scene(request="r1 at dawn", size="1920*1080")
    lines = shown([edited], DELIVERED).splitlines()
    (row,) = [number for number, line in enumerate(lines) if line.startswith("s1 ")]
    assert "prompt and size changed; paid for again" in lines[row]
    assert lines[row + 1 : row + 3] == ["    - r1", "    + r1 at dawn"]


def test_a_change_that_several_scenes_share_is_shown_once() -> None:
    listed = scenes(3)
    sent = [submitting(each, each.request) for each in listed]
    refused = [ev.Refused("t1", each.scene_id, 1, "http_400", "no", again=False) for each in listed]
    edited = [scene(each.scene_id, request=f"r{number}, dawn") for number, each in enumerate(listed, 1)]
    told = shown(edited, [*sent, *refused])
    assert told.count("    + ") == 3, "the words around it are others"
    moved = [replace(each, request=asking("another", number)) for number, each in enumerate(listed)]
    sent = [submitting(each, asking("one", number)) for number, each in enumerate(listed)]
    told = shown(moved, [*sent, *refused])
    assert told.count("    + another") == 1
    assert told.count("the same words as in s1") == 2


@pytest.mark.parametrize(("count", "full", "folded"), [(19, False, False), (20, False, True), (20, True, False)])
def test_of_many_scenes_those_with_nothing_to_do_are_counted(count: int, full: bool, folded: bool) -> None:  # noqa: FBT001
    listed = [ASKED, *(scene(f"n{number}", request=f"n{number}") for number in range(1, count))]
    lines = shown(listed, DELIVERED, full=full).splitlines()
    assert ("1 done: s1" in lines) is folded
    assert any(line.startswith("s1 ") for line in lines) is not folded
    assert sum("submit  720P" in line for line in lines) == count - 1
    assert ("(--full shows each of them)" in lines) is folded


def test_a_plan_in_which_nothing_is_to_be_done_is_two_lines_and_the_sums() -> None:
    listed = [replace(ASKED, scene_id=f"s{number}") for number in range(1, 31)]
    lines = shown(listed, DELIVERED).splitlines()
    assert lines[:3] == ["1 done: s1", "29 reuse: s2 … s30", "(--full shows each of them)"]


def test_what_has_left_the_manifest_is_told_with_its_cost_and_its_file() -> None:
    lines = shown([scene("other", request="other")], DELIVERED, width=80).splitlines()
    row = lines.index("no longer in the manifest  paid  kept in the run directory")
    assert lines[row + 1] == f"{'s1@1':25}  {'0.40':>4}  results/s1@1.mp4"
    assert "no file: failed" in shown([scene("other", request="other")], WAYS[S.FAILED])


def test_of_much_that_has_left_the_manifest_the_rest_is_counted() -> None:
    gone: list[ev.Event] = []
    for each in scenes(13):
        gone += [submitting(each, each.request), ev.Submitted("t1", each.scene_id, 1, f"task-{each.scene_id}")]
        gone += [replace(EVENTS[ev.Failed], scene_id=each.scene_id)]
    listed = [scene("other", request="other")]
    assert "and 3 more, 0.30 USD (--full shows them)" in shown(listed, gone)
    assert "more," not in shown(listed, gone, full=True)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("state", [None, *WAYS])
def test_every_plan_fits(state: AttemptState | None, width: int) -> None:
    listed = [ASKED, scene("s02-t10", "x " * 300), scene("n" * 64), scene("other", "o", Decimal("0.1234567891"))]
    told = shown(listed, WAYS[state] if state else [], width=width)
    assert max(map(len, told.splitlines())) <= max(width, 64)


def test_an_unfinished_change_is_told_in_plain_words() -> None:
    edited = scene(request="edited")
    assert "prompt changed; its task still runs and is waited for, then it is paid for again" in shown([edited], RAN)
    assert "prompt changed" in shown([edited], [*SENT, EVENTS[ev.Refused]])


def with_references(width: int, reference: ReferencePrice, costs: Mapping[str, Decimal] | None = None) -> list[str]:
    """The table of two scenes, one with reference video, once a task without and one with it were charged."""
    plain = scene("plain", request="plain")
    asked = replace(plain.request.asked, reference_videos=2, reference_seconds=Decimal("4.95"))
    billed = replace(plain, scene_id="billed", request=replace(plain.request, sha256="other", asked=asked))
    learned = Learned()
    for videos, usd in enumerate(("0.50", "0.60")):
        learned = learned.with_task(Learned(Decimal(usd), 5, 1, reference_seconds=Decimal(videos)), videos)
    steps = plan([plain, billed], replay([]), Choice())
    prices = Prices({"720P": Decimal("0.10")}, {"720P": learned}, reference)
    return as_table(Outlook(steps, State().with_scenes([plain, billed]), prices, None, costs), width).splitlines()


@pytest.mark.parametrize(
    ("reference", "product"),
    [
        ("same", "0.10 x (5 + 4.95)"),
        (Decimal("0.05"), "0.10 x 5 + 0.05 x 4.95"),
        (Decimal(0), "0.10 x 5"),
        (None, "0.10 x 5"),
    ],
)
def test_reference_video_is_shown_where_it_costs_something(reference: ReferencePrice, product: str) -> None:
    lines = with_references(120, reference)
    (row,) = [line for line in lines if line.startswith("billed")]
    assert f"  {product}  " in row.replace(TIMES, "x")
    assert any("ref. s" in line for line in lines) is bool(reference)
    by_number = [line.split("  ")[0] for line in lines if line.startswith("720P,")]
    assert by_number == ["720P, no ref.", "720P, 1 ref."]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_all_of_it_fits_a_terminal(width: int) -> None:
    lines = with_references(width, Decimal("0.05"), {"plain": Decimal("0.51")})
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert "0.05 x 4.95" in text.replace(TIMES, "x")
    assert "by the gateway's own word: 0.51 USD and 1 amount that is not known" in text
    assert text.count("0.51") == 2


def test_a_rehearsal_is_named_as_one_and_nothing_in_it_is_paid_for() -> None:
    planned = outlook(scenes(2))
    assert "2 submit: sent to the gateway, and paid for" in as_table(planned)
    rehearsed = as_table(replace(planned, rehearsal=True), 200)
    assert "2 submit: sent to the emulator of this rehearsal; free" in rehearsed
    assert rehearsed.splitlines()[-1].startswith("A rehearsal: no gateway is asked and nothing is charged")


def test_a_budget_that_is_spent_stops_nothing_where_nothing_is_to_be_bought() -> None:
    done = replace(outlook([ASKED], DELIVERED), budget_usd=Decimal("0.10"))
    assert "it falls short by 0.30 USD, and nothing is to be bought" in as_table(done, 200)
    more = replace(outlook([ASKED, scene("s2", request="r2")], DELIVERED), budget_usd=Decimal("0.10"))
    assert "and the run would stop there" in as_table(more, 200)


def test_whose_seed_is_not_known_and_whose_file_is_gone_is_told_of_what_is_bought() -> None:
    told = replace(outlook(scenes(1)), unseeded={"s1": "s1-t2"}, lost={"s1": "old:s1@1"})
    assert (
        "new; not with the seed of s1-t2, which is picked: nobody knows it (seed: random); the file of old:s1@1 is"
        in (" ".join(as_table(told, 300).split()))
    )
    assert question(told).endswith("USD (1 was to be linked in, and the file is gone)?")
    done = replace(outlook([ASKED], DELIVERED), unseeded={ASKED.scene_id: "s1-t2"})
    assert "not with the seed" not in as_table(done, 300)

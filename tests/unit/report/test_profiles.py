"""What is of use in another profile than the one that was run last."""

from batchgen.engine import events as ev
from batchgen.report.rows import paid_attempts
from batchgen.report.status import as_json, as_line
from batchgen.report.summary import as_text

from helpers.attempts import replay
from helpers.takes import bought, take

DRAFT, FINAL, LATER = take(1, "a"), take(1, "b"), take(2, "a")


def run(profile: str, scene: ev.SceneFacts, *more: ev.Event) -> list[ev.Event]:
    return [ev.RunStarted("t", "1", profile=profile), ev.ManifestRead("t", "n", "m", (scene,)), *more]


def superseded(events: list[ev.Event]) -> set[str]:
    return {attempt.name for attempt, is_so in paid_attempts(replay(events)) if is_so}


BOTH = [*run("draft", DRAFT, *bought(DRAFT)), *run("final", FINAL, *bought(FINAL))]


def test_a_result_of_another_profile_is_of_use() -> None:
    assert superseded(BOTH) == set()
    assert superseded([*BOTH, *run("draft", DRAFT)]) == set()
    assert superseded([*BOTH, *run("draft", LATER)]) == {"a-t1@1"}
    assert superseded([*BOTH, *run("final", LATER)]) == {"b-t1@1"}


def test_without_profiles_what_leaves_the_manifest_is_superseded() -> None:
    assert superseded([*run("", DRAFT, *bought(DRAFT)), *run("", FINAL)]) == {"a-t1@1"}


def test_a_plan_looks_from_its_own_profile() -> None:
    state = replay(BOTH)
    ahead = state.with_profile("draft").with_scenes((LATER,))
    assert (set(ahead.others), set(state.others)) == ({"final"}, {"draft"})
    assert {attempt.name for attempt, is_so in paid_attempts(ahead) if is_so} == {"a-t1@1"}


def test_the_profile_is_said() -> None:
    state = replay(BOTH)
    assert as_json([], state)["totals"]["profile"] == "final"
    assert "profile final, " in as_line([], state, "runs/n")
    told = " ".join(as_text(state, {}, "runs/n").split())
    assert "1 scene of profile final: 1 completed" in told
    assert "for scenes of other profiles, or that the manifest has under other names or not any more" in told
    plain = replay(run("", DRAFT))
    assert "profile" not in as_json([], plain)["totals"]
    assert "profile" not in as_text(plain, {}, "runs/n")

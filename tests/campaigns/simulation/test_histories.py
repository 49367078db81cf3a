"""Hundreds of histories, and that they reach what they claim to reach; the program beside this plays many more."""

import json
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from batchgen.engine.attempts import AttemptState
from batchgen.engine.classification import Kind
from batchgen.engine.commands import Stop, Submit
from batchgen.schemas import shipped

from campaigns.simulation import answers, campaign
from campaigns.simulation.campaign import SWEEPS, Seeds, Sweep
from campaigns.simulation.histories import by_chance, with_crashes
from campaigns.simulation.mishaps import How, Mishap, Point

SEEDS = 2_000
_OF_READING = (Kind.RUNNING, Kind.DONE, Kind.NO_RESULT, Kind.FAILED, Kind.TRANSIENT, Kind.ACCOUNT, Kind.BALANCE)
LINKED_SEEDS = 600
LINKED = {
    *("request made", "prepared", "prepare failed", "prepare before", "prepare after", "sent with sources"),
    *("picked", "picked after a look", "chosen among takes"),
    *(f"link {how}" for how in ("well", "gone", "disk")),
}
CALLS = (Point.CREATE, Point.READ, Point.FETCH, Point.CUT)
REACHED = {
    *(f"write {how}" for how in How),
    *(f"{point} {how}" for point, how in product(CALLS, (How.BEFORE, How.AFTER))),
    *(f"create {kind}" for kind in (Kind.CREATED, Kind.REFUSED, Kind.UNCERTAIN, Kind.ACCOUNT, Kind.BALANCE)),
    *(f"read {kind}" for kind in _OF_READING),
    *(f"create answered by {answers.name_of(heard)}" for heard in (*answers.NOTHING_MADE, *answers.NOBODY_KNOWS)),
    *(f"read answered by {answers.name_of(heard)}" for heard in (*answers.READ_TROUBLES, *answers.DENIED)),
    *(f"fetch {how}" for how in ("cut", "expired", "disk", "mismatch")),
    *(f"state {state}" for state in AttemptState),
    *(f"stop {stop}" for stop in (*Stop, "none")),
    *("crashes", "resolved", "corrected", "stopped by the disk", "ended by a bug", "waits for answers"),
    *(f"hostile {how}" for how in ("blank", "storm", "overloaded", "broken")),
    *("published", "published before", "submitted with URLs"),
    *(f"publish {how}" for how in ("cut", "missing", "denied", How.BEFORE, How.AFTER)),
    *("create answered with the id of another task", f"read {Kind.MISSING}"),
}


def played(portion: Seeds | Sweep) -> "Counter[str]":
    done = campaign.play(portion)
    if done.failure:
        campaign.show(done.failure)
        pytest.fail(f"{done.failure.broken}; play it again: {done.failure.command}")
    return done.seen


def test_histories_keep_every_promise_and_reach_everything() -> None:
    seen = played(Seeds(range(SEEDS)))
    assert seen["histories"] == SEEDS
    assert REACHED - seen.keys() == set()


def test_histories_of_linked_scenes_reach_all_that_links_bring() -> None:
    seen = played(Seeds(range(LINKED_SEEDS), are_linked=True))
    assert seen["histories"] == LINKED_SEEDS
    assert LINKED - seen.keys() == set()


def test_who_waits_for_the_file_of_an_earlier_attempt_is_not_forgotten() -> None:
    """It comes after the scene that it was bought for has its new result."""
    played(Seeds(range(14_609, 14_610), are_linked=True))


@pytest.mark.parametrize("portion", SWEEPS[:6], ids=str)
def test_a_crash_at_every_point_of_a_history(portion: Sweep) -> None:
    seen = played(portion)
    assert seen["swept"] > 30
    assert seen["crashes"] > 20


def test_two_crashes_in_a_row() -> None:
    first = Mishap(How.TORN, 100)
    passed = with_crashes(3, [(2, first)], Counter())[-1]
    for number in range(len(passed)):
        with_crashes(3, [(2, first), (number, Mishap(How.AFTER))], Counter())


def test_a_seed_is_a_history() -> None:
    one, other = by_chance(7, Counter()), by_chance(7, Counter())
    assert one.witness.disk.content == other.witness.disk.content
    assert one.gateway.books == other.gateway.books


@pytest.mark.parametrize(
    "command", [campaign.command_of(7), campaign.command_of(3, [(4, Mishap(How.TORN, 5)), (0, Mishap(How.BEFORE))])]
)
def test_the_command_plays_a_history_again(command: str) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, *command.split()[1:]], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_created_nothing_and_what_nobody_knows_are_told_apart() -> None:
    submit = Submit("s1", 1, "q1", "")
    assert {answers.of_submission(submit, heard).classification.kind for heard in answers.NOTHING_MADE} == {
        Kind.REFUSED,
        Kind.ACCOUNT,
        Kind.BALANCE,
    }
    assert {answers.of_submission(submit, heard).classification.kind for heard in answers.NOBODY_KNOWS} == {
        Kind.UNCERTAIN
    }


def test_the_codes_are_those_of_the_model() -> None:
    codes = shipped().for_model("wan26_r2v", "model.json")["errors"]
    assert {code: said["class"] for code, said in codes.items()} == answers.CODES


def test_the_program_plays_many_and_says_what_it_saw() -> None:
    program = Path(campaign.__file__).parent
    options = ["--first", "5", "--seeds", "30", "--no-sweep", "--jobs", "2", "--json"]
    done = subprocess.run([sys.executable, program, *options], capture_output=True, text=True, timeout=60, check=True)
    figures = json.loads(done.stdout)
    # One seed in three is played with linked scenes as well.
    assert (figures["histories"], figures["broken"]) == (40, None)
    assert figures["crashes"] == figures["seen"]["crashes"] > 0

"""Real processes, really killed: after each kind of fault the books agree."""

import os
import random
import resource
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from campaigns.reliability.strikes import FAULTS, STEPPED
from campaigns.reliability.trials import Outcome, Trial, play, play_all, trials_of
from helpers.runs import batch, process_of

SEED = int(os.environ.get("BATCHGEN_RELIABILITY_SEED", "2026"))
FEW_SCENES = 4
TRIALS = 13
_MOST_TRIED = 3


def agrees(outcome: Outcome) -> bool:
    """Whether a trial went to its end and nothing is to be said against it."""
    assert not outcome.objections, "\n".join([*outcome.objections, f"again: {outcome.trial.again}"])
    return outcome.settled is not None and not outcome.settled.unknown


@pytest.mark.crash
@pytest.mark.parametrize("fault", FAULTS)
def test_the_books_agree(tmp_path: Path, fault: str) -> None:
    for number in range(_MOST_TRIED):
        folder = tmp_path / str(number)
        folder.mkdir()
        outcome = play(Trial(fault, number, SEED, FEW_SCENES), folder)
        assert agrees(outcome)
        if outcome.strikes.total():  # a run may be over before its moment comes
            return
    raise AssertionError("nothing struck: the trials show nothing")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_books_agree_again_and_again(fault: str) -> None:
    seed = random.SystemRandom().randrange(2**31)
    outcomes = list(play_all(trials_of(fault, TRIALS, seed), jobs=1))
    assert all(map(agrees, outcomes))
    assert sum(outcome.strikes.total() for outcome in outcomes) >= TRIALS


def test_a_disk_without_any_room_is_said_to_be_full(tmp_path: Path) -> None:
    film = batch(tmp_path, "http://127.0.0.1:9", 1)
    with film.started(measured=False) as run:
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (0, 0))
        _, told = run.communicate(timeout=60)
    assert run.returncode == 6, told
    assert "File too large" in told or "No usable temporary directory" in told


def test_a_run_sees_the_clock_that_is_set_without_libfaketime(tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    offset.write_text("-34560000", encoding="ascii")
    film = batch(tmp_path, "", 1)
    program = [sys.executable, "-P", str(STEPPED), str(offset)]
    settings = ["--emulator", "--no-progress", "--poll-interval=0.1"]
    with process_of("run", film.manifest, *settings, folder=tmp_path, measured=False, program=program) as run:
        _, told = run.communicate(timeout=60)
    assert run.returncode == 0, told
    year_ago = datetime.now(UTC) - timedelta(days=365)
    assert all(datetime.fromisoformat(entry["at"]) < year_ago for entry in film.journal())

"""A run is steered from another terminal, and tells how it ended."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from batchgen.journal.journal import Journal
from batchgen.layout import CONTROL
from batchgen.schemas import shipped

from helpers.runs import PRICES, Batch, Gateway, batch, until

SLOW = ("--max-in-flight=1", "--poll-interval=0.1")


def control(film: Batch, *words: str, expect: int = 0) -> str:
    """What a command says to the run under way."""
    return film.do("control", film.run_dir, *words, expect=expect).err


def test_a_run_is_paused_paced_and_resumed(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 12, pricing=PRICES)
    with film.started(*SLOW) as run:
        until(lambda: film.happened("submitted"), run)
        assert "nothing is submitted" in control(film, "pause")
        sent = len(gateway.created())
        until(lambda: film.happened("downloaded", sent), run)
        assert len(gateway.created()) == sent
        refused = control(film, "set", "max_in_flight=4", "poll_interval=0", expect=2)
        assert "poll_interval is a number from 0.01 to 1000000, and not 0" in refused
        said = control(film, "set", "max-in-flight=12", "budget=5.50").splitlines()
        assert said[0] == "max_in_flight is 12 now, budget is 5.50 USD now"
        spent = f"{sent * Decimal('0.20'):f}"
        assert said[1].startswith(f"charged so far: {spent} USD, may still come: 0.00 USD, left: ")
        refused = control(film, "set", "budget=0.19", expect=2)
        assert f"a budget of 0.19 USD is less than the {spent} USD that are charged already" in refused
        control(film, "resume")
        assert run.wait(60) == 0
    for entry in film.journal():
        Draft202012Validator(shipped().document("journal")).validate(entry)
    steered = [(entry["setting"], entry["value"]) for entry in film.journal() if entry["event"] == "steered"]
    assert steered == [("paused", "1"), ("max_in_flight", "12"), ("budget", "5.50"), ("paused", "0")]
    assert film.statuses() == " ".join(["completed"] * 12)
    assert not (film.run_dir / CONTROL).exists()
    assert "no run is under way" in control(film, "pause", expect=2)


def test_wishes_that_are_not_the_users_or_no_wishes_change_nothing(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 20, pricing=PRICES)
    wishes = film.run_dir / CONTROL
    wishes.mkdir(parents=True)
    (wishes / "left.wish").write_text('{"paused": "1"}', encoding="utf-8")
    with film.started(*SLOW) as run:
        until(lambda: film.happened("submitted"), run)
        (tmp_path / "elsewhere").write_text('{"paused": "1"}', encoding="utf-8")
        (wishes / "link.wish").symlink_to(tmp_path / "elsewhere")
        (wishes / "odd.wish").write_text('["paused"]', encoding="utf-8")
        (wishes / "no.wish").write_text("{", encoding="utf-8")
        if os.geteuid() == 0:
            (wishes / "other.wish").write_text('{"paused": "1"}', encoding="utf-8")
            os.chown(wishes / "other.wish", 4321, -1)
        until(lambda: not [*wishes.glob("*.wish")], run)
        assert not film.happened("steered")
        control(film, "set", "max_in_flight=3")
        assert run.wait(60) == 0
    assert film.happened("steered")
    assert film.statuses() == " ".join(["completed"] * 20)


@pytest.mark.parametrize(
    "end", [lambda _, wishes: shutil.rmtree(wishes), lambda held, _: held.__exit__(None, None, None)]
)
def test_a_run_that_ends_before_it_answers_is_told_of(
    tmp_path: Path, gateway: Gateway, end: Callable[[Journal, Path], None]
) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    wishes = film.run_dir / CONTROL
    wishes.mkdir(parents=True)
    program = [sys.executable, "-P", "-m", "batchgen", "control", str(film.run_dir), "pause"]
    with Journal(film.run_dir) as held, subprocess.Popen(program, stderr=subprocess.PIPE, encoding="utf-8") as asks:
        until(lambda: any(wishes.glob("*.wish")), asks)
        end(held, wishes)
        assert "ended before it answered" in asks.communicate(timeout=30)[1]
        assert asks.returncode == 2


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a folder that nothing can be written into")
def test_a_folder_that_cannot_be_written_is_no_bug(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.run_dir.mkdir(parents=True)
    (film.run_dir / CONTROL).symlink_to("/sys/kernel")
    with Journal(film.run_dir):
        assert "the run was not steered" in control(film, "pause", expect=6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set"], "set needs NAME=VALUE"),
        (["pause", "budget=3"], "pause takes no values"),
        (["set", "budget"], "write budget=VALUE"),
        (["set", "paused=yes"], "paused is 1 or 0, and not 'yes'"),
        (["set", "max_in_flight=1e5000"], "max_in_flight is a whole number"),
        (["set", "workers=3"], "there is max_in_flight, submit_rate, poll_interval, budget"),
        (["set", "budget=much"], "is not an amount"),
        (["set", "max_in_flight=2.5"], "max_in_flight is a whole number"),
        (["set", "max_in_flight=none"], "max_in_flight is a whole number"),
        (["set", "submit_rate=nan"], "submit_rate is a number"),
    ],
)
def test_what_cannot_be_set_is_told_before_a_run_is_asked(
    tmp_path: Path, gateway: Gateway, words: list[str], said: str
) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.run_dir.mkdir(parents=True)
    assert said in control(film, *words, expect=2)


def test_a_command_is_told_how_the_run_ended_and_changes_nothing_of_it(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 2, pricing=PRICES)
    keep = (
        "import json, os, sys\n"
        "json.dump([json.load(sys.stdin), 'BATCHGEN_API_KEY' in os.environ], open('told', 'w'))\n"
        "sys.exit(9)"
    )
    ended = film.run("--budget=0.30", "--on-end", shlex.join([sys.executable, "-c", keep]), expect=4)
    told, has_key = json.loads((film.folder / "told").read_text(encoding="utf-8"))
    Draft202012Validator(shipped().document("on-end")).validate(told)
    assert (told["exit_code"], told["stop"], told["rehearsal"], has_key) == (4, "budget", False, False)
    assert told["run_dir"] == str(film.run_dir.resolve())
    assert [scene["status"] for scene in told["scenes"]].count("pending") >= 1
    assert "--on-end: the command ended with 9" in ended.err
    assert "--on-end" in ended.err.partition("To go on")[2]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.scenes["s1"]["prompt"] += " [fail-001028004-string]"
    film.write()
    # A shell that waits for another process, which would outlive it.
    hangs = f"{shlex.join([sys.executable, '-c', HANGS])}; echo and on"
    with film.started("--on-end", hangs) as run:
        until((film.folder / "hangs").exists, run)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=30)
        assert run.returncode == 1, "as the run ended: a scene failed"
    assert "--on-end: the command was ended" in err
    hanging = int((film.folder / "hangs").read_text(encoding="utf-8"))
    until(lambda: not is_alive(hanging))


HANGS = (
    "import os, time, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "open('hangs.part', 'w').write(str(os.getpid())); os.rename('hangs.part', 'hangs'); time.sleep(600)"
)


def is_alive(process_id: int) -> bool:
    """Whether a process runs; one that has ended and is not waited for does not."""
    path = Path(f"/proc/{process_id}/stat")
    return path.exists() and path.read_text(encoding="utf-8").rpartition(") ")[2][0] != "Z"


def test_a_run_is_followed_until_it_ends(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 6, pricing=PRICES)
    with film.started(*SLOW) as run:
        until(lambda: film.happened("submitted"), run)
        followed = film.do("status", film.run_dir, "--watch")
        assert run.wait(60) == 0
    said = f"{film.run_dir}: 6/6 scenes, 0 running, 1.20 USD"
    assert followed.out.splitlines()[-1] == said
    ended = film.do("status", film.run_dir, "--watch")
    assert ended.out == f"{said}\n"
    assert f"no run is under way in {film.run_dir}; what is left to do: batchgen status" in ended.err


@pytest.mark.skipif(os.name == "nt", reason="a pipe cannot be asked there")
def test_a_run_is_followed_no_longer_than_somebody_reads(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 6, pricing=PRICES)
    with film.started(*SLOW) as run:
        until(lambda: film.happened("submitted"), run)
        control(film, "pause")
        program = [sys.executable, "-P", "-m", "batchgen", "status", str(film.run_dir), "--watch"]
        with subprocess.Popen(program, stdout=subprocess.PIPE) as follower:
            assert follower.stdout is not None
            assert b"/6 scenes" in follower.stdout.readline()
            follower.stdout.close()
            assert follower.wait(30) == 0
        assert run.poll() is None


def test_a_run_that_was_killed_is_neither_followed_nor_steered(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3, pricing=PRICES)
    with film.started(*SLOW) as run:
        until(lambda: film.happened("submitted"), run)
        control(film, "pause")
        program = [sys.executable, "-P", "-m", "batchgen", "status", str(film.run_dir), "--watch"]
        with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as follower:
            assert follower.stdout is not None
            assert "/3 scenes, paused, " in follower.stdout.readline()
            run.kill()
            _, err = follower.communicate(timeout=30)
    assert follower.returncode == 0
    assert f"the run in {film.run_dir} is not under way any more: it was killed" in err
    manifest = film.run_dir.parent.parent / "manifest.yaml"
    assert f"To go on (add the options that the run had):  batchgen run {manifest}\n" in err
    assert (film.run_dir / CONTROL).is_dir(), "as a run leaves it that was killed"
    assert f"no run is under way in {film.run_dir}" in control(film, "resume", expect=2)
    assert not [*(film.run_dir / CONTROL).glob("*.wish")]
    film.run()
    assert not (film.run_dir / CONTROL).exists()

"""Nothing is bought unasked: without a terminal only where an option says so."""

import json
from pathlib import Path

from helpers.hostile import HostileGateway, numbered, says
from helpers.runs import KEY, Batch, Gateway, batch
from helpers.servers import server
from helpers.support import Ended, batchgen

RUNNING = says({"status": "in_progress"})


def posts(gateway: HostileGateway) -> int:
    return sum(head.startswith(b"POST") for head in gateway.heads)


def run(film: Batch, *options: str | Path, expect: int) -> Ended:
    """A run with these options and none besides."""
    command = ["run", film.manifest, "--run-dir", film.run_dir, "--no-progress", *options]
    return film.do(*command, expect=expect, BATCHGEN_API_KEY=KEY)


def test_without_a_terminal_the_plan_is_shown_and_nothing_is_bought(tmp_path: Path) -> None:
    gateway = HostileGateway(read=dict.fromkeys((1, 2), RUNNING))
    with server(gateway) as address:
        film = numbered(tmp_path, address, 2)
        refused = run(film, f"--base-url={address}", expect=2)
        assert "s1     submit" in refused.err
        assert "there is no terminal to ask at. Add --yes" in refused.err
        assert gateway.heads == []
        assert not film.happened("run_started")

        plan = tmp_path / "plan.json"
        film.do("plan", film.manifest, "--run-dir", film.run_dir, "--scene=s1", "--out", plan)
        run(film, f"--base-url={address}", "--no-wait", "--plan", plan, expect=0)
        assert posts(gateway) == 1
        run(film, f"--base-url={address}", "--no-wait", "--scene=s1", expect=0)
        assert posts(gateway) == 1, "what is only gone on with is not asked for"
        run(film, f"--base-url={address}", "--no-wait", expect=2)
        run(film, f"--base-url={address}", "--no-wait", "--yes", expect=0)
    assert posts(gateway) == 2


def test_a_rehearsal_is_never_asked_for(tmp_path: Path) -> None:
    film = numbered(tmp_path, "", 1)
    run(film, "--emulator", "--poll-interval=0.1", expect=0)
    assert film.statuses() == "completed"


def test_a_batch_is_found_again_wherever_it_is_started_from(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    gateway = HostileGateway(read={1: RUNNING})
    with server(gateway) as address:
        film = numbered(here, address, 1)
        command = ["run", str(film.manifest), f"--base-url={address}", "--no-wait", "--no-progress", "--yes"]
        for folder in (elsewhere, here, tmp_path):
            ended = batchgen(*command, folder=folder, BATCHGEN_API_KEY=KEY)
            assert ended.code == 0, ended.err
        assert posts(gateway) == 1
        assert not (elsewhere / "runs").exists()

        (here / "runs").rename(elsewhere / "runs")  # where versions before would have put it
        refused = batchgen(*command, folder=elsewhere, BATCHGEN_API_KEY=KEY)
        assert refused.code == 2
        assert "add --run-dir runs/film, or move the folder there" in refused.err
        assert batchgen("plan", str(film.manifest), folder=elsewhere).code == 2
        gone_on = batchgen(*command, "--run-dir", "runs/film", folder=elsewhere, BATCHGEN_API_KEY=KEY)
        assert gone_on.code == 0, gone_on.err
    assert posts(gateway) == 1


def test_a_rehearsal_has_a_place_of_its_own(tmp_path: Path) -> None:
    film = numbered(tmp_path, "", 1)
    ended = batchgen("run", str(film.manifest), "--emulator", "--no-progress", "--poll-interval=0.1", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["film-rehearsal"]
    assert film.plan()["s1"]["action"] == "submit"


def test_what_a_rehearsal_costs_is_never_added_to_real_money(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.run()
    run(film, "--emulator", "--poll-interval=0.1", "--run-dir", tmp_path / "rehearsal", expect=0)
    both = (film.run_dir, tmp_path / "rehearsal")
    ended = film.do("audit", *both, "--format=json")
    assert "1 rehearsal is left out" in ended.err
    real = json.loads(ended.out)
    assert real == json.loads(film.do("audit", film.run_dir, "--format=json").out)
    apart = json.loads(film.do("audit", *both, "--rehearsals", "--format=json").out)
    assert apart["total"] == real["total"]
    assert apart["rehearsal"]["total"]["attempts"] == 1
    assert "rehearsals, apart from real money" in film.do("audit", *both, "--rehearsals").out
    lines = film.do("audit", *both, "--rehearsals", "--format=csv").out.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["key", "total", "rehearsal"]


def test_status_finds_the_run_directory_by_itself(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 2)
    assert "there is no run directory in runs" in film.do("status", expect=2).err
    film.run()
    assert film.do("status").out == film.do("status", "runs/film").out
    run(film, "--emulator", "--poll-interval=0.1", "--run-dir", tmp_path / "runs" / "film-rehearsal", expect=0)
    lines = film.do("status").out.splitlines()
    assert lines[0].startswith("runs/film: 2 completed, 0.")
    assert lines[1].endswith("USD (a rehearsal)")
    assert "name one" in film.do("status", "--format=json", expect=2).err


def test_an_amount_that_is_not_known_is_never_shown_as_zero(tmp_path: Path) -> None:
    gateway = HostileGateway({2: says({}, 502)}, {1: RUNNING})
    with server(gateway) as address:
        film = numbered(tmp_path, address, 2)
        run(film, f"--base-url={address}", "--no-wait", "--yes", expect=1)
    shown = film.do("audit", film.run_dir, "--by=scene").out.splitlines()[-2:]
    assert [line.split()[:3] for line in shown] == [["s1", "1", "?"], ["s2", "1", "?"]]

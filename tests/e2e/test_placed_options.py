"""Options in the manifest and in the environment: what goes before what, and who finds which run directory."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import batchgen
from batchgen.app.run_options import RunOptions
from batchgen.options import OPTIONS, variable

from helpers.hostile import HostileGateway, numbered
from helpers.runs import KEY, Batch, Gateway, batch
from helpers.servers import server
from helpers.support import Ended

# Option, what the manifest, the environment and the command line say, and what holds then:
# of all three, of manifest and environment, of the manifest, of none.
Case: TypeAlias = tuple[str, Any, str, str, tuple[Any, ...]]
NUMBER: Case = ("attempts", 2, "3", "4", (4, 3, 2, 1))
REPEATABLE: Case = (
    "history",
    ["m1", "m2"],
    os.pathsep.join(["e1", "e2"]),
    "c1",
    (["c1"], ["e1", "e2"], ["m1", "m2"], []),
)


def history(folder: Path, *names: str) -> None:
    """Run directories that have begun, and in which nothing was bought."""
    for name in names:
        (folder / name).mkdir()
        (folder / name / "state.jsonl").write_bytes(b"")


def saved_plan(film: Batch, *options: str, **environment: Any) -> Any:
    """What `plan --out` holds: of all it says, where the values of options can be seen from outside."""
    film.do("plan", film.manifest, "--out=film.plan", *options, **environment)
    return json.loads((film.folder / "film.plan").read_text(encoding="utf-8"))


def with_run(film: Batch, **settings: Any) -> Batch:
    film.settings["run"] = settings
    film.write()
    return film


def names(folder: Path, paths: list[str]) -> list[str]:
    return [str(Path(path).relative_to(folder.resolve())) for path in paths]


SEEN: dict[str, Callable[[Any, Path], Any]] = {
    "attempts": lambda plan, _: plan["choice"]["attempts"],
    "history": lambda plan, folder: names(folder, plan["history"]),
}


@pytest.mark.parametrize("case", [NUMBER, REPEATABLE], ids=["a number", "a repeatable option"])
def test_the_command_line_goes_before_the_environment_and_that_before_the_manifest(tmp_path: Path, case: Case) -> None:
    name, in_manifest, in_environment, typed, expected = case
    history(tmp_path, "m1", "m2", "e1", "e2", "c1")
    film = with_run(batch(tmp_path, "", 1), **{name: in_manifest})
    seen, environment = SEEN[name], {variable(name): in_environment}
    held = [
        seen(saved_plan(film, f"--{name}={typed}", **environment), tmp_path),
        seen(saved_plan(film, **environment), tmp_path),
        seen(saved_plan(film, **{variable(name): ""}), tmp_path),
    ]
    with_run(film)
    assert (*held, seen(saved_plan(film), tmp_path)) == expected


def test_a_flag_of_the_command_line_goes_before_the_environment(tmp_path: Path) -> None:
    film = batch(tmp_path, "", 1)
    downloads = [
        saved_plan(film, *options, BATCHGEN_NO_DOWNLOAD=value)["choice"]["download"]
        for options, value in (([], ""), ([], "0"), ([], "1"), (["--no-download"], "0"))
    ]
    assert downloads == [True, True, False, False]


def test_a_path_of_the_manifest_is_relative_to_it_and_any_other_to_where_the_command_is_called(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    film = with_run(numbered(here, "", 1), run_dir="../m")
    command = ("run", here / "manifest.yaml", "--emulator", "--no-progress", "--no-wait")
    film.folder = elsewhere
    cases: list[tuple[list[str], dict[str, Any], Path]] = [
        (["--run-dir=c"], {"BATCHGEN_RUN_DIR": "e"}, elsewhere / "c"),
        ([], {"BATCHGEN_RUN_DIR": "e"}, elsewhere / "e"),
        ([], {}, tmp_path / "m-rehearsal"),
    ]
    for options, environment, begun in cases:
        assert not begun.exists()
        film.do(*command, *options, **environment)
        assert (begun / "state.jsonl").exists()
    assert not (here / "runs").exists()


def test_what_holds_is_told_and_logged(tmp_path: Path, gateway: Gateway) -> None:
    film = with_run(batch(tmp_path, gateway, 1), max_in_flight=20, workers=3, task_timeout=1800.5)
    ended = film.run("--workers=5", BATCHGEN_SUBMIT_RATE="9", BATCHGEN_TASK_TIMEOUT="900")
    assert f"options from {film.manifest}: max_in_flight: 20\n" in ended.err
    assert "options from the environment: BATCHGEN_SUBMIT_RATE=9, BATCHGEN_TASK_TIMEOUT=900\n" in ended.err
    (line,) = [line for line in (film.run_dir / "batchgen.log").read_text().splitlines() if "options in force" in line]
    for held in ("workers=5", "max_in_flight=20", "submit_rate=9.0", "task_timeout=900.0", "poll_interval=0.1"):
        assert held in line
    planned = film.do("plan", film.manifest, f"--run-dir={film.run_dir}", BATCHGEN_STRICT="1")
    assert "max_in_flight: 20" in planned.err
    assert "BATCHGEN_STRICT=1" in planned.err


def test_a_limit_of_the_manifest_is_kept(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.scenes["s1"]["prompt"] += " [fail-001028095-object]"
    ended = with_run(film, attempts=2, task_timeout=60).run(expect=1)
    assert len(gateway.posts()) == 2
    film.scenes["s2"] = {"prompt": "character1 rests"}
    with_run(film, attempts=2, task_timeout=60)
    ended = film.run("--attempts=3", "--request-timeout=123456.75", "--submit-rate=90", "--no-wait", "--scene=s2")
    (step,) = [line for line in ended.err.splitlines() if line.startswith("To go on:")]
    assert "--submit-rate 90 --request-timeout 123456.75 --attempts 3 --scene s2" in step
    assert "--task-timeout" not in step, "the manifest says it to the next run as well"


def test_plan_status_and_report_find_the_run_directory_of_the_manifest(tmp_path: Path, gateway: Gateway) -> None:
    film = with_run(batch(tmp_path, gateway, 1), run_dir="kept/here", poll_interval=0.1)
    (tmp_path / "other.yaml").write_text("run: {run_dir: nowhere}\nscenes: [", encoding="utf-8")
    (tmp_path / "third.yaml").write_text('run: {run_dir: "a\\0b"}', encoding="utf-8")
    (tmp_path / "notes.yml").write_text("run_dir", encoding="utf-8")
    assert "there is no run directory in runs" in film.do("report", expect=2).err
    command = ("run", film.manifest, f"--base-url={gateway.base_url}", "--yes", "--no-progress")
    film.do(*command, BATCHGEN_API_KEY=KEY)
    kept = tmp_path / "kept" / "here"
    assert film.plan()["s1"]["action"] == "done"
    assert film.do("status").out == film.do("status", "kept/here").out
    (kept / "report.csv").unlink()
    assert "wrote kept/here/report.csv" in film.do("report").err
    assert (kept / "report.csv").exists()
    film.do("run", film.manifest, "--emulator", "--no-progress", "--run-dir=runs/film-rehearsal")
    assert [line.partition(":")[0] for line in film.do("status").out.splitlines()] == [
        "kept/here",
        "runs/film-rehearsal",
    ]
    refused = film.do("report", expect=2).err
    assert "there are 2 run directories: kept/here, runs/film-rehearsal; name one" in refused
    film.do("report", BATCHGEN_RUN_DIR="kept/here")
    assert "a rehearsal" in film.do("status", BATCHGEN_RUN_DIR="runs/film-rehearsal").out
    assert "BATCHGEN_RUN_DIR: " in film.do("status", expect=2, BATCHGEN_RUN_DIR="gone").err


def test_a_rehearsal_that_the_environment_asks_for_costs_nothing(tmp_path: Path) -> None:
    film = with_run(numbered(tmp_path, "", 1), poll_interval=0.1)
    gateway = HostileGateway()
    with server(gateway) as address:
        both: dict[str, Any] = {"BATCHGEN_EMULATOR": "1", "BATCHGEN_BASE_URL": address, "BATCHGEN_API_KEY": KEY}
        film.do("run", film.manifest, "--no-progress", **both)
        assert "exclude each other" in film.do("run", film.manifest, f"--base-url={address}", expect=2, **both).err
        assert gateway.heads == []
    assert (tmp_path / "runs" / "film-rehearsal" / "report.csv").exists()
    planned = film.do("plan", film.manifest, BATCHGEN_EMULATOR="1").out
    assert planned == film.do("plan", film.manifest, "--emulator").out
    assert "s1     done" in planned
    assert film.plan()["s1"]["action"] == "submit"


def test_a_run_directory_that_no_disk_takes_is_told_of(tmp_path: Path) -> None:
    film = numbered(tmp_path, "", 1)
    for command in (("plan",), ("run", "--emulator")):
        ended = film.do(*command, film.manifest, expect=6, BATCHGEN_RUN_DIR="a" * 300)
        assert "cannot be used: File name too long" in ended.err


def carried_out(film: Batch, *options: str, expect: int = 0, **environment: str) -> Ended:
    return film.do("run", film.manifest, "--emulator", "--no-progress", *options, expect=expect, **environment)


def test_the_values_of_a_saved_plan_stand_whatever_manifest_and_environment_say(tmp_path: Path) -> None:
    history(tmp_path, "old", "older")
    film = with_run(numbered(tmp_path, "", 1), attempts=5, history=["old"], run_dir="made", poll_interval=0.1)
    plan = saved_plan(film, "--attempts=2", "--no-download", "--emulator")
    assert (plan["choice"]["attempts"], names(tmp_path, plan["history"])) == (2, ["old"])
    other: dict[str, Any] = {"BATCHGEN_ATTEMPTS": "7", "BATCHGEN_HISTORY": "older", "BATCHGEN_NO_DOWNLOAD": "0"}
    typed = carried_out(film, "--plan=film.plan", "--attempts=7", expect=2)
    assert "was saved with another --attempts" in typed.err
    ended = carried_out(film, "--plan=film.plan", "--attempts=2", **other)
    assert "attempts: 5" not in ended.err
    assert "BATCHGEN_ATTEMPTS" not in ended.err
    assert not (tmp_path / "made-rehearsal" / "videos" / "s1.mp4").exists()
    log = (tmp_path / "made-rehearsal" / "batchgen.log").read_text(encoding="utf-8")
    assert f"attempts=2, no_wait=False, plan_file=film.plan, budget=None, history=[{tmp_path / 'old'}]" in log
    assert "no_download=True" in log


def test_a_saved_plan_is_bound_to_what_the_manifest_says_of_the_run(tmp_path: Path) -> None:
    film = with_run(numbered(tmp_path, "", 1), poll_interval=0.1)
    saved_plan(film, "--emulator")
    with_run(film, poll_interval=0.2)
    refused = carried_out(film, "--plan=film.plan", expect=3)
    assert "manifest and references changed since it was saved" in refused.err


def test_a_price_that_the_history_of_the_manifest_tells_keeps_a_budget(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.run()
    film.settings["budget_usd"] = "5"
    with_run(film, history=["runs/film"], run_dir="again")
    assert "budget: 5.00 USD" in film.do("plan", film.manifest).out
    with_run(film, run_dir="again")
    assert "rule budget_usd.pricing" in film.do("plan", film.manifest, expect=3).err
    assert "budget: 5.00 USD" in film.do("plan", film.manifest, BATCHGEN_HISTORY="runs/film").out


def test_what_the_manifest_says_of_the_run_holds_from_python_too(tmp_path: Path) -> None:
    history(tmp_path, "old")
    settings = {"run_dir": "made", "attempts": 3, "poll_interval": 0.05, "workers": 2, "history": ["old"]}
    film = with_run(numbered(tmp_path, "", 1), **settings)
    loaded = batchgen.load_manifest(film.manifest, emulator=True)
    assert (loaded.directory.path, len(loaded.history)) == (tmp_path / "made-rehearsal", 1)
    assert batchgen.plan(loaded).choice.attempts == 3
    assert batchgen.plan(loaded, attempts=2).choice.attempts == 2
    options = RunOptions.of(loaded, {"workers": 4})
    assert options == RunOptions(poll_interval_s=0.05, workers=4)
    assert batchgen.run(loaded).is_complete
    given = batchgen.load_manifest(film.manifest, emulator=True, run_dir=tmp_path / "given", history=())
    assert (given.directory.path, given.history) == (tmp_path / "given", ())


def test_every_option_under_run_reaches_the_run(tmp_path: Path) -> None:
    history(tmp_path, "old", "older")
    (tmp_path / "older" / "emulator").mkdir()
    values: dict[str, Any] = {
        "profile": "draft",
        "run_dir": "made",
        "request_format": "params",
        "workers": 3,
        "max_in_flight": 7,
        "submit_rate": 50.5,
        "poll_interval": 0.05,
        "request_timeout": 44,
        "task_timeout": 55,
        "attempts": 6,
        "history": ["old"],
        "reuse": ["older"],
    }
    assert set(values) == {name for name, option in OPTIONS.items() if not option.refusal}
    film = numbered(tmp_path, "", 1)
    film.settings["profiles"] = {"draft": {"watermark": True}}
    carried_out(with_run(film, **values))
    log = (tmp_path / "made-rehearsal" / "batchgen.log").read_text(encoding="utf-8")
    held = dict(pair.split("=", 1) for pair in log.partition("options in force: ")[2].splitlines()[0].split(", "))
    folders = {"history": f"[{tmp_path / 'old'}]", "reuse": f"[{tmp_path / 'older'}]"}
    paths = {"run_dir": str(tmp_path / "made-rehearsal"), **folders}
    assert {name: held[name] for name in values} == {**{name: str(value) for name, value in values.items()}, **paths}

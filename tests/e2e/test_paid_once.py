"""What was paid for is not paid for again, whatever it is called: real runs against the emulator's own books."""

import signal
from pathlib import Path

import pytest

from helpers.runs import PRICES, Batch, Gateway, batch, until

KEYS = {"BATCHGEN_API_KEY": "k"}


def delivered(folder: Path, gateway: Gateway, scenes: int = 2, **defaults: object) -> Batch:
    """A batch that has run to its end; each shot has a seed, unless the defaults say otherwise."""
    film = batch(folder, gateway, scenes, pricing=PRICES)
    for number, scene in enumerate(film.scenes.values(), 1):
        scene.update({"seed": 100 * number} | defaults)
    film.write()
    film.run()
    return film


def actions(film: Batch, *options: str) -> dict[str, str]:
    return {name: step["action"] for name, step in film.plan(*options).items()}


def content(film: Batch, scene_id: str) -> bytes:
    return (film.run_dir / "videos" / f"{scene_id}.mp4").read_bytes()


def renamed(film: Batch, old: str, new: str) -> None:
    film.scenes = {new if name == old else name: settings for name, settings in film.scenes.items()}
    film.write()


@pytest.mark.parametrize("seed", [7, None], ids=["written", "derived"])
def test_one_more_take_of_a_delivered_shot_is_one_purchase(tmp_path: Path, gateway: Gateway, seed: int | None) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.scenes["s1"] |= {} if seed is None else {"seed": seed}
    film.write()
    film.run()
    before = content(film, "s1")
    film.scenes["s1"]["takes"] = 2
    film.write()
    plan = film.plan()
    assert {name: step["action"] for name, step in plan.items()} == {"s1-t1": "reuse", "s1-t2": "submit"}
    assert plan["s1-t1"]["attempt"] == "s1@1"
    film.run()
    film.witness(gateway, 2)
    row = film.report()["s1-t1"]
    assert (row["status"], row["cost_usd"], row["shot"], row["take"]) == ("completed", "0", "s1", "1")
    assert (row["reused_from"], content(film, "s1-t1")) == ("s1@1", before)


@pytest.mark.parametrize("seed", [7, None, "random"], ids=["written", "derived", "random"])
def test_a_renamed_scene_has_what_was_bought(tmp_path: Path, gateway: Gateway, seed: object) -> None:
    film = delivered(tmp_path, gateway, 1)
    film.scenes["s1"] = {key: value for key, value in film.scenes["s1"].items() if key != "seed"}
    if seed is not None:
        film.scenes["s1"]["seed"] = seed
    film.write()
    film.run()
    bought, before = len(gateway.created()), content(film, "s1")
    renamed(film, "s1", "opening")
    assert actions(film) == {"opening": "reuse"}
    film.run()
    assert (len(gateway.created()), content(film, "opening")) == (bought, before)
    assert not (film.run_dir / "videos" / "s1.mp4").exists(), "a view of what the manifest has"
    missed = film.do("pick", film.run_dir, "opening@1", expect=2).words
    assert f"none at all; what it has was bought as {film.report()['opening']['reused_from']}" in missed
    renamed(film, "opening", "s1")
    assert actions(film) == {"s1": "done"}
    film.run()
    assert (len(gateway.created()), content(film, "s1")) == (bought, before)


def test_an_edit_keeps_the_earlier_result_and_taking_it_back_costs_nothing(tmp_path: Path, gateway: Gateway) -> None:
    film = delivered(tmp_path, gateway, 1)
    before, prompt = content(film, "s1"), film.scenes["s1"]["prompt"]
    film.scenes["s1"]["prompt"] += ", slowly"
    film.write()
    step = film.plan()["s1"]
    assert (step["action"], step["paid_before"], step["prompt_before"]) == ("submit", True, prompt)
    film.run()
    assert content(film, "s1") != before
    film.scenes["s1"]["prompt"] = prompt
    film.write()
    assert actions(film) == {"s1": "done"}
    film.run()
    assert content(film, "s1") == before
    film.witness(gateway, 2)
    kept = {row["result_path"]: row["superseded"] for row in film.ledger()}
    assert kept == {"results/s1@1.mp4": "false", "results/s1@2.mp4": "true"}
    names = sorted(path.name for path in (film.run_dir / "results").iterdir())
    assert names == ["s1@1.json", "s1@1.mp4", "s1@2.json", "s1@2.mp4"]
    assert all(not path.stat().st_mode & 0o222 for path in (film.run_dir / "results").iterdir())


def test_of_twins_one_is_bought(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.scenes["s1"]["seed"] = 5
    film.scenes["twin"] = dict(film.scenes["s1"])
    film.write()
    assert actions(film) == {"s1": "submit", "twin": "wait"}
    film.run()
    film.witness(gateway, 1)
    assert (film.statuses(), content(film, "twin")) == ("completed completed", content(film, "s1"))
    assert film.report()["twin"]["reused_from"] == "s1@1"


def test_scenes_with_random_seeds_have_a_result_each(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.scenes["s1"] |= {"seed": "random", "takes": 2}
    film.write()
    film.run()
    film.witness(gateway, 2)
    renamed(film, "s1", "opening")
    film.scenes["opening"]["takes"] = 3
    film.write()
    assert actions(film) == {"opening-t1": "reuse", "opening-t2": "reuse", "opening-t3": "submit"}
    film.run()
    film.witness(gateway, 3)
    assert len({row["video_sha256"] for row in film.report().values()}) == 3
    renamed(film, "opening", "s1")
    film.run()
    assert len(gateway.created()) == 3, "each has one again"


def test_renamed_while_its_task_runs(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.scenes["s1"] |= {"seed": 5}
    film.write()
    with film.started() as run:
        until(lambda: film.happened("submitted"), run)
        run.send_signal(signal.SIGKILL)
        run.wait()
    renamed(film, "s1", "opening")
    film.scenes["twin"] = dict(film.scenes["opening"])
    film.write()
    assert actions(film) == {"opening": "wait", "twin": "wait"}
    film.run()
    film.witness(gateway, 1)
    assert film.statuses() == "completed completed"
    assert {row["reused_from"] for row in film.report().values()} == {"s1@1"}


def test_what_is_unknown_is_unknown_under_every_name_and_settled_by_any(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.scenes["s1"]["seed"] = 5
    film.scenes["s1"]["prompt"] += " [lost-response]"
    film.write()
    film.run(expect=1)
    renamed(film, "s1", "opening")
    assert actions(film) == {"opening": "unknown"}
    film.run("--retry-failed", "--again=*", expect=1)
    film.witness(gateway, 1)
    assert film.statuses() == "unknown"
    (task_id,) = gateway.tasks_for(film.scenes["opening"]["prompt"])
    film.do("resolve", film.run_dir, "opening", "--task-id", task_id)
    film.run()
    assert (film.statuses(), len(gateway.created())) == ("completed", 1)


def test_what_failed_has_failed_for_its_twin_too(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.scenes["s1"]["seed"] = 5
    film.scenes["s1"]["prompt"] += " [fail-001028004-string]"
    film.write()
    film.run(expect=1)
    film.scenes["twin"] = dict(film.scenes["s1"])
    film.write()
    assert actions(film) == {"s1": "failed", "twin": "failed"}
    film.run(expect=1)
    film.witness(gateway, 1)
    assert [row["error_code"] for row in film.report().values()] == ["001028004"] * 2
    film.run("--retry-failed", expect=1)
    film.witness(gateway, 2)


def test_once_more_is_bought_once_and_the_earlier_result_stays(tmp_path: Path, gateway: Gateway) -> None:
    film = delivered(tmp_path, gateway)
    first = content(film, "s1")
    assert actions(film, "--again=s1") == {"s1": "submit", "s2": "done"}
    with film.started("--again=s1") as run:
        until(lambda: film.happened("submitted", 3), run)
        run.send_signal(signal.SIGKILL)
        run.wait()
    film.do("report", film.run_dir)
    assert (film.report()["s1"]["status"], content(film, "s1")) == ("completed", first), "it counts until then"
    film.run("--again=s1")
    film.run()
    film.witness(gateway, 3)
    assert [row["result_path"] for row in film.ledger()][-1] == "results/s1@2.mp4"
    assert (film.run_dir / "results" / "s1@1.mp4").read_bytes() == first
    assert (film.run_dir / "videos" / "s1.mp4").samefile(film.run_dir / "results" / "s1@2.mp4"), "the newest"
    film.run("--again=s1")
    film.witness(gateway, 4)


def test_once_more_without_a_terminal_is_not_bought_unasked(tmp_path: Path, gateway: Gateway) -> None:
    film = delivered(tmp_path, gateway, 1)
    address = f"--base-url={gateway.base_url}"
    ended = film.do("run", film.manifest, "--again=s1", address, expect=2, **KEYS)
    assert "paid for again" in ended.err
    film.witness(gateway, 1)


def test_results_of_another_run_directory_are_linked_in(tmp_path: Path, gateway: Gateway) -> None:
    film = delivered(tmp_path, gateway)
    first = film.run_dir
    film.name = "sequel"
    film.scenes["s3"] = film.scenes["s1"] | {"seed": 999}
    film.write()
    reuse = f"--reuse={first}"
    assert actions(film, reuse) == {"s1": "reuse", "s2": "reuse", "s3": "submit"}
    film.run(reuse)
    assert len(gateway.created()) == 3
    rows = film.report()
    assert [row["status"] for row in rows.values()] == ["completed"] * 3
    assert (rows["s1"]["reused_from"], rows["s1"]["cost_usd"]) == (f"{first}:s1@1", "0")
    assert (film.run_dir / "results" / "s1@1.mp4").samefile(first / "results" / "s1@1.mp4")
    (linked, *_) = [row for row in film.ledger() if row["scene_id"] == "s1"]
    assert (linked["outcome"], linked["cost_usd"], linked["result_sha256"]) == (
        "reused",
        "0",
        rows["s1"]["video_sha256"],
    )
    audited = film.do("audit", first, film.run_dir).out
    assert "0.60" in audited, "each task once"
    film.run()
    assert len(gateway.created()) == 3, "it is known from then on"


def test_a_result_elsewhere_that_is_not_what_its_journal_says_is_bought(tmp_path: Path, gateway: Gateway) -> None:
    film = delivered(tmp_path, gateway, 1)
    first = film.run_dir
    result = first / "results" / "s1@1.mp4"
    result.chmod(0o644)
    result.write_bytes(result.read_bytes()[:-1] + b"x")
    film.name = "sequel"
    film.write()
    (step,) = film.plan(f"--reuse={first}").values()
    assert (step["action"], step["lost"]) == ("submit", f"{first}:s1@1")
    ended = film.do("run", film.manifest, f"--reuse={first}", f"--base-url={gateway.base_url}", expect=2, **KEYS)
    assert f"the file of {first}:s1@1 is gone or changed" in " ".join(ended.err.split())
    assert f"bought again: s1 ({first}:s1@1)" in ended.err
    result.unlink()
    assert film.plan(f"--reuse={first}")["s1"]["lost"] == f"{first}:s1@1"
    assert len(gateway.created()) == 1


def test_rehearsals_are_not_reused_for_real(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.run("--emulator", f"--run-dir={tmp_path / 'rehearsal'}")
    ended = film.run(f"--reuse={tmp_path / 'rehearsal'}", expect=2)
    assert "it holds a rehearsal" in ended.err
    assert gateway.created() == []

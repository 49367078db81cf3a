"""Estimates, prices, budget and exposure as the producer sees them, against a gateway with books of its own."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from helpers.runs import Batch, Entry, Gateway, batch, emulator, until

PRICE = {"720P": "0.1234567891", "1080P": "0.2345678912"}
DEAR = ("--price=720P=0.1234567891", "--price=1080P=0.2345678912", "--discount=0.1", "--overcharge=1.25")
CHARGED = Decimal("0.1234567891") * Decimal("0.9") * Decimal("1.25")
"""US dollars a second of 720P at a gateway that does not keep to its price."""
LEARNED = "0.1388888878"
STEP = ("--poll-interval=0.1", "--no-download")


@pytest.fixture(scope="module")
def dear_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("dear")
    rules = [{"match": f"[{kind}]", "fault": kind} for kind in ("lost-response", "fail-001028095", "stuck")]
    with emulator(folder, *DEAR, "--cost-as=number", rules=rules) as running:
        yield running


@pytest.fixture
def dear(dear_emulator: Gateway) -> Gateway:
    """A gateway that charges 1.25 times its discounted price, with the log of this test only."""
    return dear_emulator.from_now()


def planned(film: Batch, *options: str | Path) -> Any:
    """The plan as JSON."""
    return json.loads(film.do("plan", film.manifest, "--format=json", *options).out)


def test_an_estimate_by_scene_and_by_tier(tmp_path: Path) -> None:
    film = batch(tmp_path, "http://127.0.0.1:9", 2, pricing=PRICE, budget_usd="2")
    film.scenes["s2"] |= {"size": "1920*1080", "duration": 7}
    film.write()
    document = planned(film)
    shown = [
        (one["tier"], one["duration_s"], one["unit_price_usd"], one["estimated_cost_usd"]) for one in document["scenes"]
    ]
    assert shown == [("720P", 2, "0.1234567891", "0.2469135782"), ("1080P", 7, "0.2345678912", "1.6419752384")]
    totals = document["totals"]
    assert totals["by_tier"] == {"720P": "0.2469135782", "1080P": "1.6419752384"}
    assert (totals["estimated_cost_usd"], totals["budget_left_usd"]) == ("1.8888888166", "0.1111111834")
    table = film.do("plan", film.manifest).out
    assert "0.2345678912 × 7  1.6419752384" in table  # noqa: RUF001 - the sign for times
    assert "new: 1.8888888166 USD" in table
    assert "budget: 2.00 USD; 0.1111111834 USD would be left" in table


def test_without_prices_the_plan_says_how_to_give_them(tmp_path: Path) -> None:
    film = batch(tmp_path, "http://127.0.0.1:9", 2)
    document = planned(film)
    assert {one["estimated_cost_usd"] for one in document["scenes"]} == {None}
    assert (document["totals"]["estimated_cost_usd"], document["totals"]["estimate_unknown"]) == ("0", 2)
    table = film.do("plan", film.manifest).words
    assert "2 scenes without a price, so no estimate can be made; add pricing to the manifest" in table
    assert "--history" in table
    assert "new: 0" not in table


def test_a_budget_that_does_not_suffice_is_known_before(tmp_path: Path) -> None:
    film = batch(tmp_path, "http://127.0.0.1:9", 3, pricing={"720P": "0.10"}, budget_usd="0.50")
    assert planned(film)["totals"]["budget_left_usd"] == "-0.10"
    assert "budget: 0.50 USD; it falls short by 0.10 USD" in film.do("plan", film.manifest).out


def test_prices_are_learned_from_what_was_charged(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 2, pricing={"720P": "0.1234567891"})
    first = film.run(*STEP)
    assert first.err.count("warning: 720P is declared at 0.1234567891 USD a second") == 1, "learned in this run"
    ended = film.do("plan", film.manifest)
    assert f"warning: 720P is declared at 0.1234567891 USD a second, and the gateway charged {LEARNED}" in ended.err
    prices = planned(film)["totals"]["prices"]["720P"]
    assert (prices["used"], prices["learned_usd"], prices["differs"]) == ("declared", LEARNED, True)
    assert Decimal(prices["learned_cost_usd"]) == CHARGED * 4
    assert (prices["learned_tasks"], prices["learned_seconds"]) == (2, 4)
    assert film.run(*STEP).err.count("warning: 720P is declared") == 1, "known before it"

    film.settings["pricing"] = {"720P": "0.1388"}
    film.write()
    assert "warning" not in film.do("plan", film.manifest).err

    del film.settings["pricing"]
    film.scenes["s3"] = {"prompt": "character1 sings", "duration": 10}
    film.write()
    ended = film.do("plan", film.manifest)
    assert f"720P has no declared price; estimates use the most that was charged, {LEARNED} USD a second" in ended.err
    (_, _, new) = planned(film)["scenes"]
    assert (new["unit_price_usd"], new["estimated_cost_usd"]) == (LEARNED, "1.3888888780")


def test_prices_are_learned_from_other_runs(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 2, pricing={"720P": "0.1234567891"})
    film.run(*STEP)
    del film.settings["pricing"]
    film.settings["budget_usd"] = "0.40"
    film.write()
    again = ("--run-dir", tmp_path / "again")
    history = ("--history", film.run_dir, "--history", tmp_path / "runs" / "." / "film")
    refused = film.do("plan", film.manifest, *again, expect=3)
    assert "rule budget_usd.pricing" in refused.err
    assert "budget_usd.pricing" in film.do("validate", film.manifest, expect=3).err
    totals = planned(film, *again, *history)["totals"]
    assert totals["prices"]["720P"]["learned_tasks"] == 2
    assert totals["estimated_cost_usd"] == "0.5555555512"

    before = len(dear.created())
    ended = film.run(*STEP, *again, *history, "--max-in-flight=1", expect=4)
    assert f"720P has no declared price; estimates use the most that was charged, {LEARNED} USD a second" in ended.err
    assert len(dear.created()) == before + 1
    assert "learned_tasks" in str(planned(film, *again)), "the run's own charges have taught it by now"


def test_a_saved_plan_keeps_the_prices_it_was_made_with(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 1, pricing={"720P": "0.1234567891"})
    film.run(*STEP)
    del film.settings["pricing"]
    film.write()
    again, saved = ("--run-dir", tmp_path / "again"), tmp_path / "film.plan"
    film.do("plan", film.manifest, *again, "--history", film.run_dir, "--out", saved)
    other = film.run(*again, "--plan", saved, "--history", tmp_path / "runs" / ".." / "runs", expect=2)
    assert "was saved with another --history" in other.err

    film.scenes["s2"] = {"prompt": "character1 is something else"}
    film.write()
    film.run(*STEP, "--scene=s2")
    del film.scenes["s2"]
    film.write()
    assert "prices changed since it was saved" in film.run(*again, "--plan", saved, expect=3).err
    film.do("plan", film.manifest, *again, "--history", film.run_dir, "--out", saved)
    before = len(dear.created())
    film.run("--poll-interval=0.1", *again, "--plan", saved)
    assert len(dear.created()) == before + 1


def test_histories_that_are_none(tmp_path: Path) -> None:
    film = batch(tmp_path, "http://127.0.0.1:9", 1, pricing={"720P": "0.10"})
    film.run("--emulator", *STEP)
    real = ("--run-dir", tmp_path / "real")
    ended = film.do("plan", film.manifest, *real, "--history", film.run_dir, expect=2)
    assert "holds a rehearsal, whose prices are the emulator's own" in ended.err
    assert "it is not a run directory" in film.do("plan", film.manifest, "--history", tmp_path, expect=2).err
    film.do("plan", film.manifest, "--history", film.run_dir)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "state.jsonl").write_text("{}\n{}\n", encoding="utf-8")
    assert "state.jsonl:1:" in film.do("plan", film.manifest, *real, "--history", damaged, expect=6).err


def test_what_is_in_flight_counts_against_the_budget(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 6, pricing={"720P": "0.1388888878"}, budget_usd="0.9")
    film.run(*STEP, "--workers=6", expect=4)
    assert len(dear.posts()) == 3
    assert film.statuses() == "completed completed completed pending pending pending"
    assert [row["error_code"] for row in film.report().values()] == [""] * 3 + ["budget"] * 3


def test_where_charges_outrun_the_estimates_the_charges_count(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 6, pricing={"720P": "0.10"}, budget_usd="0.9")
    film.run(*STEP, "--max-in-flight=1", expect=4)
    charged = sum(Decimal(row["cost_usd"]) for row in film.ledger())
    assert len(dear.created()) == 3
    assert charged == 3 * 2 * CHARGED
    assert charged + Decimal("0.2") > Decimal("0.9") >= charged
    # Where they are sent at once nobody can know: then each may cost more than was reckoned, and no more follow.
    (tmp_path / "swift").mkdir()
    swift = batch(tmp_path / "swift", dear.from_now(), 6, pricing={"720P": "0.10"}, budget_usd="0.9")
    swift.run(*STEP, expect=4)
    assert len(swift.ledger()) == 4
    swift.run(*STEP, expect=4)
    assert len(swift.ledger()) == 4


def test_the_exposure_of_an_unknown_submission_is_shown_everywhere(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 2, pricing={"720P": "0.10"})
    film.scenes["s2"]["prompt"] += " [lost-response]"
    film.write()
    ended = film.run(*STEP, expect=1)
    (lost,) = [row for row in film.ledger() if row["outcome"] == "unknown"]
    hint = f"s2, attempt 1, {lost['submitted_at']}\n    'character1 walks"
    status = film.do("status", film.run_dir).out
    for shown in (ended.err, status):
        assert "may still come: up to 0.20 USD" in shown
        assert hint in shown
        assert "batchgen resolve " in shown
    assert "in flight, unknown or not stated: up to 0.20 USD" in film.do("plan", film.manifest).out
    assert planned(film)["totals"]["exposure_usd"] == "0.20"
    audit = json.loads(film.do("audit", film.run_dir, "--format=json").out)["total"]
    assert (audit["unknown"], audit["unknown_exposure_usd"], audit["attempts"]) == (1, "0.20", 2)
    (task_id,) = dear.tasks_for(film.scenes["s2"]["prompt"])
    film.do("resolve", film.run_dir, "s2", "--task-id", task_id)
    film.run(*STEP)
    assert planned(film)["totals"]["exposure_usd"] == "0"
    assert {row["task_id"]: row["cost_usd"] for row in film.ledger()} == books(dear)


def books(gateway: Gateway) -> dict[str, str]:
    """What the gateway's own log says of each task's cost."""
    return {
        entry["task_id"]: entry["cost"] for entry in gateway.entries() if entry["event"] == "task" and "cost" in entry
    }


@pytest.mark.parametrize("cost_as", ["string", "number"])
def test_the_books_agree_to_the_last_digit(tmp_path: Path, cost_as: str) -> None:
    rules: list[Entry] = [{"match": "[fail]", "fault": "fail-001028095"}]
    with emulator(tmp_path, *DEAR, f"--cost-as={cost_as}", "--charge-failed", rules=rules) as gateway:
        film = batch(tmp_path, gateway, 5, pricing=PRICE)
        film.scenes["s1"]["prompt"] += " [fail]"
        film.scenes["s2"] |= {"size": "1920*1080", "duration": 7}
        film.write()
        film.run(*STEP, expect=1)
        film.scenes["s3"]["seed"] = 7
        film.write()
        film.run(*STEP, "--retry-failed", expect=1)
        charged = books(gateway)
        ledger = film.ledger()
        assert len(ledger) == 7
        assert {row["task_id"]: row["cost_usd"] for row in ledger} == charged
        total = sum(map(Decimal, charged.values()))
        assert sum(Decimal(row["cost_usd"]) for row in film.report().values()) == total
        (document, by_size) = [
            json.loads(film.do("audit", film.run_dir, "--format=json", *more).out) for more in ([], ["--by=size"])
        ]
        assert Decimal(document["total"]["cost_usd"]) == total
        assert sum(Decimal(group["cost_usd"]) for group in by_size["groups"]) == total
        assert {Decimal(row["discount"]) > 0 for row in ledger} == {True}
        assert "discount" not in document["total"], "they are recorded and added to nothing"
        assert (document["total"]["failed_charged"], document["total"]["failed_not_told"]) == (2, 0)
        wasted = sum(
            Decimal(row["cost_usd"]) for row in ledger if row["superseded"] == "true" or row["outcome"] == "failed"
        )
        assert Decimal(document["total"]["wasted_usd"]) == wasted > 0


def test_a_cost_that_is_not_told_is_unknown_and_not_zero(tmp_path: Path) -> None:
    rules: list[Entry] = [{"match": "[fail]", "fault": "fail-001028095"}]
    with emulator(tmp_path, *DEAR, "--cost-as=none", "--charge-failed", rules=rules) as gateway:
        film = batch(tmp_path, gateway, 2, pricing={"720P": "0.10"})
        film.scenes["s2"]["prompt"] += " [fail]"
        film.write()
        ended = film.run(*STEP, expect=1)
        assert "2 tasks without a stated cost" in ended.err
        assert {row["cost_usd"] for row in film.ledger()} == {""}
        total = json.loads(film.do("audit", film.run_dir, "--format=json").out)["total"]
        assert (total["cost_usd"], total["cost_unknown"], total["failed_not_told"]) == ("0", 2, 1)
        assert total["exposure_usd"] == "0.40"
        document = planned(film)
        assert {scene["charged_usd"] for scene in document["scenes"]} == {None}
        assert (document["totals"]["charged_usd"], document["totals"]["charged_unknown"]) == ("0", 2)
        table = film.do("plan", film.manifest).out
        assert "charged so far: 0.00 USD and 2 amounts that are not known" in table
        status = film.do("status", film.run_dir).out
        assert "2 tasks without a stated cost" in status


def test_failures_of_whose_cost_nothing_is_said_keep_to_the_budget(tmp_path: Path) -> None:
    options = ("--price=720P=0.10", "--cost-as=none", "--charge-failed", "--fault=fail-001028095")
    with emulator(tmp_path, *options) as gateway:
        film = batch(tmp_path, gateway, 5, pricing={"720P": "0.10"}, budget_usd="0.40")
        film.run(*STEP, "--attempts=2", "--max-in-flight=1", expect=4)
        assert len(gateway.created()) == 2
        assert sum(map(Decimal, books(gateway).values())) <= Decimal("0.40")


def test_a_changed_scene_whose_task_still_runs_is_part_of_the_sum(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 1, pricing={"720P": "0.10"}, budget_usd="1")
    film.scenes["s1"]["prompt"] += " [stuck]"
    film.write()
    film.run(*STEP, "--no-wait")
    film.scenes["s1"]["seed"] = 7
    film.write()
    document = planned(film)
    (scene,) = document["scenes"]
    assert (scene["action"], scene["estimated_cost_usd"], scene["charged_usd"]) == ("resume", "0.20", None)
    assert (document["totals"]["estimated_cost_usd"], document["totals"]["budget_left_usd"]) == ("0.20", "0.60")
    assert "1 of these scenes was paid for before and would be paid for again" in film.do("plan", film.manifest).out


def test_the_way_to_go_on_keeps_budget_scenes_and_prices(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 2, pricing={"720P": "0.10"})
    ended = film.run(*STEP, "--budget=0.2", "--scene=s[12]", "--max-in-flight=1", expect=4)
    assert "To go on:" not in ended.err, "the same line would stop again"
    assert "To go on, first raise the budget: with what was spent, all of it needs 0." in ended.words
    (again,) = [line for line in ended.err.splitlines() if line.startswith("  batchgen run ")]
    assert "--budget 0." in again
    assert "--scene 's[12]' --no-download" in again
    assert "raise it with --budget" in film.report()["s2"]["error_message"]
    going = film.run(*STEP, "--budget=9", "--scene=s[12]", "--no-wait")
    (step,) = [line for line in going.err.splitlines() if line.startswith("To go on:")]
    assert "--budget 9 --scene 's[12]' --no-download" in step
    film.run(*STEP, "--scene=s2")
    film.scenes["s1"]["seed"] = 7
    film.write()
    history = ("--run-dir", tmp_path / "again", "--history", film.run_dir)
    del film.settings["pricing"]
    film.write()
    ended = film.run(*STEP, *history, "--budget=9", "--no-wait")
    assert f"--history {film.run_dir}" in ended.err


def test_a_plan_whose_file_goes_while_it_is_carried_out_is_carried_out(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 3, pricing={"720P": "0.10"})
    film.scenes["s2"]["prompt"] += " [lost-response]"
    film.scenes["s3"]["prompt"] += " [stuck]"
    film.write()
    saved = tmp_path / "film.plan"
    film.do("plan", film.manifest, "--scene=s?", "--no-download", "--out", saved)
    with film.started("--plan", saved, "--max-in-flight=1", "--task-timeout=6") as run:
        until(lambda: film.happened("submitted"), run)
        saved.unlink()
        _, told = run.communicate(timeout=60)
    assert run.returncode == 1, told
    assert "3 scenes: 1 completed, 1 unknown, 1 running" in told
    assert "--scene 's?' --no-download" in told


def test_a_task_settles_one_submission_and_no_other(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 2, pricing={"720P": "0.10"})
    film.scenes["s2"]["prompt"] += " [lost-response]"
    film.write()
    film.run(*STEP, expect=1)
    task_id = film.report()["s1"]["task_id"]
    ended = film.do("resolve", film.run_dir, "s2", "--task-id", task_id, expect=2)
    assert f"task {task_id} is that of scene s1, attempt 1, already" in ended.err
    assert film.statuses() == "completed unknown"


def test_an_attempt_from_before_there_were_prices_is_reckoned_with_them(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 1)
    film.scenes["s1"]["prompt"] += " [lost-response]"
    film.write()
    film.run(*STEP, expect=1)
    film.scenes["s2"] = {"prompt": "character1 sits down"}
    film.settings |= {"pricing": {"720P": "0.10"}, "budget_usd": "0.40"}
    film.write()
    assert planned(film)["totals"]["budget_left_usd"] == "0.00"
    film.run(*STEP, expect=1)
    assert film.statuses() == "unknown completed"


def test_sums_of_the_status_hold_what_left_the_manifest(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 2, pricing={"720P": "0.10"})
    film.run(*STEP)
    del film.scenes["s2"]
    film.write()
    film.run(*STEP)
    totals = json.loads(film.do("status", film.run_dir, "--format=json").out)["totals"]
    assert Decimal(totals["cost_usd"]) == 4 * CHARGED
    assert (totals["scenes"], totals["cost_unknown"], totals["exposure_usd"]) == (1, 0, "0")


def test_a_saved_plan_outlasts_a_torn_line_and_holds_for_a_dry_run(tmp_path: Path, dear: Gateway) -> None:
    film = batch(tmp_path, dear, 1, pricing={"720P": "0.10"})
    film.run(*STEP)
    film.scenes["s2"] = {"prompt": "character1 stands up"}
    film.write()
    saved = tmp_path / "film.plan"
    film.do("plan", film.manifest, "--out", saved)
    with film.state.open("ab") as file:
        file.write(b'{"v":1,"event":"run_st')
    film.run("--plan", saved, "--dry-run")
    film.run("--poll-interval=0.1", "--plan", saved)
    assert "state changed since it was saved" in film.run("--plan", saved, "--dry-run", expect=3).err


@pytest.mark.parametrize("amount", ["1e2000", "NaN", "-1", "1,5", "Infinity", "1e-2000"])
def test_a_budget_that_is_no_amount(tmp_path: Path, amount: str) -> None:
    film = batch(tmp_path, "http://127.0.0.1:9", 1, pricing={"720P": "0.10"})
    assert "is not an amount of US dollars" in film.run(f"--budget={amount}", "--dry-run", expect=2).err


def test_a_saved_plan_with_a_history_that_is_no_path(tmp_path: Path) -> None:
    film = batch(tmp_path, "http://127.0.0.1:9", 1, pricing={"720P": "0.10"})
    saved = tmp_path / "film.plan"
    film.do("plan", film.manifest, "--out", saved)
    document = json.loads(saved.read_text(encoding="utf-8"))
    saved.write_text(json.dumps({**document, "history": ["a\0b"]}), encoding="utf-8")
    assert "is not a plan that batchgen has saved" in film.run("--plan", saved, expect=2).err

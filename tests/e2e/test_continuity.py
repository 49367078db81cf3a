"""Scenes that follow from scenes: real processes, real media, and the gateway's log as witness of what it was sent."""

from pathlib import Path

import pytest

from helpers.chains import film, last, order
from helpers.runs import Gateway


def test_a_chain_is_lent_by_a_directory_that_is_named_from_here(
    tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")], "s3": [last("s2")]})
    made.run()
    made.run("--run-dir=other", f"--reuse={made.run_dir.relative_to(tmp_path)}")
    assert len(gateway.posts()) == 3, "stills of what is lent are found, whatever the way to it"


def test_edits_come_at_their_price_and_taking_them_back_is_free(tmp_path: Path, gateway: Gateway) -> None:
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")], "s3": [last("s2")], "alone": []})
    waits = made.plan()["s2"]
    assert (waits["action"], waits["request"], waits["request_sha256"]) == ("wait", None, None)
    assert (waits["waits_for"], waits["estimated_cost_usd"]) == (["s1"], "0.20")
    made.run()
    before = made.scenes["s1"]["prompt"]
    made.scenes["s1"]["prompt"] = before + " edited"
    made.write()
    planned = made.plan()
    assert {name: step["action"] for name, step in planned.items()} == {
        "s1": "submit", "s2": "wait", "s3": "wait", "alone": "done"
    }  # fmt: skip
    assert "since s1 changes" in planned["s2"]["reason"]
    assert [step["paid_before"] for step in planned.values()] == [True] * 4
    made.run()
    made.witness(gateway, 7)
    # What stood there is free again, and what its stills were made of need not be there any more.
    made.scenes["s1"]["prompt"] = before
    made.write()
    for path in (made.run_dir / "frames").iterdir():
        path.unlink()
    assert {step["action"] for step in made.plan().values()} == {"done"}
    made.run()
    made.witness(gateway, 7)


def test_what_fails_or_is_unknown_upstream_keeps_what_follows(tmp_path: Path, gateway: Gateway) -> None:
    made = film(tmp_path, gateway, {"bad": [], "b2": [last("bad")], "b3": [last("b2")],
                                    "lost": [], "l2": [last("lost")], "free": []})  # fmt: skip
    made.scenes["bad"]["prompt"] += " [fail-001028004-string]"
    made.scenes["lost"]["prompt"] += " [lost-response]"
    made.write()
    ended = made.run(expect=1)
    assert made.statuses() == "failed pending pending unknown pending completed"
    rows = made.report()
    assert {rows[name]["error_code"] for name in ("b2", "b3", "l2")} == {"waits_for"}
    assert "bad" in rows["b2"]["error_message"]
    assert "b2" in rows["b3"]["error_message"]
    assert "lost" in rows["l2"]["error_message"]
    assert [rows[name]["request_sha256"] for name in ("b2", "l2")] == ["", ""]
    assert "waits_for" in ended.err + ended.out
    (task,) = gateway.tasks_for(made.scenes["lost"]["prompt"])
    made.do("resolve", made.run_dir, "lost", "--task-id", task)
    made.run(expect=1)
    assert made.statuses() == "failed pending pending completed completed completed"
    made.scenes["bad"]["prompt"] = f"character1 in {tmp_path.name} bad"
    made.write()
    made.run()
    made.witness(gateway, 7)


def test_a_gate_waits_for_a_look_and_a_pick_goes_on(tmp_path: Path, gateway: Gateway) -> None:
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")], "s3": [last("s2")]})
    made.scenes["s1"] |= {"takes": 2, "review": True}
    made.write()
    ended = made.run()
    assert order(gateway) == ["s1", "s1"]
    assert [row["error_code"] for row in made.report().values()] == ["", "", "review", "waits_for"]
    assert "a take of s1 is picked" in made.report()["s2"]["error_message"]
    assert "review" in ended.out + ended.err
    made.do("pick", made.run_dir, "s1-t2")
    made.run()
    assert order(gateway)[2:] == ["s2", "s3"]
    told = made.do("pick", made.run_dir, "s1-t1")
    assert "s2" in told.out + told.err, "what a pick makes anew is said before it is paid for"
    planned = made.plan()
    assert [step["action"] for step in planned.values()] == ["done", "done", "submit", "wait"]
    made.do("pick", made.run_dir, "s1-t2")
    assert {step["action"] for step in made.plan().values()} == {"done"}

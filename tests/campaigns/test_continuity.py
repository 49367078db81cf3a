"""Scenes that follow from scenes, at length: a wide fan, kills, budgets, saved plans, other run directories."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.chains import LONG, digest, film, frames, image_of, is_alike, last, order, result, sent, shown
from helpers.runs import Gateway, csv_rows, emulator, until
from helpers.support import batchgen

pytestmark = pytest.mark.slow
MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    rules = [{"match": f"[{kind}]", "fault": kind} for kind in ("fail-001028004-string", "lost-response")]
    with emulator(tmp_path_factory.mktemp("emulator"), rules=rules) as running:
        yield running


@pytest.fixture
def gateway(shared: Gateway) -> Gateway:
    """An emulator, with the log of this test only."""
    return shared.from_now()


def test_what_the_gateway_gets_is_the_frame_and_the_file(tmp_path: Path, gateway: Gateway) -> None:
    """A chain of five with stills of all kinds and a whole video: each byte of it is told by the gateway's log."""
    made = film(
        tmp_path,
        gateway,
        {
            "s3": [last("s2"), {"scene": "s1"}],
            "s1": [],
            "s2": [{"scene": "s1", "frame": 1.05}, {"scene": "s1", "frame": "first"}],
            "s4": [last("s3")],
            "s5": [last("s4"), {"scene": "s1", "frame": 99}],
        },
    )
    made.scenes["s1"] |= LONG
    made.write()
    ended = made.run()
    assert order(gateway) == ["s1", "s2", "s3", "s4", "s5"]
    assert made.statuses() == " ".join(["completed"] * 5)
    assert "more than 3 results" in ended.err
    (first,), (second,), (third,), (fourth,), (fifth,) = (sent(gateway, made, f"s{n}") for n in range(1, 6))
    of_first = frames(result(made, "s1"))
    at_moment = [frame for frame in of_first if frame.time - of_first[0].time <= 1.05][-1]
    assert is_alike(image_of(made, second[0]), shown(at_moment))
    assert is_alike(image_of(made, second[1]), shown(of_first[0]))
    assert is_alike(image_of(made, third[0]), shown(frames(result(made, "s2"))[-1]))
    assert third[1] == digest(result(made, "s1")) == made.report()["s1"]["video_sha256"]
    assert is_alike(image_of(made, fourth[0]), shown(frames(result(made, "s3"))[-1]))
    assert is_alike(image_of(made, fifth[0]), shown(frames(result(made, "s4"))[-1]))
    assert is_alike(image_of(made, fifth[1]), shown(of_first[-1]))
    assert first == [digest(tmp_path / "hero.png")]
    made.witness(gateway, 5)
    made.run("--strict", expect=3)
    made.run()
    assert len(gateway.posts()) == 5


def test_once_more_by_wish_renews_what_follows_each_once(tmp_path: Path, gateway: Gateway) -> None:
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")], "s3": [last("s2")], "alone": []})
    made.scenes["s1"]["seed"] = "random"
    made.write()
    made.run()
    wanted = ("run", made.manifest, f"--run-dir={made.run_dir}", "--again=s1", f"--base-url={gateway.base_url}")
    table = made.do(*wanted, expect=2, BATCHGEN_API_KEY="k")
    assert "new: 0.60 USD" in table.out + table.err, "all three are counted before anything is paid for"
    made.run("--again=s1")
    made.witness(gateway, 7)
    made.run()
    made.witness(gateway, 7)
    assert order(gateway)[4:] == ["s1", "s2", "s3"]


def test_what_comes_again_with_the_same_bytes_makes_nothing_new(tmp_path: Path, gateway: Gateway) -> None:
    """This gateway draws the same for the same request: what was bought of that is what it would be again."""
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")]})
    made.run()
    made.run("--again=s1")
    assert digest(result(made, "s1", 2)) == digest(result(made, "s1"))
    made.witness(gateway, 3)
    assert made.statuses() == "completed completed"


def test_a_run_directory_of_another_batch_lends_a_whole_chain(tmp_path: Path, gateway: Gateway) -> None:
    made = film(tmp_path, gateway, {"s1": [], "s2": [{"scene": "s1"}], "s3": [last("s2"), {"scene": "s2", "frame": 0}]})
    made.scenes["s1"] |= LONG
    made.write()
    made.run()
    other = tmp_path / "other"
    made.run(f"--run-dir={other}", f"--reuse={made.run_dir}")
    assert len(gateway.posts()) == 3
    assert digest(other / "videos" / "s3.mp4") == digest(result(made, "s3"))
    made.run(f"--run-dir={other}", f"--reuse={made.run_dir}")
    made.run(f"--run-dir={other}")
    assert len(gateway.posts()) == 3


def test_a_wide_fan_and_a_diamond_in_one_run(tmp_path: Path, gateway: Gateway) -> None:
    fan = {f"f{number:02}": [last("s1")] for number in range(50)}
    made = film(
        tmp_path, gateway, {"s1": [], **fan, "d1": [{"scene": "s1", "frame": 0}], "d2": [last("f00"), last("d1")]}
    )
    made.run("--max-in-flight=60")
    made.witness(gateway, 53)
    assert (order(gateway)[0], order(gateway)[-1]) == ("s1", "d2")
    assert made.statuses() == " ".join(["completed"] * 53)
    assert len({sent(gateway, made, name)[0][0] for name in fan}) == 1
    assert len(list((made.run_dir / "frames").iterdir())) == 4, "the last of s1 once, its first, two for the diamond"


def test_a_follower_alone_and_runs_that_bring_nothing_here(tmp_path: Path, gateway: Gateway) -> None:
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")], "s3": [last("s2")]})
    made.run("--scene=s2", expect=1)
    assert gateway.posts() == []
    made.run("--no-wait", expect=1)
    assert (order(gateway), made.statuses()) == (["s1"], "running pending pending")
    made.run("--no-download", "--scene=s1")
    made.run("--scene=s2", expect=1)
    assert order(gateway) == ["s1"]
    made.run("--scene=s1")
    made.run("--scene=s2")
    assert (order(gateway), made.report()["s2"]["status"]) == (["s1", "s2"], "completed")
    made.run()
    made.witness(gateway, 3)


def test_the_budget_stops_in_the_middle_of_a_chain(tmp_path: Path, gateway: Gateway) -> None:
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")], "s3": [last("s2")]})
    made.run("--budget=0.30", expect=4)
    assert [row["error_code"] for row in made.report().values()] == ["", "budget", "waits_for"]
    assert "s2" in made.report()["s3"]["error_message"]
    made.run("--budget=0.60")
    made.witness(gateway, 3)


@pytest.mark.parametrize("moment", ["request_made", "submitting"])
def test_killed_in_between_it_goes_on_and_buys_nothing_twice(tmp_path: Path, gateway: Gateway, moment: str) -> None:
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")], "s3": [last("s2")]})

    def has_come() -> bool:
        return any(entry["event"] == moment and entry.get("scene_id") == "s2" for entry in made.journal())

    with made.started() as run:
        until(has_come, run)
        run.send_signal(signal.SIGKILL)
        run.wait()
    ended = made.run(expect=None)
    if made.report()["s2"]["status"] == "unknown":
        assert ended.code == 1
        tasks = gateway.tasks_for(made.scenes["s2"]["prompt"])
        made.do("resolve", made.run_dir, "s2", *(["--task-id", tasks[0]] if tasks else ["--not-created"]))
        made.run()
    assert made.statuses() == "completed completed completed"
    assert sorted(order(gateway)) == ["s1", "s2", "s3"]


def test_a_result_that_is_gone_is_fetched_before_anything_is_built_on_it(tmp_path: Path, gateway: Gateway) -> None:
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")]})
    made.run("--scene=s1")
    for path in (result(made, "s1"), made.run_dir / "videos" / "s1.mp4"):
        path.unlink()
    made.run()
    made.witness(gateway, 2)
    assert is_alike(image_of(made, sent(gateway, made, "s2")[0][0]), shown(frames(result(made, "s1"))[-1]))


def test_a_saved_plan_fixes_what_a_chain_is_made_of(tmp_path: Path, gateway: Gateway) -> None:
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")], "s3": [last("s2")]})
    made.run("--scene=s1")
    saved = tmp_path / "plan.json"
    made.do("plan", made.manifest, f"--run-dir={made.run_dir}", f"--out={saved}")
    by_plan: Callable[..., Any] = lambda expect: made.do(  # noqa: E731 - one line
        "run", made.manifest, f"--run-dir={made.run_dir}", f"--plan={saved}", f"--base-url={gateway.base_url}",
        "--poll-interval=0.1", "--no-progress", expect=expect, BATCHGEN_API_KEY="k",
    )  # fmt: skip
    made.do("pick", made.run_dir, "s1@1")
    assert "does not hold any more" in by_plan(3).err
    assert order(gateway) == ["s1"]
    made.do("plan", made.manifest, f"--run-dir={made.run_dir}", f"--out={saved}")
    by_plan(0)
    assert order(gateway) == ["s1", "s2", "s3"]


def test_the_example_is_rehearsed_up_to_the_pick_and_on(tmp_path: Path) -> None:
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    manifest, run_dir = tmp_path / "manifests" / "chain.yaml", tmp_path / "runs"
    rehearse = ("run", manifest, "--emulator", f"--run-dir={run_dir}", "--poll-interval=0.2", "--strict")
    assert batchgen(*rehearse).code == 0
    rows = csv_rows(run_dir / "report.csv")
    assert [row["error_code"] for row in rows] == ["", "", "", "", "review"]
    assert batchgen("pick", run_dir, "casting-t2").code == 0
    assert batchgen(*rehearse).code == 0
    assert {row["status"] for row in csv_rows(run_dir / "report.csv")} == {"completed"}
    page = (run_dir / "report.html").read_text(encoding="utf-8")
    assert '<a href="#casting-t2">casting-t2, frame at 2.5 s</a>' in page
    assert '<a href="#harbour">harbour, last frame</a>' in page
    exported = batchgen("export", run_dir, "--format=csv", f"--out={tmp_path / 'manifests' / 'shots.csv'}")
    assert exported.code == 0, exported.err
    read_back = batchgen("import", "shots.csv", "--out", "again.yaml", folder=tmp_path / "manifests")
    assert read_back.code == 0, read_back.err
    assert "{scene: casting-t2, frame: 2.5}" in (tmp_path / "manifests" / "again.yaml").read_text(encoding="utf-8")


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


def test_what_is_known_only_in_the_course_of_a_run_is_linked_in_from_elsewhere(
    tmp_path: Path, gateway: Gateway
) -> None:
    """The source is bought anew, with the same bytes; what was built on it elsewhere is what is asked for then."""
    made = film(tmp_path, gateway, {"s1": [], "s2": [last("s1")], "s3": [last("s2")]})
    made.run()
    for path in (result(made, "s1"), made.run_dir / "videos" / "s1.mp4"):
        path.unlink()
    other = tmp_path / "other"
    ended = made.run(f"--run-dir={other}", f"--reuse={made.run_dir}")
    assert order(gateway)[3:] == ["s1"]
    assert f"bought again: s1 ({made.run_dir}:s1@1)" in ended.err
    rows = csv_rows(other / "report.csv")
    assert [row["reused_from"] for row in rows] == ["", f"{made.run_dir}:s2@1", f"{made.run_dir}:s3@1"]
    assert [row["cost_usd"] for row in rows] == ["0.20", "0", "0"]
    made.run(f"--run-dir={other}")
    assert len(gateway.posts()) == 4

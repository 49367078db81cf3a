"""What a run does with each scene, from the first run to the tenth: the gateway's log is the witness."""

import json
import shutil
from decimal import Decimal
from pathlib import Path

import av
import pytest
from jsonschema import Draft202012Validator

from batchgen.report.rows import LEDGER_COLUMNS, REPORT_COLUMNS

from helpers.runs import KEY, PRICES, Batch, Gateway, batch, csv_rows
from helpers.support import write_image

CONTRACT_REPORT = (
    "scene_id, status, error_code, error_message, task_id, job_id, model, size, tier, duration_s, seed, attempts, "
    "estimated_cost_usd, cost_usd, discount, submitted_at, finished_at, elapsed_s, video_url, video_path, "
    "video_sha256, request_sha256, shot, take, picked, reused_from, title, prompt"
)
CONTRACT_LEDGER = (
    "scene_id, attempt, outcome, task_id, request_sha256, model, size, duration_s, seed, submitted_at, finished_at, "
    "estimated_cost_usd, cost_usd, discount, error_code, error_message, superseded, result_path, result_sha256"
)
UTC = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.mark.parametrize("form", ["documented", "params"])
def test_all_goes_well(tmp_path: Path, gateway: Gateway, form: str) -> None:
    film = batch(tmp_path, gateway, 3, pricing=PRICES)
    ended = film.run("--request-format", form)
    assert ended.out == ""
    assert "3 scenes: 3 completed" in ended.err
    assert "charged so far: 0.60 USD" in ended.err
    film.witness(gateway, 3)
    assert {entry["format"] for entry in gateway.posts()} == {form}
    report = film.report()
    assert list(report) == ["s1", "s2", "s3"]
    for row in report.values():
        assert (row["status"], row["error_code"], row["attempts"]) == ("completed", "", "1")
        assert (row["size"], row["tier"], row["duration_s"]) == ("960*960", "720P", "2")
        assert (row["estimated_cost_usd"], row["cost_usd"]) == ("0.20", "0.20")
        with av.open(film.run_dir / row["video_path"]) as video:
            assert (video.streams.video[0].width, video.streams.video[0].height) == (960, 960)
    heads = [(film.run_dir / name).read_bytes().split(b"\r\n")[0].decode() for name in ("report.csv", "ledger.csv")]
    assert heads == [CONTRACT_REPORT.replace(" ", ""), CONTRACT_LEDGER.replace(" ", "")]
    assert heads == [",".join(REPORT_COLUMNS), ",".join(LEDGER_COLUMNS)]


def test_run_again_asks_the_gateway_nothing(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    film.run()
    asked = len(gateway.entries())
    reports = [(film.run_dir / name).read_bytes() for name in ("report.csv", "ledger.csv")]
    assert {step["action"] for step in film.plan().values()} == {"done"}
    film.run()
    assert len(gateway.entries()) == asked
    assert [(film.run_dir / name).read_bytes() for name in ("report.csv", "ledger.csv")] == reports


def test_an_edited_scene_is_run_again_and_no_other(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3, pricing=PRICES)
    film.run()
    before = film.report()
    film.scenes["s2"]["prompt"] += ", slowly"
    film.write()
    plan = film.plan()
    assert [step["action"] for step in plan.values()] == ["done", "submit", "done"]
    assert plan["s2"]["changed"] == ["input.prompt"]
    assert plan["s2"]["paid_before"] is True
    shown = film.do("plan", film.manifest).out
    assert "prompt changed; paid for again\n    - " in shown
    assert "1 of these scenes was paid for before and would be paid for again" in shown
    film.run()
    film.witness(gateway, 4)
    assert gateway.prompts().count(film.scenes["s2"]["prompt"]) == 1
    after = film.report()
    assert {name for name in after if after[name] != before[name]} == {"s2"}
    assert after["s2"]["attempts"] == "2"
    assert after["s2"]["cost_usd"] == "0.40"
    assert [row["superseded"] for row in film.ledger() if row["scene_id"] == "s2"] == ["true", "false"]


def test_other_bytes_under_the_same_name_are_another_scene(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    write_image(tmp_path / "dog.png", color=(1, 2, 3))
    film.scenes["s2"]["references"] = ["dog.png"]
    film.write()
    film.run()
    write_image(tmp_path / "dog.png", color=(4, 5, 6))
    plan = film.plan()
    assert (plan["s1"]["action"], plan["s2"]["action"]) == ("done", "submit")
    assert plan["s2"]["changed"] == ["input.reference_urls"]
    film.run()
    film.witness(gateway, 3)
    assert gateway.prompts()[-1] == film.scenes["s2"]["prompt"]


def test_another_name_for_the_same_bytes_changes_nothing(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    film.run()
    (tmp_path / "hero.png").rename(tmp_path / "heroine.png")
    film.references = ["heroine.png"]
    film.write()
    asked = len(gateway.entries())
    film.run()
    assert len(gateway.entries()) == asked
    assert film.statuses() == "completed completed"


def test_only_the_scenes_that_are_named(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3)
    film.run("--scene", "s[12]", "--scene", "s2")
    assert film.statuses() == "completed completed pending"
    film.witness(gateway, 2)
    assert "no scene matches x*" in film.run("--scene", "x*", expect=2).err
    film.run()
    film.witness(gateway, 3)


def test_a_scene_that_was_removed_stays_in_the_ledger(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    film.run()
    del film.scenes["s1"]
    film.write()
    film.run()
    assert list(film.report()) == ["s2"]
    assert [(row["scene_id"], row["superseded"]) for row in film.ledger()] == [("s1", "true"), ("s2", "false")]
    film.witness(gateway, 2)
    assert json.loads(film.do("status", film.run_dir, "--format=json").out)["totals"]["scenes"] == 1


FAILURES = {
    "fail-001028095-object": "001028095",
    "fail-001028004-string": "1028004",
    "fail-001028095-int": "1028095",
    "fail-none": "task_failed",
}
"""Faults, and what their rows tell of the code. A number has no zeros at its head."""


def test_failures_keep_their_codes_and_are_bought_again_only_on_demand(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1 + len(FAILURES))
    for name, kind in zip(list(film.scenes)[1:], FAILURES, strict=True):
        film.scenes[name]["prompt"] += f" [{kind}]"
    film.write()
    ended = film.run(expect=1)
    assert film.statuses() == "completed failed failed failed failed"
    rows = list(film.report().values())
    assert (rows[0]["error_code"], rows[0]["error_message"]) == ("", "")
    for row, code in zip(rows[1:], FAILURES.values(), strict=True):
        assert code in f"{row['error_code']}: {row['error_message']}"
    assert "Internal generation error" in ended.err
    assert all(row["error_message"] for row in film.ledger()[1:])
    film.witness(gateway, 5)
    film.run(expect=1)
    film.witness(gateway, 5)
    film.run("--retry-failed", "--scene=s3", expect=1)
    film.witness(gateway, 6)
    assert film.report()["s3"]["attempts"] == "2"


def test_more_than_one_paid_attempt_where_that_is_wanted(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.scenes["s1"]["prompt"] += " [fail-001028095-object]"
    film.write()
    film.run("--attempts=2", expect=1)
    film.witness(gateway, 2)


def test_submitted_now_and_collected_later(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    film.run("--no-wait")
    assert film.statuses() == "running running"
    assert gateway.downloads() == []
    film.witness(gateway, 2)
    assert {step["action"] for step in film.plan().values()} == {"resume"}
    film.run()
    assert film.statuses() == "completed completed"
    film.witness(gateway, 2)


def test_bought_now_and_downloaded_later(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    film.run("--no-download")
    assert film.statuses() == "completed completed"
    assert gateway.downloads() == []
    assert {row["video_path"] for row in film.report().values()} == {""}
    assert {step["action"] for step in film.plan().values()} == {"download"}
    film.run()
    assert all((film.run_dir / row["video_path"]).is_file() for row in film.report().values())
    film.witness(gateway, 2)


def test_a_video_that_was_deleted_is_fetched_again(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    film.run()
    video, result = film.run_dir / "videos" / "s2.mp4", film.run_dir / "results" / "s2@1.mp4"
    content = video.read_bytes()
    video.unlink()
    film.do("report", film.run_dir)
    assert video.read_bytes() == content, "the view is made anew from what is kept"
    video.unlink()
    result.unlink()
    assert [step["action"] for step in film.plan().values()] == ["done", "download"]
    film.run()
    assert video.read_bytes() == content
    assert len(gateway.downloads()) == 3
    film.witness(gateway, 2)


def test_results_that_arrive_in_spite_of_all(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    film.scenes["s1"]["prompt"] += " [expired-url]"
    film.scenes["s2"]["prompt"] += " [truncated-result]"
    film.write()
    film.run()
    film.witness(gateway, 2)
    assert max(entry["status"] for entry in gateway.downloads()) in (403, 404, 410)
    assert any(entry.get("range") for entry in gateway.downloads())


def test_results_that_are_wrong_or_do_not_arrive_cost_nothing_again(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, pricing=PRICES)
    film.scenes["s1"]["prompt"] += " [wrong-size-result]"
    film.scenes["s2"]["prompt"] += " [result-404]"
    film.write()
    ended = film.run(expect=1)
    report = film.report()
    assert [(row["status"], row["error_code"], row["cost_usd"]) for row in report.values()] == [
        ("failed", "media_mismatch", "0.20"),
        ("failed", "download_failed", "0.20"),
    ]
    assert "960*960 was asked for" in report["s1"]["error_message"]
    assert report["s1"]["video_path"] == "", "what is wrong is no video of the scene"
    assert (film.run_dir / film.ledger()[0]["result_path"]).is_file(), "and is kept"
    assert not (film.run_dir / "videos" / "s1.mp4").exists()
    assert "The next run fetches it without paying" in ended.words
    assert "960*960 was asked for" in ended.words, "what differs is told"
    plan = film.plan()
    assert (plan["s1"]["action"], plan["s2"]["action"]) == ("failed", "download")
    asked = len(gateway.downloads())
    film.run(expect=1)
    assert len(gateway.downloads()) > asked
    film.witness(gateway, 2)
    film.run("--retry-failed", expect=1)
    film.witness(gateway, 3)
    assert gateway.prompts()[-1] == film.scenes["s1"]["prompt"]


def test_an_edit_that_was_refused_and_taken_back_costs_nothing(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.run()
    before, prompt = film.report()["s1"], film.scenes["s1"]["prompt"]
    film.scenes["s1"]["prompt"] += " [code-001028001]"
    film.write()
    film.run(expect=1)
    assert film.report()["s1"]["error_code"] == "001028001"
    film.scenes["s1"]["prompt"] = prompt
    film.write()
    assert film.plan()["s1"]["action"] == "done"
    film.run()
    assert film.report()["s1"] == before
    (film.run_dir / "results" / "s1@1.mp4").unlink()
    film.run()
    assert film.report()["s1"] == before
    assert (film.run_dir / "videos" / "s1.mp4").is_file()
    assert len(gateway.created()) == len(film.ledger()) == 1


def test_a_task_that_outlasts_the_run_stays_running(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.scenes["s1"]["prompt"] += " [stuck]"
    film.write()
    for _ in range(2):
        ended = film.run("--task-timeout=0.6", expect=1)
        assert film.statuses() == "running"
        assert film.report()["s1"]["error_code"] == "task_timeout"
        assert "the next run waits for it again" in ended.words
    film.witness(gateway, 1)


def test_the_reports_come_from_the_journal_alone(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3, pricing=PRICES)
    film.scenes["s2"]["prompt"] += " [lost-response]"
    film.scenes["s3"]["prompt"] += " [fail-001028004-string]"
    film.write()
    film.run(expect=1)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(film.state, alone)
    film.do("report", alone)
    assert [row["status"] for row in csv_rows(alone / "report.csv")] == ["running", "unknown", "failed"], (
        "no file is here"
    )
    shutil.copytree(film.run_dir / "results", alone / "results")
    film.do("report", alone)
    for name in ("report.csv", "ledger.csv"):
        assert (alone / name).read_bytes() == (film.run_dir / name).read_bytes()
    assert sorted(path.name for path in alone.iterdir()) == [
        *("ledger.csv", "posters", "report.csv", "report.html", "results", "state.jsonl", "videos"),
    ]
    status = film.do("status", alone, "--format=json").out
    rows = json.loads(status)["scenes"]
    csv_texts = [{name: value or "" for name, value in row.items()} for row in csv_rows(alone / "report.csv")]
    assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows] == csv_texts


def test_json_is_one_object_with_exact_amounts(tmp_path: Path, gateway: Gateway) -> None:
    prices = {"720P": "0.1000000001"}
    film = batch(tmp_path, gateway, pricing=prices)
    film.scenes["s2"]["duration"] = 3
    film.write()
    planned = film.do("plan", film.manifest, "--format=json")
    assert planned.err == ""
    document = json.loads(planned.out)
    assert list(document) == ["scenes", "removed", "totals"]
    assert [step["estimated_cost_usd"] for step in document["scenes"]] == [
        "0.2000000002",
        "0.3000000003",
    ]
    assert document["totals"]["estimated_cost_usd"] == "0.5000000005"
    assert document["scenes"][0]["request"]["input"]["prompt"] == film.scenes["s1"]["prompt"]
    assert film.do("plan", film.manifest, "--format=json").out == planned.out
    described("plan", film).validate(document)
    assert not film.run_dir.exists()
    film.run()
    stands = json.loads(film.do("status", film.run_dir, "--format=json").out)
    described("status", film).validate(stands)
    assert list(stands["scenes"][0]) == list(REPORT_COLUMNS)
    assert [row["cost_usd"] for row in stands["scenes"]] == ["0.20", "0.30"]
    assert stands["totals"]["cost_usd"] == "0.50"
    assert sum(Decimal(row["estimated_cost_usd"]) for row in film.ledger()) == Decimal("0.5000000005")


def described(name: str, film: Batch) -> Draft202012Validator:
    """The shipped schema of a JSON output."""
    return Draft202012Validator(json.loads(film.do("schema", name).out))


def test_the_key_is_in_no_file(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    film.scenes["s2"]["prompt"] += " [fail-001028004-string]"
    film.write()
    film.run(expect=1)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 6
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    (film.run_dir / "batchgen.log").read_text(encoding="utf-8").index("scene s1: task ")


def test_a_key_from_a_file(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    (tmp_path / "key").write_text(f"{KEY}\n")
    film.run("--api-key-file", tmp_path / "key", BATCHGEN_API_KEY="")
    film.witness(gateway, 1)

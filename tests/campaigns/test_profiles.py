"""Draft and final in one run directory: what is bought, shown and kept, and what going back costs."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import batchgen

from helpers.support import in_process, write_image

TEXT = """\
version: 1
name: film
profiles:
  draft: {size: 1280*720, duration: 2, watermark: true, takes: 2}
  final: {size: 1920*1080, duration: 3}
pricing: {720P: "0.10", 1080P: "0.15"}
budget_usd: "20.00"
scenes:
  - {id: s01, prompt: character1 walks, references: [hero.png]}
  - {id: s02, prompt: character1 waits, references: [hero.png], takes: 1}
"""
RUN_DIR = Path("runs", "film-rehearsal")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "hero.png")
    Path("film.yaml").write_text(TEXT)


def run(*more: str, code: int = 0) -> str:
    ended = in_process("run", "film.yaml", "--emulator", "--poll-interval", "0.05", "--no-progress", *more)
    assert ended.code == code, ended.err
    return ended.err


def plan(profile: str, *more: str) -> dict[str, Any]:
    ended = in_process("plan", "film.yaml", "--emulator", "--format", "json", "--profile", profile, *more)
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found


def actions(found: dict[str, Any]) -> dict[str, str]:
    return {scene["scene_id"]: scene["action"] for scene in found["scenes"]}


def rows(name: str) -> list[dict[str, str]]:
    with (RUN_DIR / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_profile(found: dict[str, Any]) -> dict[str, str]:
    return {name: cost["estimated_cost_usd"] for name, cost in found["totals"]["profiles"].items()}


def test_a_take_of_the_draft_is_picked_from_wherever_the_last_run_was(tmp_path: Path) -> None:
    run("--profile", "draft")
    run("--profile", "final")
    directory, picks = str(tmp_path / RUN_DIR), tmp_path / "picks.txt"
    assert in_process("pick", directory, "s01-t2").code == 0
    seeds = {scene["scene_id"]: scene.get("seed_of") for scene in plan("final")["scenes"]}
    assert seeds["s01"] == "s01-t2"
    picks.write_text(in_process("pick", directory).out, encoding="utf-8")
    assert picks.read_text(encoding="utf-8").split()[-1] == "s01-t2"
    assert in_process("pick", directory, "--clear", "s01").code == 0
    assert in_process("pick", directory, "--from", str(picks)).code == 0
    assert in_process("pick", directory).out.split()[-1] == "s01-t2"
    assert in_process("pick", directory, "s01-t9").code == 2


def test_from_a_draft_to_the_final_and_back() -> None:
    assert by_profile(plan("draft")) == {"draft": "0.60", "final": "0.90"}
    assert by_profile(plan("draft", "--scene", "s01-t2")) == {"draft": "0.20", "final": "0"}
    assert "3 scenes of profile draft: 3 completed" in run("--profile", "draft")
    drafted = {row["scene_id"]: row for row in rows("report.csv")}
    page = (RUN_DIR / "report.html").read_text(encoding="utf-8")
    assert "profile draft" in page
    assert in_process("pick", str(RUN_DIR), "s01-t2").code == 0

    ahead = plan("final", "--out", "final.json")
    assert (actions(ahead), by_profile(ahead)) == ({"s01": "submit", "s02": "submit"}, {"draft": "0", "final": "0.90"})
    first = ahead["scenes"][0]
    assert (first["seed_of"], str(first["request"]["parameters"]["seed"])) == ("s01-t2", drafted["s01-t2"]["seed"])
    table = in_process("plan", "film.yaml", "--emulator", "--profile", "final").words
    assert "seed of s01-t2, which is picked" in table
    assert "by profile: draft 0.00 USD · final 0.90 USD (this plan)" in table
    assert "was saved with another --profile" in run("--plan", "final.json", "--profile", "draft", code=2)
    assert "2 scenes of profile final: 2 completed" in run("--plan", "final.json")

    final = {row["scene_id"]: row for row in rows("report.csv")}
    assert {name: row["size"] for name, row in final.items()} == {"s01": "1920*1080", "s02": "1920*1080"}
    assert final["s01"]["seed"] == drafted["s01-t2"]["seed"]
    status = json.loads(in_process("status", str(RUN_DIR), "--format", "json").out)
    assert (status["totals"]["profile"], status["totals"]["cost_usd"]) == ("final", "1.50")
    ledger = rows("ledger.csv")
    assert [row["scene_id"] for row in ledger if row["size"] == "1280*720"] == ["s01-t1", "s01-t2", "s02"]
    assert {row["superseded"] for row in ledger} == {"false"}, "each is of use in its profile"
    assert ahead["removed"] == []

    back = plan("draft")
    assert set(actions(back).values()) == {"done"}
    assert by_profile(back) == {"draft": "0", "final": "0"}
    assert "3 scenes of profile draft: 3 completed" in run("--profile", "draft")
    again = {row["scene_id"]: row for row in rows("report.csv")}
    assert [(row["scene_id"], row["picked"]) for row in again.values()] == [
        ("s01-t1", ""),
        ("s01-t2", "yes"),
        ("s02", ""),
    ]
    assert {name: row["video_sha256"] for name, row in again.items()} == {
        name: row["video_sha256"] for name, row in drafted.items()
    }
    assert {row["superseded"] for row in rows("ledger.csv")} == {"false"}
    assert len(list((RUN_DIR / "results").glob("*.mp4"))) == 5
    assert set(actions(plan("final")).values()) == {"done"}
    audit = json.loads(in_process("audit", str(RUN_DIR), "--rehearsals", "--format", "json").out)
    assert audit["rehearsal"]["total"]["cost_usd"] == "1.50"


def test_where_the_profile_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def sizes() -> set[str]:
        ended = in_process("plan", "film.yaml", "--format", "json")
        assert ended.code == 0, ended.err
        return {scene["request"]["parameters"]["size"] for scene in json.loads(ended.out)["scenes"]}

    Path("film.yaml").write_text(f"{TEXT}run: {{profile: draft}}\n")
    assert sizes() == {"1280*720"}
    monkeypatch.setenv("BATCHGEN_PROFILE", "final")
    assert sizes() == {"1920*1080"}
    assert set(actions(plan("draft"))) == {"s01-t1", "s01-t2", "s02"}
    monkeypatch.setenv("BATCHGEN_PROFILE", "fnal")
    ended = in_process("plan", "film.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "there is no profile 'fnal'; there is draft and final" in ended.err


def test_a_profile_with_errors_costs_nobody_knows_what() -> None:
    Path("film.yaml").write_text(TEXT.replace(', 1080P: "0.15"', ""))
    found = plan("draft")
    assert by_profile(found) == {"draft": "0.60", "final": None}
    table = in_process("plan", "film.yaml", "--emulator", "--profile", "draft").words
    assert "final cannot be run as it is (batchgen validate says why)" in table
    assert in_process("validate", "film.yaml", "--profile", "draft").code == 0
    assert "(profile final, and without a profile)" in in_process("validate", "film.yaml").err


def test_a_program_names_the_profile() -> None:
    made = batchgen.plan("film.yaml", profile="draft", emulator=True)
    assert made.batch.manifest.profile == "draft"
    assert made.profile_costs is not None
    assert {name: str(cost.new.usd) for name, cost in made.profile_costs.items() if cost.new} == {
        "draft": "0.60",
        "final": "0.90",
    }
    with pytest.raises(batchgen.UsageError, match="there is no profile 'x'"):
        batchgen.load_manifest("film.yaml", profile="x")
    with pytest.raises(batchgen.UsageError, match="profile is a text"):
        batchgen.load_manifest("film.yaml", profile=5)  # type: ignore[arg-type] # what is tested
    with pytest.raises(batchgen.UsageError, match="profile: said too late"):
        batchgen.run(made, profile="final")

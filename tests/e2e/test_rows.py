"""The example with rows, as its user goes: rehearsed, a cell edited, rows moved, exported and read back."""

import json
import shutil
from pathlib import Path

import pytest

from helpers.support import in_process

ROOT = Path(__file__).parents[2]
QUICK = ("--emulator", "--poll-interval", "0.05", "--no-progress")


def actions(*more: str) -> dict[str, str]:
    ended = in_process("plan", "rows.yaml", "--emulator", "--format", "json", *more)
    assert ended.code == 0, ended.err
    return {scene["scene_id"]: scene["action"] for scene in json.loads(ended.out)["scenes"]}


def test_the_example_with_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "manifests"
    shutil.copytree(ROOT / "manifests", folder, ignore=shutil.ignore_patterns("runs"))
    monkeypatch.chdir(folder)
    rows = Path("rows.csv")
    first = in_process("run", "rows.yaml", *QUICK, "--scene", "sale-lamp")
    assert first.code == 0, first.err
    assert in_process("plan", "rows.yaml", "--emulator", "--out", "plan.json").code == 0
    header, *lines = rows.read_text().splitlines()
    rows.write_text("\n".join([header, *reversed(lines)]))
    moved = actions()
    assert list(moved) == ["sale-gull", "sale-portrait", "sale-boat", "sale-lamp", "end"]
    assert [name for name, action in moved.items() if action == "done"] == ["sale-lamp"]
    rows.write_text(rows.read_text().replace("a brass lamp", "a lamp of glass"))
    assert actions() == {**moved, "sale-lamp": "submit"}
    refused = in_process("run", "rows.yaml", *QUICK, "--plan", "plan.json")
    assert refused.code == 3
    assert "manifest and references changed since it was saved" in " ".join(refused.err.split())
    exported = in_process("export", "runs/rows-rehearsal", "--format", "csv", "--out", "shots.csv")
    assert exported.code == 0, exported.err
    assert in_process("import", "shots.csv", "--out", "read-back.yaml").code == 0
    read_back = Path("read-back.yaml").read_text()
    assert "id: sale-lamp" in read_back
    assert "character1 on a table in the lighthouse: a brass lamp." in read_back
    rows.write_text(rows.read_text().replace(",4100,", ",forty,"))
    wrong = in_process("run", "rows.yaml", *QUICK)
    assert wrong.code == 3
    assert 'rows.csv:5:D: seed cannot be "forty"; write a whole number, or random' in wrong.err

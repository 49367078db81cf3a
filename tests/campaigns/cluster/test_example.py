"""The example of docs/cluster.md, as it stands there but for its port, which another process may have."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.pages_commands import ROOT, blocks, garden, run
from helpers.runs import Gateway, csv_rows
from helpers.servers import free_port

pytest.importorskip("distributed")


def test_the_example(tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "garden").mkdir()
    garden(tmp_path / "garden", gateway)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    (script,) = blocks(ROOT / "docs" / "cluster.md")
    port = str(free_port())
    run(replace(script, text=script.text.replace("18786", port)), tmp_path / "garden", gateway)
    rows = csv_rows(tmp_path / "garden" / "runs" / "clustered" / "report.csv")
    done = [row["scene_id"] for row in rows if row["status"] == "completed"]
    assert done == ["s01", "s02-t1", "s02-t2"]
    logged = (tmp_path / "garden" / "runs" / "clustered" / "batchgen.log").read_text(encoding="utf-8")
    assert f"processes of the cluster at tcp://127.0.0.1:{port}: " in logged
    assert "done here" not in logged

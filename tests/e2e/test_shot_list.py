"""From a spreadsheet to videos, as a producer goes: the list, its wrong cell, the manifest, the rehearsal."""

from pathlib import Path

from helpers.runs import csv_rows
from helpers.shot_lists import FORTY, as_csv
from helpers.support import batchgen, write_image


def test_a_list_is_imported_and_rehearsed(tmp_path: Path) -> None:
    write_image(tmp_path / "hero.png")
    rows = [list(row) for row in FORTY]
    rows[2][4] = "drei Sekunden"
    (tmp_path / "shots.csv").write_bytes(as_csv(rows, ";"))
    wrong = batchgen("import", "shots.csv", "--out", "film.yaml", folder=tmp_path)
    assert (wrong.code, wrong.out) == (3, "")
    assert wrong.err.startswith('shots.csv:3:E: duration has to be a whole number, not "drei Sekunden"')
    rows[2][4] = "2"
    (tmp_path / "shots.csv").write_bytes(as_csv(rows, ";"))
    made = batchgen("import", "shots.csv", "--out", "film.yaml", folder=tmp_path)
    assert made.code == 0, made.err
    assert made.err.endswith(
        "wrote film.yaml: 40 shots\n\nNow rehearse it, free:\n  batchgen run film.yaml --emulator\n"
    )
    run = batchgen("run", "film.yaml", "--emulator", "--scene", "0[12]0", "--poll-interval", "0.2", folder=tmp_path)
    assert run.code == 0, run.err
    report = csv_rows(tmp_path / "runs" / "film-rehearsal" / "report.csv")
    assert [row["scene_id"] for row in report if row["status"] == "completed"] == ["010", "020"]
    assert report[1]["prompt"] == "character1 läuft; 20. Schritt"
    modes = {(tmp_path / name).stat().st_mode for name in ("film.yaml", "shots.csv")}
    assert len(modes) == 1, "the manifest is the user's own, to be shared as the list is"

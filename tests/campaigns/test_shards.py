"""Several coordinators for one film, without a shared disk: docs/scale.md as it stands, and two at the same time."""

import json
import shutil
from decimal import Decimal
from pathlib import Path

from helpers.pages_commands import ROOT, blocks, garden, run
from helpers.runs import batch, csv_rows, emulator


def test_the_examples(tmp_path: Path) -> None:
    rules = [{"match": "[lost-response]", "fault": "lost-response"}]
    with emulator(tmp_path, "--latency=0.1-0.3", rules=rules) as gateway:
        (tmp_path / "film").mkdir()
        garden(tmp_path / "film", gateway)
        here = gateway.from_now()
        for block in blocks(ROOT / "docs" / "scale.md"):
            run(block, tmp_path / "film", here)
        assert len(here.posts()) == 5, "three and one on two machines, one in the job; none for what is linked in"
    reported = {row["scene_id"]: row for row in csv_rows(tmp_path / "film" / "garden-report" / "report.csv")}
    done = [name for name, row in reported.items() if row["status"] == "completed"]
    assert done == ["s01", "s02-t1", "s02-t2", "s05"]
    assert reported["s07"]["status"] == "pending"
    assert (tmp_path / "film" / "garden-report" / reported["s05"]["video_path"]).is_file()
    assert "<video" in (tmp_path / "film" / "garden-report" / "report.html").read_text(encoding="utf-8")


def test_two_at_the_same_time_are_one_film_in_the_end(tmp_path: Path) -> None:
    with emulator(tmp_path, "--latency=0.3-0.6") as gateway:
        (tmp_path / "film").mkdir()
        film = batch(tmp_path / "film", gateway, 8)
        here, parts = gateway.from_now(), [film.folder / "one", film.folder / "two"]
        shards = [["--scene=s[1-4]", f"--run-dir={parts[0]}"], ["--scene=s[5-8]", f"--run-dir={parts[1]}"]]
        with film.started(*shards[0]) as one, film.started(*shards[1]) as two:
            assert (one.wait(60), two.wait(60)) == (0, 0)
        assert len(here.posts()) == len(here.created()) == 8
        film.do("report", "--merge", *parts, "--out", film.folder / "all")
        rows = csv_rows(film.folder / "all" / "report.csv")
        assert [row["status"] for row in rows] == ["completed"] * 8
        ledger = csv_rows(film.folder / "all" / "ledger.csv")
        assert {row["task_id"] for row in ledger} == {entry["task_id"] for entry in here.created()}
        audited = json.loads(film.do("audit", *parts, "--format=json").out)
        assert Decimal(audited["total"]["cost_usd"]) == sum(Decimal(row["cost_usd"]) for row in ledger)
        copy = Path(shutil.copytree(parts[0], film.folder / "copy"))
        shutil.rmtree(copy / "results")
        film.do("report", "--merge", copy, *parts, "--out", film.folder / "lost")
        rows = csv_rows(film.folder / "lost" / "report.csv")
        assert [row["status"] for row in rows] == ["completed"] * 8, "another directory has what a copy has lost"
        film.run(*(f"--reuse={part}" for part in parts))
        assert film.statuses() == " ".join(["completed"] * 8)
        assert len(here.posts()) == 8, "nothing was bought again"
        film.do("report", "--merge", film.run_dir, *parts, "--out", film.folder / "again")
        assert len(csv_rows(film.folder / "again" / "ledger.csv")) == 8, "what is linked in is not listed twice"


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with emulator(tmp_path, "--latency=0.1-0.2") as gateway:
        (tmp_path / "film").mkdir()
        film = batch(tmp_path / "film", gateway, 1)
        film.run()
        film.run("--emulator", f"--run-dir={film.folder / 'rehearsal'}")
        film.name = "other"
        film.write()
        film.run()
    runs, out = film.folder / "runs", film.folder / "out"
    refused: dict[str, list[str | Path]] = {
        "one report is of one manifest": ["--merge", runs / "film", runs / "other", "--out", out],
        "are not added up": ["--merge", runs / "film", film.folder / "rehearsal", "--out", out],
        "is a run directory": ["--merge", runs / "film", "--out", runs / "other"],
        "holds something already": ["--merge", runs / "film", "--out", film.folder],
        "go together": ["--merge", runs / "film"],
        "needs the run directories": ["--merge", "--out", out],
        "exclude each other": ["--merge", "--salvage", runs / "film", "--out", out],
        "add --merge": [runs / "film", runs / "other"],
    }
    for said, arguments in refused.items():
        assert said in film.do("report", *arguments, expect=2).err
    assert not out.exists()
    film.do("report", "--merge", film.folder / "rehearsal", "--out", out)
    assert (out / "emulator").is_dir(), "it says of itself that it is a rehearsal"

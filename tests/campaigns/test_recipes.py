"""The commands of docs/recipes.md, one after the other, against a gateway that loses an answer."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from helpers.pages_commands import ROOT, blocks, run, shot_list
from helpers.runs import csv_rows, emulator

RECIPES = ROOT / "docs" / "recipes.md"
CRASH = "After a crash, a closed lid, Ctrl-C"
JOB = "A cron job, or CI"
ONCE = "[lost-once]"


def edited(name: str, *changes: tuple[str, str]) -> Callable[[Path], None]:
    """Replace texts in a file, by regular expressions."""

    def edit(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        for before, after in changes:
            changed = re.sub(before, after, text)
            assert changed != text, before
            text = changed
        (folder / name).write_text(text, encoding="utf-8")

    return edit


PROFILE = r"""\1
defaults: {size: 960*960, duration: 2}
profiles:
  draft: {size: 1280*720, watermark: true}"""
EDITS: Mapping[tuple[str, int], Callable[[Path], None]] = {
    ("A cheaper draft first", 0): edited("film.yaml", (r" +(size|duration): .*\n", ""), ("(name: film)", PROFILE)),
    ("One more take", 0): edited("film.yaml", ('(id: "020")', r"\1\n    takes: 2")),
    ("Changing a prompt", 0): edited("film.yaml", ("over the lawn", "over the meadow")),
    (CRASH, 0): edited("film.yaml", ("laughs", f"laughs aloud {ONCE}")),
    ("Submit now, collect later", 0): edited("film.yaml", ("over the meadow", "over the hill")),
}
"""What is edited, or happens, before a block below a heading."""


def test_the_recipes(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    shot_list(folder)
    before: dict[str, int] = {}
    said = {}
    with emulator(tmp_path, rules=[{"match": ONCE, "fault": "lost-response", "times": 1}]) as gateway:
        for block in blocks(RECIPES):
            place = (block.heading, before.setdefault(block.heading, 0))
            before[block.heading] += 1
            if place in EDITS:
                EDITS[place](folder)
            said[place] = run(block, folder, gateway, expect=1 if place == (CRASH, 0) else 0)
    assert set(EDITS) <= set(said)
    assert "030: unknown" in said[CRASH, 0].err
    rows = csv_rows(folder / "runs" / "film" / "report.csv")
    shown = {row["scene_id"]: row["status"] for row in rows}
    assert shown == dict.fromkeys(["010", "020-t1", "020-t2", "030"], "completed")
    ledger = [row["scene_id"] for row in csv_rows(folder / "runs" / "film" / "ledger.csv")]
    assert sorted(ledger) == [*["010"] * 5, *["020"] * 2, "020-t2", *["030"] * 3]
    assert said[JOB, 0].out == "complete, see runs/film/report.csv\n"
    assert (folder.parent / "other" / "runs" / "film" / "videos" / "030.mp4").exists()

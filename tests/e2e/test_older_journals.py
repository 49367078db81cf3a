"""Journals of earlier versions, whose lines have the request alone, are read as those of today."""

import json
import zlib
from pathlib import Path
from typing import Any

from batchgen.journal.records import line_fields
from batchgen.model import Asked

from helpers.runs import PRICES, Batch, Gateway, batch, json_lines

LATER = {name for name in line_fields(Asked) if name != "model"}


def without_later(record: dict[str, Any]) -> dict[str, Any]:
    """A line, or a scene in one, as versions before wrote it."""
    left = LATER if "request" not in record else LATER | {"model"}
    return {
        key: [without_later(scene) for scene in value] if key == "scenes" else value
        for key, value in record.items()
        if key not in left
    }


def make_older(journal: Path) -> None:
    lines = []
    for record in json_lines(journal):
        older = without_later({key: value for key, value in record.items() if key not in ("crc", "writer", "line")})
        text = json.dumps(older, separators=(",", ":"))[:-1]
        lines.append(f'{text},"crc":"{zlib.crc32(text.encode()):08x}"}}')
    journal.write_text("\n".join(lines) + "\n", encoding="ascii")


def told(film: Batch) -> list[str]:
    """All that the commands say of a run directory."""
    shown = [film.do("status", film.run_dir, "--format", "json")]
    shown += [film.do("audit", film.run_dir, "--by", by, "--format", "json") for by in ("size", "model")]
    film.do("report", film.run_dir)
    tables = [(film.run_dir / name).read_text(encoding="utf-8") for name in ("report.csv", "ledger.csv")]
    return [*(ended.out for ended in shown), json.dumps(film.plan()), *tables]


def test_an_older_journal_is_read_as_one_of_today(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3, pricing=PRICES)
    film.scenes["s3"]["seed"] = "random"
    film.write()
    film.run()
    before = told(film)
    make_older(film.state)
    assert LATER.isdisjoint(key for record in json_lines(film.state) for key in record)
    assert told(film) == before
    asked = len(gateway.posts())
    film.run()
    assert len(gateway.posts()) == asked
    assert told(film) == before
    assert json_lines(film.state)[-2]["event"] == "run_started", "the scenes are those of before"


def test_the_prompt_of_an_older_submission_is_shown(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1, pricing=PRICES)
    film.run()
    make_older(film.state)
    lines = film.state.read_text(encoding="ascii").splitlines(keepends=True)
    until = next(number for number, line in enumerate(lines, 1) if '"event":"submitting"' in line)
    film.state.write_text("".join(lines[:until]), encoding="ascii")
    assert "character1" in film.run(expect=1).err

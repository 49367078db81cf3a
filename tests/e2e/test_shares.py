"""Slow downloads and slow uploads hold back nothing else."""

from pathlib import Path

from helpers.runs import PRICES, batch, emulator

SCENES = 8


def test_slow_downloads_leave_readings_and_submissions_going(tmp_path: Path) -> None:
    with emulator(tmp_path, "--fault=rate-1", "--fault=padded-1", "--latency=0.1") as gateway:
        film = batch(tmp_path, gateway, SCENES, pricing=PRICES)
        film.run("--workers=2", "--max-in-flight=8")
    told = [entry["event"] for entry in film.journal()]
    last = len(told) - 1 - told[::-1].index("completed")
    assert told[:last].count("downloaded") <= 2, "no task waited for the downloads of those before it"
    assert film.statuses() == " ".join(["completed"] * SCENES)

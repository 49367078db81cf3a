"""batchgen as a library: the notebook of docs/library.md, threads, callbacks, and nothing printed."""

import asyncio
import logging
import os
import re
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

import batchgen

from helpers.runs import Gateway, batch
from helpers.support import REFERENCE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")


def example(number: int) -> str:
    return str(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[number])


def test_the_notebook_of_the_page_runs_a_batch_and_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "manifests").symlink_to(ROOT / "manifests")
    lines = example(0).strip().splitlines()
    assert len([line for line in lines if line]) <= 10
    ended = subprocess.run(
        [sys.executable, "-P", "-c", example(0) + "\nassert len(videos) == submits == 2\nassert charged > 0, cost\n"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert sorted(path.name for path in (tmp_path / "runs" / "notebook" / "videos").iterdir()) == ["s01.mp4", "s02.mp4"]


def test_everything_that_is_offered_is_there_and_described() -> None:
    for name in batchgen.__all__:
        assert name in dir(batchgen)
        offered = getattr(batchgen, name)
        assert name == "__version__" or getattr(offered, "__doc__", None) or name == "Notice"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = batchgen.nothing


def test_to_import_it_imports_nothing_heavy() -> None:
    code = "import sys, batchgen; print([name for name in ('av', 'PIL', 'urllib3', 'click') if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_batches_run_at_once_on_other_threads(tmp_path: Path) -> None:
    spaces: dict[str, object] = {}
    exec(compile(example(1), "library.md", "exec"), spaces)  # noqa: S102 - our own page
    paths = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        paths.append(batch(folder, "", 2, name=name).manifest)
    before = os.getcwd()  # noqa: PTH109 - the page's runs go to ./runs
    os.chdir(tmp_path)
    try:
        results = asyncio.run(spaces["main"](paths))  # type: ignore[operator]
    finally:
        os.chdir(before)
    assert [(result.is_complete, len(result.scenes)) for result in results] == [(True, 2), (True, 2)]
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("batchgen")]


def written(folder: Path, scenes: int = 2) -> Path:
    return batch(folder, "", scenes).manifest


def test_a_run_can_be_watched_refused_and_interrupted(tmp_path: Path, gateway: Gateway) -> None:
    loaded = batchgen.load(str(written(tmp_path, 3)), run_dir=tmp_path / "run")
    options = batchgen.RunOptions(base_url=gateway.base_url, poll_interval_s=0.05)
    refused = batchgen.run(loaded, "a-key-of-the-test", options=options, confirm=lambda _: False)
    assert (refused.submitted, refused.exit_code) == (False, 0)
    assert {scene.status for scene in refused.scenes} <= {batchgen.SceneStatus.PENDING}

    interrupt, seen = batchgen.Interrupt(), []

    def notify(notice: batchgen.Notice) -> None:
        seen.append(notice)
        if isinstance(notice, batchgen.Advanced) and notice.view.standing().running == 3:
            interrupt.set()

    first = batchgen.run(loaded, "a-key-of-the-test", options=options, notify=notify, interrupt=interrupt)
    assert (first.stop, first.exit_code) == (batchgen.Stop.INTERRUPTED, 130)
    second = batchgen.run(loaded, "a-key-of-the-test", options=options)
    assert second.is_complete
    assert {scene.status for scene in second.scenes} == {batchgen.SceneStatus.COMPLETED}
    assert all(scene.video is not None and scene.video.is_file() for scene in second.scenes)
    assert second.charged.usd == sum((scene.cost_usd or Decimal(0) for scene in second.scenes), Decimal(0)) > 0
    sums = batchgen.audit([tmp_path / "run"]).sums
    assert Decimal(sums["total"]["cost_usd"]) == second.charged.usd


def test_what_a_callback_raises_ends_the_run_in_order(tmp_path: Path, gateway: Gateway) -> None:
    loaded = batchgen.load(written(tmp_path, 3), run_dir=tmp_path / "run")
    options = batchgen.RunOptions(base_url=gateway.base_url, poll_interval_s=0.05)

    def notify(notice: batchgen.Notice) -> None:
        if isinstance(notice, batchgen.Advanced):
            raise LookupError("of the caller")  # noqa: TRY004 - any will do

    with pytest.raises(LookupError, match="of the caller"):
        batchgen.run(loaded, "a-key-of-the-test", options=options, notify=notify)
    result = batchgen.run(loaded, "a-key-of-the-test", options=options)
    assert result.is_complete
    assert [scene.attempts for scene in result.scenes] == [1, 1, 1]


def test_errors_are_typed_and_nothing_is_begun(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(f"version: 1\nname: x\nscenes:\n  - id: s01\n    prompt: ''\n    references: [{REFERENCE}]\n")
    with pytest.raises(batchgen.InvalidManifest) as caught:
        batchgen.load(broken, run_dir=tmp_path / "run")
    assert [problem.place.line for problem in caught.value.problems] == [5]
    assert caught.value.exit_code == 3
    good = batchgen.load(written(tmp_path), run_dir=tmp_path / "run")
    with pytest.raises(batchgen.UsageError, match="no API key"):
        batchgen.run(good)
    with pytest.raises(batchgen.UsageError, match="base URL"):
        batchgen.run(good, "a-key-of-the-test", options=batchgen.RunOptions(base_url="ftp://x"))
    assert not (tmp_path / "run").exists()
    ours = [handler for handler in logging.getLogger("batchgen").handlers if "batchgen" in type(handler).__module__]
    assert ours == []

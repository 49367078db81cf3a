"""batchgen as a library: the notebook of docs/library.md, threads, callbacks, and nothing printed."""

import asyncio
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import batchgen
from batchgen.engine.commands import Fetch, FetchResult
from batchgen.model import Request
from batchgen.providers.interface import Created, Task
from batchgen.providers.registry import PROVIDERS
from batchgen.runner.command_executor import CommandExecutor
from batchgen.store.interface import Checked, Fetched, Wanted

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
    assert (refused.submitted, refused.exit_code, refused.is_complete) == (False, 0, False)
    assert [scene.status for scene in refused.scenes] == [batchgen.SceneStatus.PENDING] * 3

    early = batchgen.Interrupt()
    early.set()
    nothing = batchgen.run(loaded, "a-key-of-the-test", options=options, interrupt=early)
    assert (nothing.stop, nothing.is_complete, gateway.posts()) == (batchgen.Stop.INTERRUPTED, False, [])

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


def test_one_interrupt_ends_all_runs_that_listen_to_it(tmp_path: Path, gateway: Gateway) -> None:
    interrupt, results = batchgen.Interrupt(), []
    options = batchgen.RunOptions(base_url=gateway.base_url, poll_interval_s=0.05)
    started = threading.Barrier(3)

    def go(name: str) -> None:
        (tmp_path / name).mkdir()
        made = batch(tmp_path / name, "", 1)
        made.scenes["s1"]["prompt"] += " [stuck]"
        made.write()
        seen = False

        def notify(notice: batchgen.Notice) -> None:
            nonlocal seen
            if isinstance(notice, batchgen.Advanced) and notice.view.standing().running and not seen:
                seen = True
                started.wait(60)

        loaded = batchgen.load(made.manifest)
        results.append(batchgen.run(loaded, "a-key-of-the-test", options=options, notify=notify, interrupt=interrupt))

    threads = [threading.Thread(target=go, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    started.wait(60)
    interrupt.set()
    for thread in threads:
        thread.join(60)
    assert [result.stop for result in results] == [batchgen.Stop.INTERRUPTED] * 2


def test_wrong_arguments_are_told_before_anything_begins(tmp_path: Path, gateway: Gateway) -> None:
    loaded = batchgen.load(written(tmp_path), run_dir=tmp_path / "run", history=[])
    for wrong in ({"workers": 0}, {"poll_interval_s": 0.0}, {"budget_usd": Decimal("NaN")}, {"submit_rate": -1.0}):
        with pytest.raises(batchgen.UsageError, match=next(iter(wrong))):
            batchgen.RunOptions(**wrong)
    odd = batchgen.RunOptions(base_url=gateway.base_url, request_format="nope")
    with pytest.raises(batchgen.UsageError, match="'nope' is not a format of requests"):
        batchgen.run(loaded, "a-key-of-the-test", options=odd)
    with pytest.raises(batchgen.UsageError, match="go together"):
        batchgen.audit([tmp_path], invoice="statement.csv")
    with pytest.raises(batchgen.UsageError, match="there is no group 'weather'"):
        batchgen.audit([tmp_path], by="weather")
    assert not (tmp_path / "run").exists()


def test_what_it_leaves_is_for_its_owner(tmp_path: Path) -> None:
    loaded = batchgen.load(written(tmp_path, 1), rehearsal=True)
    batchgen.run(loaded, options=batchgen.RunOptions(poll_interval_s=0.05))
    assert loaded.directory.path.stat().st_mode & 0o077 == 0


def test_a_mistake_of_a_provider_loses_no_id_and_damages_no_journal(tmp_path: Path) -> None:
    class Careless:
        def create(self, request: Request) -> Created:
            assert request.asked.model
            return Created(12345)  # type: ignore[arg-type]

        def read(self, task_id: str) -> Task:
            assert task_id
            raise AssertionError("nothing is read without an id")

        def close(self) -> None:
            pass

    careless = replace(PROVIDERS["vtrix"], connect=lambda _: Careless())
    loaded = batchgen.load(written(tmp_path, 1), run_dir=tmp_path / "run")
    options = batchgen.RunOptions(base_url="http://127.0.0.1:9")
    result = batchgen.run(loaded, "a-key-of-the-test", options=options, providers={"vtrix": careless})
    assert [scene.status for scene in result.scenes] == [batchgen.SceneStatus.UNKNOWN]
    latest = loaded.directory.state().latest("s1")
    assert latest is not None
    assert latest.candidate_id == "12345"


def test_a_result_that_arrives_after_the_end_of_a_run_is_left_to_the_next() -> None:
    class Late:
        def work(self, _: Wanted) -> Callable[[], Checked]:
            def come() -> Checked:
                executor.close()
                return Checked(Fetched(Path("x"), 1, "ab"), None)

            return come

        def keep(self, _: Wanted, __: Checked) -> str:
            raise AssertionError("kept after the run had ended")

    executor = CommandExecutor(None, None, Late(), {})  # type: ignore[arg-type]
    ended = executor.perform(Fetch("s1", 1, "http://127.0.0.1:9/x", "480*480", 2))
    assert isinstance(ended, FetchResult)
    assert (ended.path, ended.failure) == (None, "the run has ended before the result was here")

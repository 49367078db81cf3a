"""batchgen as a library: the notebook of docs/library.md, threads, callbacks, and nothing printed."""

import asyncio
import inspect
import logging
import os
import pkgutil
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import batchgen
from batchgen.cli.emulator import command as emulator_command
from batchgen.cli.run import command as run_command
from batchgen.engine.commands import Fetch, FetchResult
from batchgen.model import Request
from batchgen.providers.interface import Created, Task
from batchgen.providers.registry import PROVIDERS
from batchgen.runner.command_executor import CommandExecutor
from batchgen.store.interface import Checked, Fetched, Wanted

from helpers.runs import KEY, PRICES, Batch, Gateway, batch, until
from helpers.support import REFERENCE, write_image

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
OF_THE_TERMINAL = {"full", "yes", "no_progress", "dry_run", "plan_file", "api_key_file", "on_end"}
OF_A_PROGRAM = {"api_key", "on_event", "stop", "providers"}


def example(number: int) -> str:
    return str(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[number])


def in_a_process(code: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error", **environment},
    )


def test_the_notebook_of_the_page_runs_a_batch_and_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "manifests").symlink_to(ROOT / "manifests")
    lines = example(0).strip().splitlines()
    assert len([line for line in lines if line]) <= 10
    ended = in_a_process(
        example(0) + "\nassert len(videos) == submits == 2\nassert charged > 0, cost\n",
        tmp_path,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert sorted(path.name for path in (tmp_path / "runs" / "notebook" / "videos").iterdir()) == ["s01.mp4", "s02.mp4"]


def test_the_emulator_of_the_page_is_one(tmp_path: Path) -> None:
    (tmp_path / "manifests").symlink_to(ROOT / "manifests")
    check = "assert {scene.status for scene in result.scenes} <= {'completed', 'failed'}, result"
    ended = in_a_process(f"{example(2)}\n{check}\n", tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_everything_that_is_offered_is_there_and_described() -> None:
    for name in batchgen.__all__:
        assert name in dir(batchgen)
        offered = getattr(batchgen, name)
        assert name == "__version__" or getattr(offered, "__doc__", None) or name == "Notice"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = batchgen.nothing


def test_no_name_is_also_that_of_a_module_below() -> None:
    modules = {module.name for module in pkgutil.iter_modules(batchgen.__path__)}
    assert "engine" in modules
    assert modules & set(batchgen.__all__) == set()


def keywords(function: Callable[..., Any]) -> set[str]:
    parameters = inspect.signature(function).parameters.values()
    return {each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}


def test_the_keywords_are_the_options_of_the_commands() -> None:
    options = {str(each.name) for each in run_command.params} - {"manifest"}
    assert keywords(batchgen.run) - OF_A_PROGRAM == options - OF_THE_TERMINAL
    assert options >= OF_THE_TERMINAL
    assert keywords(batchgen.run) >= OF_A_PROGRAM
    assert keywords(batchgen.plan) - {"ask_gateway"} < keywords(batchgen.run)
    assert keywords(batchgen.load_manifest) - {"catalogue"} < keywords(batchgen.plan)
    served = {str(each.name) for each in emulator_command.params} - {"host", "port", "list_faults"}
    assert keywords(batchgen.start_emulator) == served


def test_to_import_it_imports_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys, batchgen; print([name for name in ('av', 'PIL', 'urllib3', 'click') if name in sys.modules])"
    assert in_a_process(code, tmp_path).stdout.strip() == "[]"


WITNESS = """
import logging, os, signal, warnings
def shown():
    umask = os.umask(0o22); os.umask(umask)
    loggers = [logging.getLogger(), *(each for each in map(logging.getLogger, list(logging.Logger.manager.loggerDict)))]
    handlers = [each for one in loggers for each in one.handlers if type(each) is not logging.NullHandler]
    levels = {one.name: one.level for one in loggers if one.level and one.name != "root"}
    signals = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    return umask, handlers, levels, signals, list(warnings.filters), dict(os.environ)
import asyncio, av, PIL.Image, urllib3, uvicorn  # which have ways of their own
before = shown()
import batchgen
with batchgen.start_emulator(latency=0.1) as url:
    done = batchgen.run("manifest.yaml", run_dir="run", base_url=url, api_key="any-key", poll_interval=0.05)
rehearsed = batchgen.run("manifest.yaml", emulator=True, poll_interval=0.05)
assert done.is_complete and rehearsed.is_complete
print(*((now, then) for now, then in zip(shown(), before) if now != then), sep='', end='')
"""


def test_the_process_stays_as_it_is(tmp_path: Path) -> None:
    batch(tmp_path, "", 1)
    ended = in_a_process(WITNESS, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_pictures_of_which_pillow_warns_are_measured_without_a_word(tmp_path: Path) -> None:
    made = batch(tmp_path, "", 1)
    write_image(tmp_path / "hero.png", size=(9500, 9500), color=(1, 2, 3))
    code = "import batchgen; print(len(batchgen.check('manifest.yaml').problems) > 0)"
    ended = in_a_process(code, made.folder)
    assert (ended.stdout, ended.stderr) == ("True\n", "")


def test_batches_run_at_once_on_other_threads(tmp_path: Path) -> None:
    spaces: dict[str, object] = {}
    exec(compile(example(1), "library.md", "exec"), spaces)  # noqa: S102 - our own page
    paths = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        paths.append(batch(folder, "", 2, name=name).manifest)
    results = asyncio.run(spaces["main"](paths))  # type: ignore[operator]
    assert [(result.is_complete, len(result.scenes)) for result in results] == [(True, 2), (True, 2)]
    assert [result.run_dir.parent.parent for result in results] == [path.parent for path in paths]
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("batchgen")]


def written(folder: Path, scenes: int = 2) -> Path:
    return batch(folder, "", scenes).manifest


def pace(gateway: Gateway) -> dict[str, Any]:
    return {"base_url": gateway.base_url, "api_key": KEY, "poll_interval": 0.05}


def stuck(folder: Path, scenes: int = 1) -> Batch:
    folder.mkdir(exist_ok=True)
    made = batch(folder, "", scenes)
    for scene in made.scenes.values():
        scene["prompt"] += " [stuck]"
    made.write()
    return made


def test_a_run_is_watched_and_stopped_from_its_callback(tmp_path: Path, gateway: Gateway) -> None:
    loaded = batchgen.load_manifest(str(written(tmp_path, 3)), run_dir=tmp_path / "run")
    early = threading.Event()
    early.set()
    nothing = batchgen.run(loaded, stop=early, **pace(gateway))
    assert (nothing.stop, nothing.is_complete, gateway.posts()) == (batchgen.Stop.INTERRUPTED, False, [])

    stop, threads = threading.Event(), set()

    def on_event(event: batchgen.Notice) -> None:
        threads.add(threading.current_thread())
        if isinstance(event, batchgen.Advanced) and event.view.standing().running == 3:
            stop.set()

    first = batchgen.run(loaded, on_event=on_event, stop=stop, **pace(gateway))
    assert (first.stop, first.exit_code) == (batchgen.Stop.INTERRUPTED, 130)
    assert threads == {threading.current_thread()}
    second = batchgen.run(loaded, **pace(gateway))
    assert second.is_complete
    assert {scene.status for scene in second.scenes} == {batchgen.SceneStatus.COMPLETED}
    assert all(scene.video is not None and scene.video.is_file() for scene in second.scenes)
    assert second.charged.usd == sum((scene.cost_usd or Decimal(0) for scene in second.scenes), Decimal(0)) > 0
    sums = batchgen.audit(loaded.directory).sums
    assert Decimal(sums["total"]["cost_usd"]) == second.charged.usd
    assert len(gateway.posts()) == 3
    assert "State(" not in repr(second), "a notebook shows a result, and not the whole journal"


def test_one_event_stops_all_runs_that_look_at_it(tmp_path: Path, gateway: Gateway) -> None:
    stop, results = threading.Event(), []
    made = [stuck(tmp_path / name) for name in ("one", "two")]

    def go(one: Batch) -> None:
        results.append(batchgen.run(one.manifest, stop=stop, **pace(gateway)))

    threads = [threading.Thread(target=go, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    until(lambda: all(one.happened("submitted") for one in made))
    stop.set()
    for thread in threads:
        thread.join(60)
    assert [result.stop for result in results] == [batchgen.Stop.INTERRUPTED] * 2
    assert {result.run_dir for result in results} == {one.run_dir for one in made}


def test_a_run_that_is_stopped_does_not_stop_another(tmp_path: Path, gateway: Gateway) -> None:
    stop, results = threading.Event(), {}
    one, other = stuck(tmp_path / "one"), batch(tmp_path, "", 2)

    def go() -> None:
        results["one"] = batchgen.run(one.manifest, stop=stop, workers=1, **pace(gateway))

    thread = threading.Thread(target=go)
    thread.start()
    until(lambda: one.happened("submitted"))
    with pytest.raises(batchgen.RunDirectoryError, match="in use by process"):
        batchgen.run(one.manifest, **pace(gateway))
    with pytest.raises(LookupError):
        batchgen.run(other.manifest, on_event=raising, **pace(gateway))
    result = batchgen.run(other.manifest, **pace(gateway))
    assert result.is_complete
    assert thread.is_alive()
    stop.set()
    thread.join(60)
    assert results["one"].stop is batchgen.Stop.INTERRUPTED
    assert [scene.status for scene in results["one"].scenes] == [batchgen.SceneStatus.RUNNING]


def raising(event: batchgen.Notice) -> None:
    if isinstance(event, batchgen.Advanced):
        raise LookupError("of the caller")  # noqa: TRY004 - any will do


def test_what_a_callback_raises_ends_the_run_in_order(tmp_path: Path, gateway: Gateway) -> None:
    made = batch(tmp_path, "", 3)
    seen = []

    def on_event(event: batchgen.Notice) -> None:
        seen.append(event)
        raising(event)

    with pytest.raises(LookupError, match="of the caller") as caught:
        # In one form, all three leave at once.
        batchgen.run(made.manifest, on_event=on_event, request_format="documented", **pace(gateway))
    assert caught.value.__cause__ is None
    assert len(seen) == 1, "nobody is called back any more"
    assert made.journal()[-1] == {**made.journal()[-1], "event": "run_ended", "exit_code": 130}
    assert made.statuses() == "running running running", "the answers to submissions under way were waited for"
    assert len(gateway.posts()) == 3
    result = batchgen.run(made.manifest, **pace(gateway))
    assert result.is_complete
    assert [scene.attempts for scene in result.scenes] == [1, 1, 1]


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to one process")
def test_ctrl_c_ends_a_run_in_order_and_is_raised(tmp_path: Path, gateway: Gateway) -> None:
    made = stuck(tmp_path, 2)
    code = (
        "import batchgen, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # whoever runs the tests may ignore it
        "try:\n"
        f"    batchgen.run('manifest.yaml', base_url={gateway.base_url!r}, poll_interval=0.05)\n"
        "except KeyboardInterrupt:\n"
        "    print('raised', batchgen.RunDirectory('runs/film').report.exists())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "BATCHGEN_API_KEY": KEY},
    ) as process:
        until(lambda: made.happened("submitted", 2), process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "raised True\n", "")
    assert made.journal()[-1] == {**made.journal()[-1], "event": "run_ended", "exit_code": 130}
    assert made.statuses() == "running running"
    assert len(gateway.posts()) == len(gateway.created()) == 2


def test_a_plan_is_carried_out_as_it_is(tmp_path: Path, gateway: Gateway) -> None:
    made = batch(tmp_path, "", 3)
    planned = batchgen.plan(made.manifest, scenes=["s1", "s3"], no_download=True)
    result = batchgen.run(planned, **pace(gateway))
    assert [scene.status for scene in result.scenes] == ["completed", "pending", "completed"]
    assert [scene.video for scene in result.scenes if scene.video and scene.video.exists()] == []
    assert len(gateway.posts()) == 2


CHANGES: dict[str, Callable[[Batch], object]] = {
    "manifest and references": lambda made: write_image(made.folder / "hero.png", size=(400, 400), color=(1, 2, 3)),
    "prices": lambda made: batch(made.folder, made.gateway, 2, pricing={**PRICES, "720P": "0.20"}),
    "state": lambda made: batchgen.run(
        made.manifest, no_wait=True, scenes="s2", **pace(Gateway(made.gateway, made.state))
    ),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_plan_that_does_not_hold_any_more_is_refused(tmp_path: Path, gateway: Gateway, changed: str) -> None:
    made = batch(tmp_path, gateway, 2, pricing=PRICES)
    planned = batchgen.plan(made.manifest, scenes="s1")
    CHANGES[changed](made)
    before = len(gateway.posts())
    with pytest.raises(batchgen.RefusedRun, match=f"does not hold any more: {changed} changed since it was made"):
        batchgen.run(planned, **pace(gateway))
    assert len(gateway.posts()) == before


def test_a_plan_of_a_manifest_with_errors_by_now_is_refused(tmp_path: Path, gateway: Gateway) -> None:
    made = batch(tmp_path, gateway, 1)
    planned = batchgen.plan(made.manifest)
    made.manifest.write_text("version: 1\n")
    with pytest.raises(batchgen.InvalidManifest):
        batchgen.run(planned, **pace(gateway))


def test_a_budget_ends_a_run_with_a_result(tmp_path: Path, gateway: Gateway) -> None:
    made = batch(tmp_path, "", 3, pricing=PRICES)
    result = batchgen.run(made.manifest, budget="0.35", max_in_flight=1, **pace(gateway))
    assert (result.stop, result.exit_code, result.is_complete) == (batchgen.Stop.BUDGET, 4, False)
    assert result.why
    assert result.charged.usd <= Decimal("0.35")
    assert [scene.status for scene in result.scenes] == ["completed", "pending", "pending"]
    assert [scene.error_code for scene in result.scenes] == ["", "budget", "budget"]
    with pytest.raises(batchgen.RefusedRun, match="cannot be kept without a price"):
        batchgen.run(written(tmp_path, 1), budget=1, run_dir=tmp_path / "other", **pace(gateway))


@pytest.mark.parametrize(("fault", "stop"), [("403", batchgen.Stop.ACCOUNT), ("402", batchgen.Stop.BALANCE)])
def test_an_account_that_is_refused_ends_a_run_with_a_result(tmp_path: Path, fault: str, stop: batchgen.Stop) -> None:
    with batchgen.start_emulator(faults=[fault], latency=0) as url:
        result = batchgen.run(written(tmp_path, 1), base_url=url, api_key=KEY, poll_interval=0.05)
    assert (result.stop, result.exit_code, [scene.status for scene in result.scenes]) == (stop, 5, ["pending"])


def test_an_emulator_of_ones_own_has_its_settings(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rules = tmp_path / "rules.json"
    rules.write_text('[{"match": " 2", "fault": "fail-001028095-object"}]')
    settings: dict[str, Any] = {"prices": {"720P": Decimal("1.25")}, "discount": "0.2", "fault_file": rules, "log": log}
    with batchgen.start_emulator(latency="0.1-0.2", seed=1, **settings) as url:
        result = batchgen.run(written(tmp_path), base_url=url, api_key=batchgen.ApiKey("any-key"), poll_interval=0.05)
        gateway = Gateway(url, log)
        assert len(gateway.posts()) == 2
    assert [scene.status for scene in result.scenes] == ["completed", "failed"]
    assert result.charged.usd == Decimal(2)
    assert not batchgen.RunDirectory(result.run_dir).is_rehearsal()
    assert not [thread for thread in threading.enumerate() if thread.name == "emulator"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"latency": "fast"}, "latency"),
        ({"max_concurrent": 0}, "max_concurrent"),
        ({"max_concurrent": "5"}, "max_concurrent"),
        ({"slow_seconds": float("nan")}, "slow_seconds"),
        ({"charge_failed": "no"}, "charge_failed"),
        ({"log": 5}, "log"),
        ({"seed": -1}, "seed"),
        ({"cost_as": "words"}, "cost_as"),
        ({"prices": {"8K": 1}}, "there is no tier '8K'"),
        ({"faults": "nonsense"}, "nonsense"),
    ],
)
def test_an_emulator_is_not_started_with_wrong_settings(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(batchgen.UsageError, match=told), batchgen.start_emulator(**settings):
        raise AssertionError("started")


def test_a_run_directory_tells_where_things_stand(tmp_path: Path, gateway: Gateway) -> None:
    made = batch(tmp_path, "", 0)
    made.scenes["s1"] = {"prompt": "character1 waves", "takes": 2, "seed": 7, "title": "The gate"}
    made.write()
    assert not batchgen.RunDirectory(str(made.run_dir)).is_begun()
    batchgen.run(made.manifest, scenes="s1-t2", **pace(gateway))
    directory = batchgen.RunDirectory(made.run_dir)
    waiting, done = directory.scenes()
    assert (done.shot, done.take, done.seed, done.title, done.picked) == ("s1", 2, 8, "The gate", False)
    assert (waiting.status, waiting.video, waiting.cost_usd, waiting.submitted_at) == ("pending", None, None, None)
    assert done.video == directory.videos / "s1-t2.mp4"
    assert (directory.results / "s1-t2@1.mp4").is_file()
    assert directory.report.is_file()
    batchgen.pick(directory, "s1-t2@1")
    assert directory.picks() == ("s1-t2@1",)
    assert [scene.picked for scene in directory.scenes()] == [False, True]
    totals = directory.totals()
    assert (totals.scenes[batchgen.SceneStatus.PENDING], totals.scenes[batchgen.SceneStatus.COMPLETED]) == (1, 1)
    assert totals.charged.usd == done.cost_usd
    assert [row["scene_id"] for row in batchgen.write_reports(directory)] == ["s1-t1", "s1-t2"]
    with pytest.raises(batchgen.UsageError, match="there is nothing to settle"):
        batchgen.resolve(directory, "s1-t2", not_created=True)


def test_errors_are_typed_and_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATCHGEN_API_KEY", raising=False)
    broken = tmp_path / "broken.yaml"
    broken.write_text(f"version: 1\nname: x\nscenes:\n  - id: s01\n    prompt: ''\n    references: [{REFERENCE}]\n")
    with pytest.raises(batchgen.InvalidManifest) as caught:
        batchgen.run(broken, run_dir=tmp_path / "run")
    assert [problem.place.line for problem in caught.value.problems] == [5]
    assert caught.value.exit_code == 3
    good = batchgen.load_manifest(written(tmp_path), run_dir=tmp_path / "run")
    with pytest.raises(batchgen.UsageError, match="no API key"):
        batchgen.run(good)
    with pytest.raises(batchgen.UsageError, match="base URL"):
        batchgen.run(good, api_key=KEY, base_url="ftp://x")
    assert not (tmp_path / "run").exists()
    ours = [handler for handler in logging.getLogger("batchgen").handlers if "batchgen" in type(handler).__module__]
    assert ours == []


def test_a_key_is_looked_for_only_where_none_is_given(
    tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = batchgen.load_manifest(written(tmp_path, 1), run_dir=tmp_path / "run")
    monkeypatch.setenv("BATCHGEN_API_KEY", "not a key")
    with pytest.raises(batchgen.UsageError, match="characters that no key has"):
        batchgen.run(loaded, base_url=gateway.base_url)
    with pytest.raises(batchgen.UsageError, match="is empty"):
        batchgen.run(loaded, api_key="")
    monkeypatch.setenv("BATCHGEN_EMULATOR", "1")
    assert batchgen.run(loaded, **pace(gateway)).is_complete
    assert len(gateway.posts()) == 1


WRONG: dict[str, Any] = {
    "workers": (0, True, "8", 2.5, 10_001),
    "max_in_flight": (0, None.__class__),
    "submit_rate": (-1.0, float("nan")),
    "poll_interval": (0.0, float("inf"), float("nan"), "5"),
    "request_timeout": (0,),
    "task_timeout": (-5,),
    "attempts": (0, 1.5),
    "budget": (1.5, Decimal("NaN"), "-1", "much", True),
    "request_format": ("nope", 1),
    "scenes": ([], (), [1], 5),
    "again": ([],),
    "no_wait": ("no", 0),
    "retry_failed": (1,),
    "no_download": ("",),
    "rebind": (1,),
    "api_key": (b"bytes",),
    "base_url": ("ftp://x", 5, ""),
    "strict": ("yes",),
    "emulator": ("yes",),
    "run_dir": (5,),
    "history": (5, [5]),
    "reuse": ([None],),
    "on_event": ("print",),
    "stop": (True,),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_what_no_run_can_keep_to_is_told_before_anything_begins(tmp_path: Path, name: str, value: object) -> None:
    usual: dict[str, Any] = {"api_key": KEY, "base_url": "http://127.0.0.1:9"}
    told = {"api_key": "API key", "base_url": "base URL", "budget": "money is never a float|amount of US dollars"}
    with pytest.raises(batchgen.UsageError, match=told.get(name, name)):
        batchgen.run(written(tmp_path), **{**usual, name: value})
    assert not (tmp_path / "runs").exists()


LOADING = ("run_dir", "emulator", "history", "reuse", "strict", "providers")
PLANNING = ("scenes", "retry_failed", "again", "attempts", "no_download")


@pytest.mark.parametrize("name", [*LOADING, *PLANNING])
def test_what_is_said_too_late_is_wrong_usage(tmp_path: Path, name: str) -> None:
    loaded = batchgen.load_manifest(written(tmp_path), emulator=True)
    late: dict[str, Any] = {name: False}
    with pytest.raises(batchgen.UsageError, match=f"{name}: said too late, beside a plan that is made"):
        batchgen.run(batchgen.plan(loaded), **late)
    if name in LOADING:
        for call in (batchgen.plan, batchgen.run):
            with pytest.raises(batchgen.UsageError, match=f"{name}: said too late, beside a manifest that is loaded"):
                call(loaded, **late)
    assert not (tmp_path / "runs").exists()


def test_an_address_is_not_for_rehearsals(tmp_path: Path, gateway: Gateway) -> None:
    with pytest.raises(batchgen.UsageError, match="emulator and base_url exclude each other"):
        batchgen.run(written(tmp_path), emulator=True, **pace(gateway))


def test_wrong_arguments_of_an_audit_are_told(tmp_path: Path) -> None:
    with pytest.raises(batchgen.UsageError, match="go together"):
        batchgen.audit([tmp_path], invoice="statement.csv")
    with pytest.raises(batchgen.UsageError, match="there is no group 'weather'"):
        batchgen.audit([tmp_path], by="weather")


def test_what_it_leaves_is_for_its_owner(tmp_path: Path) -> None:
    result = batchgen.run(written(tmp_path, 1), emulator=True, poll_interval=0.05)
    assert result.run_dir.stat().st_mode & 0o077 == 0


def test_a_mistake_of_a_provider_loses_no_id_and_damages_no_journal(tmp_path: Path) -> None:
    class Careless:
        def create(self, request: Request, *, request_id: str, request_format: str) -> Created:
            assert (len(request_id), request_format) == (36, "documented")
            assert request.asked.model
            return Created(12345)  # type: ignore[arg-type]

        def read(self, task_id: str) -> Task:
            assert task_id
            raise AssertionError("nothing is read without an id")

        def close(self) -> None:
            pass

    careless = {"vtrix": replace(PROVIDERS["vtrix"], connect=lambda _: Careless())}
    run_dir = tmp_path / "run"
    result = batchgen.run(
        written(tmp_path, 1), run_dir=run_dir, api_key=KEY, base_url="http://127.0.0.1:9", providers=careless
    )
    assert [scene.status for scene in result.scenes] == [batchgen.SceneStatus.UNKNOWN]
    latest = batchgen.RunDirectory(run_dir).state().latest("s1")
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

"""What fuzzing holds: on inputs that are kept, on those that once broke something, and on a few thousand new ones.

`python tests/campaigns/fuzz` goes on where these tests stop.
"""

import platform
import sys
from importlib import import_module
from pathlib import Path

import pytest

from campaigns.fuzz.campaign import HERE, TARGETS, Bounds, run

RUNS = {"manifest": 300, "media": 600}
"""New inputs a target; 2,000 where nothing is said."""
INSTALLABLE = sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 14)
needs_atheris = pytest.mark.skipif(not INSTALLABLE, reason="there is no atheris for this platform or Python")


def kept(kind: str) -> list[tuple[str, Path]]:
    return [(target, path) for target in TARGETS for path in sorted((HERE / kind / target).glob("*"))]


@pytest.mark.parametrize(("target", "path"), kept("corpus"), ids=lambda value: getattr(value, "name", value))
def test_seeds_break_nothing(target: str, path: Path) -> None:
    import_module(f"campaigns.fuzz.targets.{target}").check(path.read_bytes())


@pytest.mark.parametrize(("target", "path"), kept("regressions"), ids=lambda value: getattr(value, "name", value))
def test_what_once_broke_something_does_so_no_more(target: str, path: Path) -> None:
    import_module(f"campaigns.fuzz.targets.{target}").check(path.read_bytes())


@needs_atheris
@pytest.mark.parametrize("target", TARGETS)
def test_new_inputs_break_nothing(tmp_path: Path, target: str) -> None:
    runs = RUNS.get(target, 2_000)
    figures = run(f"campaigns.fuzz.targets.{target}", TARGETS[target], tmp_path / "findings", runs=runs, seed=1)
    assert figures.ended_well, figures.told
    assert figures.inputs >= runs
    assert figures.edges > 0
    assert figures.findings == ()


BREAKS = {
    "a broken promise": ('raise AssertionError("no such thing")', "no such thing"),
    "a death in native code": ("import ctypes; ctypes.string_at(0)", "deadly signal"),
    "an end without a word": ("import os; os._exit(0)", ""),
    "time without end": ("import time; time.sleep(60)", "timeout"),
    "memory without end": ("import time; kept = b'x' * 300_000_000; time.sleep(2)", "out-of-memory"),
}


@needs_atheris
@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    act, told = BREAKS[name]
    (tmp_path / "breaking.py").write_text(f"def check(data):\n    if data:\n        {act}\n")
    monkeypatch.syspath_prepend(tmp_path)
    bounds = Bounds(longest=4, seconds=1 if told == "timeout" else 10, memory_mb=200)
    figures = run("breaking", bounds, tmp_path / "findings", runs=1_000, seed=1)
    assert not figures.ended_well
    assert told in figures.told
    if told:
        (finding,) = figures.findings
        assert finding.read_bytes()

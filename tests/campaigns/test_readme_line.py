"""The README's line to start with, in a checkout of any name."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.update_readme import README

TEXT = README.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["src", "clone"])
def test_the_line_to_start_with_runs_and_leaves_nothing_that_lint_objects_to(tmp_path: Path, name: str) -> None:
    (line,) = [line for line in TEXT.splitlines() if line.startswith("python3 -m venv .venv ")]
    *_, command = line.split(" && ")
    words = shlex.split(command)
    assert words.pop(0) == ".venv/bin/batchgen"
    clone = tmp_path / name
    left_out = shutil.ignore_patterns(".*", "runs", "build", "dist", "__pycache__", "*.egg-info")
    shutil.copytree(README.parent, clone, ignore=left_out)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "batchgen", *words], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rehearsal = clone / "runs" / "rehearsal"
    assert sorted(path.name for path in (rehearsal / "videos").iterdir()) == ["s01.mp4", "s02.mp4"]
    assert (rehearsal / "report.csv").read_text().count(",completed,") == 2
    lint = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "."],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout

"""What the README shows is what the program does."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from update_readme import README, shown_help

TEXT = README.read_text(encoding="utf-8")


def test_the_help_in_the_readme_is_the_programs() -> None:
    assert shown_help() in TEXT


def test_the_line_to_start_with_runs(tmp_path: Path) -> None:
    (line,) = [line for line in TEXT.splitlines() if line.startswith("python3 -m venv")]
    *_, command = line.split(" && ")
    words = shlex.split(command)
    assert words.pop(0) == ".venv/bin/batchgen"
    manifests = README.parent / "manifests"
    (tmp_path / "manifests").symlink_to(manifests)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "batchgen", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rehearsal = tmp_path / "runs" / "rehearsal"
    assert sorted(path.name for path in (rehearsal / "videos").iterdir()) == ["s01.mp4", "s02.mp4"]
    assert (rehearsal / "report.csv").read_text().count(",completed,") == 2


@pytest.mark.parametrize(
    "link", sorted({part.split(")")[0] for part in TEXT.split("](")[1:] if not part.startswith("http")})
)
def test_every_link_leads_somewhere(link: str) -> None:
    assert (README.parent / link).exists()
